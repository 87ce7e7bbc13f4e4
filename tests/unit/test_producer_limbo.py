"""Rows in limbo: what is made of their table waits, deletes too, and the topic is not complete; all else goes on."""

import logging
from decimal import Decimal
from typing import Any

import pytest

from producer.losses import Kind
from producer.sae.limbo import resting_on
from producer.sae.tables import TABLES, Almacenes, Clie, Clin, Impu, Inve, Moned, Mult, ParamInventario, Precios, PrecioXProd
from schemas.entities import Entity, Subject
from tests.fakes.sae import row
from tests.unit.producing import MODES, TOPICS, Mode, Site, foreign

LINE, PRODUCT, CUSTOMER, STOCK = (Subject(Entity.PRODUCT_LINE), Subject(Entity.PRODUCT), Subject(Entity.CUSTOMER), Subject(Entity.STOCK, 1))
CONTENT = (
    row(Clin, "L", desc_lin="old"),
    row(Clie, "7", nombre="old"),
    row(Clie, "8", nombre="old"),
    row(Impu, 1, impuesto1=16),
    row(Inve, "A", cve_esqimpu=1),
    row(Inve, "B", cve_esqimpu=1),
    row(Precios, 1, con_impu="N"),
    row(PrecioXProd, "A", 1, precio=5.0),
    row(PrecioXProd, "B", 1, precio=5.0),
    row(Mult, "A", 1, exist=1.0),
)


def prepared(site: Site, *rows: Any) -> int:
    number = site.sae.begin()
    site.sae.write(number, *rows)
    site.sae.prepare(number)
    return number


def incomplete(site: Site) -> set[str]:
    return {str(TOPICS.subject(topic.topic)) for topic in site.heartbeats()[-1].topics if not topic.complete}


def test_each_table_with_a_key_of_its_own_names_what_rests_on_it() -> None:
    assert all(resting_on([table], (True, 1)) for table in TABLES)
    assert resting_on([Inve], (True, 1)) == {Entity.PRODUCT}
    assert resting_on([Inve], (False, 1)) == {Entity.PRODUCT, Entity.STOCK}
    assert resting_on([Inve], None) == {Entity.PRODUCT}
    assert resting_on([Almacenes, ParamInventario], None) == {Entity.STOCK}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("commits", [True, False])
def test_a_start_publishes_all_but_what_rests_on_the_table(mode: Mode, commits: bool, caplog: pytest.LogCaptureFixture) -> None:
    site = Site(*CONTENT, mode=mode)
    number = prepared(site, row(Inve, "A", cve_esqimpu=1, descr="new"))
    with caplog.at_level(logging.WARNING, "puente.producer"):
        site.settled()
    assert set(site.events(CUSTOMER)) == {"7", "8"}
    assert (set(site.events(LINE)), set(site.events(STOCK))) == ({"L"}, {"A"})
    assert site.events(PRODUCT) == {}
    assert incomplete(site) == {"product"}
    assert not site.heartbeats()[-1].compared
    assert [record.table for record in caplog.records] == ["INVE"]  # type: ignore[attr-defined]
    (site.sae.commit if commits else site.sae.end)(number)
    site.settled()
    assert site.agrees()
    assert (site.events(PRODUCT)["A"]["description"] or "old") == ("new" if commits else "old")
    assert incomplete(site) == set()
    assert site.heartbeats()[-1].compared


@pytest.mark.parametrize("mode", MODES)
def test_deletes_of_the_table_wait_and_those_of_others_do_not(mode: Mode) -> None:
    site = Site(*CONTENT, mode=mode)
    site.settled()
    number = prepared(site, row(Clie, "7", nombre="new"))
    site.sae.drop(Clie, "8")
    site.sae.drop(Clin, "L")
    site.restart()
    site.settled()
    assert set(site.events(CUSTOMER)) == {"7", "8"}
    assert site.events(LINE) == {}
    assert incomplete(site) == {"customer"}
    site.sae.end(number)
    site.settled()
    assert set(site.events(CUSTOMER)) == {"7"}
    assert site.agrees()


@pytest.mark.parametrize("mode", MODES)
def test_deletes_that_wait_for_somebody_wait_on(mode: Mode) -> None:
    site = Site(*(row(Clie, str(number), nombre="old") for number in range(100)), mode=mode)
    site.settled()
    for number in range(60):
        site.sae.drop(Clie, str(number))
    assert site.run().held == {(Entity.CUSTOMER, Kind.DELETED): 60}
    ended = prepared(site, row(Clie, "70", nombre="new"))
    site.sae.put(row(Clin, "L"))
    assert site.run().held == {(Entity.CUSTOMER, Kind.DELETED): 60}
    assert list(site.heartbeats()[-1].held) == [TOPICS.of(CUSTOMER)]
    site.sae.end(ended)
    assert site.run().held == {(Entity.CUSTOMER, Kind.DELETED): 60}


