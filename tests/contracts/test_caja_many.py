"""More rows than a call holds, and fields whose length takes two characters: each row is itself, and so is each error."""

from collections.abc import Iterator

import pytest

from consumer.ledger.state import Progress
from foundation.engines.writing import Refusal
from foundation.eventlog.lineage import Position
from foundation.eventlog.port import Offset, Topic, TopicId
from schemas.entities import Entity
from tests.contracts.test_caja import HOLDER, NOW, UnderTest, on_firebird, products, put, row, stock
from tests.engines.embedded import Engine
from tests.unit.consuming import product

WIDE = 500
LENGTHS = (0, 1, 199, 200, 221, 222, 223, 399, 400, WIDE)
MANY = 700
TOPIC = Topic("puente.01.product")


@pytest.fixture
def subject(engine: Engine) -> Iterator[UnderTest]:
    for found in on_firebird(engine.new_url("caja"), [f"alter table CATINVEN alter DESCRIPCIO type varchar({WIDE})"]):
        assert found.caja.claim(found.caja.read_lease(), "mine", HOLDER)
        yield found


def text_of(number: int) -> str:
    return f"ñ“{number}” ".ljust(LENGTHS[number % len(LENGTHS)], "ÿ")[: LENGTHS[number % len(LENGTHS)]].rstrip()


def test_rows_of_many_calls_arrive_each_as_it_is_with_their_position(subject: UnderTest) -> None:
    values = [product(f"P{number}", description=text_of(number) or None) for number in range(MANY)]
    position = Position(TopicId("a" * 32), Offset(MANY))
    for touched in (MANY, 0):
        with subject.caja.transaction("mine", subject.caja.switches()) as transaction:
            transaction.save(TOPIC, Progress(position=position, end_reached=NOW, fingerprint="f"))
            written = transaction.write(Entity.PRODUCT, [row(subject, Entity.PRODUCT, *put(value)) for value in values])
        assert (written.touched, written.errors) == (touched, [])
    found = products(subject)
    assert {key: one["DESCRIPCIO"] for key, one in found.items()} == {value["sku"]: value["description"] for value in values}
    assert subject.caja.state().progress[TOPIC].position == position


def test_an_error_names_its_row_in_whichever_call_that_is(subject: UnderTest) -> None:
    there = {number for number in range(MANY) if number % 97 not in (0, 5)}
    with subject.caja.transaction("mine") as transaction:
        transaction.write(Entity.PRODUCT, [row(subject, Entity.PRODUCT, *put(product(f"P{number}"))) for number in sorted(there)])
    with subject.caja.transaction("mine", subject.caja.switches()) as transaction:
        stocks = [row(subject, Entity.STOCK, *put(stock(f"P{number}", str(number)), 1)) for number in range(MANY)]
        written = transaction.write(Entity.STOCK, stocks)
    assert [(error.index, error.code) for error in written.errors] == [(n, Refusal.PARENT) for n in range(MANY) if n not in there]
    assert {one["PRODUCTO"]: one["EXISTIENDA"] for one in subject.rows("EXIST")} == {f"P{number}": number for number in there}
