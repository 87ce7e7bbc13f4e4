"""SAE in memory: tables as lists, transactions as numbers, each row with the number of the one that wrote it, failures on order."""

import copy
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from foundation.engines.database import ActiveTransactions, Survey, TransactionIds
from foundation.engines.errors import RowInLimbo
from foundation.texts import text
from producer.sae.tables import KEYS, TABLES, Almacenes, AnyRow, Clie, Inve, Layout, ParamInventario, RawKey, Row
from schemas.control import SaeIdentity

KEY_LENGTH: dict[Any, int] = {Almacenes: 1, ParamInventario: 0, **{table: len(fields) for table, fields in KEYS.items()}}
USUAL: dict[Any, dict[str, Any]] = {
    Inve: {"tipo_ele": "P", "status": "A"},
    Clie: {"status": "A", "prospecto": "N"},
    ParamInventario: {"multialmacen": "S", "almacenpredeter": 1},
}
ANCIENT = 1
"""Who wrote a row that a test put into a table behind the back of all transactions."""


def row(table: type[AnyRow], *key: Any, **values: Any) -> AnyRow:
    """A row by its key; what is not given is NULL, or as usual."""
    fields: tuple[str, ...] = table._fields
    given = {**USUAL.get(table, {}), **dict(zip(fields, key, strict=False)), **values}
    make: Any = table
    made: AnyRow = make(**{**dict.fromkeys(fields), **given})
    return made


def raw_key(found: Row) -> RawKey:
    return tuple(found[: KEY_LENGTH[type(found)]])


@dataclass
class Copy:
    """A database as it was when it was copied."""

    tables: dict[Any, list[Any]]
    versions: dict[tuple[Any, RawKey], int]
    last_id: int


@dataclass
class Writes:
    """What a transaction wrote and nobody else sees yet: rows by table and key, None for one that it deleted."""

    rows: dict[tuple[Any, RawKey], Any] = field(default_factory=dict)


class FakeSae:
    """`Sae`: snapshots see what was committed. `put` and `drop` are transactions of their own.

    `begin`, `write`, `erase`, then `commit` or `end` (which rolls back) make one that lasts; as in a READ COMMITTED one, what it writes
    replaces whatever was committed in the meantime, under its own, older number.
    `fail["snapshot"]` and `fail[table]` hold an error that the next snapshot, or the next reading of the table, raises once.
    """

    def __init__(self, *rows: Row) -> None:
        self.tables: dict[Any, list[Any]] = {table: [] for table in TABLES}
        self.versions: dict[tuple[Any, RawKey], int] = {}
        self.exact: frozenset[Any] = frozenset(KEYS)
        self.layout = Layout()
        self.connections = 1
        self.numbered = True
        self.last_id = 100
        self.asked = 0
        self.looks_anew = 0
        """How often it was asked which transactions run."""
        self.running: dict[int, Writes] = {}
        self.fail: dict[object, BaseException] = {}
        self.which = SaeIdentity()
        self.limbo: dict[int, set[tuple[Any, RawKey]]] = {}
        """Rows that nobody is shown, by the transaction that was prepared and is still among the running ones."""
        self.snapshots: list[set[Any]] = []
        """Which tables each snapshot read or surveyed."""
        self.reads: Counter[tuple[str, Any]] = Counter()
        """How often each table was asked for, by method."""
        self.on_read: Callable[[str, Any], None] = lambda _how, _table: None
        self.shown: Callable[[int], int | None] = lambda newest: newest
        """What the counter of transactions shows."""
        self.on_row: Callable[[], None] = lambda: None
        self.put(row(ParamInventario), *rows)

    def begin(self) -> int:
        self.last_id += 1
        self.running[self.last_id] = Writes()
        return self.last_id

    def write(self, number: int, *rows: Row) -> None:
        """Adds rows, or replaces those of the same key."""
        self.running[number].rows.update({(type(new), raw_key(new)): new for new in rows})

    def erase(self, number: int, table: type[Row], *key: Any) -> None:
        """Deletes the rows whose key begins so, of those that are committed now or that the transaction wrote."""
        writes = self.running[number].rows
        found = [raw_key(old) for old in self.tables[table]] + [raw for of, raw in writes if of is table]
        writes.update({(table, raw): None for raw in found if raw[: len(key)] == key})

    def commit(self, number: int) -> None:
        self.limbo.pop(number, None)
        for (table, raw), new in self.running.pop(number).rows.items():
            self.tables[table] = [old for old in self.tables[table] if raw_key(old) != raw]
            self.versions.pop((table, raw), None)
            if new is not None:
                self.tables[table].append(new)
                self.versions[table, raw] = number

    def end(self, number: int) -> None:
        """Rolls back."""
        self.running.pop(number, None)
        self.limbo.pop(number, None)

    def prepare(self, number: int) -> None:
        """Its rows are in limbo until it is committed or rolled back."""
        self.limbo[number] = set(self.running[number].rows)

    def raise_limbo(self, table: Any, raws: Collection[RawKey]) -> None:
        found = [number for number, rows in self.limbo.items() if any((table, raw) in rows for raw in raws)]
        if found:
            raise RowInLimbo(text("planted"), found[0])

    def put(self, *rows: Row) -> None:
        number = self.begin()
        self.write(number, *rows)
        self.commit(number)

    def drop(self, table: type[Row], *key: Any) -> None:
        number = self.begin()
        self.erase(number, table, *key)
        self.commit(number)

    def copied(self) -> Copy:
        return Copy(copy.deepcopy(self.tables), dict(self.versions), self.last_id)

    def restore(self, saved: Copy, *, gbak: bool) -> None:
        """The database is put back from a file's copy, or by gbak, which numbers transactions from the start. Every session ends."""
        self.tables = copy.deepcopy(saved.tables)
        self.versions = {} if gbak else dict(saved.versions)
        self.last_id = ANCIENT if gbak else saved.last_id
        self.running.clear()
        self.connections += 1

    def look_anew(self) -> None:
        self.looks_anew += 1

    def newest_transaction(self) -> int | None:
        self.raise_planned("newest_transaction")
        return self.shown(self.last_id) if self.numbered else None

    def active_transactions(self) -> ActiveTransactions | None:
        self.raise_planned("active_transactions")
        self.last_id += 1
        self.asked += 1
        return ActiveTransactions(self.last_id, frozenset(self.running.keys() - self.limbo.keys()))

    def identity(self) -> SaeIdentity:
        self.raise_planned("identity")
        return self.which

    @contextmanager
    def snapshot(self) -> Iterator["FakeSnapshot"]:
        self.raise_planned("snapshot")
        self.last_id += 1
        oldest = min([self.last_id, *self.running])
        read: set[Any] = set()
        self.snapshots.append(read)
        ids = TransactionIds(self.last_id, oldest, undecided=bool(self.limbo)) if self.numbered else None
        yield FakeSnapshot(self, {table: list(rows) for table, rows in self.tables.items()}, ids, read)

    def raise_planned(self, place: object) -> None:
        if place in self.fail:
            raise self.fail.pop(place)


