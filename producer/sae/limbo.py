"""A row whose transaction was prepared and never ended: the engine refuses it, and so the rest of its table. Other tables go on.

What is made of such a table waits, deletes too, for a row that cannot be read is not gone.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from typing import Any

from foundation.engines.errors import RowInLimbo
from foundation.once import once
from producer.sae.contents import StockSource, stock_source, warehouses
from producer.sae.port import RowsOf, Snapshot, in_parts
from producer.sae.tables import (
    TABLES,
    Almacenes,
    AnyRow,
    Clie,
    Clin,
    CvesAlter,
    Impu,
    Inve,
    Moned,
    Mult,
    ParamInventario,
    Precios,
    PrecioXProd,
    Row,
)
from schemas.control import StuckTable
from schemas.entities import Entity

LARGE: tuple[type[Row], ...] = (Inve, PrecioXProd, CvesAlter, Clie, Mult)
"""The tables that take the time."""
Stuck = Mapping[type[Row], RowInLimbo]
_MADE_OF: Mapping[type[Row], frozenset[Entity]] = {
    Clin: frozenset({Entity.PRODUCT_LINE}),
    Impu: frozenset({Entity.TAX_SCHEME, Entity.PRODUCT}),
    Moned: frozenset({Entity.CURRENCY}),
    Inve: frozenset({Entity.PRODUCT}),
    PrecioXProd: frozenset({Entity.PRODUCT}),
    Precios: frozenset({Entity.PRODUCT}),
    CvesAlter: frozenset({Entity.PRODUCT}),
    Clie: frozenset({Entity.CUSTOMER}),
    Mult: frozenset({Entity.STOCK}),
    ParamInventario: frozenset({Entity.STOCK}),
    Almacenes: frozenset({Entity.STOCK}),
}


def resting_on(tables: Iterable[type[Row]], stock: StockSource | None) -> frozenset[Entity]:
    """What is made of rows of these tables; `stock` tells where stock stands, None where that is not known, and so nothing of stock is."""
    found: set[Entity] = set()
    for table in tables:
        found |= _MADE_OF[table]
        if table is Inve and stock is not None and not stock[0]:
            found.add(Entity.STOCK)
    return frozenset(found)


def stuck_tables(stuck: Stuck, stock: StockSource | None) -> tuple[StuckTable, ...]:
    """The tables for the heartbeat, in order."""
    found = [
        StuckTable(table=TABLES[table], transaction=error.transaction, entities=tuple(sorted(resting_on([table], stock))))
        for table, error in stuck.items()
    ]
    return tuple(sorted(found, key=lambda one: one.table))


@dataclass(frozen=True, slots=True)
class StockPlaces:
    """Where stock stands and the warehouses that may hold some. `source` is None where limbo keeps either from being read."""

    source: StockSource | None
    warehouses: frozenset[int]


class UpToLimbo(RowsOf[Snapshot]):
    """The rows of a snapshot, of each table at most up to the first row in limbo; `stuck` names the tables that have one."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(snapshot)
        self.stuck: dict[type[Row], RowInLimbo] = {}

    @contextmanager
    def noting(self, table: type[Row]) -> Iterator[None]:
        """The block, left early where it meets a row in limbo."""
        try:
            yield
        except RowInLimbo as error:
            self.stuck[table] = error

    @once
    def places(self) -> StockPlaces:
        """Raises what `stock_source` does where the row can be read and does not say it."""
        found = StockPlaces(None, frozenset())
        with self.noting(ParamInventario):
            source = stock_source(self.inner)
            with self.noting(Almacenes):
                found = StockPlaces(source, frozenset(warehouses(self.inner, source)))
        return found

    def rows(self, table: type[AnyRow]) -> Iterator[AnyRow]:
        return chain.from_iterable(self._up_to_limbo(table))

    def _up_to_limbo(self, table: type[AnyRow]) -> Iterator[list[AnyRow]]:
        with self.noting(table):
            yield from in_parts(super().rows(table))

    def rows_where(self, table: type[AnyRow], column: str, values: Collection[Any]) -> Iterator[AnyRow]:
        with self.noting(table):
            yield from self.inner.rows_where(table, column, values)

    def count(self) -> int:
        """How many rows all is made of, but for the tables that have a handful; none of a table with a row in limbo."""
        total = 0
        for table in LARGE:
            with suppress(RowInLimbo):
                total += self.inner.count(table)
        return total
