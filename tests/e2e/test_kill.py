"""`puente run` killed with SIGKILL at random moments while SAE is edited: nothing is lost, nothing is wrong."""

import random
import time
from pathlib import Path

import pytest

from tests.e2e.running import Running
from tests.e2e.small_site import SmallSite, build
from tests.engines.embedded import Engine

KILLS = 20
SEED = 20


def edit(site: SmallSite, chance: random.Random, turn: int) -> None:
    """One thing that SAE's users do, in one transaction."""
    products = [row[0] for row in site.sae_rows("CVE_ART FROM INVE01 ORDER BY CVE_ART")]
    key = chance.choice(products).replace("'", "''")
    kinds = {
        "price": [f"UPDATE PRECIO_X_PROD01 SET PRECIO = {chance.randrange(1, 9999)} / 7.0 WHERE CVE_ART = '{key}'"],
        "text": [f"UPDATE INVE01 SET DESCR = 'Edición “{turn}” ñ €' WHERE CVE_ART = '{key}'"],
        "baja": [f"UPDATE INVE01 SET STATUS = '{chance.choice('AAB')}' WHERE CVE_ART = '{key}'"],
        "stock": [f"UPDATE MULT01 SET EXIST = {chance.randrange(-5, 500)} WHERE CVE_ART = '{key}'"],
        "line": [f"UPDATE CLIN01 SET DESC_LIN = 'Línea {turn}' WHERE CVE_LIN = (SELECT MIN(CVE_LIN) FROM CLIN01)"],
        "scheme": [f"UPDATE IMPU01 SET IMPUESTO1 = {chance.randrange(20)} WHERE CVE_ESQIMPU = 1"],
        "rate": [f"UPDATE MONED01 SET TCAMBIO = {chance.randrange(1700, 2100)} / 100.0 WHERE NUM_MONED = 2"],
        "customer": [f"UPDATE CLIE01 SET CALLE = 'Calle {turn}' WHERE CLAVE = (SELECT MIN(CLAVE) FROM CLIE01)"],
        "new": [
            f"INSERT INTO INVE01 (CVE_ART, DESCR, TIPO_ELE, CVE_ESQIMPU, STATUS) VALUES ('N-{turn}', 'Nuevo {turn}', 'P', 1, 'A')",
            f"INSERT INTO PRECIO_X_PROD01 (CVE_ART, CVE_PRECIO, PRECIO) VALUES ('N-{turn}', 1, {turn}.5)",
            f"INSERT INTO MULT01 (CVE_ART, CVE_ALM, EXIST) VALUES ('N-{turn}', {chance.randrange(1, 4)}, {turn})",
        ],
        "delete": [f"DELETE FROM {table}01 WHERE CVE_ART = '{key}'" for table in ("INVE", "PRECIO_X_PROD", "CVES_ALTER", "MULT")],
        "customer gone": ["DELETE FROM CLIE01 WHERE CLAVE = (SELECT MAX(CLAVE) FROM CLIE01)"],
    }
    weights = [6, 6, 3, 6, 2, 1, 2, 2, 4, 1, 1]
    site.sql(*kinds[chance.choices(list(kinds), weights)[0]])


@pytest.mark.e2e
def test_after_twenty_kills_under_a_stream_of_edits_every_caja_equals_sae(engine: Engine, tmp_path: Path) -> None:
    site = build(tmp_path / "site", engine.new_url)
    chance = random.Random(SEED)
    turn = 0
    for _ in range(KILLS):
        running = Running(site, "run")
        until = time.monotonic() + chance.uniform(0.4, 2.0)
        try:
            while time.monotonic() < until:
                turn += 1
                edit(site, chance, turn)
                time.sleep(chance.uniform(0, 0.1))
            assert running.process.poll() is None, running.said
        finally:
            running.kill()
        assert "Traceback" not in running.said, running.said
    assert turn > KILLS

    last = site.puente("run", "--once")
    assert last.returncode == 0, last.stdout + last.stderr
    assert site.differences() == []
    again = site.puente("run", "--once", "--json")
    assert '"rows_written": 0' in again.stdout
    assert not any(f'"rows_written": {digit}' in again.stdout for digit in "123456789")
