"""A pass: what is published, and what is left alone."""

from decimal import Decimal
from itertools import permutations

import pytest

from foundation.eventlog.port import Topic
from producer.sae.tables import Almacenes, Clie, Clin, Impu, Inve, Moned, Mult, ParamInventario, Precios, PrecioXProd
from schemas.codec import NAMES
from schemas.entities import CATALOGUES, Entity, Subject
from schemas.headers import read_headers
from schemas.registry import read_schemas
from tests.fakes.sae import row
from tests.unit.producing import TOPICS, Site

LINES, PRODUCTS, CUSTOMERS = Subject(Entity.PRODUCT_LINE), Subject(Entity.PRODUCT), Subject(Entity.CUSTOMER)
SCHEMES = Subject(Entity.TAX_SCHEME)
HUGE = 1e300


def keys(site: Site) -> list[tuple[str, str, bool]]:
    """Subject, key and whether there is a value, of what the next passes publish."""
    return [(str(TOPICS.subject(r.topic)), r.key.decode(), r.value is not None) for r in site.settled()]


def test_the_first_pass_publishes_everything_parents_first() -> None:
    site = Site(
        row(Mult, "A", 1, exist=3.0),
        row(Clie, "1"),
        row(Inve, "A"),
        row(Moned, 1),
        row(Impu, 1),
        row(Clin, "L"),
        row(Almacenes, 7),
    )
    done = site.run()
    assert (done.published, done.tombstones, done.read, done.looked) == (6, 0, 6, True)
    assert [str(TOPICS.subject(record.topic)) for record in site.published()] == [*CATALOGUES, "stock.1"]
    assert site.agrees()


def test_the_topics_of_all_catalogues_and_of_every_warehouse_are_made() -> None:
    site = Site(row(Mult, "A", 1, exist=3.0), row(Almacenes, 7))
    site.run()
    stock = {TOPICS.of(Subject(Entity.STOCK, warehouse)) for warehouse in (1, 7)}
    assert set(site.log.store.topics) == {*TOPICS.fixed(), *stock}


def test_the_registry_is_fed() -> None:
    site = Site()
    site.run()
    assert len(read_schemas(site.log, TOPICS.registry)[0]) == len(NAMES)


def test_an_event_tells_its_hash_run_mode_and_when_sae_was_read() -> None:
    site = Site(row(Clin, "L"))
    site.run()
    (event,) = site.log.newest(TOPICS.of(LINES)).values()
    headers = read_headers(event)
    assert (headers.run, headers.mode, headers.captured.tzname()) == ("run1", "compare", "UTC")


def test_what_did_not_change_is_not_published_again() -> None:
    site = Site(row(Clin, "L"), row(Inve, "A"), row(Clie, "1"), row(Mult, "A", 1, exist=3.0))
    site.run()
    site.sae.begin()  # nobody may take the gate for the reason
    assert site.settled() == []
    site.restart()
    assert site.settled() == []


def test_only_what_changed_is_published() -> None:
    site = Site(row(Clin, "L"), row(Clin, "M"))
    site.run()
    site.sae.put(row(Clin, "M", desc_lin="new"), row(Clin, "N"))
    assert keys(site) == [("product_line", "M", True), ("product_line", "N", True)]
    assert site.events(LINES)["M"]["description"] == "new"


def test_a_hot_column_publishes_nothing() -> None:
    site = Site(row(Inve, "A", exist=1.0))
    site.run()
    site.sae.put(row(Inve, "A", exist=2.0))
    assert site.settled() == []


def test_noise_of_a_float_publishes_nothing() -> None:
    site = Site(row(Inve, "A"), row(PrecioXProd, "A", 1, precio=12.3))
    site.run()
    site.sae.put(row(PrecioXProd, "A", 1, precio=12.299999999999999))
    assert site.settled() == []


def test_a_row_that_is_gone_gets_a_tombstone_once() -> None:
    site = Site(row(Clin, "L"), row(Clin, "M"))
    site.run()
    site.sae.drop(Clin, "L")
    assert keys(site) == [("product_line", "L", False)]
    site.sae.begin()
    site.restart()
    assert site.settled() == []


def test_the_pass_counts_tombstones() -> None:
    site = Site(row(Clin, "L"), row(Clin, "M"))
    site.run()
    site.sae.drop(Clin, "L")
    site.sae.put(row(Clin, "N"))
    done = site.run()
    assert (done.published, done.tombstones, done.read) == (2, 1, 2)


def test_a_key_that_comes_back_is_published_again() -> None:
    site = Site(row(Clin, "L"))
    site.run()
    site.sae.drop(Clin, "L")
    site.run()
    site.sae.put(row(Clin, "L"))
    assert keys(site) == [("product_line", "L", True)]


def test_a_customer_that_becomes_a_prospect_is_gone() -> None:
    site = Site(row(Clie, "1"))
    site.run()
    site.sae.put(row(Clie, "1", prospecto="S"))
    assert keys(site) == [("customer", "1", False)]


def test_a_changed_scheme_or_price_list_publishes_its_products_too() -> None:
    site = Site(
        row(Inve, "A", cve_esqimpu=1),
        row(Inve, "B", cve_esqimpu=2),
        row(Impu, 1, impuesto1=16.0),
        row(PrecioXProd, "B", 1, precio=1.0),
        row(Precios, 1, con_impu="N"),
    )
    site.run()
    site.sae.put(row(Impu, 1, impuesto1=8.0))
    assert keys(site) == [("tax_scheme", "1", True), ("product", "A", True)]
    site.sae.put(row(Precios, 1, con_impu="S"))
    assert keys(site) == [("product", "B", True)]


