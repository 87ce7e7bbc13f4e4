"""SAE in a snapshot: the port, and the reader through SQLAlchemy that serves every engine."""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

import sqlalchemy
from sqlalchemy.sql.selectable import Select

from producer.tables import TABLES, Impu, Inve, Layout, Precios, Row, columns, optional
from puente.engines.database import Catalogue, Database, Reader, TransactionIds
from puente.errors import ConfigError
from puente.texts import text

AnyRow = TypeVar("AnyRow", bound=Row)
AUTO = "auto"
_COMPANY = re.compile(r"INVE(\d\d)", re.ASCII)


class Snapshot(Protocol):
    """SAE as it stood at one moment."""

    @property
    def ids(self) -> TransactionIds | None: ...

    @property
    def layout(self) -> Layout: ...

    def rows(self, table: type[AnyRow]) -> Iterator[AnyRow]: ...


class Sae(Protocol):
    """One company of SAE. Errors are those of `Database`."""

    @property
    def connections(self) -> int:
        """Another number, another session: what was known of transactions is void."""
        ...

    def snapshot(self) -> AbstractContextManager[Snapshot]: ...


def companies(catalogue: Catalogue) -> list[str]:
    """The two-digit suffixes for which the database has a table of products."""
    return sorted(match[1] for name in catalogue if (match := _COMPANY.fullmatch(name)))


def choose_company(found: list[str], wanted: str, label: str) -> str:
    """The suffix to read; raises `ConfigError` where it is missing or not the only one."""
    listed = ", ".join(found)
    if wanted != AUTO:
        if wanted in found:
            return wanted
        raise ConfigError(text("{label} has no company {wanted}; it has: {found}", label=label, wanted=wanted, found=listed or "—"))
    if not found:
        raise ConfigError(text("{label} is no SAE: it has no table INVE followed by two digits", label=label))
    if len(found) > 1:
        raise ConfigError(text("{label} has several companies ({found}): set company to one of them", label=label, found=listed))
    return found[0]


@dataclass(frozen=True, slots=True)
class _Query:
    """The columns of a table that this SAE has; `places` says where each of the tuple's fields stands among them.

    `places` is None where all are there, in the same order; -1 stands for one that is not.
    """

    select: Select[Any]
    places: tuple[int, ...] | None


class SqlSae:
    """`Sae` over a `Database`. The catalogue is read again on every connection."""

    def __init__(self, database: Database, company: str) -> None:
        self._database, self._wanted = database, company
        self._probed_on = 0
        self._queries: dict[type[Row], _Query] = {}
        self.layout, self.company = Layout(), company

    @property
    def label(self) -> str:
        return self._database.label

    @property
    def connections(self) -> int:
        return self._database.connections

    def probe(self) -> None:
        """Finds the company and which columns there are; raises `ConfigError` naming what is missing."""
        catalogue = self._database.catalogue()
        self.company = choose_company(companies(catalogue), self._wanted, self._database.label)
        found = {table: self._found(table, catalogue) for table in TABLES}
        self._queries = {table: self._query(table, names) for table, names in found.items()}
        self.layout = Layout(
            taxes=8 if "IMPUESTO8" in found[Impu] else 4,
            price_tax_flag="CON_IMPU" in found[Precios],
            ieps="MAN_IEPS" in found[Inve],
        )
        self._probed_on = self._database.connections

    def reading(self) -> AbstractContextManager[Reader]:
        """A snapshot for queries of one's own."""
        return self._database.reading()

    def close(self) -> None:
        self._database.close()

    def table_name(self, table: type[Row]) -> str:
        return f"{TABLES[table]}{self.company}"

    def _found(self, table: type[Row], catalogue: Catalogue) -> list[str]:
        """The table's columns that this SAE has."""
        name = self.table_name(table)
        if name not in catalogue:
            raise ConfigError(text("{label}: the table {table} is missing", label=self.label, table=name))
        found = [column for column in columns(table) if column in catalogue[name].columns]
        lacking = sorted(set(columns(table)) - set(found) - optional(table))
        if lacking:
            listed = ", ".join(lacking)
            raise ConfigError(text("{label}: {table} lacks {columns}", label=self.label, table=name, columns=listed))
        return found

    def _query(self, table: type[Row], found: list[str]) -> _Query:
        source = sqlalchemy.table(self.table_name(table), *map(sqlalchemy.column, found))
        wanted = columns(table)
        places = tuple(found.index(column) if column in found else -1 for column in wanted)
        return _Query(sqlalchemy.select(*source.c), None if len(found) == len(wanted) else places)

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        with self._database.reading() as reader:
            if self._probed_on == self._database.connections:
                yield _SqlSnapshot(reader, self._queries, self.layout)
                return
        self.probe()
        with self._database.reading() as reader:
            yield _SqlSnapshot(reader, self._queries, self.layout)


class _SqlSnapshot:
    def __init__(self, reader: Reader, queries: dict[type[Row], _Query], layout: Layout) -> None:
        self._reader, self._queries, self.layout = reader, queries, layout

    @property
    def ids(self) -> TransactionIds | None:
        return self._reader.ids

    def rows(self, table: type[AnyRow]) -> Iterator[AnyRow]:
        query, make = self._queries[cast("type[Row]", table)], cast("Any", table)._make
        if query.places is None:
            yield from map(make, self._reader.rows(query.select))
            return
        for row in self._reader.rows(query.select):
            yield make(None if place < 0 else row[place] for place in query.places)
