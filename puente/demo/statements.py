"""Plain SQL for the demo's SAE, written as its users and integrators would, and rows by the thousand."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy

from foundation.engines.database import Writer
from foundation.engines.firebird.text import to_database

BLOCK_BYTES = 40_000
"""Of one EXECUTE BLOCK: Firebird 2.5 takes less than 64 KB of SQL, and of what it compiles to."""
BLOCK_ROWS = 200
"""One context each; Firebird 2.5 has 255."""


class _Once(sqlalchemy.TextClause):
    """A statement that will not come again: SQLAlchemy's cache need not keep 40 KB of it."""

    inherit_cache = False


def run(writer: Writer, sql: str) -> int:
    """Executes one statement as it stands: no parameters, CP1252 characters welcome. Returns the rows it touched."""
    return writer.execute(_Once(to_database(sql).replace(":", "\\:")))


def sql(template: str, /, **values: Any) -> str:
    """The template with each `{name}` as a literal; `{s}`, the company's suffix, goes in as it is."""
    suffix = str(values.pop("s", ""))
    return template.format(s=suffix, **{name: literal(value) for name, value in values.items()})


def literal(value: Any) -> str:
    match value:
        case None:
            return "NULL"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case float():
            # Without an exponent Firebird reads an exact number, of 18 digits at most; with one a double, right to the last bit but one.
            digits = repr(value)
            return digits if "e" in digits or len(digits) < 17 else digits + "e0"
        case tuple():
            return "(" + ", ".join(map(literal, value)) + ")"
        case datetime():
            return f"'{value:%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03d}'"
        case _:
            return str(value)


def load(writer: Writer, table: str, columns: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> int:
    """Inserts rows by literals, many to a round trip (parameters reach 3,000 rows/s); columns that the table lacks are left out."""
    known, count = frozenset(columns), 0
    for block in _blocks(_insert(table, {name: row[name] for name in row if name in known}) for row in rows):
        run(writer, "EXECUTE BLOCK AS BEGIN\n" + "\n".join(block) + "\nEND")
        count += len(block)
    return count


def _insert(table: str, row: Mapping[str, Any]) -> str:
    filled = {name: value for name, value in row.items() if value is not None}
    values = ",".join(map(literal, filled.values()))
    return f"INSERT INTO {table} ({','.join(filled)}) VALUES ({values});"  # noqa: S608 - names of the catalogue, values as literals


def _blocks(statements: Iterable[str]) -> Iterator[list[str]]:
    block: list[str] = []
    size = 0
    for statement in statements:
        if block and (size + len(statement) > BLOCK_BYTES or len(block) == BLOCK_ROWS):
            yield block
            block, size = [], 0
        block.append(statement)
        size += len(statement) + 1
    if block:
        yield block
