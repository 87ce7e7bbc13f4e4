"""SAE's tables in one snapshot, through SQLAlchemy Core: the same queries for every engine."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, cast

import sqlalchemy as sa

from foundation.engines.catalogue import Column, Table
from foundation.engines.database import Reader, Survey, TransactionIds
from producer.sae.tables import KEYS, AnyRow, Layout, RawKey, Row, columns

LISTED = 500
"""Values of one IN list: Firebird 2.5 takes less than 1,500."""
SCANNED_FROM = 10
"""A table is read whole where more than one row in so many is wanted: that is faster than asking for each."""


@dataclass(frozen=True, slots=True)
class Source:
    """A table and those of our columns that this SAE has; `places` says where each of the tuple's fields stands among them.

    `places` is None where all are there, in the same order; -1 stands for one that is not.
    """

    table: sa.TableClause
    places: tuple[int, ...] | None
    columns: Mapping[str, Column]

    @classmethod
    def of(cls, table: type[Row], found: Table, names: Sequence[str]) -> "Source":
        wanted = columns(table)
        places = tuple(names.index(column) if column in names else -1 for column in wanted)
        return cls(
            table=sa.table(found.name, *(_typed(found.columns[name]) for name in names)),
            places=None if len(names) == len(wanted) else places,
            columns=found.columns,
        )


def _typed(column: Column) -> sa.ColumnClause[Any]:
    """With its length, which parameters get as well: one without is sent as a BLOB, and no index is used."""
    return sa.column(column.name) if column.length is None else sa.column(column.name, sa.String(column.length))


def has_own_key(table: type[Row], found: Table) -> bool:
    """Whether no two rows share a raw key and each row is a real one: what counting rows rests on."""
    named = {field.upper() for field in KEYS.get(table, ())}
    unique = any(key <= named and not any(found.columns[column].nullable for column in key) for key in found.keys)
    return unique and not found.view


class SqlSnapshot:
    """`Snapshot` over a `Reader`."""

    def __init__(self, reader: Reader, sources: Mapping[type[Row], Source], layout: Layout, exact: frozenset[type[Row]]) -> None:
        self._reader, self._sources, self.layout, self.exact = reader, sources, layout, exact

    @property
    def ids(self) -> TransactionIds | None:
        return self._reader.ids

    def rows(self, table: type[AnyRow]) -> Iterator[AnyRow]:
        source = self._source(table)
        return self._made(table, source, sa.select(*source.table.c))

    def rows_where(self, table: type[AnyRow], column: str, values: Collection[Any]) -> Iterator[AnyRow]:
        source, name = self._source(table), column.upper()
        length = source.columns[name].length
        possible = {value for value in values if length is None or len(value) <= length}
        place = table._fields.index(column)
        for row in self._perhaps(table, source, source.table.c[name], possible):
            if row[place] in possible:  # an engine's own `=` may ignore blanks, or case
                yield row

    def _perhaps(self, table: type[AnyRow], source: Source, column: sa.ColumnElement[Any], values: set[Any]) -> Iterator[AnyRow]:
        if len(values) > LISTED and len(values) * SCANNED_FROM > self.count(table):
            yield from self.rows(table)
            return
        rest = iter(sorted(values))
        while part := list(islice(rest, LISTED)):
            yield from self._made(table, source, sa.select(*source.table.c).where(column.in_(part)))

    def count(self, table: type[Row]) -> int:
        """How many rows it has."""
        ((count,),) = self._reader.rows(sa.select(sa.func.count()).select_from(self._source(table).table))
        return int(count)

    def keys(self, table: type[Row]) -> Iterator[RawKey]:
        return self._reader.keys(self._source(table).table.name, self._key_columns(table))

    def survey_together(self, tables: Collection[type[Row]]) -> None:
        self._reader.survey_together([self._source(table).table.name for table in tables])

    def survey(self, table: type[Row], since: int) -> Survey:
        return self._reader.survey(self._source(table).table.name, self._key_columns(table), since)

    def _key_columns(self, table: type[Row]) -> list[Column]:
        return [self._source(table).columns[field.upper()] for field in KEYS[table]]

    def _source(self, table: Any) -> Source:
        return self._sources[table]

    def _made(self, table: type[AnyRow], source: Source, query: sa.Select[Any]) -> Iterator[AnyRow]:
        make, places = partial(tuple.__new__, cast("Any", table)), source.places  # as `_make` does, which is slower
        found = self._reader.rows(query)
        if places is None:
            return map(make, found)
        return (make(None if place < 0 else row[place] for place in places) for row in found)
