"""SAE in memory: tables as lists, transactions as numbers, failures on order."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from producer.tables import TABLES, Clie, CvesAlter, Inve, Layout, Mult, ParamInventario, PrecioXProd, Row
from puente.engines.database import TransactionIds

AnyRow = TypeVar("AnyRow", bound=Row)
KEY_COLUMNS: dict[Any, int] = {PrecioXProd: 2, CvesAlter: 2, Mult: 2, ParamInventario: 0}
USUAL: dict[Any, dict[str, Any]] = {
    Inve: {"tipo_ele": "P", "status": "A"},
    Clie: {"status": "A", "prospecto": "N"},
    ParamInventario: {"multialmacen": "S", "almacenpredeter": 1},
}


def row(table: type[AnyRow], *key: Any, **values: Any) -> AnyRow:
    """A row by its key; what is not given is NULL, or as usual."""
    fields: tuple[str, ...] = table._fields
    given = {**USUAL.get(table, {}), **dict(zip(fields, key, strict=False)), **values}
    return table(**{**dict.fromkeys(fields), **given})


class FakeSae:
    """`Sae`: snapshots see what was put by `put` and `drop`, each a transaction of its own.

    `fail["snapshot"]` and `fail[table]` hold an error that the next snapshot, or the next reading of the table, raises once.
    """

    def __init__(self, *rows: Row) -> None:
        self.tables: dict[Any, list[Any]] = {table: [] for table in TABLES}
        self.layout = Layout()
        self.connections = 1
        self.numbered = True
        self.last_id = 100
        self.running: set[int] = set()
        self.fail: dict[object, BaseException] = {}
        self.snapshots: list[set[Any]] = []
        """Which tables each snapshot read."""
        self.put(row(ParamInventario), *rows)

    def begin(self) -> int:
        """A transaction that runs until `end`."""
        self.last_id += 1
        self.running.add(self.last_id)
        return self.last_id

    def end(self, number: int) -> None:
        self.running.discard(number)

    def put(self, *rows: Row) -> None:
        """Adds rows, or replaces those of the same key."""
        self.last_id += 1
        for new in rows:
            self._remove(type(new), *new[: KEY_COLUMNS.get(type(new), 1)])
            self.tables[type(new)].append(new)

    def drop(self, table: type[Row], *key: Any) -> None:
        self.last_id += 1
        self._remove(table, *key)

    def _remove(self, table: type[Row], *key: Any) -> None:
        self.tables[table] = [old for old in self.tables[table] if old[: len(key)] != key]

    @contextmanager
    def snapshot(self) -> Iterator["FakeSnapshot"]:
        self.raise_planned("snapshot")
        self.last_id += 1
        oldest = min([self.last_id, *self.running])
        read: set[Any] = set()
        self.snapshots.append(read)
        ids = TransactionIds(own=self.last_id, oldest_active=oldest) if self.numbered else None
        yield FakeSnapshot(self, {table: list(rows) for table, rows in self.tables.items()}, ids, read)

    def raise_planned(self, place: object) -> None:
        if place in self.fail:
            raise self.fail.pop(place)


class FakeSnapshot:
    """`Snapshot`."""

    def __init__(self, sae: FakeSae, tables: dict[Any, list[Any]], ids: TransactionIds | None, read: set[Any]) -> None:
        self._sae, self._tables, self.ids, self._read = sae, tables, ids, read
        self.layout = sae.layout

    def rows(self, table: type[AnyRow]) -> Iterator[AnyRow]:
        self._read.add(table)
        for place, found in enumerate(self._tables[table]):
            if place == len(self._tables[table]) - 1:
                self._sae.raise_planned(table)
            yield found
