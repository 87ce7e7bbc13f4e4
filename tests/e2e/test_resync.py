"""`puente resync` as a user runs it: dry run, report, held deletes, beside a running puente; and what else leads to a resync."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from foundation.engines import open_database
from puente.config import load
from puente.demo.statements import run as run_statement
from tests.e2e.running import Running
from tests.e2e.screens import on_a_terminal
from tests.e2e.small_site import SmallSite, build, wait_until
from tests.engines.embedded import EmbeddedDatabases
from tests.engines.old_ledger import AS_VERSION_2, AS_VERSION_3

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def loaded(site_log: str, tmp_path_factory: pytest.TempPathFactory) -> SmallSite:
    folder = tmp_path_factory.mktemp("resync")
    made = build(folder / "site", EmbeddedDatabases(folder).url)
    made.fill()
    return made


@pytest.fixture
def site(loaded: SmallSite) -> Iterator[SmallSite]:
    """A SAE and two CAJAs that are equal to it, before a test and after it; norte inactivates what SAE lacks."""
    yield loaded
    assert loaded.differences() == []


def report(site: SmallSite, *arguments: str) -> Any:
    done = site.puente("resync", "--caja", "norte", "--json", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def by_entity(found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {entry["entity"]: entry for entry in found}


def status_of(site: SmallSite, name: str) -> Any:
    found = json.loads(site.puente("status", "--json").stdout)
    return next(caja for caja in found["cajas"] if caja["name"] == name)


def test_a_dry_run_tells_what_the_resync_then_does_and_writes_nothing(site: SmallSite) -> None:
    # Given rows that somebody changed, inactivated and added by hand
    keys = [row[0] for row in site.caja_rows("norte", "FIRST 3 PRODUCTO FROM CATINVEN WHERE ALTA = 'T' ORDER BY PRODUCTO")]
    site.caja_sql("norte", f"UPDATE CATINVEN SET DESCRIPCIO = 'a mano' WHERE PRODUCTO = '{keys[0]}'")
    site.caja_sql("norte", f"UPDATE CATINVEN SET ALTA = 'F' WHERE PRODUCTO = '{keys[1]}'")
    site.caja_sql("norte", f"DELETE FROM EXIST WHERE PRODUCTO = '{keys[2]}'", f"DELETE FROM CATINVEN WHERE PRODUCTO = '{keys[2]}'")
    site.caja_sql("norte", "UPDATE OR INSERT INTO CATLINEA (LINEA, DESCRIPCIO, ALTA) VALUES ('ZZZ', 'de la casa', 'T') MATCHING (LINEA)")
    before = site.caja_rows("norte", "PRODUCTO, DESCRIPCIO, ALTA FROM CATINVEN ORDER BY PRODUCTO")
    # When it is only asked
    told = by_entity(report(site, "--dry-run"))
    assert sorted(told["product"]["changed"]) == sorted(keys[:2])
    assert told["product"]["added"] == [keys[2]]
    assert told["product_line"]["not_in_sae"] == ["ZZZ"]
    assert told["currency"]["changed"] == []
    assert site.caja_rows("norte", "PRODUCTO, DESCRIPCIO, ALTA FROM CATINVEN ORDER BY PRODUCTO") == before
    # And when it is done, while the producer speaks
    running = Running(site, "run")
    try:
        done = by_entity(report(site)["entities"])
    finally:
        running.ends()
    assert done["product"]["rows_written"] == 3
    assert done["product_line"]["inactivated"] == 1
    assert site.caja_rows("norte", "ALTA FROM CATLINEA WHERE LINEA = 'ZZZ'") == [("F",)]


def test_a_running_puente_hands_the_caja_over_and_goes_on_afterwards(site: SmallSite) -> None:
    running = Running(site, "run")
    try:
        wait_until(lambda: status_of(site, "norte")["holder"] is not None)
        holder = status_of(site, "norte")["holder"]
        found = report(site)
        assert not found["stopped"]
        assert not found["sweep_waits_for_producer"]
        wait_until(lambda: status_of(site, "norte")["holder"] == holder)
        site.sql("UPDATE INVE01 SET DESCR = 'después' WHERE STATUS = 'A'")
        site.becomes_equal()
    finally:
        running.ends()


def test_many_deletes_are_held_told_and_done_once_somebody_allows_them(site: SmallSite) -> None:
    # Given more products of CAJA's own than may be inactivated unasked
    extra = [f"INSERT INTO CATINVEN (PRODUCTO, DESCRIPCIO, ALTA) VALUES ('X-{n}', 'de la casa', 'T')" for n in range(60)]
    site.caja_sql("norte", *extra)
    running = Running(site, "run")
    try:
        found = by_entity(report(site)["entities"])
        assert (found["product"]["held"], found["product"]["inactivated"]) == (60, 0)
        assert status_of(site, "norte")["sweeps_held"] == {site.topic("product"): 60}
        said = site.puente("status")
        assert "puente resync --caja norte --allow-deletes 60" in said.stdout
        assert report(site, "--allow-deletes", "59")["entities"][3]["held"] == 60
        found = by_entity(report(site, "--entity", "product", "--allow-deletes", "60")["entities"])
        assert list(found) == ["product"]
        assert found["product"]["inactivated"] == 60
        assert status_of(site, "norte")["sweeps_held"] == {}
    finally:
        running.ends()
    assert site.caja_rows("norte", "COUNT(*) FROM CATINVEN WHERE PRODUCTO LIKE 'X-%' AND ALTA = 'T'") == [(0,)]


def test_without_a_producer_the_sweep_is_said_to_be_still_to_come_and_comes_with_him(site: SmallSite) -> None:
    site.caja_sql("norte", "UPDATE OR INSERT INTO CATLINEA (LINEA, DESCRIPCIO, ALTA) VALUES ('ZZZ', 'de la casa', 'T') MATCHING (LINEA)")
    done = site.puente("resync", "--caja", "norte")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No producer has spoken since" in done.stdout
    assert site.caja_rows("norte", "ALTA FROM CATLINEA WHERE LINEA = 'ZZZ'") == [("T",)]
    assert status_of(site, "norte")["sweeps_waiting_for_producer"]
    site.fill()
    assert site.caja_rows("norte", "ALTA FROM CATLINEA WHERE LINEA = 'ZZZ'") == [("F",)]


def test_the_report_is_a_table_with_a_bar_per_topic(site: SmallSite) -> None:
    shown = on_a_terminal(site, 100, "resync", "--caja", "norte", "--entity", "customer")
    assert re.search(r"^customer .* 100 %", shown, re.MULTILINE), shown
    assert "rows written" in shown
    assert "product" not in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--caja", "sur"], "There is no CAJA sur"), (["--caja", "norte", "--entity", "prices"], "prices"), ([], "--caja")],
)
def test_what_does_not_exist_is_refused(site: SmallSite, arguments: list[str], said: str) -> None:
    done = site.puente("resync", *arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_policy_switched_on_takes_effect_by_itself(site: SmallSite) -> None:
    # Given a product that SAE deleted and centro kept, by policy
    of_sae = {row[0] for row in site.sae_rows("CVE_ART FROM INVE01 WHERE STATUS = 'A'")}
    key = min(of_sae & {row[0] for row in site.caja_rows("centro", "PRODUCTO FROM CATINVEN WHERE ALTA = 'T'")})
    site.sql(*(f"DELETE FROM {table}01 WHERE CVE_ART = '{key}'" for table in ("INVE", "PRECIO_X_PROD", "CVES_ALTER", "MULT")))
    site.caja_sql("centro", "INSERT INTO CATINVEN (PRODUCTO, DESCRIPCIO, ALTA) VALUES ('DE LA CASA', 'suyo', 'T')")
    site.fill()
    assert site.caja_rows("centro", f"ALTA FROM CATINVEN WHERE PRODUCTO = '{key}'") == [("T",)]
    # When the owner decides otherwise
    site.edit_settings('name = "centro"', 'name = "centro"\ninactivate_missing_products = true')
    assert status_of(site, "centro")["resyncs"]
    site.fill()
    # Then what is gone is inactivated, what was never SAE's included
    assert site.caja_rows("centro", f"ALTA FROM CATINVEN WHERE PRODUCTO IN ('{key}', 'DE LA CASA')") == [("F",), ("F",)]
    assert status_of(site, "centro")["resyncs"] == []


def test_what_a_caja_no_longer_takes_is_neither_behind_nor_waiting(site: SmallSite) -> None:
    """Its ledger keeps what it knows, should it be taken again."""
    before = status_of(site, "centro")
    all_of_it = 'name = "centro"'
    fewer = f'{all_of_it}\nstores = [1]\nentities = ["product_line", "tax_scheme", "currency", "product"]'
    site.edit_settings(all_of_it, fewer)
    assert site.puente("run", "--once").returncode == 0
    site.sql("UPDATE CLIE01 SET CALLE = 'otra'", "UPDATE MULT01 SET EXIST = EXIST + 1")
    done = json.loads(site.puente("run", "--once", "--json").stdout)
    found = status_of(site, "centro")
    assert (found["behind"], found["resyncs"], found["ready_at"]) == (0, [], before["ready_at"])
    assert counts(found).get("kept-out", 0) < counts(before)["kept-out"]
    assert done["cajas"][0]["parked"] == counts(found)
    site.edit_settings(fewer, all_of_it)
    assert site.puente("run", "--once").returncode == 0
    assert counts(status_of(site, "centro")) == counts(before)


def counts(status: dict[str, Any]) -> dict[str, int]:
    """How many changes are parked, by reason."""
    return {reason: parked["count"] for reason, parked in status["parked"].items()}


def test_a_caja_that_was_offline_for_91_days_is_compared_with_the_whole_log(site: SmallSite) -> None:
    # Given tombstones that it missed and that are gone from the log by now
    key = site.caja_rows("norte", "MIN(LINEA) FROM CATLINEA WHERE ALTA = 'T'")[0][0]
    site.caja_sql(
        "norte",
        "UPDATE PUENTE_POSITIONS SET END_REACHED = DATEADD(-91 DAY TO END_REACHED)",
        "UPDATE OR INSERT INTO CATLINEA (LINEA, DESCRIPCIO, ALTA) VALUES ('ZZZ', 'ya no está', 'T') MATCHING (LINEA)",
        f"UPDATE CATLINEA SET DESCRIPCIO = 'a mano' WHERE LINEA = '{key}'",
    )
    site.fill()
    assert site.caja_rows("norte", "ALTA FROM CATLINEA WHERE LINEA = 'ZZZ'") == [("F",)]


def forget_stock(site: SmallSite) -> None:
    """SAE no longer has the stock of a product that norte shows, and the log is another one, which never told of it."""
    of_sae = {row[0] for row in site.sae_rows("CVE_ART FROM MULT01 WHERE EXIST > 0")}
    key = min(of_sae & {row[0] for row in site.caja_rows("norte", "PRODUCTO FROM EXIST WHERE EXISTIENDA > 0")})
    site.sql(f"DELETE FROM MULT01 WHERE CVE_ART = '{key}'")
    site.delete_log()


def test_an_older_ledger_is_refused_until_setup_makes_it_anew_and_no_stock_is_forgotten(site: SmallSite) -> None:
    site.caja_sql("norte", "UPDATE PUENTE_LEASE SET LEDGER_VERSION = 1", "UPDATE CATINVEN SET DESCRIPCIO = 'a mano'")
    refused = site.puente("consume", "--once", "--caja", "norte")
    assert refused.returncode == 2
    assert "run puente setup" in refused.stderr
    forget_stock(site)
    said = site.puente("setup", "--dry-run")
    assert "anew" in said.stdout
    assert site.puente("setup", "--yes").returncode == 0
    site.fill()


def test_an_older_ledger_of_another_caja_is_not_taken_over_unasked(site: SmallSite) -> None:
    site.caja_sql("norte", "UPDATE PUENTE_LEASE SET LEDGER_VERSION = 1, CAJA = 'sur'")
    refused = site.puente("setup", "--yes")
    assert refused.returncode == 2
    assert "--adopt" in refused.stderr
    assert site.puente("setup", "--yes", "--adopt").returncode == 0
    site.fill()


def make_old(site: SmallSite, statements: Sequence[str]) -> None:
    """By the user of the settings, who made the ledger's tables and owns them."""
    address = load(site.settings).caja_named("norte").address
    for statement in statements:
        with closing(open_database(address)) as database, database.writing() as writer:
            run_statement(writer, statement)