class FakeSnapshot:
    """`Snapshot`."""

    def __init__(self, sae: FakeSae, tables: dict[Any, list[Any]], ids: TransactionIds | None, read: set[Any]) -> None:
        self._sae, self._tables, self.ids, self._read = sae, tables, ids, read
        self._versions = dict(sae.versions)
        self.layout = sae.layout
        self.exact = sae.exact if ids else frozenset()

    def _asked(self, how: str, table: Any) -> list[Any]:
        self._read.add(table)
        self._sae.reads[how, table] += 1
        self._sae.on_read(how, table)
        return self._tables[table]

    def rows(self, table: type[AnyRow]) -> Iterator[AnyRow]:
        found = self._asked("rows", table)
        for place, one in enumerate(found):
            if place == len(found) - 1:
                self._sae.raise_planned(table)
            self._sae.raise_limbo(table, [raw_key(one)])
            self._sae.on_row()
            yield one

    def rows_where(self, table: type[AnyRow], column: str, values: Collection[Any]) -> Iterator[AnyRow]:
        found = self._asked("rows_where", table)
        self._sae.raise_planned(table)
        wanted = [one for one in found if getattr(one, column) in values]
        self._sae.raise_limbo(table, [raw_key(one) for one in wanted])
        return iter(wanted)

    def count(self, table: type[Row]) -> int:
        return len(self._tables[table])

    def keys(self, table: type[Row]) -> Iterator[RawKey]:
        found = [raw_key(one) for one in self._asked("keys", table)]
        self._sae.raise_limbo(table, found)
        return iter(found)

    def survey_together(self, _tables: Collection[type[Row]]) -> None:
        """Each is read when it is asked for."""

    def survey(self, table: type[Row], since: int) -> Survey:
        assert table in self.exact
        found = self._asked("survey", table)
        self._sae.raise_planned(table)
        self._sae.raise_limbo(table, [raw_key(one) for one in found])
        versions = [(raw, self._versions.get((table, raw), ANCIENT)) for raw in map(raw_key, found)]
        return Survey(len(found), [(raw, version) for raw, version in versions if version >= since])
