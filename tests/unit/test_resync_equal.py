"""What a resync that somebody asked for need not write: rows of CAJA that hold what the log has, and the ledger too."""

from decimal import Decimal
from typing import Any

import pytest

from consumer.resync.equal import EqualRows
from consumer.resync.imagined import Effect, ImaginedTable
from foundation.engines.catalogue import Scalar
from foundation.engines.writing import Action
from foundation.packed import PackedKeys
from schemas.entities import Entity, Subject
from schemas.keys import Key
from tests.unit.consuming import MAPPERS, Site, customer, product

PRODUCT, STOCK = Subject(Entity.PRODUCT), Subject(Entity.STOCK, 1)


def holds(entity: Entity, key: str, row: tuple[Scalar, ...], values: tuple[Scalar, ...]) -> bool:
    keys = PackedKeys()
    keys.add(b"another")
    keys.add(key.encode())
    return EqualRows(MAPPERS[entity], [row], keys).holds(Key(key), values)


@pytest.mark.parametrize(
    ("row", "quantity", "is_equal"),
    [
        (("P1", 1, 1.25), Decimal("1.250000"), True),
        (("P1   ", 1, 1.25), Decimal("1.250000"), True),
        ((" P1", 1, 1.25), Decimal("1.250000"), True),
        (("P1", 1, -1.0), Decimal("-2.000000"), False),
        (("P1", 1, 1.2500001), Decimal("1.250000"), False),
        (("P1", 1, None), Decimal("0.000000"), False),
        (("P2", 1, 1.25), Decimal("1.250000"), False),
        (("P1", 1, Decimal("1.25")), Decimal("1.250000"), True),
    ],
)
def test_a_row_is_equal_where_it_holds_what_was_mapped(row: tuple[Scalar, ...], quantity: Decimal, *, is_equal: bool) -> None:
    assert holds(Entity.STOCK, "P1", row, ("P1", 1, quantity)) == is_equal


def test_blanks_at_the_end_of_a_text_count_for_nothing_and_a_number_of_cajas_own_neither() -> None:
    mapper = MAPPERS[Entity.CUSTOMER]
    names, values = [column.name for column in mapper.plan.columns], mapper.row(customer("188", name="Ana"), None).values
    row = list(values)
    row[names.index("CLIENTE")], row[names.index("NOMBRE")] = "7", "Ana  "
    assert holds(Entity.CUSTOMER, "188", tuple(row), values)
    row[names.index("NOMBRE")] = "Eva"
    assert not holds(Entity.CUSTOMER, "188", tuple(row), values)


def asked(site: Site, *entities: Entity) -> Any:
    site.consumer.ask_for_resync(entities)
    return site.step()


def test_a_resync_that_is_asked_for_writes_what_differs_alone() -> None:
    site = Site()
    for n in range(3):
        site.product(f"P{n}")
        site.stock(f"P{n}", Decimal(n))
    site.step()
    site.caja.content.table("CATINVEN")["P1",]["DESCRIPCIO"] = "changed by hand"
    step = asked(site, Entity.PRODUCT, Entity.STOCK)
    assert (step.applied, step.touched, step.equal) == (1, 1, 5)
    assert site.caja.content.table("CATINVEN")["P1",]["DESCRIPCIO"] == product("P1")["description"]


def test_a_row_that_is_gone_is_written_again() -> None:
    site = Site()
    site.product("P1")
    site.step()
    site.caja.content.table("CATINVEN").clear()
    assert asked(site, Entity.PRODUCT).touched == 1
    assert site.row("CATINVEN", "P1") is not None


def test_where_the_mapping_is_another_one_every_row_goes_in_with_its_ledger_row() -> None:
    site = Site()
    site.product("P1")
    site.step()
    site.consumer.release()
    site.fingerprint = "print 2"
    site.consumer = site.another()
    step = site.step()
    assert step is not None
    assert (step.applied, step.touched, step.equal) == (1, 0, 0)


def test_a_preview_tells_one_less_than_nothing_from_two() -> None:
    table = ImaginedTable(MAPPERS[Entity.STOCK], [("P1", 1, -1.0)])
    assert table.effect(Action.PUT, ("P1", 1, Decimal(-1))) is Effect.EQUAL
    assert table.effect(Action.PUT, ("P1", 1, Decimal(-2))) is Effect.CHANGED