def test_a_ledger_of_the_version_before_gets_what_it_lacks_and_keeps_what_it_knows(site: SmallSite) -> None:
    # Given a ledger as the version before made it
    left_out = "ENTITY, ROW_KEY, REASON, COLUMN_NAME FROM PUENTE_LEFT_OUT ORDER BY 1, 2, 3, 4"
    lacked = site.caja_rows("norte", left_out)
    assert lacked
    site.caja_sql("norte", "UPDATE CATINVEN SET DESCRIPCIO = 'a mano'")
    kept = {
        "PUENTE_ROWS": "ENTITY, WAREHOUSE, ROW_KEY, CONTENT_HASH, ROW_HASH, QUANTITY FROM PUENTE_ROWS ORDER BY 1, 2, 3",
        "PUENTE_POSITIONS": "TOPIC, TOPIC_ID, NEXT_OFFSET, LAST_DIGEST FROM PUENTE_POSITIONS ORDER BY 1",
    }
    before = {name: site.caja_rows("norte", query) for name, query in kept.items()}
    assert all(before.values())
    make_old(site, AS_VERSION_2)
    # Then it is refused, and setup says what it does
    refused = site.puente("consume", "--once", "--caja", "norte")
    assert refused.returncode == 2
    assert "run puente setup" in refused.stderr
    assert "of version 2" in site.puente("check").stdout
    assert "what it lacks" in site.puente("setup", "--dry-run").stdout
    # When that is done, twice
    assert site.puente("setup", "--yes").returncode == 0
    assert site.puente("setup", "--yes").returncode == 0
    # Then all is compared again from where it was, and what the old one could not tell is known
    assert {name: site.caja_rows("norte", query) for name, query in kept.items()} == before
    site.fill()
    assert site.caja_rows("norte", left_out) == lacked


