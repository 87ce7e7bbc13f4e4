"""SAE in a snapshot: the port, and the reader through SQLAlchemy that serves every engine."""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol, TypeVar, cast

import sqlalchemy
from sqlalchemy.sql.selectable import Select

from producer.tables import TABLES, CvesAlter, Impu, Inve, Layout, Precios, Row, columns, optional
from puente.engines.database import Catalogue, Database, Reader, TransactionIds
from puente.errors import ConfigError
from puente.texts import text

AnyRow = TypeVar("AnyRow", bound=Row)
AUTO = "auto"
_COMPANY = re.compile(r"INVE(\d\d)")


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
        raise ConfigError(
            text("{label} has no company {wanted}; it has: {found}", label=label, wanted=wanted, found=listed or "—")
        )
    if not found:
        raise ConfigError(text("{label} is no SAE: it has no table INVE followed by two digits", label=label))
    if len(found) > 1:
        raise ConfigError(text("{label} has several companies ({found}): set company to one of them", label=label, found=listed))
    return found[0]


class SqlSae:
    """`Sae` over a `Database`. The catalogue is read at the first snapshot of every connection."""

    def __init__(self, database: Database, company: str) -> None:
        self._database, self._wanted = database, company
        self._probed_at = 0
        self._queries: dict[type[Row], tuple[Select[Any], list[int] | None]] = {}
        self.layout, self.company = Layout(), company

    @property
    def connections(self) -> int:
        return self._database.connections

    def probe(self) -> None:
        """Finds the company and which columns there are; raises `ConfigError` naming what is missing."""
        catalogue = self._database.catalogue()
        self.company = choose_company(companies(catalogue), self._wanted, self._database.label)
        self._queries = {table: self._query(table, catalogue) for table in TABLES}
        present = {
            (table, column) for table, (_, places) in self._queries.items() for column in self._found(table, catalogue)
        }
        self.layout = Layout(
            taxes=8 if (Impu, "IMPUESTO8") in present else 4,
            price_tax_flag=(Precios, "CON_IMPU") in present,
            ieps=(Inve, "MAN_IEPS") in present,
        )
        self._probed_at = self._database.connections

    @property
    def label(self) -> str:
        return self._database.label

    def reading(self) -> AbstractContextManager[Reader]:
        """A snapshot for queries of one's own."""
        return self._database.reading()

    def close(self) -> None:
        self._database.close()

    def table_name(self, table: type[Row]) -> str:
        return f"{TABLES[table]}{self.company}"

    def _found(self, table: type[Row], catalogue: Catalogue) -> list[str]:
        name = self.table_name(table)
        if name not in catalogue:
            raise ConfigError(text("{label}: the table {table} is missing", label=self._database.label, table=name))
        return [column for column in columns(table) if column in catalogue[name].columns]

    def _query(self, table: type[Row], catalogue: Catalogue) -> tuple[Select[Any], list[int] | None]:
        """The query, and where each of the tuple's fields stands in its rows (None: in the same order, none is missing)."""
        found, name = self._found(table, catalogue), self.table_name(table)
        missing = set(columns(table)) - set(found)
        if missing - optional(table):
            lacking = ", ".join(sorted(missing - optional(table)))
            raise ConfigError(text("{label}: {table} lacks {columns}", label=self._database.label, table=name, columns=lacking))
        source = sqlalchemy.table(name, *(sqlalchemy.column(column) for column in found))
        places = [found.index(column) if column in found else -1 for column in columns(table)]
        return sqlalchemy.select(*source.c), places if missing else None

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        if self._probed_at == 0 or self._probed_at != self._database.connections:
            self.probe()
        with self._database.reading() as reader:
            yield _SqlSnapshot(reader, self._queries, self.layout)


class _SqlSnapshot:
    def __init__(self, reader: Reader, queries: dict[type[Row], tuple[Select[Any], list[int] | None]], layout: Layout) -> None:
        self._reader, self._queries, self.layout = reader, queries, layout

    @property
    def ids(self) -> TransactionIds | None:
        return self._reader.ids

    def rows(self, table: type[AnyRow]) -> Iterator[AnyRow]:
        query, places = self._queries[table]
        make = cast("Any", table)._make
        if places is None:
            yield from map(make, self._reader.rows(query))
            return
        for row in self._reader.rows(query):
            yield make(None if place < 0 else row[place] for place in places)


__all__ = ["AUTO", "CvesAlter", "Sae", "Snapshot", "SqlSae", "choose_company", "companies"]
