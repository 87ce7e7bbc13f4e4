"""The records of a batch as events: the fields of Kafka's format, one after the other.

kafka-python makes an object of every record first and reads every header anew, which takes twice as long, in what a reader does most.
"""

import gzip
import zlib
from struct import calcsize

from kafka.errors import CorruptRecordError

from foundation.eventlog.port import Event, Headers, Offset

GZIP = 1
HEADER_BYTES = calcsize(">qiibIhiqqqhii")
"""What stands in a batch before its first record."""


def decompressed(batch: bytes) -> bytes:
    """A batch whose records are compressed by gzip, with its records as they were; raises `CorruptRecordError`."""
    try:
        return batch[:HEADER_BYTES] + gzip.decompress(batch[HEADER_BYTES:])
    except (OSError, EOFError, zlib.error) as error:
        raise CorruptRecordError(str(error)) from error


def events_of_records(batch: bytes, count: int, base: int, offset: int, limit: int) -> list[Event]:
    """At most `limit` events from `offset` on, of a batch of `count` records that are not compressed; raises `CorruptRecordError`."""
    events: list[Event] = []
    known: dict[bytes, Headers] = {}
    at = HEADER_BYTES
    try:
        for _ in range(count):
            if len(events) == limit:
                return events
            length, at = _number(batch, at)
            end = at + length
            _, at = _number(batch, at + 1)  # after the attributes, of which none is in use: the time
            delta, at = _number(batch, at)
            if base + delta >= offset:
                key, at = _content(batch, at)
                value, at = _content(batch, at)
                events.append(Event(Offset(base + delta), key or b"", value, _headers(batch, at, end, known)))
            at = end
    except (IndexError, ValueError) as error:
        raise CorruptRecordError(str(error)) from error
    if at != len(batch):
        raise CorruptRecordError(f"{len(batch) - at} bytes after the last record")
    return events


def _headers(batch: bytes, at: int, end: int, known: dict[bytes, Headers]) -> Headers:
    """All events of a pass have the same but for the first, their content's: the rest is read once."""
    count, at = _number(batch, at)
    if not count and at == end:
        return ()
    first, at = _header(batch, at)
    rest = batch[at:end]
    if rest not in known:
        known[rest] = _all_of(rest, count - 1)
    return (first, *known[rest])


def _all_of(packed: bytes, count: int) -> Headers:
    found, at = [], 0
    for _ in range(count):
        header, at = _header(packed, at)
        found.append(header)
    if at != len(packed):
        raise ValueError("a record ends elsewhere than it says")
    return tuple(found)


def _header(packed: bytes, at: int) -> tuple[tuple[str, bytes], int]:
    name, at = _content(packed, at)
    value, at = _content(packed, at)
    return ((name or b"").decode(), value or b""), at


def _content(packed: bytes, at: int) -> tuple[bytes | None, int]:
    """Bytes after their length, and where they end; a length below zero stands for none."""
    length, at = _number(packed, at)
    return (None, at) if length < 0 else (packed[at : at + length], at + length)


def _number(packed: bytes, at: int) -> tuple[int, int]:
    """A number in as many bytes as it needs, seven bits to each, and where it ends."""
    byte = packed[at]
    number, shift = byte & 127, 7
    while byte > 127:
        at += 1
        byte = packed[at]
        number |= (byte & 127) << shift
        shift += 7
    return (number >> 1) ^ -(number & 1), at + 1
