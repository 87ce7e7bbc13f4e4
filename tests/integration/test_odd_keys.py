"""A real CAJA that was filled before: keys with blanks around, customers of its own, unique values that two of SAE's rows share."""

from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from consumer.leftout import Cause, line
from foundation.engines import open_database
from foundation.engines.database import Database
from puente.demo.statements import run
from schemas.entities import Entity, Subject
from tests.contracts.test_caja import OnFirebird, sql_caja
from tests.unit.consuming import Site, customer

__all__ = ["sql_caja"]  # a fixture

CUSTOMER, LINE, PRODUCT = map(Subject, (Entity.CUSTOMER, Entity.PRODUCT_LINE, Entity.PRODUCT))
PRODUCT_KEYS = ["\tP1", "P2\xa0", " P3", "\r\nP4\t"]


@pytest.fixture
def site(sql_caja: OnFirebird) -> Iterator[Site]:
    """SAE's changes and their consumer."""
    made = Site(caja=sql_caja[0])  # type: ignore[arg-type]  # a real one
    yield made
    made.consumer.release()


@pytest.fixture
def shop(sql_caja: OnFirebird) -> Iterator[Database]:
    """The connection of a program of CAJA's own."""
    with closing(open_database(sql_caja[2])) as opened:
        yield opened


def insert(shop: Database, table: str, **values: Any) -> None:
    with shop.writing() as writer:
        writer.execute(sa.insert(sa.table(table, *map(sa.column, values))).values(values))


def rows(shop: Database, columns: str, table: str) -> list[tuple[Any, ...]]:
    with shop.reading() as reader:
        return sorted(tuple(row) for row in reader.rows(sa.text(f"select {columns} from {table}")))


def parked(site: Site) -> dict[str, str]:
    return {place[1]: item.reason.value for place, item in site.caja.state().parked.items()}


def fill(shop: Database) -> None:
    """As an older synchronisation may have left it."""
    insert(shop, "CATLINEA", LINEA=" L1", DESCRIPCIO="vieja", ALTA="T")
    for key in PRODUCT_KEYS:
        insert(shop, "CATINVEN", PRODUCTO=key, DESCRIPCIO="viejo", EXISTENCIA=0, ALTA="T")
    insert(shop, "CATCLIEN", CLIENTE="1", CLAVESAE="         6", NOMBRE="viejo", ALTA="T")


def publish(site: Site) -> None:
    site.publish(LINE, "L1", {"line": "L1", "description": "nueva", "is_group": False, "status": "active"})
    for number in range(1, 5):
        site.product(f"P{number}", description="nuevo", line="L1")
        site.stock(f"P{number}", Decimal(number))
    site.publish(CUSTOMER, "6", customer("6", name="nuevo"))


def test_a_row_whose_key_has_blanks_around_is_saes_as_it_stands(site: Site, shop: Database) -> None:
    fill(shop)
    publish(site)
    site.step()
    assert parked(site) == {}
    assert rows(shop, "LINEA, DESCRIPCIO", "CATLINEA") == [(" L1", "nueva")]
    assert rows(shop, "PRODUCTO, DESCRIPCIO, LINEA, EXISTENCIA", "CATINVEN") == sorted(
        (key, "nuevo", " L1", number) for number, key in enumerate(PRODUCT_KEYS, start=1)
    )
    assert rows(shop, "PRODUCTO, EXISTIENDA", "EXIST") == sorted((key, number) for number, key in enumerate(PRODUCT_KEYS, start=1))
    assert rows(shop, "CLIENTE, CLAVESAE, NOMBRE", "CATCLIEN") == [("1", "         6", "nuevo")]


def test_such_rows_are_left_alone_once_they_are_right_and_become_inactive_with_their_key(site: Site, shop: Database) -> None:
    fill(shop)
    publish(site)
    site.step()
    again = site.another()
    site.consumer.release()
    site.consumer = again
    publish(site)
    site.consumer.take_over()
    site.consumer.ask_for_resync([*Entity])
    done = site.step()
    assert done is not None
    assert (done.touched, parked(site)) == (0, {})
    site.publish(CUSTOMER, "6", None)
    site.publish(LINE, "L1", None)
    site.step()
    assert rows(shop, "CLIENTE, ALTA", "CATCLIEN") == [("1", "F")]
    assert rows(shop, "LINEA, ALTA", "CATLINEA") == [(" L1", "F")]


def test_of_two_rows_with_one_key_the_one_without_blanks_is_written(site: Site, shop: Database, caplog: pytest.LogCaptureFixture) -> None:
    for key in ("P1", "\tP1"):
        insert(shop, "CATINVEN", PRODUCTO=key, DESCRIPCIO="viejo", ALTA="T")
    site.product("P1", description="nuevo")
    with caplog.at_level("WARNING", "puente.consumer"):
        site.step()
    assert rows(shop, "PRODUCTO, DESCRIPCIO", "CATINVEN") == [("\tP1", "viejo"), ("P1", "nuevo")]
    assert [(r.keys, r.entity) for r in caplog.records if getattr(r, "action", "") == "twins"] == [("P1", "product")]  # type: ignore[attr-defined]


