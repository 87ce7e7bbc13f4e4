"""The seam to a database engine: all that the two sides ask of Firebird today and of SQL Server later.

What knows a dialect or a driver stands in one package per engine beside this file. Queries cross the seam as SQLAlchemy Core
expressions, catalogues as plain data, and the packed write as a `WritePlan`, which each engine turns into its fastest statement.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from decimal import Context, Decimal
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any, Protocol

from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.schema import MetaData
from sqlalchemy.sql.schema import Table as SqlTable

from foundation.texts import Text

Scalar = str | int | float | Decimal | None


class Kind(StrEnum):
    """What a column holds, as far as Puente must tell."""

    TEXT = "text"
    INTEGER = "integer"
    FLOAT = "float"
    TIMESTAMP = "timestamp"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column of the catalogue; `length` in characters, for text alone; `charset` as the engine names it.

    `scale`: the decimals of a number that is kept exact; None of a floating one, which is `single` where it has four bytes.
    """

    name: str
    kind: Kind
    length: int | None = None
    scale: int | None = None
    single: bool = False
    nullable: bool = True
    charset: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table of the catalogue; `keys` holds its primary and unique keys, `computed` the expression of each index on one, by its name.

    A view has no rows of its own.
    """

    name: str
    columns: Mapping[str, Column]
    keys: Collection[frozenset[str]] = ()
    computed: Mapping[str, str] = field(default_factory=dict)
    view: bool = False


Catalogue = Mapping[str, Table]


class Action(StrEnum):
    """What is done with one row; the ledger row is written with every one of them but TOTAL."""

    PUT = "P"
    """Write it, whether it exists or not."""
    CHANGE = "C"
    """Write it where it exists, add none."""
    RETIRE = "R"
    """Set the columns of `WritePlan.retire` where it exists."""
    NOTE = "N"
    """Leave the row alone."""
    TOTAL = "T"
    """Add up `WritePlan.total` again where it is wrong; the row and its ledger row are left alone."""


class Privilege(StrEnum):
    """What a user may do with a table, in SQL's words."""

    SELECT = "SELECT"
    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"


class Refusal(IntEnum):
    """Why a row was left alone without an error of the database (those have the engine's own, larger numbers)."""

    PARENT = 1
    """A row that the profile requires does not exist."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WriteColumn:
    """A column that a plan writes; `width` in characters, for text alone; the rest as of `Column`."""

    name: str
    kind: Kind
    width: int = 0
    charset: str | None = None
    scale: int | None = None
    single: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Parent:
    """`column` of `table` must hold what `own`, a column of the plan, holds (nothing is required where that is NULL)."""

    table: str
    column: str
    own: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Total:
    """With a row that is written, `column` of `table` becomes the sum of `of` over the plan's rows with the same `key`."""

    table: str
    key: str
    own_key: str
    column: str
    of: str
    scale: int | None = None
    single: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class WritePlan:
    """How the rows of one entity are written. A row that already holds the same values is not touched."""

    table: str
    columns: tuple[WriteColumn, ...]
    match: tuple[str, ...]
    """The columns that find the row; they come first in `columns`."""
    only_new: tuple[str, ...] = ()
    """Columns that are written when a row is added and never again."""
    numbered: str | None = None
    """CAJA's own key of a row that is added: the value given where no row has it, else the number after the highest one there is."""
    retire: Mapping[str, Scalar] = field(default_factory=dict)
    added: Mapping[str, Scalar] = field(default_factory=dict)
    """Values of columns outside `columns` for a row that is added."""
    keys: tuple[tuple[str, ...], ...] = ()
    """Other unique keys of the table, all of whose columns are written whenever a row is."""
    hidden_keys: bool = False
    """Whether the table has unique keys besides, on columns that the plan does not write."""
    parents: tuple[Parent, ...] = ()
    total: Total | None = None
    ledger: str
    """The ledger's table of rows; its columns are `LEDGER_COLUMNS`."""


LEDGER_COLUMNS = (
    WriteColumn(name="ENTITY", kind=Kind.TEXT, width=12),
    WriteColumn(name="WAREHOUSE", kind=Kind.INTEGER),
    WriteColumn(name="ROW_KEY", kind=Kind.TEXT, width=32),
    WriteColumn(name="CONTENT_HASH", kind=Kind.TEXT, width=16),
    WriteColumn(name="ROW_HASH", kind=Kind.TEXT, width=16),
    WriteColumn(name="QUANTITY", kind=Kind.FLOAT),
)
"""The first three are the key."""


