"""SAE in a snapshot: the port, and SAE through a `Database`, which finds the company and what this version of SAE has."""

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Any, Generic, Protocol, TypeVar

from foundation.engines.catalogue import Catalogue
from foundation.engines.database import ActiveTransactions, Database, Reader, Survey, TransactionIds
from foundation.engines.errors import MissingName
from foundation.errors import ConfigError, RetryableError
from foundation.texts import text
from producer.sae.company import OF_CAJA, choose_company, companies
from producer.sae.identity import Held, held, hides_company, read_identity
from producer.sae.sql import Source, SqlSnapshot, has_own_key
from producer.sae.tables import TABLES, AnyRow, Impu, Inve, Layout, Precios, RawKey, Row, columns, optional
from schemas.control import SaeIdentity

A_DAY = timedelta(days=1)
"""What the clocks of SAE and of this machine may differ by, time zones included."""
ROWS_TO_A_BEAT = 500


class Rows(Protocol):
    """Rows of SAE as they stood at one moment, all or those that somebody wants."""

    @property
    def layout(self) -> Layout: ...

    def rows(self, table: type[AnyRow]) -> Iterator[AnyRow]: ...


Inner = TypeVar("Inner", bound=Rows)


class RowsOf(Generic[Inner]):
    """`Rows` that are those of others: what is noted or left out on the way is a class of its own."""

    def __init__(self, inner: Inner) -> None:
        self.inner = inner

    @property
    def layout(self) -> Layout:
        return self.inner.layout

    def rows(self, table: type[AnyRow]) -> Iterator[AnyRow]:
        return self.inner.rows(table)


def in_parts(rows: Iterator[AnyRow]) -> Iterator[list[AnyRow]]:
    """What is done to each row of a table costs less where it is done to some at once."""
    while part := list(islice(rows, ROWS_TO_A_BEAT)):
        yield part


class Beating(RowsOf[Rows]):
    """Calls `beat` every few rows: reading all of a large SAE takes longer than others wait for a sign of life."""

    def __init__(self, rows: Rows, beat: Callable[[], None]) -> None:
        super().__init__(rows)
        self._beat = beat

    def rows(self, table: type[AnyRow]) -> Iterator[AnyRow]:
        return chain.from_iterable(self._parts(super().rows(table)))

    def _parts(self, rows: Iterator[AnyRow]) -> Iterator[list[AnyRow]]:
        for part in in_parts(rows):
            self._beat()
            yield part


class Some(Rows, Protocol):
    """`Rows`, all or those with certain values."""

    def rows_where(self, table: type[AnyRow], column: str, values: Collection[Any]) -> Iterator[AnyRow]:
        """The rows whose column holds exactly one of the values."""
        ...


class Snapshot(Some, Protocol):
    """SAE as it stood at one moment."""

    @property
    def ids(self) -> TransactionIds | None: ...

    @property
    def exact(self) -> frozenset[type[Row]]:
        """The tables that `survey` and `keys` can be asked of: each row tells which transaction wrote it, and has a key of its own."""
        ...

    def count(self, table: type[Row]) -> int:
        """How many rows there are."""
        ...

    def keys(self, table: type[Row]) -> Iterator[RawKey]:
        """The raw keys of all rows."""
        ...

    def survey_together(self, tables: Collection[type[Row]]) -> None:
        """These are surveyed next, and are small: they may be read in one statement."""
        ...

    def survey(self, table: type[Row], since: int) -> Survey:
        """How many rows there are, and the raw key and number of those that transaction `since` or a later one wrote."""
        ...


class Sae(Protocol):
    """One company of SAE. Errors are those of `Database`."""

    @property
    def connections(self) -> int:
        """Another number, another session: what was known of transactions is void."""
        ...

    def snapshot(self) -> AbstractContextManager[Snapshot]: ...

    def newest_transaction(self) -> int | None:
        """As of `Database`: it costs SAE nothing."""
        ...

    def active_transactions(self) -> ActiveTransactions | None:
        """As of `Database`: it takes a number of a transaction."""
        ...

    def look_anew(self) -> None:
        """The next snapshot finds out again which tables and columns there are: some may have come, and nothing tells that."""
        ...

    def identity(self) -> SaeIdentity:
        """Which SAE it is, as far as it tells."""
        ...


class SqlSae:
    """`Sae` over a `Database`. The catalogue is read again on every connection, and when a snapshot misses something.

    What is gone then stops that snapshot alone: `RetryableError`, unless SAE lacks what nobody can do without.
    """

    def __init__(self, database: Database, company: str) -> None:
        self._database, self._wanted = database, company
        self._probed_on = 0
        self._sources: dict[type[Row], Source] = {}
        self._telling: Held = {}
        self.exact: frozenset[type[Row]] = frozenset()
        self.layout, self.company = Layout(), company

    @property
    def label(self) -> str:
        return self._database.label

    @property
    def connections(self) -> int:
        return self._database.connections

    def newest_transaction(self) -> int | None:
        return self._database.newest_transaction()

    def active_transactions(self) -> ActiveTransactions | None:
        return self._database.active_transactions()

    def reading(self) -> AbstractContextManager[Reader]:
        """A snapshot for queries of one's own."""
        return self._database.reading()

    def probe(self) -> None:
        """Finds the company and which columns there are; raises `ConfigError` naming what is missing."""
        catalogue = self._database.catalogue()
        if OF_CAJA in catalogue and not companies(catalogue):
            raise ConfigError(text("{label} looks like a CAJA: it has {table}; the url must name a SAE", label=self.label, table=OF_CAJA))
        self.company = choose_company(companies(catalogue), self._wanted, self._database.label)
        found = {table: self._found(table, catalogue) for table in TABLES}
        self._sources = {table: Source.of(table, catalogue[self.table_name(table)], names) for table, names in found.items()}
        self.layout = Layout(
            taxes=8 if "IMPUESTO8" in found[Impu] else 4,
            price_tax_flag="CON_IMPU" in found[Precios],
            ieps="MAN_IEPS" in found[Inve],
        )
        with self._database.reading() as reader:
            numbered = reader.ids is not None
        self._telling = held(catalogue, self.company)
        self.exact = frozenset(table for table in TABLES if numbered and has_own_key(table, catalogue[self.table_name(table)]))
        self._probed_on = self._database.connections

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

    def look_anew(self) -> None:
        self._probed_on = 0

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        try:
            with self._probed() as reader:
                yield self._of(reader)
        except MissingName as error:
            self.look_anew()
            raise RetryableError(text("{label}: its tables were altered meanwhile ({said})", label=self.label, said=str(error))) from error

    def identity(self) -> SaeIdentity:
        with self._probed() as reader:
            return read_identity(reader, self._telling, self.label, datetime.now() + A_DAY)  # noqa: DTZ005 - SAE's stamps are local, too

    def hides_company(self) -> bool:
        """Whether its user may not read what tells the company."""
        with self._probed() as reader:
            return hides_company(reader, self._telling)

    @contextmanager
    def _probed(self) -> Iterator[Reader]:
        with self._database.reading() as reader:
            if self._probed_on == self._database.connections:
                yield reader
                return
        self.probe()
        with self._database.reading() as reader:
            yield reader

    def _of(self, reader: Reader) -> SqlSnapshot:
        return SqlSnapshot(reader, self._sources, self.layout, self.exact)
