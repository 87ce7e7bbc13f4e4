"""How rows are written: a plan for a table, the rows for it, what became of them. Each engine makes its fastest statement of a plan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from enum import IntEnum, StrEnum
from typing import Any

from sqlalchemy import Insert, Select, Update

from foundation.engines.catalogue import Kind, Scalar
from foundation.texts import Text


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
    WriteColumn(name="STATE", kind=Kind.TEXT, width=8),
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Prior:
    """A statement that a transaction runs before its rows, in the same call where the engine can, with the values of its parameters.

    Such statements are made once and have named parameters alone. One that is `required` must touch a row (a SELECT: find one), else
    `Unmet` is raised; `otherwise` is run where it touched none.
    """

    statement: Update | Select[Any]
    values: Mapping[str, Any] = field(default_factory=dict)
    required: bool = False
    otherwise: Insert | None = None


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
