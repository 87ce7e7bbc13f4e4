"""The records of a batch as events: the fields of Kafka's format in order, most of whose numbers take one byte.

kafka-python makes an object of every record first and calls a function for every byte: twice the time, in what a reader does most.
"""

from struct import calcsize

from kafka.errors import CorruptRecordError

from puente.eventlog.port import Event, Headers, Offset

HEADER_BYTES = calcsize(">qiibIhiqqqhii")
"""What stands before the first record."""


def events_of_records(packed: bytes, count: int, base: int) -> list[Event]:
    """The events of `count` records, which begin after the header of their batch; raises `CorruptRecordError`."""
    events, at = [], HEADER_BYTES
    try:
        for _ in range(count):
            length, at = _number(packed, at)
            end = at + length
            _, at = _number(packed, at + 1)  # attributes of which none is in use, and the time
            delta, at = _number(packed, at)
            key, at = _content(packed, at)
            value, at = _content(packed, at)
            headers, at = _headers(packed, at)
            if at != end:
                raise CorruptRecordError(f"a record of {length} bytes ends elsewhere")
            events.append(Event(Offset(base + delta), key or b"", value, headers))
    except (IndexError, ValueError) as error:
        raise CorruptRecordError(str(error)) from error
    if at != len(packed):
        raise CorruptRecordError(f"{len(packed) - at} bytes after the last record")
    return events