@pytest.mark.parametrize("mode", MODES)
def test_prices_of_a_product_in_limbo_wait_for_it_and_customers_do_not(mode: Mode) -> None:
    site = Site(*CONTENT, mode=mode)
    site.settled()
    number = prepared(site, row(Inve, "A", cve_esqimpu=1, descr="new"))
    site.sae.put(row(PrecioXProd, "A", 1, precio=9.0), row(Clie, "7", nombre="new"))
    site.settled()
    assert site.events(CUSTOMER)["7"]["name"] == "new"
    assert [price["amount"] for price in site.events(PRODUCT)["A"]["prices"]] == [5]
    assert incomplete(site) == {"product"}
    site.sae.commit(number)
    site.settled()
    assert [price["amount"] for price in site.events(PRODUCT)["A"]["prices"]] == [9]
    assert incomplete(site) == set()
    assert site.agrees()


@pytest.mark.parametrize("mode", MODES)
def test_a_scheme_whose_products_cannot_be_found_is_published_and_they_follow(mode: Mode) -> None:
    site = Site(*CONTENT, mode=mode)
    site.settled()
    number = prepared(site, row(Inve, "A", cve_esqimpu=1, descr="new"))
    site.sae.put(row(Impu, 1, impuesto1=8))
    site.settled()
    assert site.events(Subject(Entity.TAX_SCHEME))["1"]["taxes"][0]["percent"] == 8
    assert site.events(PRODUCT)["B"]["taxes"][0]["percent"] == 16
    site.sae.end(number)
    site.settled()
    assert site.events(PRODUCT)["B"]["taxes"][0]["percent"] == 8
    assert site.agrees()


@pytest.mark.parametrize("mode", MODES)
def test_an_event_of_somebody_else_is_put_right_once_the_row_can_be_read(mode: Mode) -> None:
    site = Site(*CONTENT, mode=mode)
    site.settled()
    wrong = {**site.events(CUSTOMER)["7"], "name": "somebody else's"}
    number = prepared(site, row(Clie, "7", nombre="new"))
    site.log.append([foreign(CUSTOMER, "7", wrong)])
    site.settled()
    assert site.events(CUSTOMER)["7"]["name"] == "somebody else's"
    site.sae.end(number)
    site.settled()
    assert site.events(CUSTOMER)["7"]["name"] == "old"
    assert site.agrees()


@pytest.mark.parametrize("mode", MODES)
def test_price_lists_that_cannot_be_read_are_not_told(mode: Mode) -> None:
    site = Site(*CONTENT, mode=mode)
    number = prepared(site, row(Precios, 1, con_impu="S"))
    site.settled()
    assert site.heartbeats()[-1].price_lists is None
    assert incomplete(site) == {"product"}
    site.sae.commit(number)
    site.settled()
    assert site.heartbeats()[-1].price_lists == (1,)
    assert site.agrees()


# where stock stands

SETTINGS = (row(ParamInventario, multialmacen="S", almacenpredeter=7), row(Almacenes, 1))
"""Written once more, so that the row is in limbo and says what it said."""
EVERYTHING_ELSE = (row(Clin, "L", desc_lin="new"), row(Clie, "7", nombre="new"), row(Moned, 1), row(Inve, "A", cve_esqimpu=1, descr="new"))


def stuck(site: Site) -> list[tuple[str, int | None, tuple[str, ...]]]:
    return [(one.table, one.transaction, one.entities) for one in site.heartbeats()[-1].stuck]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("commits", [True, False])
def test_where_nobody_knows_where_stock_stands_stock_waits_deletes_too_and_all_else_goes_on(
    mode: Mode, setting: Any, commits: bool
) -> None:
    site = Site(*CONTENT, row(Almacenes, 1), row(Mult, "B", 1, exist=1.0), mode=mode)
    site.settled()
    number = prepared(site, setting)
    site.sae.put(*EVERYTHING_ELSE, row(Mult, "A", 1, exist=2.0))
    site.sae.drop(Mult, "B")
    site.sae.drop(Clie, "8")
    site.settled()
    assert {key: value["name"] for key, value in site.events(CUSTOMER).items()} == {"7": "new"}
    assert (site.events(LINE)["L"]["description"], site.events(PRODUCT)["A"]["description"]) == ("new", "new")
    assert site.events(Subject(Entity.CURRENCY)).keys() == {"1"}
    assert {key: value["quantity"] for key, value in site.events(STOCK).items()} == {"A": 1, "B": 1}
    assert incomplete(site) == {"stock.1"}
    assert stuck(site) == [(TABLES[type(setting)], number, ("stock",))]
    (site.sae.commit if commits else site.sae.end)(number)
    assert {(record.topic, record.key) for record in site.settled()} == {(TOPICS.of(STOCK), b"A"), (TOPICS.of(STOCK), b"B")}
    assert site.agrees()
    assert (incomplete(site), stuck(site)) == (set(), [])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("restarts", [True, False])
