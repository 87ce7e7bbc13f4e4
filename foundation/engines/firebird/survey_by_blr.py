"""Which transaction wrote a row, where SQL cannot tell: a request in BLR, the engine's own language below SQL, whose verb can.

The request reads the table once on the server, counts its rows, and sends those alone that a transaction of some number or a later one
wrote: a table in which nothing changed costs one message. It asks no column of a row for that, so the engine need not unpack it; those that
were written are read once more, by their place. Firebird 2.5 gives the number as 4 bytes, 3 and newer as 8, lowest first; they are put
together by ASCII_VAL of each. Verbs and types are those of Firebird's `blr.h`; its parser takes them since version 2.5.
"""
# ruff: noqa: SLF001 - nothing public of the driver compiles a request

import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from ctypes import create_string_buffer
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

from firebird.driver import Connection, Error
from firebird.driver.interfaces import iRequest, iRequest_v3

from foundation.engines.catalogue import Column, Kind
from foundation.engines.database import Survey
from foundation.engines.firebird.fetch import Asking, in_parts
from foundation.engines.firebird.text import WIDEST, from_bytes, from_utf8
from foundation.errors import ConfigError
from foundation.texts import text

EIGHT_BYTES_FROM = 3.0
"""The engine version from which a transaction's number has eight bytes."""
LARGEST = (1 << 31) - 1
"""What a literal of the request holds, and the last transaction of a database of Firebird 2.5."""

ASSIGN, BEGIN, DECLARE, MESSAGE, FOR, IF, SEND = b"\x01", b"\x02", b"\x03", b"\x04", b"\x07", b"\x08", b"\x0e"
LITERAL, PLACE, FIELD, PARAMETER, VARIABLE = b"\x15", b"\x16", b"\x17", b"\x19", b"\x1a"
ADD, MULTIPLY, SUBSTRING, EQUAL, AT_LEAST = b"\x22", b"\x24", b"\x28", b"\x2f", b"\x32"
RSE, WHERE, RELATION, RECORD_VERSION, FUNCTION, END, END_OF_REQUEST = b"\x43", b"\x47", b"\x4a", b"\x9a", b"\xba", b"\xff", b"\x4c"
SHORT, LONG, TEXT, INT64, VARYING, VERSION_5 = b"\x07", b"\x08", b"\x0f", b"\x10", b"\x26", b"\x05"
CHARSET_NONE, CONTEXT, AGAIN, MESSAGE_NUMBER, NO_SCALE = b"\x00\x00", b"\x00", b"\x01", b"\x00", b"\x00"
"""The table stands twice in the request, in contexts of their own."""


_NUMBER = 8, 8, INT64 + NO_SCALE


class _Slot(NamedTuple):
    """A value of the message: its number there, its place in bytes, and how BLR declares it."""

    number: int
    offset: int
    declared: bytes


@dataclass(frozen=True)
class Message:
    """What the request sends: rows with `more` true, then one without, which has the count."""

    slots: Sequence[_Slot]
    size: int
    width: int
    columns: Sequence[Column]

    @classmethod
    def of(cls, columns: Sequence[Column], width: int) -> "Message":
        """The count, the key's columns, the version of `width` bytes, whether a row follows. Each stands where its type may, as in C."""
        declared = [_NUMBER, *map(_declared, columns), (width, 1, TEXT + CHARSET_NONE + _word(width)), (2, 2, SHORT + NO_SCALE)]
        slots: list[_Slot] = []
        offset = 0
        for size, alignment, how in declared:
            offset += -offset % alignment
            slots.append(_Slot(len(slots), offset, how))
            offset += size
        return cls(slots, offset, width, columns)

    def more(self, raw: bytes) -> bool:
        return bool(struct.unpack_from("<h", raw, self.slots[-1].offset)[0])

    def count(self, raw: bytes) -> int:
        return int(struct.unpack_from("<q", raw, self.slots[0].offset)[0])

    def row(self, raw: bytes) -> tuple[tuple[Any, ...], int]:
        """The key and the transaction's number."""
        at = self.slots[-2].offset
        keys = zip(self.slots[1:-2], self.columns, strict=True)
        return tuple(_value(raw, slot.offset, column) for slot, column in keys), int.from_bytes(raw[at : at + self.width], "little")


def survey(connection: Connection, asking: Asking, table: str, columns: Sequence[Column], since: int) -> Survey:
    """What the main transaction shows; each NOT NULL column is a text or a whole number. `asking` is around what waits for the server.

    Raises `ConfigError` where `since` is larger than what Firebird 2.5 counts to.
    """
    if since > LARGEST:
        raise ConfigError(text("the table {table}: transaction {number} is larger than Firebird 2.5 has", table=table, number=since))
    with asking():
        width = 8 if connection.info.engine_version >= EIGHT_BYTES_FROM else 4
        message = Message.of(columns, width)
        request = connection._att.compile_request(build(table, message, since))
    try:
        with asking():
            request.start(connection.main_transaction._tra, 0)
        *rows, last = chain.from_iterable(in_parts(_received(request, message), asking))
        return Survey(message.count(last), list(map(message.row, rows)))
    finally:
        _release(request, connection)


