"""Event → row: a mapper per entity, made once from the profile and the widths of CAJA's own columns."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from hashlib import blake2b
from typing import Any

from consumer.entries import Active, ColumnMapping, EntityMapping
from consumer.ledger import ROWS
from consumer.leftout import Cause, Note, Notes, ordered
from consumer.profile import Profile
from puente.engines.database import Catalogue, Column, Kind, Parent, Scalar, Total, WriteColumn, WritePlan
from puente.errors import ConfigError, PoisonError
from puente.texts import text
from schemas.changes import BLANKS, KEY_FIELD, Entity, Key, Value

_INTEGER = re.compile(r"0|-?[1-9]\d*", re.ASCII)
"""As `str` writes it: 01 is not the key of 1."""
WIDE = Context(prec=60)
"""Where a number that no column holds is rounded as well; the database refuses it."""
BAR_CODE = "none"
STORE = "store"


@dataclass(frozen=True, slots=True)
class MappedRow:
    """The values in the order of the plan's columns, and what did not fit."""

    values: tuple[Scalar, ...]
    notes: Notes = ()

    @property
    def hash(self) -> str:
        return row_hash(self.values)


def row_hash(values: Sequence[Scalar]) -> str:
    """Sixteen hexadecimal characters, equal where the rows are."""
    return blake2b(repr([str(v) if isinstance(v, Decimal) else v for v in values]).encode(), digest_size=8).hexdigest()


Getter = Callable[[Value, int | None], Any]


class RowMapper:
    """One entity's mapping; `plan` is how its rows are written."""

    def __init__(self, entity: Entity, profile: Profile, catalogue: Catalogue, prices: Mapping[str, int], ticked: Sequence[Entity]) -> None:
        self.entity, self._mapping = entity, profile.entity(entity)
        self._table = catalogue[self._mapping.table]
        order = [*self._mapping.match, *(name for name in self._mapping.columns if name not in self._mapping.match)]
        self._columns = {name: self._mapping.columns[name] for name in order}
        self._getters = [_getter(column, prices.get(name, column.price_list)) for name, column in self._columns.items()]
        self.key_column = self.column_of(KEY_FIELD[entity])
        self.parents = frozenset(parent for parent in self._mapping.parents if parent in ticked)
        self.plan = self._make_plan(profile, catalogue)

    def _make_plan(self, profile: Profile, catalogue: Catalogue) -> WritePlan:
        mapping = self._mapping
        columns = [_write_column(self._table.columns[name], column.kind) for name, column in self._columns.items()]
        if mapping.active:
            columns.append(_write_column(self._table.columns[mapping.active.column], Kind.TEXT))
        return WritePlan(
            table=mapping.table,
            columns=tuple(columns),
            match=mapping.match,
            only_new=(mapping.key,) if mapping.key else (),
            unique=mapping.key,
            retire=mapping.retire or ({mapping.active.column: mapping.active.no} if mapping.active else {}),
            added=mapping.added,
            keys=self._other_keys({column.name for column in columns}),
            hidden_keys=any(not key.issubset(column.name for column in columns) for key in self._table.keys),
            parents=tuple(self._parent(parent, profile) for parent in mapping.parents if parent in self.parents),
            total=_total(mapping, self.key_column, catalogue),
            ledger=ROWS,
        )

    def _other_keys(self, written: set[str]) -> tuple[tuple[str, ...], ...]:
        """But for the match, and for CAJA's own key, which is looked for before a row is added."""
        mapping = self._mapping
        always = written - {mapping.key}
        return tuple(sorted(tuple(sorted(key)) for key in self._table.keys if key <= always and key != frozenset(mapping.match)))

    def _parent(self, entity: Entity, profile: Profile) -> Parent:
        parent = profile.entity(entity)
        field = KEY_FIELD[entity]
        own = next((name for name, column in self._columns.items() if column.source == field), None)
        if own is None:
            raise ConfigError(
                text(
                    "The profile {name} requires a {parent} of each {entity}, which has no column for it",
                    name=profile.name,
                    parent=entity,
                    entity=self.entity,
                )
            )
        return Parent(table=parent.table, column=parent.match[0], own=own)

    @property
    def active(self) -> Active | None:
        """The flag that says whether a row is in use."""
        return self._mapping.active

    def column_of(self, source: str) -> str:
        """The column that takes this field of an event; `ValueError` where there is none (the profile's check found that before)."""
        found = [name for name, column in self._columns.items() if column.source == source]
        if not found:
            raise ValueError(f"{self.entity}: no column takes {source}")
        return found[0]

    def value_of(self, values: Sequence[Scalar], source: str) -> Scalar:
        """What a row holds of this field of an event."""
        return values[list(self._columns).index(self.column_of(source))]

    def match(self, key: Key, store: int | None) -> tuple[Scalar, ...]:
        """The values that find the row of a key; raises `PoisonError` for a key that the column cannot hold."""
        return tuple(store if self._columns[name].source == STORE else self._key(key, name) for name in self._mapping.match)

    def _key(self, key: Key, name: str) -> Scalar:
        column = self._table.columns[name]
        if self._columns[name].kind is Kind.INTEGER:
            if not _INTEGER.fullmatch(key):
                raise PoisonError(text("the key {key} is no integer", key=key))
            return int(key)
        return _fitting_key(key, column)

    def row(self, value: Value, store: int | None) -> MappedRow:
        """The row of a value; raises `PoisonError` where a key does not fit."""
        notes: list[Note] = []
        values: list[Scalar] = []
        for (name, column), get in zip(self._columns.items(), self._getters, strict=True):
            values.append(_convert(get(value, store), column, self._table.columns[name], notes))
        active = self._mapping.active
        if active:
            values.append(active.no if value["status"] == "inactive" else active.yes)
        return MappedRow(tuple(values), ordered([*notes, *self._beyond(value)]))

    def _beyond(self, value: Value) -> list[Note]:
        """What CAJA has no column for."""
        notes = []
        if self._mapping.taxes is not None and any(tax["percent"] for tax in value["taxes"][self._mapping.taxes :]):
            notes.append(Note(Cause.BEYOND, "taxes"))
        if self._mapping.alternates is not None and len(_bar_codes(value)) > self._mapping.alternates:
            notes.append(Note(Cause.BEYOND, "alternate_keys"))
        return notes


