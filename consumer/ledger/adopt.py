"""A ledger that begins again: taken over with a copy of a database, or made anew. What it knew of stock must not be lost with it.

Catalogues need nothing: a resync finds CAJA's own rows. Of stock the sweep takes only keys that the ledger has, so that stock which CAJA
counts by itself is left alone; where the ledger forgot them, stock that SAE and the log no longer tell of would stay for ever.
"""

from collections.abc import Collection, Iterable, Sequence

from consumer.caja.port import Store
from consumer.ledger.state import RowState
from consumer.mapping.cells import STORE
from consumer.mapping.mapper import RowMapper
from foundation.engines.catalogue import Scalar
from schemas.entities import Entity, Subject
from schemas.keys import Key, trim


def unproved(
    told: Collection[Key], rows: Iterable[Sequence[Scalar]], mapper: RowMapper, stores: Iterable[Store]
) -> list[tuple[Subject, Key]]:
    """What a resync must prove: stock that is not 0, of a product of whose stock SAE `told` this ledger, in whatever warehouse.

    `rows` are those of the stock's table, in the order of the plan's columns; a copy may serve other warehouses than the original.
    """
    names = [column.name for column in mapper.plan.columns]
    product, store, quantity = (names.index(mapper.column_of(source)) for source in ("sku", STORE, "quantity"))
    warehouses = {found.number: found.warehouse for found in stores if found.warehouse is not None}
    found = []
    for row in rows:
        key, warehouse = trim(str(row[product])), warehouses.get(int(str(row[store])))
        if key in told and warehouse is not None and row[quantity]:
            found.append((Subject(Entity.STOCK, warehouse), key))
    return found


def ledger_row(subject: Subject, key: Key) -> dict[str, object]:
    """Of a key that the log may not hold."""
    return {
        "ENTITY": subject.entity.value,
        "WAREHOUSE": subject.warehouse,
        "ROW_KEY": key,
        "STATE": RowState.UNSEEN.value,
        "CONTENT_HASH": "",
        "ROW_HASH": None,
        "QUANTITY": 0.0,
    }
