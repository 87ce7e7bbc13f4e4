"""Many rows of any length in one parameter: each field after its length, cut apart inside an EXECUTE BLOCK.

For tables whose rows differ much in length (a binary value among them), where `packed` would carry mostly blanks. Bytes travel as the
characters of the same number, which an ISO8859_1 parameter keeps as they are.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from foundation.engines.firebird.packed import PARAMETER_LENGTH
from foundation.engines.firebird.text import to_database

LENGTH_DIGITS = 5
NULL = "-" * LENGTH_DIGITS
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
        f"execute block (d varchar({PARAMETER_LENGTH}) character set iso8859_1 = ?) as",
        "declare o integer = 1; declare n integer; declare w integer;",
        *(f"declare V{i} varchar({_width(column)}) character set iso8859_1;" for i, column in enumerate(columns)),
        "begin",
        "n = char_length(d);",
        "while (o <= n) do begin",
        *(line for i in range(len(columns)) for line in _cut(i)),
        statement,
        "end",
        "end",
    ]
    return "\n".join(lines)


def _width(column: sa.Column[Any]) -> int:
    if isinstance(column.type, sa.LargeBinary):
        return LONGEST_FIELD
    return column.type.length or LONGEST_FIELD if isinstance(column.type, (sa.String, sa.VARBINARY)) else 30


def _cut(index: int) -> Iterator[str]:
    yield f"if (substring(d from o for {LENGTH_DIGITS}) = '{NULL}') then begin V{index} = null; o = o + {LENGTH_DIGITS}; end"
    yield f"else begin w = cast(substring(d from o for {LENGTH_DIGITS}) as integer); o = o + {LENGTH_DIGITS};"
    yield f"V{index} = substring(d from o for w); o = o + w; end"


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


def pack(names: Iterable[str], row: Mapping[str, Any]) -> str | None:
    """One row; None where it is too long for a parameter."""
    fields = [_field(row[name]) for name in names]
    packed = "".join(NULL if field is None else f"{len(field):0{LENGTH_DIGITS}d}{field}" for field in fields)
    fits = all(field is None or len(field) <= LONGEST_FIELD for field in fields)
    return packed if fits and len(packed) <= PARAMETER_LENGTH else None


def _field(value: Any) -> str | None:
    match value:
        case None:
            return None
        case bytes():
            return value.decode("latin-1")
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M:%S.") + f"{value.microsecond // 1000:03d}"
        case _:
            return to_database(str(value))


def calls(packed: Sequence[str]) -> Iterator[str]:
    """Packed rows joined to as few parameters as hold them."""
    part: list[str] = []
    length = 0
    for row in packed:
        if length + len(row) > PARAMETER_LENGTH:
            yield "".join(part)
            part, length = [], 0
        part.append(row)
        length += len(row)
    if part:
        yield "".join(part)