_MILLIONTH = Decimal("0.000001")
_fifteen_digits = Context(prec=15).plus
"""What a binary float holds for certain."""


def written(number: float | Decimal) -> str:
    """A number as it is sent to be written: with six decimals; with 15 digits where it is a decimal that has more decimals."""
    if isinstance(number, Decimal) and not _MILLIONTH.same_quantum(number) and number != round(number, 6):
        return format(_fifteen_digits(number).normalize(), "f")
    return format(number, ".6f")


@dataclass(frozen=True, slots=True)
class RowWrite:
    """One row for a plan: `values` in the order of its columns (only PUT and CHANGE need those after the match), and its ledger row."""

    action: Action
    values: tuple[Scalar, ...]
    ledger: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class RowError:
    """A row that was not written: its place in the call, a `Refusal` or the engine's number, and whether another transaction holds it.

    `unsure`: or what stands in its way may be another transaction's that has not committed; nobody can see that. `taken`: another row has
    the same unique value.
    """

    index: int
    code: int
    locked: bool
    message: Text
    unsure: bool = False
    taken: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """What a packed write did: rows really touched (a row that was equal is not, nor an equal total), and the rows left out."""

    touched: int
    errors: Sequence[RowError]


@dataclass(frozen=True, slots=True)
class TransactionIds:
    """Numbers of a snapshot: its own, and the oldest transaction that was active when it began."""

    own: int
    oldest_active: int


@dataclass(frozen=True, slots=True)
class Survey:
    """How many rows a table has, and those that a transaction of some number or a later one wrote: their key columns, its number."""

    rows: int
    written: Sequence[tuple[tuple[Any, ...], int]]


class Reader(Protocol):
    """One read-only snapshot transaction."""

    @property
    def ids(self) -> TransactionIds | None:
        """None where the engine numbers no transactions."""
        ...

    @property
    def tells_versions(self) -> bool:
        """Whether `survey` works here."""
        ...

    def rows(self, query: Executable) -> Iterator[Sequence[Any]]: ...

    def keys(self, table: str, columns: Sequence[Column], of: Mapping[str, str | int] = MappingProxyType({})) -> Iterator[tuple[Any, ...]]:
        """These columns of all rows, in none of which one is NULL, by the fastest way that the engine has.

        Of the rows alone whose columns hold the values that `of` names.
        """
        ...

    def survey(self, table: str, columns: Sequence[str], since: int) -> Survey:
        """What this snapshot shows of a table (no view) that transaction `since` or a later one wrote; cheap where that is nothing."""
        ...

    def permits(self, privilege: Privilege, table: str, columns: Sequence[str]) -> bool:
        """Whether this user may do that (UPDATE: with these columns); nothing is done. The table and its columns must exist."""
        ...

    def permits_tables(self) -> bool:
        """Whether this user may create tables."""
        ...

    def permits_index(self, table: str) -> bool:
        """Whether this user may add an index to a table that is there."""
        ...


class Writer(Reader, Protocol):
    """One writing transaction, in a snapshot, which never waits for another one's lock (`LockConflict`)."""

    def execute(self, statement: Executable, parameters: Sequence[Mapping[str, Any]] = ()) -> int:
        """Runs a statement, once per set of parameters; returns the rows it touched."""
        ...

    def insert(self, table: SqlTable, rows: Sequence[Mapping[str, Any]]) -> None:
        """Adds rows to a table, all of its columns given, by the fastest way the engine has."""
        ...

    def delete(self, table: SqlTable, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
        """Deletes what the columns of these names, none of which is NULL, find, by the fastest way the engine has."""
        ...

    def write(self, plan: WritePlan, rows: Sequence[RowWrite]) -> Written:
        """Writes the rows, each with its ledger row, each alone: one that fails is reported and leaves nothing behind."""
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

    def drop_tables(self, metadata: MetaData) -> None:
        """Drops those of the tables that are there."""
        ...

    def close(self) -> None: ...