def test_a_start_that_does_not_know_where_stock_stands_publishes_the_rest(mode: Mode, setting: Any, restarts: bool) -> None:
    site = Site(*CONTENT, row(Almacenes, 1), mode=mode)
    number = prepared(site, setting)
    site.settled()
    assert (set(site.events(LINE)), set(site.events(CUSTOMER)), set(site.events(PRODUCT))) == ({"L"}, {"7", "8"}, {"A", "B"})
    assert TOPICS.of(STOCK) not in site.log.store.topics
    assert not site.heartbeats()[-1].compared
    site.sae.put(row(Clie, "7", nombre="new"), row(Mult, "A", 1, exist=2.0))  # and a later pass finds what changes
    site.sae.drop(Inve, "B")
    site.sae.drop(PrecioXProd, "B")
    if restarts:
        site.restart()
    site.settled()
    assert (site.events(CUSTOMER)["7"]["name"], set(site.events(PRODUCT))) == ("new", {"A"})
    site.sae.commit(number)
    site.settled()
    assert site.agrees()
    assert site.events(STOCK)["A"]["quantity"] == 2
    assert (incomplete(site), site.heartbeats()[-1].compared) == (set(), True)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("commits", [True, False])
def test_a_switch_of_the_mode_that_is_in_limbo_counts_once_it_is_committed(mode: Mode, commits: bool) -> None:
    site = Site(*CONTENT, row(Inve, "C", exist=5.0), mode=mode)
    site.settled()
    number = prepared(site, row(ParamInventario, multialmacen="N", almacenpredeter=1))
    site.sae.put(row(Inve, "C", exist=6.0))
    site.settled()
    assert {key: value["quantity"] for key, value in site.events(STOCK).items()} == {"A": 1}
    (site.sae.commit if commits else site.sae.end)(number)
    site.settled()
    assert {key: value["quantity"] for key, value in site.events(STOCK).items()} == ({"A": 0, "B": 0, "C": 6} if commits else {"A": 1})
    assert site.agrees()


@pytest.mark.parametrize("mode", MODES)
def test_without_warehouses_products_go_on_and_the_stock_that_stands_in_them_waits(mode: Mode) -> None:
    site = Site(row(ParamInventario, multialmacen="N", almacenpredeter=1), row(Inve, "A", exist=1.0), row(Inve, "B", exist=1.0), mode=mode)
    site.settled()
    number = prepared(site, row(ParamInventario, multialmacen="N", almacenpredeter=1))
    site.sae.put(row(Inve, "A", descr="new", exist=2.0))
    site.sae.drop(Inve, "B")
    site.settled()
    assert {key: value["description"] for key, value in site.events(PRODUCT).items()} == {"A": "new"}
    assert {key: value["quantity"] for key, value in site.events(STOCK).items()} == {"A": 1, "B": 1}
    site.sae.end(number)
    site.settled()
    assert {key: value["quantity"] for key, value in site.events(STOCK).items()} == {"A": 2}
    assert site.agrees()


@pytest.mark.parametrize("mode", MODES)
def test_an_event_of_stock_of_somebody_else_is_put_right_once_it_is_known_where_stock_stands(mode: Mode) -> None:
    site = Site(*CONTENT, mode=mode)
    site.settled()
    wrong = {**site.events(STOCK)["A"], "quantity": Decimal(99)}
    number = prepared(site, SETTINGS[0])
    site.log.append([foreign(STOCK, "A", wrong)])
    site.settled()
    assert site.events(STOCK)["A"]["quantity"] == 99
    site.sae.end(number)
    site.settled()
    assert site.events(STOCK)["A"]["quantity"] == 1


@pytest.mark.parametrize("mode", MODES)
def test_the_heartbeat_names_each_table_that_waits_with_what_is_made_of_it(mode: Mode) -> None:
    site = Site(*CONTENT, mode=mode)
    scheme = prepared(site, row(Impu, 1, impuesto1=8))
    setting = prepared(site, SETTINGS[0])
    site.settled()
    assert stuck(site) == [("IMPU", scheme, ("product", "tax_scheme")), ("PARAM_INVENTARIO", setting, ("stock",))]
    assert (set(site.events(CUSTOMER)), site.events(PRODUCT)) == ({"7", "8"}, {})
