"""What CAJA's owner changes while `puente run` works: stores, their warehouses, the interface. Noticed without a restart."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from foundation.errors import ExitCode, SwitchedOff
from puente.config import load
from puente.wiring.consuming import ConsumerSide
from tests.e2e.running import Running
from tests.e2e.small_site import CajaSpec, SmallSite, build, wait_until
from tests.engines.embedded import EmbeddedDatabases

pytestmark = [pytest.mark.e2e, pytest.mark.file_log]


@pytest.fixture
def site(tmp_path: Path, embedded: EmbeddedDatabases, site_log: str) -> SmallSite:
    """One CAJA, whose only store is warehouse 1; SAE has three warehouses."""
    made = build(tmp_path / "site", embedded.url, [CajaSpec(name="centro")])
    made.fill()
    return made


@pytest.fixture
def running(site: SmallSite) -> Iterator[Running]:
    running = Running(site, "run")
    try:
        wait_until(lambda: bool(running.told("claim", "caja=centro")))
        yield running
        running.process.terminate()
        assert running.process.wait() in (ExitCode.OK, ExitCode.TERMINATED), running.said
        assert "Traceback" not in running.said
    finally:
        running.kill()


def is_equal(site: SmallSite) -> bool:
    return site.differences() == []


def stock_of(site: SmallSite, store: int) -> dict[str, float]:
    return {
        key: quantity for key, quantity in site.caja_rows("centro", f"PRODUCTO, EXISTIENDA FROM EXIST WHERE TIENDA = {store}") if quantity
    }


def stock_in(site: SmallSite, warehouse: int) -> dict[str, float]:
    """Of what CAJA has."""
    have = {key for (key,) in site.caja_rows("centro", "PRODUCTO FROM CATINVEN")}
    rows = site.sae_rows(f"CVE_ART, EXIST FROM MULT01 WHERE CVE_ALM = {warehouse}")
    return {key.strip(): rounded for key, quantity in rows if (rounded := round(quantity, 6)) and key.strip() in have}


def test_a_store_that_is_added_gets_its_stock(site: SmallSite, running: Running) -> None:
    site.caja_sql("centro", "INSERT INTO TIENDAS (TIENDA, DESCRIPCIO, ALMSAE) VALUES (7, 'Nueva', 3)")
    wait_until(lambda: stock_of(site, 7) == stock_in(site, 3) != {})
    assert is_equal(site)
    assert running.told("stores", "caja=centro")


def test_a_store_with_another_warehouse_has_that_ones_stock_and_nothing_of_the_old_one(site: SmallSite, running: Running) -> None:
    gone = next(iter(stock_of(site, 1)))
    site.sql(f"DELETE FROM MULT01 WHERE CVE_ALM = 3 AND CVE_ART = '{gone}'")
    assert stock_of(site, 1)[gone]
    site.caja_sql("centro", "UPDATE TIENDAS SET ALMSAE = 3")
    wait_until(lambda: stock_of(site, 1) == stock_in(site, 3) != {})


def test_two_stores_on_one_warehouse_stop_its_stock_and_nothing_else(site: SmallSite, running: Running) -> None:
    site.caja_sql("centro", "INSERT INTO TIENDAS (TIENDA, DESCRIPCIO, ALMSAE) VALUES (7, 'Nueva', 1)")
    site.caja_sql("centro", "INSERT INTO TIENDAS (TIENDA, DESCRIPCIO, ALMSAE) VALUES (8, 'Otra', 3)")
    wait_until(lambda: bool(running.told("shared warehouse", "1, 7")))
    before = stock_of(site, 1)
    site.sql("UPDATE MULT01 SET EXIST = EXIST + 5", "UPDATE PRECIO_X_PROD01 SET PRECIO = PRECIO + 1")
    wait_until(lambda: stock_of(site, 8) == stock_in(site, 3) != {})
    assert stock_of(site, 1) == before
    wait_until(lambda: not [found for found in site.differences() if "CATINVEN" in found and "PRECIO" in found])
    told = site.puente("check")
    assert told.returncode == ExitCode.CONFIG
    assert "the stores 1, 7 have the same warehouse 1" in told.stdout + told.stderr
    # And it goes on as soon as they differ
    site.caja_sql("centro", "DELETE FROM TIENDAS WHERE TIENDA = 7")
    site.becomes_equal()


def test_an_interface_that_is_off_keeps_connection_and_ledger_and_all_goes_on_when_it_is_on(site: SmallSite) -> None:
    settings = load(site.settings)
    side = ConsumerSide(settings, settings.caja[0])
    side.turn()
    opened, state = side._opened_both, side.consumer().state
    assert opened is not None
    assert state is not None
    site.caja_sql("centro", "UPDATE PARAMS SET VALOR = 'F' WHERE PARAMETRO = 'INTERFAZSAE'")
    for _ in range(3):
        session = side.consumer().session
        assert session is not None
        session.applier._looked_at = session.applier.beat_at = float("-inf")
        with pytest.raises(SwitchedOff):
            side.turn()
    assert side._opened_both is opened
    assert side.consumer().state is state
    site.caja_sql("centro", "UPDATE PARAMS SET VALOR = 'T' WHERE PARAMETRO = 'INTERFAZSAE'")
    site.sql("UPDATE MULT01 SET EXIST = EXIST + 5")
    assert site.puente("produce", "--once").returncode == 0
    wait_until(lambda: side.turn() > 0 and is_equal(site))
    side.release()
