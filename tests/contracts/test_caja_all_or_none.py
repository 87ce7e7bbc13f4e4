"""A row, its total and its ledger row are one change: whichever statement fails, nothing of it is left, and the next try repairs all."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from typing import Any

import pytest
import sqlalchemy as sa

from consumer.caja.sql import SqlCaja
from consumer.ledger import tables
from foundation.engines import open_database
from foundation.engines.database import Database
from foundation.engines.writing import Action, RowError
from schemas.entities import Entity, Subject
from schemas.keys import Key
from tests.contracts.test_caja import (
    FULL,
    HOLDER,
    OnFirebird,
    RollBack,
    UnderTest,
    _subject,
    execute,
    products,
    put,
    row,
    sql_caja,
    stock,
    subject,
    token,
    write,
)
from tests.unit.consuming import product

__all__ = ["sql_caja", "subject", "token"]  # fixtures

HERE = Subject(Entity.STOCK, 1)
Written = tuple[Action, dict[str, Any] | str, int | None]


def shown(subject: UnderTest) -> tuple[dict[tuple[str, int], float], dict[str, float], Mapping[Key, str]]:
    """Quantities, totals, and the hashes of the ledger."""
    quantities = {(found["PRODUCTO"], found["TIENDA"]): found["EXISTIENDA"] for found in subject.rows("EXIST")}
    totals = {key: found["EXISTENCIA"] for key, found in products(subject).items()}
    return quantities, totals, subject.caja.state().hashes.get(HERE, {})


def errors_of(subject: UnderTest, token: str, *writes: Written) -> list[RowError]:
    with subject.caja.transaction(token) as transaction:
        return list(transaction.write(Entity.STOCK, [row(subject, Entity.STOCK, *written) for written in writes]).errors)


@pytest.mark.parametrize(("table", "column"), [("CATINVEN", "PRODUCTO"), ("EXIST", "PRODUCTO")])
def test_a_till_that_holds_the_row_or_the_product_keeps_out_all_of_a_change(
    subject: UnderTest, token: str, table: str, column: str
) -> None:
    write(subject, token, Entity.PRODUCT, put(FULL), put(product("P2")))
    write(subject, token, Entity.STOCK, put(stock("P1", "5"), 1))
    before = shown(subject)
    with subject.locking(table, column, "P1"):
        held = errors_of(subject, token, put(stock("P1", "10.25"), 1), put(stock("P2", "1"), 1))
    assert [(error.index, error.locked) for error in held] == [(0, True)]
    quantities, totals, hashes = shown(subject)
    assert (quantities["P1", 1], totals["P1"], hashes[Key("P1")]) == (5, 5, before[2][Key("P1")])
    assert (quantities["P2", 1], totals["P2"], set(hashes)) == (1, 1, {"P1", "P2"})
    # And the next try repairs all of it
    assert errors_of(subject, token, put(stock("P1", "10.25"), 1)) == []
    quantities, totals, hashes = shown(subject)
    assert (quantities["P1", 1], totals["P1"]) == (10.25, 10.25)
    assert hashes[Key("P1")] != before[2][Key("P1")]


def test_a_till_that_holds_the_product_keeps_out_a_first_row_of_stock(subject: UnderTest, token: str) -> None:
    write(subject, token, Entity.PRODUCT, put(FULL))
    with subject.locking("CATINVEN", "PRODUCTO", "P1"):
        assert [error.locked for error in errors_of(subject, token, put(stock("P1", "3"), 1))] == [True]
    assert shown(subject) == ({}, {"P1": 0}, {})
    assert errors_of(subject, token, put(stock("P1", "3"), 1)) == []
    assert shown(subject)[:2] == ({("P1", 1): 3}, {"P1": 3})


def test_a_total_that_somebody_changed_by_hand_is_found_and_mended_alone(subject: UnderTest, token: str) -> None:
    write(subject, token, Entity.PRODUCT, put(FULL), put(product("P2")), put(product("P3")))
    write(subject, token, Entity.STOCK, *(put(stock(key, "0.1"), store) for key in ("P1", "P2") for store in (1, 2)))
    write(subject, token, Entity.STOCK, put(stock("P1", "0.7"), 3))
    assert subject.caja.wrong_totals() == []
    insert_total(subject, "P1", 77.0)
    insert_total(subject, "P2", None)
    insert_total(subject, "P3", 9.0)  # of no store: nothing says that it is wrong
    assert sorted(subject.caja.wrong_totals()) == ["P1", "P2"]
    before = shown(subject)
    assert write(subject, token, Entity.STOCK, *((Action.TOTAL, key, 1) for key in ("P1", "P2", "P3 unknown"))) == (2, [])
    quantities, totals, hashes = shown(subject)
    assert (quantities, hashes) == (before[0], before[2])
    assert totals == {"P1": pytest.approx(0.9), "P2": 0.2, "P3": 9}
    assert subject.caja.wrong_totals() == []
    assert write(subject, token, Entity.STOCK, (Action.TOTAL, "P1", 1)) == (0, [])


def insert_total(subject: UnderTest, key: str, total: float | None) -> None:
    subject.update("CATINVEN", ("PRODUCTO", key), {"EXISTENCIA": total})


@pytest.fixture
def on_engine(sql_caja: OnFirebird) -> Iterator[tuple[UnderTest, Database]]:
    """A CAJA on each engine, and the connection of its owner."""
    caja, _, url = sql_caja
    with closing(open_database(url)) as outside:
        found = _subject(caja, dict(caja._mappers), outside)
        assert caja.claim(caja.read_lease(), "mine", HOLDER)
        yield found, outside


GRANT = """execute block as begin
  if (rdb$get_context('SYSTEM', 'ENGINE_VERSION') not starting with '2.') then
    execute statement 'grant usage on exception FORBIDDEN to public';
