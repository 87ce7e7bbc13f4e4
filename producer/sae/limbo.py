"""A row whose transaction was prepared and never ended: the engine refuses it, and so the rest of its table. Other tables go on.

What is made of such a table waits, deletes too, for a row that cannot be read is not gone.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from foundation.engines.errors import RowInLimbo
from producer.sae.port import Snapshot
from producer.sae.tables import KEYS, Clie, Clin, CvesAlter, Impu, Inve, Moned, Mult, Precios, PrecioXProd, Row
from schemas.entities import Entity

AnyRow = TypeVar("AnyRow", bound=Row)
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
}


def resting_on(tables: Iterable[type[Row]], *, per_warehouse: bool) -> frozenset[Entity]:
    """What is made of rows of these tables; `per_warehouse` tells whether stock stands in MULT."""
    found: set[Entity] = set()
    for table in tables:
        found |= _MADE_OF[table]
        if table is Inve and not per_warehouse:
            found.add(Entity.STOCK)
    return frozenset(found)


class UpToLimbo:
    """`Rows` of a snapshot, of each table up to the first row in limbo; `stuck` names the tables that have one.

    Without PARAM_INVENTARIO or ALMACENES nothing is known of stock at all: their limbo is raised.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot, self.layout = snapshot, snapshot.layout
        self.stuck: dict[type[Row], RowInLimbo] = {}

    @contextmanager
    def noting(self, table: type[Row]) -> Iterator[None]:
        """The block, left early where it meets a row in limbo."""
        try:
            yield
        except RowInLimbo as error:
            if table not in KEYS:
                raise
            self.stuck[table] = error

    def rows(self, table: type[AnyRow]) -> Iterator[AnyRow]:
        with self.noting(cast("type[Row]", table)):
            yield from self._snapshot.rows(table)

    def rows_where(self, table: type[AnyRow], column: str, values: Collection[Any]) -> Iterator[AnyRow]:
        with self.noting(cast("type[Row]", table)):
            yield from self._snapshot.rows_where(table, column, values)
