"""A consumer beside the tills of a real CAJA: what they hold and have not committed goes in whole once they let it go."""

from collections.abc import Iterator
from contextlib import closing, suppress
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from foundation.engines import open_database
from foundation.engines.database import Database
from tests.contracts.test_caja import OnFirebird, RollBack, sql_caja
from tests.unit.consuming import Site

__all__ = ["sql_caja"]  # a fixture

KEYS = [f"RACE-{number}" for number in range(40)]


@pytest.fixture
def site(sql_caja: OnFirebird) -> Iterator[Site]:
    """SAE's changes and their consumer."""
    caja, _, _ = sql_caja
    made = Site(caja=caja)  # type: ignore[arg-type]  # a real one
    yield made
    made.consumer.release()


@pytest.fixture
def till(sql_caja: OnFirebird) -> Iterator[Database]:
    """The connection of a program of CAJA's own."""
    with closing(open_database(sql_caja[2])) as opened:
        yield opened


def values(till: Database, sql: str) -> list[Any]:
    with till.reading() as reader:
        return [row[0] for row in reader.rows(sa.text(sql).columns(sa.column("V")))]


def parked(site: Site) -> dict[str, str]:
    return {place[1]: item.reason.value for place, item in site.caja.state().parked.items()}


def test_a_total_that_a_till_held_is_right_once_it_lets_go(site: Site, till: Database) -> None:
    site.product("0024")
    site.stock("0024", Decimal(5))
    site.step()
    with till.writing() as writer:
        writer.execute(sa.text("update CATINVEN set IMAGEN = 'x' where PRODUCTO = '0024'"))
        site.stock("0024", Decimal(10))
        site.step()
        assert parked(site) == {"0024": "locked"}
    assert (values(till, "select EXISTIENDA from EXIST"), values(till, "select EXISTENCIA from CATINVEN")) == ([5], [5])
    site.clock.now += 1
    site.step()
    assert (values(till, "select EXISTIENDA from EXIST"), values(till, "select EXISTENCIA from CATINVEN")) == ([10], [10])
    assert parked(site) == {}


@pytest.mark.parametrize("commits", [True, False])
def test_rows_that_a_till_adds_while_sae_has_them_too_become_saes_once_it_ends(site: Site, till: Database, *, commits: bool) -> None:
    site.product("P1")
    site.step()
    with suppress(RollBack), till.writing() as writer:
        for key in KEYS:
            writer.execute(sa.text(f"insert into CATINVEN (PRODUCTO, DESCRIPCIO, ALTA) values ('{key}', 'bare', 'T')"))
        for key in KEYS:
            site.product(key, description="of SAE")
        site.step()
        assert parked(site) == dict.fromkeys(KEYS, "locked")
        site.clock.now += 100
        site.step()
        assert parked(site) == dict.fromkeys(KEYS, "locked")
        if not commits:
            raise RollBack
    site.clock.now += 1
    site.step()
    assert parked(site) == {}
    assert values(till, "select DESCRIPCIO from CATINVEN where PRODUCTO starting with 'RACE'") == ["of SAE"] * len(KEYS)
