"""Rows into a table, or out of it, many in one call: they are packed, and cut apart inside an EXECUTE BLOCK.

Of columns of any kind; `packed` is for the rows of a plan, each of which may fail alone.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from foundation.engines.firebird import packing
from foundation.engines.firebird.text import to_database

LONGEST_FIELD = 8000
"""Characters; Firebird takes variables of 32,765 bytes, several of which must fit into 64 KB."""


def build(table: sa.Table) -> str:
    """The statement that inserts packed rows into a table."""
    columns = list(table.columns)
    values = ", ".join(_value(i, column) for i, column in enumerate(columns))
    return _block(columns, f"insert into {table.name} ({', '.join(column.name for column in columns)}) values ({values});")


def build_delete(table: sa.Table, names: Sequence[str]) -> str:
    """The one that deletes those whose columns of these names, none of which is NULL, hold what is packed."""
    columns = [table.columns[name] for name in names]
    same = " and ".join(f"{column.name} = {_value(i, column)}" for i, column in enumerate(columns))
    return _block(columns, f"delete from {table.name} where {same};")


def _block(columns: Sequence[sa.Column[Any]], statement: str) -> str:
    lines = [
        f"execute block {packing.parameters()} as",
        packing.DECLARED,
        *(f"declare V{i} varchar({_width(column)}) character set iso8859_1;" for i, column in enumerate(columns)),
        "begin",
        packing.BEGUN,
        f"while {packing.MORE} do begin",
        packing.BEGIN,
        *(line for i, column in enumerate(columns) for line in packing.cut(f"V{i}", _width(column), lambda piece: piece)),
        statement,
        packing.NEXT,
        "end",
        "end",
    ]
    return "\n".join(lines)


def _width(column: sa.Column[Any]) -> int:
    if isinstance(column.type, sa.LargeBinary):
        return LONGEST_FIELD
    return column.type.length or LONGEST_FIELD if isinstance(column.type, (sa.String, sa.VARBINARY)) else 30


def _value(index: int, column: sa.Column[Any]) -> str:
    match column.type:
        case sa.BigInteger():
            return f"cast(:V{index} as bigint)"
        case sa.Integer():
            return f"cast(:V{index} as integer)"
        case sa.DateTime():
            return f"cast(:V{index} as timestamp)"
        case _:
            return f":V{index}"


@cache
def packer(table: sa.Table, names: tuple[str, ...]) -> Callable[[Mapping[str, Any]], str | None]:
    """What packs a row, by its values; it gives None where one is too long for a parameter."""
    packed = packing.packer([(_width(table.columns[name]), _text_of) for name in names])

    def pack(row: Mapping[str, Any]) -> str | None:
        try:
            made = packing.whole(packed([row[name] for name in names]))
        except IndexError:
            return None
        return made if len(made) <= packing.PARAMETER_LENGTH else None

    return pack


def _text_of(value: Any) -> str:
    match value:
        case bytes():
            return value.decode("latin-1")
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M:%S.") + f"{value.microsecond // 1000:03d}"
        case _:
            return to_database(str(value))
