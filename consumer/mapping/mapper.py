"""Event → row: a mapper per entity, made once from the profile and the widths of CAJA's own columns."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from consumer.ledger.tables import ROWS
from consumer.leftout import Note, Notes, ordered
from consumer.mapping.cells import STORE, arrays, drawn, fields, fitted, fitting_key
from consumer.mapping.parts import Active, EntityMapping
from consumer.mapping.profile import Profile
from consumer.mapping.sources import PRICE, STATUS, has_status
from foundation.engines.catalogue import Catalogue, Column, Kind, Scalar
from foundation.engines.writing import Parent, Total, WriteColumn, WritePlan
from foundation.errors import ConfigError, PoisonError
from foundation.generated import function
from foundation.texts import text
from schemas.changes import Value
from schemas.entities import Entity
from schemas.keys import KEY_FIELD, Key

_INTEGER = re.compile(r"0|-?[1-9]\d*", re.ASCII)
"""As `str` writes it: 01 is not the key of 1."""


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
    return blake2b(repr([str(v) if v.__class__ is Decimal else v for v in values]).encode(), digest_size=8).hexdigest()


def _integer(key: Key) -> int:
    if not _INTEGER.fullmatch(key):
        raise PoisonError(text("the key {key} is no integer", key=key))
    return int(key)


class RowMapper:
    """One entity's mapping; `plan` is how its rows are written."""

    def __init__(self, entity: Entity, profile: Profile, catalogue: Catalogue, prices: Mapping[str, int], ticked: Sequence[Entity]) -> None:
        self.entity, self._mapping = entity, profile.entity(entity)
        self._table = catalogue[self._mapping.table]
        order = [*self._mapping.match, *(name for name in self._mapping.columns if name not in self._mapping.match)]
        self.columns = {name: self._mapping.columns[name] for name in order}
        self._lists = {name: prices.get(name, c.price_list) for name, c in self.columns.items() if c.source == PRICE}
        """Which of SAE's lists feeds which price, in CAJA's order of its prices."""
        self._values, self.fields = self._compiled()
        """Makes the values of a row, and the fields of an event that it takes for that, as the decoder names them."""
        self._match = self._matching()
        self._places = {column.source: place for place, column in reversed(list(enumerate(self.columns.values())))}
        self.code_places = [place for place, column in enumerate(self.columns.values()) if column.source.startswith("alternates.")]
        """Which of the columns hold bar codes."""
        self.key_column = self.column_of(KEY_FIELD[entity])
        self.parents = frozenset(parent for parent in self._mapping.parents if parent in ticked)
        self.plan = self._make_plan(profile, catalogue)

    def _compiled(self) -> tuple[Callable[[Value, int | None, list[Note]], tuple[Scalar, ...]], frozenset[str]]:
        """One expression for a row."""
        mapping, names, sources = self._mapping, dict[str, Any](), [column.source for column in self.columns.values()]

        def named(thing: Any) -> str:
            names[f"f{len(names)}"] = thing
            return f"f{len(names) - 1}"

        cells = arrays(sources, mapping.places("taxes"), mapping.places("alternates"), named)
        before = len(cells)
        for name, column in self.columns.items():
            value = drawn(column.source, name, self._lists.get(name), named)
            cells.append(fitted(value, column, self._table.columns[name], named))
        if mapping.active:
            cells.append(f"({named(mapping.active.no)} if v['status'] == 'inactive' else {named(mapping.active.yes)})")
        wanted = {KEY_FIELD[self.entity], *fields(sources), *([STATUS] if has_status(self.entity) else [])}
        return function("v, s, n", f"({', '.join(cells)},)[{before}:]", names), frozenset(wanted)

    def _make_plan(self, profile: Profile, catalogue: Catalogue) -> WritePlan:
        mapping = self._mapping
        columns = [_write_column(self._table.columns[name], column.kind) for name, column in self.columns.items()]
        if mapping.active:
            flag = _write_column(self._table.columns[mapping.active.column], Kind.TEXT)
            columns.append(replace(flag, width=flag.width or 1))
        return WritePlan(
            table=mapping.table,
            columns=tuple(columns),
            match=mapping.match,
            only_new=(mapping.key,) if mapping.key else (),
            numbered=mapping.key,
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
        own = next((name for name, column in self.columns.items() if column.source == field), None)
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
    def price_columns(self) -> list[str]:
        """CAJA's prices, in its order of them."""
        return list(self._lists)

    @property
    def active(self) -> Active | None:
        """The flag that says whether a row is in use."""
        return self._mapping.active

    def column_of(self, source: str) -> str:
        """The column that takes this field of an event; `ValueError` where there is none (the profile's check found that before)."""
        found = [name for name, column in self.columns.items() if column.source == source]
        if not found:
            raise ValueError(f"{self.entity}: no column takes {source}")
        return found[0]

    def value_of(self, values: Sequence[Scalar], source: str) -> Scalar:
        """What a row holds of this field of an event."""
        return values[self._places[source]]

    def match(self, key: Key, store: int | None) -> tuple[Scalar, ...]:
        """The values that find the row of a key; raises `PoisonError` for a key that the column cannot hold."""
        return self._match(key, store)

    def _matching(self) -> Callable[[Key, int | None], tuple[Scalar, ...]]:
        names: dict[str, Any] = {"integer": _integer, "fitting": fitting_key}
        parts = []
        for number, name in enumerate(self._mapping.match):
            column, mapping = self._table.columns[name], self.columns[name]
            names[f"c{number}"] = column
            if mapping.source == STORE:
                parts.append("s")
            elif mapping.kind is Kind.INTEGER:
                parts.append("integer(k)")
            else:
                parts.append(f"(k if len(k) <= {column.length or 0} else fitting(k, c{number}))")
        return function("k, s", f"({', '.join(parts)},)", names)

    def row(self, value: Value, store: int | None) -> MappedRow:
        """The row of a value; raises `PoisonError` where a key does not fit."""
        notes: list[Note] = []
        values = self._values(value, store, notes)
        return MappedRow(values, ordered(notes) if notes else ())


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