def mappers(profile: Profile, catalogue: Catalogue, prices: Mapping[str, int], ticked: Sequence[Entity]) -> dict[Entity, RowMapper]:
    """A mapper for every entity; raises `ConfigError` where `prices` names a column that holds no price."""
    holding = {name for name, column in profile.product.columns.items() if column.source == "price"}
    for name in prices:
        if name not in holding:
            known = ", ".join(sorted(holding))
            raise ConfigError(
                text("prices: {name} is no price of the profile {profile} ({known})", name=name, profile=profile.name, known=known)
            )
    return {entity: RowMapper(entity, profile, catalogue, prices, ticked) for entity in Entity}


def _write_column(column: Column, kind: Kind) -> WriteColumn:
    return WriteColumn(
        name=column.name, kind=kind, width=column.length or 0, charset=column.charset, scale=column.scale, single=column.single
    )


def _total(mapping: EntityMapping, own_key: str, catalogue: Catalogue) -> Total | None:
    total = mapping.total
    if total is None:
        return None
    holder = catalogue[total.table].columns[total.column]
    return Total(
        table=total.table,
        key=total.key,
        own_key=own_key,
        column=total.column,
        of=total.of,
        scale=holder.scale,
        single=holder.single,
    )


def _getter(column: ColumnMapping, price_list: int | None) -> Getter:
    match column.source.split("."):
        case ["store"]:
            return lambda _value, store: store
        case ["price"]:
            return lambda value, _store: next((p["amount"] for p in value["prices"] if p["list"] == price_list), None)
        case ["taxes", place, field]:
            return _nth("taxes", int(place) - 1, field)
        case ["alternates", place]:
            return lambda value, _store: dict(enumerate(_bar_codes(value), start=1)).get(int(place))
        case [name]:
            return lambda value, _store: value[name]
        case _:
            raise ConfigError(text("The profile names an unknown source: {source}", source=column.source))


def _nth(array: str, place: int, field: str) -> Getter:
    return lambda value, _store: value[array][place][field] if place < len(value[array]) else None


def _bar_codes(value: Value) -> list[str]:
    return [alternate["key"] for alternate in value["alternate_keys"] if alternate["kind"] == BAR_CODE]


def _convert(value: Any, mapping: ColumnMapping, column: Column, notes: list[Note]) -> Scalar:
    if isinstance(mapping.conversion, dict):
        return mapping.conversion.get(str(value).lower() if isinstance(value, bool) else value)
    if value is None:
        return None
    width = column.length or 0
    if mapping.conversion == "key" and mapping.kind is Kind.TEXT:
        return _fitting_key(value, column)
    if mapping.conversion in ("text", "code") and len(value) > width:
        if mapping.conversion == "code":
            notes.append(Note(Cause.LEFT_OUT, column.name))
            return None
        notes.append(Note(Cause.SHORTENED, column.name))
        return str(value)[:width].rstrip(BLANKS) or None
    if column.scale is not None and isinstance(value, Decimal):
        return value.quantize(Decimal(1).scaleb(-column.scale), ROUND_HALF_EVEN, WIDE)
    scalar: Scalar = value
    return scalar


def _fitting_key(key: str, column: Column) -> str:
    if len(key) > (column.length or 0):
        raise PoisonError(
            text("the key {key} is longer than {column} ({length} characters)", key=key, column=column.name, length=column.length)
        )
    return key
