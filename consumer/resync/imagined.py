"""A CAJA's tables as a resync would leave them: read once, then written to in memory by the calls that write the real ones."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from struct import pack, unpack
from typing import Protocol

from consumer.mapping.mapper import RowMapper
from foundation.engines.catalogue import Kind, Scalar
from foundation.engines.writing import Action, Refusal, RowError, RowWrite, WriteColumn, Written, written
from foundation.texts import text
from schemas.entities import Entity
from schemas.keys import Key, trim

Match = tuple[Scalar, ...]
KEY_PLACE = 2
"""Of `LEDGER_COLUMNS`."""


class Readable(Protocol):
    """A CAJA that is only read. Errors are those of `Database`."""

    def rows(self, entity: Entity) -> Iterator[Sequence[Scalar]]:
        """All rows of an entity's table, in the order of its plan's columns."""
        ...

    def unposted(self) -> Collection[tuple[int, Key]]:
        """(store, product) with sales that SAE does not have yet."""
        ...

    def active(self, entity: Entity) -> list[Key]: ...

    def wrong_totals(self) -> list[str]: ...


class Effect(StrEnum):
    """What a row that is written does to CAJA's."""

    EQUAL = "equal"
    ADDED = "added"
    CHANGED = "changed"
    INACTIVATED = "inactivated"


class ImaginedCaja:
    """`Rows` in memory, as if no till held one; `effects` tells of each key of the last call what it did."""

    def __init__(self, caja: Readable, mappers: Mapping[Entity, RowMapper]) -> None:
        self._caja, self._mappers = caja, mappers
        entities = {mapper.plan.table: of for of, mapper in mappers.items()}
        self._parents = {of: [(entities[table], place) for table, place in _parents(mapper)] for of, mapper in mappers.items()}
        """Per entity, of which other a row needs one, and the place of what names it."""
        self._tables: dict[Entity, ImaginedTable] = {}
        self._unposted: Collection[tuple[int, Key]] | None = None
        self._wrong_totals: set[Key] | None = None
        self.effects: dict[Key, Effect] = {}

    def unposted(self) -> Collection[tuple[int, Key]]:
        if self._unposted is None:
            self._unposted = self._caja.unposted()
        return self._unposted

    def write(self, entity: Entity, rows: Sequence[RowWrite]) -> Written:
        plan, table, errors = self._mappers[entity].plan, self._table(entity), []
        self.effects = {}
        for index, row in enumerate(rows):
            key = Key(str(row.ledger[KEY_PLACE]))
            if self._lacks_a_parent(entity, row):
                errors.append(RowError(index, Refusal.PARENT, locked=False, message=text("the row it needs is not there yet")))
                continue
            effect = table.effect(row.action, row.values)
            if plan.total is not None and self._mends_total(key) and effect is Effect.EQUAL:
                effect = Effect.CHANGED
            self.effects[key] = effect
        return Written(sum(effect is not Effect.EQUAL for effect in self.effects.values()), errors)

    def _table(self, entity: Entity) -> "ImaginedTable":
        if entity not in self._tables:
            self._tables[entity] = ImaginedTable(self._mappers[entity], self._caja.rows(entity))
        return self._tables[entity]

    def _lacks_a_parent(self, entity: Entity, row: RowWrite) -> bool:
        if row.action not in (Action.PUT, Action.CHANGE):
            return False
        owns = [(parent, row.values[place]) for parent, place in self._parents[entity]]
        return any(own is not None and not self._table(parent).holds((own,)) for parent, own in owns)

    def _mends_total(self, key: Key) -> bool:
        """Whether the product's total is wrong, and this is the first of its rows that goes in."""
        if self._wrong_totals is None:
            sold = {product for _, product in self.unposted()}
            self._wrong_totals = {trim(wrong) for wrong in self._caja.wrong_totals()} - sold
        is_wrong = key in self._wrong_totals
        self._wrong_totals.discard(key)
        return is_wrong


class ImaginedTable:
    """One of its tables, row by row."""

    def __init__(self, mapper: RowMapper, rows: Iterable[Sequence[Scalar]]) -> None:
        self._plan = plan = mapper.plan
        self._names = [column.name for column in plan.columns]
        self._matched = len(plan.match)
        self._keys = frozenset(place for place, column in enumerate(mapper.columns.values()) if column.conversion == "key")
        self._rows: dict[Match, int] = {}
        self._inactive: set[Match] = set()
        for row in rows:
            self._keep(self._trimmed(tuple(map(_plain, row))))

    def _trimmed(self, row: tuple[Scalar, ...]) -> tuple[Scalar, ...]:
        """However CAJA writes a key, it is the same one."""
        return tuple(trim(value) if place in self._keys and isinstance(value, str) else value for place, value in enumerate(row))

    def _keep(self, row: tuple[Scalar, ...]) -> None:
        match = row[: self._matched]
        self._rows[match] = self._print(row)
        self._inactive.discard(match)
        if self._is_retired(row):
            self._inactive.add(match)

    def _print(self, row: tuple[Scalar, ...]) -> int:
        """Of what is compared; Python's `hash` takes -1 and -2 for the same."""
        compared = tuple(value for name, value in zip(self._names, row, strict=True) if name not in self._plan.only_new)
        return hash((compared, tuple(value == -1 for value in compared)))

    def _is_retired(self, row: tuple[Scalar, ...]) -> bool:
        shown = dict(zip(self._names, row, strict=True))
        return all(shown.get(name, value) == _plain(value) for name, value in self._plan.retire.items())

    def holds(self, match: Match) -> bool:
        return tuple(map(_plain, match)) in self._rows

    def effect(self, action: Action, values: Sequence[Scalar]) -> Effect:
        """What writing these values would do; from then on the table counts as written."""
        plain = tuple(_written(value, column) for value, column in zip(values, self._plan.columns, strict=False))
        match = plain[: self._matched]
        found = self._rows.get(match)
        match action:
            case Action.NOTE | Action.TOTAL:
                return Effect.EQUAL
            case Action.RETIRE:
                effect = Effect.EQUAL if found is None or match in self._inactive else Effect.INACTIVATED
                self._inactive.add(match)
                return effect
            case Action.PUT | Action.CHANGE:
                return self._put(action, plain, match, found)

    def _put(self, action: Action, row: tuple[Scalar, ...], match: Match, found: int | None) -> Effect:
        if found == self._print(row) or (found is None and action is Action.CHANGE):
            return Effect.EQUAL
        was_inactive = match in self._inactive
        self._keep(row)
        if found is None:
            return Effect.ADDED
        return Effect.INACTIVATED if match in self._inactive and not was_inactive and self._plan.retire else Effect.CHANGED


def _parents(mapper: RowMapper) -> Iterator[tuple[str, int]]:
    """The tables, and the places of the columns that name a row of theirs."""
    names = [column.name for column in mapper.plan.columns]
    return ((parent.table, names.index(parent.own)) for parent in mapper.plan.parents)


def _plain(value: Scalar) -> Scalar:
    """As the database compares: blanks at the end of a text count for nothing."""
    if isinstance(value, str):
        return value.rstrip(" ")
    return float(value) if isinstance(value, Decimal) else value


def _written(value: Scalar, column: WriteColumn) -> Scalar:
    """As it would stand in the database."""
    if value is None or isinstance(value, str) or column.kind is not Kind.FLOAT:
        return _plain(value)
    number = float(written(value))
    return float(unpack("f", pack("f", number))[0]) if column.single else number
