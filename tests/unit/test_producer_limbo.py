"""Rows in limbo: what is made of their table waits, deletes too, and the topic is not complete; all else goes on."""

import logging
from typing import Any

import pytest

from producer.sae.limbo import resting_on
from producer.sae.tables import KEYS, Clie, Clin, Impu, Inve, Mult, Precios, PrecioXProd
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
    assert all(resting_on([table], per_warehouse=True) for table in KEYS)
    assert resting_on([Inve], per_warehouse=True) == {Entity.PRODUCT}
    assert resting_on([Inve], per_warehouse=False) == {Entity.PRODUCT, Entity.STOCK}


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
    assert site.run().held == {Entity.CUSTOMER: 60}
    ended = prepared(site, row(Clie, "70", nombre="new"))
    site.sae.put(row(Clin, "L"))
    assert site.run().held == {Entity.CUSTOMER: 60}
    assert list(site.heartbeats()[-1].held) == [TOPICS.of(CUSTOMER)]
    site.sae.end(ended)
    assert site.run().held == {Entity.CUSTOMER: 60}


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
