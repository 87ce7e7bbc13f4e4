"""A ledger that begins again keeps what a resync must prove of stock."""

from decimal import Decimal

import pytest

from consumer.caja.port import Store
from consumer.ledger.adopt import unproved
from schemas.entities import Entity, Subject
from schemas.keys import Key
from tests.unit.consuming import MAPPERS

TOLD = {Key("P1"), Key("P2"), Key("P3")}
STORES = (Store(number=1, warehouse=7), Store(number=2, warehouse=None))


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (("P1", 1, 5.0), [(Subject(Entity.STOCK, 7), "P1")]),
        (("P2  ", 1, Decimal(-1)), [(Subject(Entity.STOCK, 7), "P2")]),
        (("P3", 1, 0.0), []),
        (("P3", 1, None), []),
        (("OF CAJA", 1, 5.0), []),
        (("P1", 2, 5.0), []),
        (("P1", 3, 5.0), []),
    ],
    ids=["of SAE", "padded and sold", "nothing", "unknown", "CAJA's own", "a store without a warehouse", "a store that is not served"],
)
def test_only_stock_that_sae_told_of_in_a_store_with_a_warehouse_must_be_proved(
    row: tuple[str, int, float | Decimal | None], found: list[tuple[Subject, str]]
) -> None:
    mapper = MAPPERS[Entity.STOCK]
    order = [column.name for column in mapper.plan.columns]
    assert order == ["PRODUCTO", "TIENDA", "EXISTIENDA"]
    assert unproved(TOLD, [row], mapper, STORES) == found