def test_stock_of_a_warehouse_that_is_gone_gets_tombstones() -> None:
    site = Site(row(Mult, "A", 1, exist=3.0), row(Mult, "A", 2, exist=4.0))
    site.run()
    site.sae.drop(Mult, "A", 2)
    assert keys(site) == [("stock.2", "A", False)]


def test_stock_moves_to_the_default_warehouse_when_warehouses_are_switched_off() -> None:
    site = Site(row(Inve, "A", exist=7.0), row(Mult, "A", 3, exist=4.0))
    site.run()
    site.sae.put(row(ParamInventario, multialmacen="N", almacenpredeter=5))
    assert sorted(keys(site)) == [("stock.3", "A", False), ("stock.5", "A", True)]
    assert site.events(Subject(Entity.STOCK, 5))["A"]["quantity"] == Decimal(7)


# keys that collide


@pytest.mark.parametrize("raw", list(permutations(["L", "L\t", "\xa0L"])), ids=repr)
def test_of_keys_that_are_equal_once_trimmed_the_first_in_byte_order_counts(raw: tuple[str, ...]) -> None:
    site = Site(*(row(Clin, key, desc_lin=repr(key)) for key in raw))
    site.run()
    assert site.events(LINES)["L"]["description"] == "'L'"
    site.sae.begin()
    assert site.settled() == []


def test_the_second_of_two_keys_takes_over_when_the_first_is_gone() -> None:
    site = Site(row(Clin, "\tL", desc_lin="first"), row(Clin, "L", desc_lin="second"))
    site.run()
    site.sae.drop(Clin, "\tL")
    assert keys(site) == [("product_line", "L", True)]
    assert site.events(LINES)["L"]["description"] == "second"


def test_keys_that_lost_are_told_once(caplog: pytest.LogCaptureFixture) -> None:
    site = Site(row(Clin, "L"), row(Clin, "\tL"), row(Clin, " L"))
    site.sae.begin()
    site.settled()
    (told,) = [record for record in caplog.records if getattr(record, "action", "") == "collision"]
    assert (told.__dict__["count"], told.__dict__["keys"]) == (2, "product_line 'L', product_line ' L'")
    site.sae.put(row(Clin, "L\t"))
    site.settled()
    assert [record.__dict__["action"] for record in caplog.records].count("collision") == 2


# rows that no event can hold


def test_a_row_that_no_event_can_hold_keeps_its_old_event_and_stops_nothing() -> None:
    site = Site(row(Moned, 1, tcambio=1.0), row(Moned, 2, tcambio=20.0))
    site.run()
    site.sae.put(row(Moned, 2, tcambio=HUGE), row(Moned, 3, tcambio=5.0))
    assert keys(site) == [("currency", "3", True)]
    assert site.events(Subject(Entity.CURRENCY))["2"]["rate"] == 20
    site.sae.put(row(Moned, 2, tcambio=21.0))
    assert keys(site) == [("currency", "2", True)]


def test_a_row_that_no_event_can_hold_is_gone_when_it_is_gone() -> None:
    site = Site(row(Moned, 2, tcambio=20.0))
    site.run()
    site.sae.put(row(Moned, 2, tcambio=HUGE))
    site.run()
    site.sae.drop(Moned, 2)
    assert keys(site) == [("currency", "2", False)]


def test_a_scheme_that_no_event_can_hold_keeps_its_products_as_they_were() -> None:
    site = Site(row(Impu, 1, impuesto1=16.0), row(Inve, "A", cve_esqimpu=1), row(Inve, "B"))
    site.run()
    site.sae.put(row(Impu, 1, impuesto1=float("nan")), row(Inve, "B", descr="new"))
    assert keys(site) == [("product", "B", True)]
    assert site.events(PRODUCTS)["A"]["taxes"][0]["percent"] == 16


def test_a_row_without_a_key_does_not_travel() -> None:
    site = Site(row(Clie, "   "), row(Clie, "1"))
    assert keys(site) == [("customer", "1", True)]


def test_rows_that_no_event_can_hold_are_told_once(caplog: pytest.LogCaptureFixture) -> None:
    site = Site(row(Moned, 2, tcambio=HUGE))
    site.sae.begin()
    site.settled()
    (told,) = [record for record in caplog.records if getattr(record, "action", "") == "unmappable"]
    assert (told.__dict__["entity"], told.__dict__["key"]) == ("currency", "2")


def test_of_keys_that_collide_the_winner_counts_also_where_no_event_can_hold_it() -> None:
    site = Site(row(Inve, "\tA", costo_prom=HUGE), row(Inve, "A"), row(Inve, "B"))
    assert keys(site) == [("product", "B", True)]


# a long pass


def test_a_long_pass_publishes_in_parts_and_reads_back_in_between() -> None:
    site = Site()
    site.sae.tables[Clin] = [row(Clin, f"{number:05d}") for number in range(25_000)]
    assert site.run().published == 25_000
    assert site.agrees()
    assert site.settled() == []


def test_topics_of_others_are_left_alone() -> None:
    site = Site(row(Clin, "L"))
    other = Topic("puente.02.product_line")
    site.log.create({other: TOPICS.fixed()[TOPICS.control]})
    site.run()
    assert site.log.store.topics[other].events == []
