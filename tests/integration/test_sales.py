"""Sales that SAE lacks are found without reading those that it has: a till keeps them for years."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import sqlalchemy as sa

from consumer.caja import sales
from consumer.caja.sales import read_unposted
from consumer.mapping import profile
from consumer.mapping.profile import Profile
from foundation.engines import create_database, open_database
from foundation.engines.database import Database
from foundation.engines.firebird.connection import FirebirdDatabase
from puente.commands import setup
from puente.commands.check import check
from puente.config import CajaSettings, Settings
from puente.demo.statements import run
from puente.findings import Level
from puente.reference import Store, build_caja
from tests.engines.embedded import Engine
from tests.engines.templates import databases
from tests.engines.users import as_writer, execute, grant_caja

PROFILE = profile.load("caja50")
POSTED = 2000
FILL = f"""EXECUTE BLOCK AS DECLARE I INTEGER = 0;
BEGIN
  WHILE (I < {POSTED}) DO
  BEGIN
    INSERT INTO VVENTAS (NOTA, TIENDA, STATUS, ENVSAE) VALUES ('N' || :I, 1, 'N', 'T');
    INSERT INTO DVENTAS (NOTA, PARTIDA, PRODUCTO, CANTIDAD) VALUES ('N' || :I, 1, 'P' || MOD(:I, 100), 1);
    I = I + 1;
  END
END"""
UNPOSTED = [
    "INSERT INTO VVENTAS (NOTA, TIENDA, STATUS, ENVSAE) VALUES ('A', 1, 'N', NULL)",
    "INSERT INTO VVENTAS (NOTA, TIENDA, STATUS, ENVSAE) VALUES ('B', 2, 'N', 'F')",
    "INSERT INTO VVENTAS (NOTA, TIENDA, STATUS, ENVSAE) VALUES ('C', 3, NULL, 'Z')",
    "INSERT INTO VVENTAS (NOTA, TIENDA, STATUS, ENVSAE) VALUES ('D', 4, 'C', 'F')",
    "INSERT INTO VVENTAS (NOTA, TIENDA, STATUS, ENVSAE) VALUES ('E', 5, 'N', 'F')",
    *(f"INSERT INTO DVENTAS (NOTA, PARTIDA, PRODUCTO) VALUES ('{note}', 1, ' P1')" for note in "ABCD"),
]
"""The last is a sale without lines yet: a till writes its head first."""


@pytest.fixture
def url(engine: Engine) -> str:
    """A CAJA with many posted sales, and no index but those of its keys."""
    made = engine.new_url("caja")

    def make() -> None:
        create_database(made)
        with closing(open_database(made)) as database:
            build_caja(database, [Store(1, "Centro", 1)])
        execute(made, [FILL])
        execute(made, UNPOSTED)

    databases([made], "many sales", make)
    return made


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with closing(open_database(url)) as opened:
        yield opened


class _Explained:
    """Takes a query as the product runs it, and keeps how the engine would."""

    def __init__(self, reader: Any) -> None:
        self._connection, self.plan = reader._connection, ""

    def rows(self, query: sa.Select[Any]) -> list[Any]:
        compiled = str(query.compile(dialect=self._connection.dialect))
        with closing(self._connection.connection.cursor()) as cursor:
            statement = cursor.prepare(compiled)
            self.plan = statement.plan
            statement.free()
        return []


def plan_of(database: Database) -> str:
    assert isinstance(database, FirebirdDatabase)
    with database.reading() as reader:
        explained: Any = _Explained(reader)
        read_unposted(explained, PROFILE)
    return str(explained.plan)


def add_index(database: Database, used: Profile = PROFILE) -> None:
    database.create_index(sales.INDEX, used.sales.table, sales.expression(used.sales))


def test_with_the_index_no_table_of_sales_is_read_from_end_to_end(database: Database) -> None:
    assert "NATURAL" in plan_of(database)
    add_index(database)
    assert sales.is_indexed(PROFILE, database.catalogue())
    assert "NATURAL" not in plan_of(database)


@pytest.mark.parametrize("indexed", [False, True])
def test_the_same_sales_are_found_with_and_without_the_index(database: Database, indexed: bool) -> None:
    if indexed:
        add_index(database)
    with database.reading() as reader:
        assert read_unposted(reader, PROFILE) == {(1, "P1"), (2, "P1"), (3, "P1")}


def caja(url: str, **policies: object) -> CajaSettings:
    return CajaSettings.model_validate({"name": "centro", "url": url, **policies})


def warned(settings: CajaSettings) -> list[str]:
    found = check(Settings(company="01", caja=(settings,)))
    return [str(finding.text) for finding in found if finding.level is Level.WARNING and "VVENTAS" in str(finding.text)]


def index_actions(settings: CajaSettings) -> list[setup.Action]:
    _, part = setup.parts(Settings(company="01", caja=(settings,)), [settings], adopt=False)
    return [action for action in part.plan() if "VVENTAS" in str(action.text)]


def test_setup_adds_the_index_once(url: str, database: Database) -> None:
    (told,) = warned(caja(url))
    assert "puente setup" in told
    (action,) = index_actions(caja(url))
    assert action.touches_caja
    action.run()
    assert sales.is_indexed(PROFILE, database.catalogue())
    assert not index_actions(caja(url))
    assert not warned(caja(url))


def test_a_user_who_may_not_add_the_index_is_told_who_can(url: str) -> None:
    grant_caja(url)
    execute(url, [f"DROP INDEX {sales.INDEX}"])
    (told,) = warned(caja(as_writer(url)))
    assert "puente grants caja --caja centro" in told
    assert not index_actions(caja(as_writer(url)))


def test_the_script_of_grants_adds_the_index_unless_there_is_one(url: str, database: Database) -> None:
    for _ in range(2):
        grant_caja(url)
        assert sales.is_indexed(PROFILE, database.catalogue())


def other_profile() -> Profile:
    """Of a site where another letter tells that SAE has a sale."""
    posted = PROFILE.sales.posted.model_copy(update={"value": "it's"})
    return PROFILE.model_copy(update={"sales": PROFILE.sales.model_copy(update={"posted": posted})})


@pytest.mark.parametrize("by_script", [False, True])
def test_an_index_of_another_profile_is_replaced(url: str, database: Database, by_script: bool) -> None:
    add_index(database, other_profile())
    assert sales.is_indexed(other_profile(), database.catalogue())
    assert not sales.is_indexed(PROFILE, database.catalogue())
    if by_script:
        grant_caja(url)
    else:
        add_index(database)
    assert sales.is_indexed(PROFILE, database.catalogue())
    assert "NATURAL" not in plan_of(database)


def test_an_index_that_is_switched_off_does_not_count(url: str, database: Database) -> None:
    add_index(database)
    with database.writing() as writer:
        run(writer, f"ALTER INDEX {sales.INDEX} INACTIVE")
    assert not sales.is_indexed(PROFILE, database.catalogue())


def test_stock_that_is_not_guarded_needs_no_index(url: str) -> None:
    assert not warned(caja(url, stock="overwrite"))
