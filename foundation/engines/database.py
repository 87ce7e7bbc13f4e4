"""The seam to a database engine: all that the two sides ask of Firebird today and of SQL Server later.

What knows a dialect or a driver stands in one package per engine beside this file. Queries cross the seam as SQLAlchemy Core
expressions, catalogues as plain data, and the packed write as a `WritePlan`, which each engine turns into its fastest statement.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.schema import MetaData
from sqlalchemy.sql.schema import Table as SqlTable

from foundation.engines.catalogue import Catalogue, Column, Privilege
from foundation.engines.writing import Prior, RowWrite, WritePlan, Written


@dataclass(frozen=True, slots=True)
class TransactionIds:
    """Numbers of a snapshot: its own, and the oldest transaction that was active when it began."""

    own: int
    oldest_active: int
    undecided: bool = False
    """Whether one was prepared and is neither committed nor rolled back; what it wrote may appear when nothing shows that it ended."""


@dataclass(frozen=True, slots=True)
class ActiveTransactions:
    """Which transactions ran at some moment. To learn that took one, which is over: `own`, where no other began since."""

    own: int
    numbers: frozenset[int]


@dataclass(frozen=True, slots=True)
class Survey:
    """How many rows a table has, and those that a transaction of some number or a later one wrote: their key columns, its number."""

    rows: int
    written: Sequence[tuple[tuple[Any, ...], int]]


class Reader(Protocol):
    """One read-only snapshot transaction."""

    @property
    def ids(self) -> TransactionIds | None:
        """None where the engine numbers no transactions; then nothing can be surveyed."""
        ...

    def rows(self, query: Executable) -> Iterator[Sequence[Any]]: ...

    def keys(self, table: str, columns: Sequence[Column], of: Mapping[str, str | int] = MappingProxyType({})) -> Iterator[tuple[Any, ...]]:
        """These columns of all rows, in none of which one is NULL, by the fastest way that the engine has.

        Of the rows alone whose columns hold the values that `of` names.
        """
        ...

    def survey_together(self, tables: Sequence[str]) -> None:
        """These are surveyed next, and are small: the engine may read all of them in one statement."""
        ...

    def survey(self, table: str, columns: Sequence[Column], since: int) -> Survey:
        """What this snapshot shows of a table (no view) that transaction `since` or a later one wrote; cheap where that is nothing.

        The columns, texts and whole numbers, make a key.
        """
        ...

    def permits(self, privilege: Privilege, table: str, columns: Sequence[str]) -> bool:
        """Whether this user may do that (UPDATE: with these columns); nothing is done. The table and its columns must exist."""
        ...

    def may_read(self, table: str) -> bool:
        """Whether this user was given reading of a table, by what the catalogue says: nothing is refused, for a refusal may be costly."""
        ...

    def permits_tables(self) -> bool:
        """Whether this user may create tables."""
        ...

    def permits_index(self, table: str) -> bool:
        """Whether this user may add an index to a table that is there."""
        ...

    def permits_end_idle(self) -> bool:
        """Whether `Writer.end_idle` may end what it finds."""
        ...


class Writer(Reader, Protocol):
    """One writing transaction, in a snapshot, which never waits for another one's lock (`LockConflict`)."""

    def sign(self) -> None:
        """From now on `end_idle` of another connection finds this one."""
        ...

    def end_idle(self) -> int | None:
        """Ends this user's other connections that were signed and are at no statement now; what they had open is rolled back.

        Returns how many there were; None where this user may not.
        """
        ...

    def execute(self, statement: Executable, parameters: Sequence[Mapping[str, Any]] = ()) -> int:
        """Runs a statement, once per set of parameters; returns the rows it touched."""
        ...

    def insert(self, table: SqlTable, rows: Sequence[Mapping[str, Any]]) -> None:
        """Adds rows to a table, all of its columns given, by the fastest way the engine has."""
        ...

    def delete(self, table: SqlTable, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
        """Deletes what the columns of these names, none of which is NULL, find, by the fastest way the engine has."""
        ...

    def open(self, prior: Sequence[Prior]) -> None:
        """Runs these statements; raises `Unmet`."""
        ...

    def write(self, plan: WritePlan, rows: Sequence[RowWrite], prior: Sequence[Prior] = ()) -> Written:
        """Writes the rows, each with its ledger row, each alone: one that fails is reported and leaves nothing behind.

        `prior` are run before, as by `open`.
        """
        ...


class Database(Protocol):
    """One database through one connection, opened at first use and again after it broke. Belongs to one thread.

    Errors: `ConfigError` (login, no such database), `ConnectionLost`, `LockConflict`, `RetryableError`, each naming `label`.
    """

    @property
    def label(self) -> str:
        """The database for a message, without its password."""
        ...

    @property
    def connections(self) -> int:
        """How many connections were opened: another number, another session."""
        ...

    def newest_transaction(self) -> int | None:
        """The number of the newest transaction that began in the database: the engine's own counter, asked without beginning one.

        It stands still while none begins and none commits retaining; a commit alone does not move it. None where it tells nothing: the
        engine has no counter, or the database is read-only, in which transactions are not counted.
        """
        ...

    def active_transactions(self) -> ActiveTransactions | None:
        """Which transactions run now; None where it cannot be told."""
        ...

    def catalogue(self, names: Collection[str] | None = None) -> Catalogue:
        """The tables by name (upper case), all or those named; what does not exist is left out."""
        ...

    def reading(self) -> AbstractContextManager[Reader]: ...

    def writing(self) -> AbstractContextManager[Writer]:
        """Commits at the end of the block, rolls back when an exception leaves it."""
        ...

    def create_tables(self, metadata: MetaData) -> list[str]:
        """Creates the tables that are missing; returns their names."""
        ...

    def create_index(self, name: str, table: str, expression: str) -> None:
        """Adds an index on an expression to a table that is there, in the place of one of the same name.

        Raises `LockConflict` where somebody is writing to the table.
        """
        ...

    def add_columns(self, metadata: MetaData) -> None:
        """Adds the columns that tables which are there lack; each may be empty."""
        ...

    def rename_column(self, table: str, old: str, new: str) -> None:
        """The column keeps what it holds. Raises `LockConflict` where somebody is using the table."""
        ...

    def drop_tables(self, metadata: MetaData) -> None:
        """Drops those of the tables that are there."""
        ...

    def close(self) -> None: ...
