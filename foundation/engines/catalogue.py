"""What a database says of its own tables."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

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


class Privilege(StrEnum):
    """What a user may do with a table, in SQL's words."""

    SELECT = "SELECT"
    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