end"""
"""Firebird 2.5 knows no such right."""


@contextmanager
def failing(subject: UnderTest, outside: Database, table: str, when: str) -> Iterator[None]:
    """CAJA's own trigger forbids this statement on the table; connections open before do not know of it."""
    assert isinstance(subject.caja, SqlCaja)
    execute(outside, sa.text("create exception FORBIDDEN 'not now'"))
    execute(outside, sa.text(GRANT))
    execute(outside, sa.text(f"create trigger FAILS for {table} active {when} as begin exception FORBIDDEN; end"))
    subject.caja._database.close()
    yield
    subject.caja._database.close()
    execute(outside, sa.text("drop trigger FAILS"))
    execute(outside, sa.text("drop exception FORBIDDEN"))


CHANGED = put(stock("P1", "10"), 1), {("P1", 1): 10}
ADDED = put(stock("P1", "4"), 2), {("P1", 1): 5, ("P1", 2): 4}
RETIRED = (Action.RETIRE, "P1", 1), {("P1", 1): 0}
STATEMENTS = [
    (*CHANGED, "EXIST", "update"),
    (*CHANGED, "CATINVEN", "update"),
    (*CHANGED, tables.ROWS, "update"),
    (*ADDED, "EXIST", "insert"),
    (*ADDED, "CATINVEN", "update"),
    (*ADDED, tables.ROWS, "insert"),
    (*RETIRED, "EXIST", "update"),
    (*RETIRED, "CATINVEN", "update"),
    (*RETIRED, tables.ROWS, "update"),
]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(("change", "after", "table", "statement"), STATEMENTS)
def test_whichever_statement_of_a_row_fails_nothing_of_it_is_left_and_the_next_try_repairs_all(
    on_engine: tuple[UnderTest, Database], change: Written, after: dict[tuple[str, int], float], table: str, statement: str, moment: str
) -> None:
    subject, outside = on_engine
    write(subject, "mine", Entity.PRODUCT, put(FULL))
    write(subject, "mine", Entity.STOCK, put(stock("P1", "5"), 1))
    before = everything(subject)
    with failing(subject, outside, table, f"{moment} {statement}"):
        assert len(errors_of(subject, "mine", change)) == 1
        assert everything(subject) == before
    assert errors_of(subject, "mine", change) == []
    quantities, totals, _ = shown(subject)
    assert quantities == after
    assert totals["P1"] == sum(after.values())
    assert everything(subject)[tables.ROWS] != before[tables.ROWS]


def everything(subject: UnderTest) -> dict[str, list[Any]]:
    return {table: sorted(map(repr, subject.rows(table))) for table in ("EXIST", "CATINVEN", tables.ROWS)}


def test_a_row_that_a_till_adds_and_has_not_committed_is_locked_until_it_does(on_engine: tuple[UnderTest, Database]) -> None:
    subject, outside = on_engine
    with suppress(RollBack), outside.writing() as till:
        till.execute(sa.text("insert into CATINVEN (PRODUCTO, DESCRIPCIO, ALTA) values ('P1', 'suyo', 'T')"))
        with subject.caja.transaction("mine") as transaction:
            found = transaction.write(Entity.PRODUCT, [row(subject, Entity.PRODUCT, *put(FULL))])
        assert [error.locked for error in found.errors] == [True]
        raise RollBack
    assert write(subject, "mine", Entity.PRODUCT, put(FULL)) == (1, [])