def _received(request: iRequest, message: Message) -> Iterator[bytes]:
    """What it sends, the last one included: whoever asked for another would get an error."""
    buffer = create_string_buffer(message.size)
    while True:
        request.receive(0, 0, buffer)
        yield buffer.raw
        if not message.more(buffer.raw):
            return


def _release(request: iRequest, connection: Connection) -> None:
    """Before its connection ends, in the version of the interface that every client library has.

    One that was abandoned took the request with it: to release that again, now or in garbage collection, would crash.
    """
    if connection._att is not None:
        with suppress(Error):
            iRequest_v3.free(request)
    request._refcnt = 0


def build(table: str, message: Message, since: int) -> bytes:
    """The request."""
    declared = MESSAGE + MESSAGE_NUMBER + _word(len(message.slots)) + b"".join(slot.declared for slot in message.slots)
    counter = VARIABLE + _word(0)
    count, *keys, version, more = message.slots
    row = [(_literal(1), more), (RECORD_VERSION + CONTEXT, version)]
    row += [(FIELD + AGAIN + _name(column.name), slot) for column, slot in zip(message.columns, keys, strict=True)]
    same = WHERE + EQUAL + PLACE + AGAIN + PLACE + CONTEXT
    found = FOR + RSE + b"\x01" + RELATION + _name(table) + AGAIN + same + END + _send(row)
    each = BEGIN + ASSIGN + ADD + counter + _literal(1) + counter + _if_written(since, found) + END
    scan = FOR + RSE + b"\x01" + RELATION + _name(table) + CONTEXT + END + each
    last = _send([(_literal(0), more), (counter, count)])
    variable = DECLARE + _word(0) + INT64 + NO_SCALE
    return VERSION_5 + BEGIN + declared + variable + BEGIN + ASSIGN + _literal(0) + counter + scan + last + END + END + END_OF_REQUEST


def _declared(column: Column) -> tuple[int, int, bytes]:
    """Its size and alignment in bytes, and how BLR declares it. A text comes with its bytes as they are, its length before it."""
    if column.kind is Kind.TEXT:
        size = _bytes(column)
        return 2 + size, 2, VARYING + CHARSET_NONE + _word(size)
    return _NUMBER


def _bytes(column: Column) -> int:
    assert column.length is not None
    return column.length * WIDEST if column.charset == "UTF8" else column.length


def _value(raw: bytes, at: int, column: Column) -> str | int:
    if column.kind is not Kind.TEXT:
        return int(struct.unpack_from("<q", raw, at)[0])
    (length,) = struct.unpack_from("<H", raw, at)
    content = raw[at + 2 : at + 2 + length]
    return from_utf8(content)[: column.length] if column.charset == "UTF8" else from_bytes(content)


def _if_written(since: int, found: bytes) -> bytes:
    """Most rows are old: where the upper bytes of the number can say so the others need not be put together."""
    lowest = 2 if since >> 16 else 1 if since >> 8 else 0
    known = IF + AT_LEAST + _number() + _literal(since) + found + END
    return IF + AT_LEAST + _number(lowest) + _literal(since >> 8 * lowest) + known + END if lowest else known


def _number(lowest: int = 0) -> bytes:
    """The transaction's number, from its four lower bytes: `LARGEST` needs no more. Without those that are lower than `lowest`."""
    version = RECORD_VERSION + CONTEXT
    parts = [FUNCTION + _name("ASCII_VAL") + b"\x01" + SUBSTRING + version + _literal(place) + _literal(1) for place in range(lowest, 4)]
    found = parts[0]
    for place, part in enumerate(parts[1:], 1):
        found = ADD + found + MULTIPLY + part + _literal(1 << 8 * place)
    return found


def _send(values: Sequence[tuple[bytes, _Slot]]) -> bytes:
    assigned = b"".join(ASSIGN + value + PARAMETER + MESSAGE_NUMBER + _word(slot.number) for value, slot in values)
    return SEND + MESSAGE_NUMBER + BEGIN + assigned + END


def _word(number: int) -> bytes:
    return struct.pack("<H", number)


def _literal(number: int) -> bytes:
    return LITERAL + LONG + NO_SCALE + struct.pack("<i", number)


def _name(name: str) -> bytes:
    raw = name.encode("latin-1")
    return bytes([len(raw)]) + raw
