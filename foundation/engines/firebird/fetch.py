"""Rows of a query, each taken apart at once.

The driver takes every column apart by itself, and asks in Python after each fetch whether it went well: of the time that reading a table
takes, that is two thirds to three quarters. Here a `struct` unpacks all of a row that the client library wrote into the driver's buffer,
one expression, made once for each shape of rows, makes the values of it, and some rows at once go from hand to hand.

Written against firebird-driver 2.1, whose private attributes these are.
"""
# ruff: noqa: SLF001 - nothing public of the driver gives a row as it was fetched

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from ctypes import CFUNCTYPE, addressof, c_int, c_void_p, cast
from functools import lru_cache, partial
from itertools import islice, repeat
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

_FETCH = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p)

Row = tuple[Any, ...]
Part = list[Row]
Fetched = TypeVar("Fetched")
Unpack = Callable[[], Row]
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


def read(cursor: Cursor, asking: Asking, *, plain: bool = False) -> Iterator[Part] | None:
    """The rows of a query that was executed; None where a column is neither text, whole number nor float: then the driver must do it.

    Errors are the driver's. `asking` is around each fetch of some rows. `plain`: texts as the driver gives them, undecoded.
    """
    result, statement = cursor._result, cursor._stmt
    columns = [_column(described, plain) for described in statement._out_desc]
    known = [column for column in columns if column is not None]
    if result is None or len(known) < len(columns):
        return None
    shape, make = _shape(tuple(known))
    return _parts(cursor, result, partial(shape.unpack_from, statement._out_buffer), make, asking)


def charsets(cursor: Any) -> list[int]:
    """How Firebird numbers the character set of each column of a query that was executed; of numbers something."""
    return [described.charset for described in cursor._stmt._out_desc]


def in_parts(rows: Iterator[Fetched], asking: Asking) -> Iterator[list[Fetched]]:
    """Some are fetched at once: `asking` around each alone would take as long as the row."""
    part: list[Fetched] | None = None
    while part is None or part:
        with asking():
            part = list(islice(rows, FETCHED_AT_ONCE))
        yield part


def _parts(cursor: Cursor, result: Any, unpack: Unpack, make: Make, asking: Asking) -> Iterator[Part]:
    fetch, goes_on = _fetching(result, cursor._stmt._out_buffer), True
    while goes_on:
        with asking():
            part, goes_on = _part(fetch, unpack, result)
        if not goes_on:
            cursor._last_fetch_status = StateResult.NO_DATA
        yield list(map(make, part))
        if cursor._result is not result:  # it was closed meanwhile, and with it what it points to
            cursor.fetchone()  # which says so


def _part(fetch: Callable[[], int], unpack: Unpack, result: Any) -> tuple[list[Row], bool]:
    """Some rows, not yet made, and whether there may be more. What went wrong is asked once for all of them, before anybody sees one."""
    rows: list[Row] = []
    add, code = rows.append, StateResult.OK.value
    for _ in repeat(None, FETCHED_AT_ONCE):
        code = fetch()
        if code:
            break
        add(unpack())
    if result.status.vtable.getState(result.status):
        result._check()
    return rows, not code


def _fetching(result: Any, buffer: Any) -> Callable[[], int]:
    """What fetches the next row into the buffer, and returns one of `StateResult`.

    It is the driver's own function of the client library, told apart from its Python classes: those are turned into pointers at each call,
    which takes as long as the call.
    """
    function = _FETCH(cast(result.vtable.fetchNext, c_void_p).value or 0)
    places = [c_void_p(addressof(one._as_parameter_.contents)) for one in (result, result.status)]
    return partial(function, *places, c_void_p(addressof(buffer)))


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