def test_a_caja_with_customers_of_its_own_under_the_same_numbers_gets_all_of_saes(site: Site, shop: Database) -> None:
    for number in range(1, 151):
        insert(shop, "CATCLIEN", CLIENTE=str(number), NOMBRE="de la casa", ALTA="T")
    for number in range(1, 201):
        site.publish(CUSTOMER, str(number), customer(str(number), name="de SAE"))
    site.product("P1")
    site.step()
    assert parked(site) == {}
    found = rows(shop, "CLAVESAE, NOMBRE", "CATCLIEN where CLAVESAE is not null")
    assert found == sorted((str(number), "de SAE") for number in range(1, 201))
    assert rows(shop, "count(*)", "CATCLIEN where NOMBRE = 'de la casa'") == [(150,)]
    assert rows(shop, "PRODUCTO", "CATINVEN") == [("P1",)]


def test_a_unique_value_that_many_rows_share_stops_none_of_the_others(site: Site, shop: Database) -> None:
    with shop.writing() as writer:
        run(writer, "create unique index ONE_CODE on CATINVEN (CLVALTER1)")
    for number in range(40):
        site.product(f"P{number:02}", alternate_keys=[{"key": "750", "kind": "none"}])
    site.product("Q")
    site.clock.now += 120
    site.step()
    assert rows(shop, "PRODUCTO", "CATINVEN") == [("P00",), ("Q",)]
    assert set(parked(site)) == {f"P{number:02}" for number in range(1, 40)}
    assert set(parked(site).values()) <= {"rejected", "locked"}


def code(key: str) -> dict[str, Any]:
    return {"alternate_keys": [{"key": key, "kind": "none"}]}


def codes(shop: Database) -> dict[str, Any]:
    return dict(rows(shop, "PRODUCTO, CLVALTER1", "CATINVEN"))


def left_out(site: Site) -> list[str]:
    return [line(found) for found in site.caja.left_out(lambda _subject: True) if found.cause is Cause.GIVEN_AWAY]


def test_a_bar_code_that_sae_gave_to_another_product_is_taken_from_the_row_that_is_kept(site: Site, shop: Database) -> None:
    site.product("OLD", **code("750"))
    site.product("OTHER", **code("751"))
    site.step()
    site.publish(PRODUCT, "OLD", None)
    site.step()
    assert codes(shop) == {"OLD": "750", "OTHER": "751"}
    site.product("NEW", **code("750"))
    site.step()
    assert codes(shop) == {"OLD": None, "OTHER": "751", "NEW": "750"}
    assert left_out(site) == ["product, CLVALTER1 given away: 1 (OLD)"]
    # and where the old one comes back, SAE says what it has
    site.product("OLD", **code("752"))
    site.step()
    assert (codes(shop)["OLD"], left_out(site)) == ("752", [])


@pytest.mark.parametrize("order", ["given first", "deleted first"])
def test_codes_that_were_given_away_while_nobody_looked_are_found_by_who_takes_over(site: Site, shop: Database, order: str) -> None:
    insert(shop, "CATINVEN", PRODUCTO="OWN", CLVALTER2="760", ALTA="T")
    site.product("OLD", **code("750"))
    site.step()
    site.consumer.release()
    site.consumer = site.another()
    if order == "deleted first":
        site.publish(PRODUCT, "OLD", None)
    site.product("NEW", **code("750"))
    site.publish(PRODUCT, "OLD", None)
    site.step()
    assert codes(shop) == {"OLD": None, "NEW": "750", "OWN": None}
    assert rows(shop, "CLVALTER2", "CATINVEN where PRODUCTO = 'OWN'") == [("760",)]


def test_a_row_that_a_till_holds_gives_its_code_away_once_it_is_let_go(site: Site, shop: Database) -> None:
    site.product("OLD", **code("750"))
    site.step()
    site.publish(PRODUCT, "OLD", None)
    with shop.writing() as writer:
        writer.execute(sa.text("update CATINVEN set IMAGEN = 'x' where PRODUCTO = 'OLD'"))
        site.product("NEW", **code("750"))
        site.step()
        assert site.caja.state().hashes[PRODUCT].keys() == {"OLD", "NEW"}
    site.clock.now += 5
    site.step()
    assert codes(shop) == {"OLD": None, "NEW": "750"}


def test_two_products_of_sae_keep_the_code_that_both_have(site: Site, shop: Database) -> None:
    site.product("GONE")
    for key in ("P1", "P2"):
        site.product(key, **code("750"))
    site.publish(PRODUCT, "GONE", None)
    site.step()
    assert codes(shop) == {"P1": "750", "P2": "750"}