def test_a_ledger_of_version_3_goes_on_where_it_was(site: SmallSite) -> None:
    make_old(site, AS_VERSION_3)
    refused = site.puente("consume", "--once", "--caja", "norte")
    assert (refused.returncode, "run puente setup" in refused.stderr) == (2, True)
    assert "what it knows stays" in site.puente("setup", "--dry-run").stdout
    assert site.puente("setup", "--yes").returncode == 0
    assert "Done" not in site.puente("setup", "--yes", "--lang", "en").stdout
    done = json.loads(site.puente("consume", "--once", "--caja", "norte", "--json").stdout)
    assert (done["cajas"][0]["applied"], done["cajas"][0]["rows_written"]) == (0, 0)


def test_an_adopted_ledger_forgets_no_stock(site: SmallSite) -> None:
    site.caja_sql("norte", "UPDATE PUENTE_LEASE SET CAJA = 'sur'")
    forget_stock(site)
    assert site.puente("setup", "--yes", "--adopt").returncode == 0
    site.fill()


def test_a_ledger_of_a_newer_puente_is_left_alone(site: SmallSite) -> None:
    site.caja_sql("norte", "UPDATE PUENTE_LEASE SET LEDGER_VERSION = 99")
    said = site.puente("setup", "--yes")
    assert said.returncode == 2
    assert "upgrade" in said.stderr
    site.caja_sql("norte", "UPDATE PUENTE_LEASE SET LEDGER_VERSION = 4")


def test_ready_to_sell_is_said_once_sae_is_all_there(tmp_path: Path, embedded: EmbeddedDatabases) -> None:
    site = build(tmp_path / "site", embedded.url)
    assert status_of(site, "norte")["ready_at"] is None
    assert site.puente("produce", "--once").returncode == 0
    assert site.puente("consume", "--once").returncode == 0
    assert status_of(site, "norte")["ready_at"] is None
    assert status_of(site, "norte")["lacks"] == "producer"
    site.fill()
    ready = status_of(site, "norte")["ready_at"]
    assert ready is not None
    site.fill()
    assert status_of(site, "norte")["ready_at"] == ready
