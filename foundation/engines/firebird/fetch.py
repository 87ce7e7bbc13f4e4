"""Rows of a query, each taken apart at once.

The driver takes every column apart by itself, and asks in Python after each fetch whether it went well: of the time that reading a table
takes, that is two thirds to three quarters. Here a `struct` unpacks all of a row that the client library wrote into the driver's buffer,
and one expression, made once for each shape of rows, makes the values of it.

Written against firebird-driver 2.1, whose private attributes these are.
"""
# ruff: noqa: SLF001 - nothing public of the driver gives a row as it was fetched

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from itertools import islice
from struct import Struct
from typing import Any, NamedTuple, TypeVar

from firebird.driver import Cursor
from firebird.driver.types import SQLDataType, StateResult

from foundation.engines.firebird.text import UTF8, from_bytes, from_utf8
from foundation.generated import function

OCTETS = 1
"""The character set of bytes that are no text."""
_NUMBERS = {SQLDataType.SHORT: "h", SQLDataType.LONG: "i", SQLDataType.INT64: "q", SQLDataType.DOUBLE: "d"}
_TEXTS = {SQLDataType.TEXT: "{}s", SQLDataType.VARYING: "H{}s"}
SHAPES = 256

FETCHED_AT_ONCE = 1000

Row = tuple[Any, ...]
Fetched = TypeVar("Fetched")
Asking = Callable[[], AbstractContextManager[None]]
Make = Callable[[tuple[Any, ...]], tuple[Any, ...]]


class _Column(NamedTuple):
    """Where a column and its null flag stand in a row (bytes), and how `struct` calls it."""

    offset: int
    null_offset: int
    format: str
    utf8: int = 0
    """Characters that a text in UTF8 has at most; 0 where each is one byte."""
    plain: bool = False
    """Of a text each byte is the character of its number."""


def read(cursor: Cursor, asking: Asking, *, plain: bool = False) -> Iterator[Row] | None:
    """The rows of a query that was executed; None where a column is neither text, whole number nor float: then the driver must do it.

    Errors are the driver's. `asking` is around each fetch of some rows. `plain`: texts as the driver gives them, undecoded.
    """
    result, statement = cursor._result, cursor._stmt
    columns = [_column(described, plain) for described in statement._out_desc]
    known = [column for column in columns if column is not None]
    if result is None or len(known) < len(columns):
        return None
    shape, make = _shape(tuple(known))
    return _while_open(cursor, result, in_parts(_rows(cursor, result, statement._out_buffer, shape, make), asking))


def charsets(cursor: Any) -> list[int]:
    """How Firebird numbers the character set of each column of a query that was executed; of numbers something."""
    return [described.charset for described in cursor._stmt._out_desc]


def in_parts(rows: Iterator[Fetched], asking: Asking) -> Iterator[Fetched]:
    """Some are fetched at once: `asking` around each alone would take as long as the row."""
    part: list[Fetched] | None = None
    while part is None or part:
        with asking():
            part = list(islice(rows, FETCHED_AT_ONCE))
        yield from part


def _while_open(cursor: Cursor, result: Any, rows: Iterator[Row]) -> Iterator[Row]:
    for row in rows:
        yield row
        if cursor._result is not result:
            cursor.fetchone()  # which says so


def _rows(cursor: Cursor, result: Any, buffer: Any, shape: Struct, make: Make) -> Iterator[Row]:
    fetch, status, unpack = result.vtable.fetchNext, result.status, shape.unpack_from
    state = status.vtable.getState
    while cursor._result is result:  # else it was closed meanwhile, and with it what it points to
        code = fetch(result, status, buffer)
        if state(status):
            result._check()
        if code != StateResult.OK.value:
            cursor._last_fetch_status = StateResult.NO_DATA
            return
        yield make(unpack(buffer))
    cursor.fetchone()  # which says so


def _column(described: Any, plain: bool) -> _Column | None:
    kind = described.datatype
    if kind in _TEXTS and described.charset != OCTETS:
        utf8 = described.length // UTF8[described.charset] if described.charset in UTF8 else 0
        return _Column(described.offset, described.null_offset, _TEXTS[kind].format(described.length), utf8, plain)
    if kind in _NUMBERS and not described.scale and not described.subtype:
        return _Column(described.offset, described.null_offset, _NUMBERS[kind])
    return None


@lru_cache(SHAPES)
def _shape(columns: tuple[_Column, ...]) -> tuple[Struct, Make]:
    """What unpacks a row, and what makes values of it: a text that may be shorter than its column comes after its length."""
    formats = {column.offset: column.format for column in columns} | {column.null_offset: "h" for column in columns}
    packed, places, end, count = "=", {}, 0, 0
    for offset in sorted(formats):
        packed += f"{offset - end}x{formats[offset]}"
        end, places[offset] = offset + Struct(f"={formats[offset]}").size, count
        count += 2 if formats[offset].startswith("H") else 1
    return Struct(packed), function("t", f"({_source(columns, places)})", {"other": from_bytes, "utf8": from_utf8})


def _source(columns: Sequence[_Column], places: Mapping[int, int]) -> str:
    """Of the values of a row that was unpacked into the tuple `t`; `places` are by offset."""
    return "".join(f"None if t[{places[column.null_offset]}] else {_value(column, places[column.offset])}, " for column in columns)


def _value(column: _Column, place: int) -> str:
    """The source of an expression for the value that begins there in the tuple `t`."""
    if not column.format.endswith("s"):
        return f"t[{place}]"
    content = f"t[{place + 1}][:t[{place}]]" if column.format.startswith("H") else f"t[{place}]"
    if column.plain:
        return f"{content}.decode('latin-1')"
    if column.utf8:
        return f"utf8({content})[:{column.utf8}]"
    return f"(x.decode() if (x := {content}).isascii() else other(x))"
