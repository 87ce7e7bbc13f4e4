"""A number is compared as its column keeps it: what was written once is never written again."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from consumer.caja.sql import SqlCaja
from consumer.resync.imagined import ImaginedTable
from foundation.engines.writing import Action, RowWrite
from schemas.entities import Entity, Subject
from tests.contracts.test_caja import FULL, HOLDER, UnderTest, on_firebird, products, put, row, stock, write
from tests.engines.embedded import Engine
from tests.unit.consuming import product

KINDS = ["numeric(15, 2)", "numeric(18, 6)", "decimal(9, 3)", "numeric(4, 1)", "float", "double precision"]
COLUMNS = (("EXIST", "EXISTIENDA"), ("CATINVEN", "EXISTENCIA"), ("CATINVEN", "PRECIOP"), ("CATINVEN", "COSTOPROM"), ("ESQIMP", "PORCEN1"))
STORED = {
    "numeric(15, 2)": {"1.125": 1.12, "1.135": 1.14, "-0.005": 0, "89.9": 89.9, "0.3": 0.3},
    "numeric(18, 6)": {"1.125": 1.125, "1.135": 1.135, "-0.005": -0.005, "89.9": 89.9, "0.3": 0.3},
    "decimal(9, 3)": {"1.125": 1.125, "1.135": 1.135, "-0.005": -0.005, "89.9": 89.9, "0.3": 0.3},
    "numeric(4, 1)": {"1.125": 1.1, "1.135": 1.1, "-0.005": 0, "89.9": 89.9, "0.3": 0.3},
}
NUMBERS = ("1.125", "1.135", "-0.005", "89.9", "0.3")


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def subject(engine: Engine, kind: str) -> Iterator[UnderTest]:
    altered = [f"alter table {table} {change}" for table, column in COLUMNS for change in (f"drop {column}", f"add {column} {kind}")]
    for found in on_firebird(engine.new_url("caja"), altered):
        assert found.caja.claim(found.caja.read_lease(), "mine", HOLDER)
        yield found


def test_a_number_is_kept_rounded_and_never_written_again(subject: UnderTest, kind: str) -> None:
    goods = [
        {**FULL, "sku": f"P{number}", "average_cost": Decimal(number), "prices": [{"list": 1, "amount": Decimal(number)}]}
        for number in NUMBERS
    ]
    assert write(subject, "mine", Entity.PRODUCT, *map(put, goods)) == (len(NUMBERS), [])
    assert write(subject, "mine", Entity.PRODUCT, *map(put, goods)) == (0, [])
    for number in NUMBERS:
        expected = pytest.approx(STORED.get(kind, {}).get(number, float(number)), rel=1e-7)
        found = products(subject)[f"P{number}"]
        assert float(found["PRECIOP"]) == expected
        assert float(found["COSTOPROM"]) == expected
    # And a dry run finds nothing to be written
    assert isinstance(subject.caja, SqlCaja)
    mapper = subject.mappers[Entity.PRODUCT]
    table = ImaginedTable(mapper, subject.caja.rows(Entity.PRODUCT))
    assert [table.effect(Action.PUT, mapper.row(value, None).values) for value in goods] == ["equal"] * len(goods)


def test_stock_is_kept_rounded_and_neither_it_nor_its_total_drifts(subject: UnderTest, kind: str) -> None:
    write(subject, "mine", Entity.PRODUCT, *(put(product(f"P{number}")) for number in NUMBERS))
    rows = [put(stock(f"P{number}", number), store) for number in NUMBERS for store in (1, 2, 3)]
    planned = [written(subject, *of) for of in rows]
    for expected in (len(rows), 0):
        with subject.caja.transaction("mine") as transaction:
            found = transaction.write(Entity.STOCK, planned)
        assert (found.touched, found.errors) == (expected, [])
    for store in (1, 2, 3):
        assert subject.caja.drifted(Subject(Entity.STOCK, store), store) == {}
    assert subject.caja.wrong_totals() == []
    # A change by hand of the least that the column can hold is found
    subject.update("EXIST", ("PRODUCTO", "P0.3"), {"EXISTIENDA": Decimal("0.4")})
    assert set(subject.caja.drifted(Subject(Entity.STOCK, 1), 1)) == {"P0.3"}
    assert subject.caja.wrong_totals() == ["P0.3"]


def written(subject: UnderTest, *of: object) -> RowWrite:
    """As the planner makes it: the ledger keeps what CAJA keeps."""
    found = row(subject, Entity.STOCK, *of)  # type: ignore[arg-type]
    kept = subject.mappers[Entity.STOCK].value_of(found.values, "quantity")
    return RowWrite(found.action, found.values, (*found.ledger[:-1], kept))
