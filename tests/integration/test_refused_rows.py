"""Rows that the database refuses, on real servers: a lock, a rule of the site's own, a value that does not fit, told apart."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from consumer.ledger import tables
from foundation.engines import create_database, open_database
from foundation.engines.catalogue import Kind
from foundation.engines.database import Database
from foundation.engines.writing import Action, Refusal, RowError, RowWrite, WriteColumn, WritePlan
from tests.engines.embedded import Engine
from tests.engines.templates import databases

PLAN = WritePlan(
    table="THINGS",
    columns=(
        WriteColumn(name="ID", kind=Kind.INTEGER),
        WriteColumn(name="NAME", kind=Kind.TEXT, width=20),
        WriteColumn(name="CODE", kind=Kind.TEXT, width=10),
        WriteColumn(name="OWNER", kind=Kind.INTEGER),
    ),
    match=("ID",),
    keys=(("CODE",),),
    ledger=tables.ROWS,
)
TABLES = (
    "create table OWNERS (ID integer not null primary key)",
    "create table THINGS (ID integer not null primary key, NAME varchar(20), CODE varchar(10) unique, OWNER integer references OWNERS)",
    "create table COPIES (SHORT varchar(5), TINY smallint, LATIN varchar(20) character set ascii)",
)


class RollBack(Exception):
    """Leaves a transaction without its changes."""


@pytest.fixture
def url(engine: Engine) -> str:
    made = engine.new_url("refused")

    def make() -> None:
        create_database(made)
        with closing(open_database(made)) as owner:
            for statement in TABLES:
                run(owner, statement)
            owner.create_tables(tables.metadata)

    databases([made], "refused rows", make)
    return made


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with closing(open_database(url)) as opened:
        yield opened


@pytest.fixture
def other(url: str) -> Iterator[Database]:
    """Another program's connection."""
    with closing(open_database(url)) as opened:
        yield opened


def run(database: Database, statement: str) -> None:
    with database.writing() as writer:
        writer.execute(sa.text(statement))


@contextmanager
def not_yet_committed(other: Database, statement: str) -> Iterator[None]:
    with suppress(RollBack), other.writing() as writer:
        writer.execute(sa.text(statement))
        yield
        raise RollBack


def thing(number: int, name: str | None = None, code: str | None = None, owner: int | None = None) -> RowWrite:
    return RowWrite(Action.PUT, (number, name, code, owner), ("thing", 0, str(number), "applied", "c", "r", None))


def errors(database: Database, *rows: RowWrite, plan: WritePlan = PLAN) -> list[RowError]:
    with database.writing() as writer:
        return list(writer.write(plan, rows).errors)


def stored(database: Database) -> dict[int, Any]:
    with database.reading() as reader:
        return dict(reader.rows(sa.text("select ID, CODE from THINGS").columns(sa.column("ID"), sa.column("CODE"))))  # type: ignore[arg-type]


INSERTED = ["insert into THINGS (ID) values (1)", "insert into THINGS (ID, CODE) values (7, 'A')"]
"""The same key, and the same unique value."""


@pytest.mark.parametrize("statement", INSERTED)
def test_a_row_that_another_program_adds_and_has_not_committed_is_locked_and_goes_in_when_it_gives_up(
    database: Database, other: Database, statement: str
) -> None:
    with not_yet_committed(other, statement):
        (error,) = errors(database, thing(1, code="A"), thing(2, code="B"))
        assert (error.index, error.locked) == (0, True)
    assert stored(database) == {2: "B"}
    assert errors(database, thing(1, code="A")) == []
    assert stored(database) == {1: "A", 2: "B"}


def test_a_row_that_another_program_added_and_committed_meanwhile_is_locked_and_is_then_that_row(
    database: Database, other: Database
) -> None:
    with database.writing() as writer:
        list(writer.rows(sa.text("select ID from THINGS").columns(sa.column("ID"))))  # its snapshot is older
        run(other, INSERTED[0])
        assert [error.locked for error in writer.write(PLAN, [thing(1, code="A")]).errors] == [True]
    assert errors(database, thing(1, code="A")) == []
    assert stored(database) == {1: "A"}


def test_a_unique_value_that_another_row_has_for_good_is_no_lock(database: Database, other: Database) -> None:
    run(other, INSERTED[1])
    (error,) = errors(database, thing(1, code="A"))
    assert (error.locked, error.unsure) == (False, False)
    assert "unique" in str(error.message)
    # A change of a row that is there, and two of one call
    assert errors(database, thing(1, code="B"), thing(2, code="C")) == []
    assert [(found.index, found.locked) for found in errors(database, thing(1, code="A"), thing(3, code="D"), thing(4, code="D"))] == [
        (0, False),
        (2, False),
    ]


def test_a_unique_value_that_nobody_can_look_for_may_be_a_lock(database: Database, other: Database) -> None:
    run(other, "create unique index UPPER_NAME on THINGS computed by (upper(NAME))")
    database.close()
    assert frozenset(("",)) in database.catalogue()["THINGS"].keys
    hidden = replace(PLAN, hidden_keys=True)
    assert errors(database, thing(1, "name"), plan=hidden) == []
    (error,) = errors(database, thing(2, "NAME"), plan=hidden)
    assert (error.locked, error.unsure) == (False, True)


def test_a_parent_that_is_not_there_may_be_another_programs_that_has_not_committed(database: Database, other: Database) -> None:
    with not_yet_committed(other, "insert into OWNERS (ID) values (1)"):
        (uncommitted,) = errors(database, thing(1, owner=1))
    (missing,) = errors(database, thing(1, owner=1))
    assert (missing.code, missing.locked, missing.unsure) == (Refusal.PARENT, False, True)
    assert uncommitted.locked or uncommitted == missing  # Firebird 2.5 tells the two apart
    run(other, "insert into OWNERS (ID) values (1)")
    assert errors(database, thing(1, owner=1)) == []


BODIES = [
    ("insert into COPIES (SHORT) values (new.NAME);", "text is longer"),
    ("insert into COPIES (TINY) values (new.ID * 1000);", "number does not fit"),
    ("insert into COPIES (TINY) values (new.ID / (new.ID - 100));", "divides by zero"),
    ("insert into COPIES (LATIN) values (new.NAME);", "character set"),
    ("insert into COPIES (TINY) values (new.NAME);", "no number"),
]


@pytest.mark.parametrize(("body", "said"), BODIES)
def test_what_a_trigger_of_the_sites_own_makes_of_a_value_that_does_not_fit_is_told(
    database: Database, other: Database, body: str, said: str
) -> None:
    run(other, f"create trigger COPY for THINGS after insert as begin {body} end")
    (error,) = errors(database, thing(100, "más de cinco"))
    assert said in str(error.message)
    assert (error.locked, error.unsure) == (False, False)


def test_an_exception_of_a_trigger_is_told_with_its_name_and_its_text(database: Database, other: Database) -> None:
    run(other, "create exception DEMASIADO 'no'")
    body = "if (mod(new.ID, 2) = 1) then exception DEMASIADO 'El precio de ' || new.NAME || ' es menor que su costo';"
    run(other, f"create trigger WATCH for THINGS before insert as begin {body} end")
    found = errors(database, thing(1, "piñón"), thing(2, "x"), *(thing(number, "y") for number in range(3, 101)))
    assert len(found) == 50
    assert "DEMASIADO: El precio de piñón es menor que su costo" in str(found[0].message)
    assert "DEMASIADO: El precio de y" in str(found[19].message)
    assert "trigger" in str(found[20].message)
    assert sorted(stored(database)) == list(range(2, 101, 2))
