"""Stock drifts by itself, since tills sell: what differs from the ledger is written again, but never over unposted sales."""

from decimal import Decimal
from typing import Any

from consumer.policies import Policies, StockPolicy
from consumer.settle import STOCK_SECONDS
from schemas.entities import Entity, Subject
from schemas.keys import Key
from tests.unit.consuming import Site


def sold(site: Site, quantity: float, key: str = "P1") -> None:
    """What stands in CAJA is no longer what SAE said."""
    (site.row("EXIST", key, 1) or {})["EXISTIENDA"] = quantity


def quantity(site: Site, key: str = "P1") -> Any:
    return (site.row("EXIST", key, 1) or {}).get("EXISTIENDA")


def stocked(policies: Policies | None = None) -> Site:
    site = Site(policies or Policies())
    site.product("P1")
    site.stock("P1", Decimal("7.25"))
    site.step()
    return site


def test_what_drifted_is_written_again_in_time_with_the_product_s_total() -> None:
    site = stocked()
    sold(site, 6.25)
    site.step()
    assert quantity(site) == 6.25
    site.clock.now += STOCK_SECONDS
    site.step()
    assert quantity(site) == 7.25
    assert (site.row("CATINVEN", "P1") or {})["EXISTENCIA"] == 7.25


def test_unposted_sales_are_not_written_over_until_they_are_posted() -> None:
    site = stocked()
    sold(site, 6.25)
    site.caja.sales.add((1, Key("P1")))
    site.clock.now += STOCK_SECONDS
    site.step()
    assert quantity(site) == 6.25
    assert site.caja.over_sales == []
    assert site.parked() == {}
    site.caja.sales.clear()
    site.clock.now += STOCK_SECONDS
    site.step()
    assert quantity(site) == 7.25


def test_overwriting_does_not_ask_for_sales() -> None:
    site = stocked(Policies(stock=StockPolicy.OVERWRITE))
    sold(site, 6.25)
    site.caja.sales.add((1, Key("P1")))
    site.clock.now += STOCK_SECONDS
    site.step()
    assert quantity(site) == 7.25


def test_a_locked_row_and_one_that_waits_are_left_to_another_time() -> None:
    site = stocked()
    sold(site, 6.25)
    site.caja.locked.add(("EXIST", ("P1", 1)))
    site.clock.now += STOCK_SECONDS
    site.step()
    assert quantity(site) == 6.25
    assert site.parked() == {}
    site.caja.locked.clear()
    site.clock.now += STOCK_SECONDS
    site.step()
    assert quantity(site) == 7.25


def test_stock_that_sae_no_longer_has_stays_at_zero() -> None:
    site = stocked()
    site.publish(Subject(Entity.STOCK, 1), "P1", None)
    site.step()
    sold(site, 3.0)
    site.clock.now += STOCK_SECONDS
    site.step()
    assert quantity(site) == 0


def test_while_stock_changes_are_off_nothing_is_written() -> None:
    site = stocked(Policies(stock=StockPolicy.OFF))
    site.caja.content.table("EXIST")[("P1", 1)] = {"PRODUCTO": "P1", "TIENDA": 1, "EXISTIENDA": 3.0}
    site.clock.now += STOCK_SECONDS
    site.step()
    assert quantity(site) == 3.0


def test_what_is_as_the_ledger_says_is_not_touched() -> None:
    site = stocked()
    touched = site.caja.touched
    for _ in range(3):
        site.clock.now += STOCK_SECONDS
        site.step()
    assert site.caja.touched == touched


def total(site: Site, key: str = "P1") -> Any:
    return (site.row("CATINVEN", key) or {}).get("EXISTENCIA")


def test_a_total_that_somebody_changed_is_mended_in_time_though_its_rows_are_equal() -> None:
    site = stocked()
    (site.row("CATINVEN", "P1") or {})["EXISTENCIA"] = 99.0
    site.clock.now += STOCK_SECONDS
    site.step()
    assert (total(site), quantity(site)) == (7.25, 7.25)


def test_a_total_is_mended_by_a_resync_at_once() -> None:
    site = stocked()
    (site.row("CATINVEN", "P1") or {})["EXISTENCIA"] = 99.0
    site.step()
    assert total(site) == 99
    site.consumer.ask_for_resync([Entity.STOCK])
    site.step()
    assert total(site) == 7.25


def test_a_total_of_what_has_unposted_sales_or_is_not_saes_or_is_locked_is_left_alone() -> None:
    site = stocked()
    for key in ("OWN", "P2"):
        site.caja.content.table("CATINVEN")[(key,)] = {"PRODUCTO": key, "EXISTENCIA": 5.0, "ALTA": "T"}
        site.caja.content.table("EXIST")[(key, 1)] = {"PRODUCTO": key, "TIENDA": 1, "EXISTIENDA": 3.0}
    site.stock("P2", Decimal(3))
    site.step()
    (site.row("CATINVEN", "P1") or {})["EXISTENCIA"] = 99.0
    site.caja.sales.add((2, Key("P1")))
    site.caja.locked.add(("CATINVEN", ("P2",)))
    site.clock.now += STOCK_SECONDS
    site.step()
    assert [total(site, key) for key in ("P1", "P2", "OWN")] == [99, 5, 5]
    site.caja.sales.clear()
    site.caja.locked.clear()
    site.clock.now += STOCK_SECONDS
    site.step()
    assert [total(site, key) for key in ("P1", "P2", "OWN")] == [7.25, 3, 5]


def test_a_till_that_holds_the_product_keeps_its_stock_out_whole_until_the_next_try() -> None:
    site = stocked()
    site.caja.locked.add(("CATINVEN", ("P1",)))
    site.stock("P1", Decimal("12.25"))
    site.step()
    assert (quantity(site), total(site), site.parked()) == (7.25, 7.25, {"P1": "locked"})
    site.caja.locked.clear()
    site.clock.now += 1
    site.step()
    assert (quantity(site), total(site), site.parked()) == (12.25, 12.25, {})
