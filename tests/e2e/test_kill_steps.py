"""The process killed (-9) at each numbered step of the pass, the batch and the resync: after a restart each CAJA equals SAE."""

import signal
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.e2e.dying import BATCH, PASS, RESYNC
from tests.e2e.small_site import SmallSite, build
from tests.engines.embedded import EmbeddedDatabases
from tests.engines.firebird_server import FirebirdServer


@dataclass
class Edited:
    """A site and how often it was edited, so that every edit is another."""

    site: SmallSite
    turn: int = field(default=0)

    def edit(self) -> None:
        """Something of every entity, in one transaction: new, changed, gone; prices, bar codes and stock of many products."""
        self.turn += 1
        n = self.turn
        self.site.sql(
            f"UPDATE PRECIO_X_PROD01 SET PRECIO = PRECIO + {n}.25",
            f"UPDATE MULT01 SET EXIST = EXIST + {n}",
            f"UPDATE CLIN01 SET DESC_LIN = 'Línea {n}' WHERE CVE_LIN = (SELECT MIN(CVE_LIN) FROM CLIN01)",
            f"UPDATE CLIE01 SET CALLE = 'Calle {n}'",
            f"UPDATE MONED01 SET TCAMBIO = {n}.5 WHERE NUM_MONED = 2",
            f"INSERT INTO INVE01 (CVE_ART, DESCR, TIPO_ELE, CVE_ESQIMPU, STATUS) VALUES ('K-{n}', 'Nuevo {n}', 'P', 1, 'A')",
            f"INSERT INTO MULT01 (CVE_ART, CVE_ALM, EXIST) VALUES ('K-{n}', 1, {n})",
            "DELETE FROM CVES_ALTER01 WHERE CVE_ART = (SELECT MIN(CVE_ART) FROM CVES_ALTER01)",
            f"DELETE FROM INVE01 WHERE CVE_ART = 'K-{n - 2}'",
            f"INSERT INTO CLIE01 (CLAVE, NOMBRE, STATUS) VALUES ('K-{n}', 'Cliente {n}', 'A')",
            f"DELETE FROM CLIE01 WHERE CLAVE = 'K-{n - 2}'",
        )

    def sell(self) -> None:
        """A store sells something that SAE does not know yet: its stock waits."""
        key = self.site.caja_rows("centro", "MIN(PRODUCTO) FROM EXIST WHERE TIENDA = 1")[0][0]
        self.site.caja_sql(
            "centro",
            f"INSERT INTO VVENTAS (NOTA, TIENDA, STATUS, ENVSAE) VALUES ('N{self.turn}', 1, 'N', 'F')",
            f"INSERT INTO DVENTAS (NOTA, PARTIDA, PRODUCTO) VALUES ('N{self.turn}', 1, '{key}')",
        )

    def post(self) -> None:
        self.site.caja_sql("centro", "UPDATE VVENTAS SET ENVSAE = 'T'")

    def die_at(self, step: str) -> None:
        done = self.site.puente(str(self.site.settings), step, entry="tests.e2e.dying:main")
        assert done.returncode == -signal.SIGKILL, f"it never came to the step {step}: {done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr

    def ends_equal(self) -> None:
        self.site.fill()
        assert self.site.differences() == []


@pytest.fixture(scope="module", params=["embedded", "server"])
def edited(request: pytest.FixtureRequest, site_log: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edited]:
    folder = tmp_path_factory.mktemp("steps")
    if request.param == "embedded":
        site = build(folder / "site", EmbeddedDatabases(folder).url)
    else:
        server: FirebirdServer = request.getfixturevalue("firebird_server")
        site = build(folder / "site", server.new_url)
    site.fill()
    yield Edited(site)
    again = site.puente("run", "--once", "--json")
    assert '"rows_written": 0' in again.stdout
    assert not any(f'"rows_written": {digit}' in again.stdout for digit in "123456789")


pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("step", PASS)
def test_killed_in_a_pass(step: str, edited: Edited) -> None:
    edited.edit()
    edited.die_at(step)
    edited.edit()
    edited.ends_equal()


@pytest.mark.parametrize("step", BATCH)
def test_killed_in_a_batch(step: str, edited: Edited) -> None:
    if step.startswith("6"):
        edited.edit()
        edited.sell()
        edited.site.fill()
        edited.post()
    edited.edit()
    edited.die_at(step)
    edited.ends_equal()


@pytest.mark.parametrize("step", RESYNC)
def test_killed_in_a_resync(step: str, edited: Edited) -> None:
    # Given changes that are still to come, and a CAJA that somebody edited by hand
    edited.edit()
    site = edited.site
    site.caja_sql("norte", "UPDATE CATINVEN SET DESCRIPCIO = 'a mano', PRECIOP = 1", "UPDATE PUENTE_POSITIONS SET FINGERPRINT = ''")
    site.caja_sql("norte", f"INSERT INTO CATLINEA (LINEA, DESCRIPCIO, ALTA) VALUES ('Z{edited.turn}', 'de la casa', 'T')")
    # When it is killed
    edited.die_at(step)
    # Then the next one does all of it, the sweep included
    edited.ends_equal()
    assert site.caja_rows("norte", f"ALTA FROM CATLINEA WHERE LINEA = 'Z{edited.turn}'") == [("F",)]
