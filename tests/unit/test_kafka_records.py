"""Kafka's batches taken apart: as kafka-python takes them apart, and nothing but one error for what is no batch."""

import struct
from collections.abc import Sequence

import pytest
from crc32c import crc32c
from hypothesis import given
from hypothesis import strategies as st
from kafka.errors import CorruptRecordError
from kafka.record import MemoryRecords
from kafka.record.default_records import DefaultRecordBatchBuilder

from foundation.eventlog.kafka.fetching import events_of
from foundation.eventlog.kafka.producing import compressed
from foundation.eventlog.kafka.records import HEADER_BYTES, events_of_records
from foundation.eventlog.port import Event, Headers, Offset

Made = tuple[bytes | None, bytes | None, Headers]
NONE, GZIP = 0, 1
CRC_AT = 17
CONTENT = st.binary(max_size=300)
HEADERS = st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"]), max_size=9), st.none() | CONTENT), max_size=4).map(tuple)
SHARED = (("captured", b"1790000000000000"), ("run", b"a" * 12), ("mode", b"compare"))
RECORDS = st.lists(
    st.tuples(st.none() | CONTENT, st.none() | CONTENT, HEADERS | CONTENT.map(lambda content: (("hash", content), *SHARED))),
    min_size=1,
    max_size=12,
)


def batch(records: Sequence[Made], base: int = 0, compression: int = NONE) -> bytes:
    """Packed by kafka-python, at the place that the broker gave it."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=compression,
        is_transactional=False,
        producer_id=7,
        producer_epoch=0,
        base_sequence=0,
        batch_size=2**31,
    )
    for number, (key, value, headers) in enumerate(records):
        builder.append(number, 1_790_000_000_000 + number * 1000, key, value, headers)
    return struct.pack(">q", base) + bytes(builder.build())[8:]


def by_kafka_python(packed: bytes) -> list[Event]:
    return [
        Event(Offset(record.offset), record.key or b"", record.value, tuple((name, value or b"") for name, value in record.headers))
        for one in MemoryRecords(packed)
        for record in one
    ]


@given(st.lists(RECORDS, max_size=3), st.integers(0, 2**40), st.integers(0, 45), st.integers(1, 40), st.sampled_from([NONE, GZIP]))
def test_events_are_those_that_kafka_python_reads(parts: list[list[Made]], base: int, start: int, limit: int, compression: int) -> None:
    packed, end = b"", base
    for records in parts:
        packed += batch(records, end, compression)
        end += len(records)
    offset = Offset(base + start)
    wanted = [event for event in by_kafka_python(packed) if event.offset >= offset]
    events, after = events_of(packed, offset, limit)
    assert events == wanted[:limit]
    assert after == (events[-1].offset + 1 if events else offset)


def test_a_batch_that_is_only_part_of_an_answer_is_left_for_the_next() -> None:
    whole, cut = batch([(b"a", b"1", ())]), batch([(b"b", b"2", ())], 1)[:-1]
    assert events_of(whole + cut, Offset(0), 10) == ([Event(Offset(0), b"a", b"1", ())], Offset(1))


def test_a_batch_that_compaction_emptied_counts_as_read() -> None:
    emptied = bytearray(batch([(b"a", b"1", ())] * 3, 5)[:HEADER_BYTES])
    struct.pack_into(">i", emptied, 8, HEADER_BYTES - 12)
    struct.pack_into(">i", emptied, HEADER_BYTES - 4, 0)
    struct.pack_into(">I", emptied, CRC_AT, crc32c(emptied[CRC_AT + 4 :]))
    assert events_of(bytes(emptied), Offset(5), 10) == ([], Offset(8))


def test_bytes_that_changed_on_the_way_are_noticed() -> None:
    packed = bytearray(batch([(b"a", b"1", ())]))
    packed[-1] ^= 1
    with pytest.raises(CorruptRecordError):
        events_of(bytes(packed), Offset(0), 10)


@given(RECORDS, st.data())
def test_records_that_are_none_raise_one_error_alone(records: list[Made], data: st.DataObject) -> None:
    packed = bytearray(batch(records))
    for place in data.draw(st.lists(st.integers(HEADER_BYTES, len(packed) - 1), min_size=1, max_size=4)):
        packed[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(HEADER_BYTES, len(packed)))
    try:
        events_of_records(bytes(packed[:cut]), len(records), 0, 0, len(records))
    except CorruptRecordError:
        return


@given(
    st.lists(RECORDS, max_size=12).map(lambda parts: [record for part in parts for record in part]), st.integers(0, 40), st.integers(1, 40)
)
def test_a_batch_that_is_compressed_holds_the_same_events_for_every_reader(records: list[Made], start: int, limit: int) -> None:
    plain = batch(records)
    ours = compressed(plain)
    assert len(ours) <= len(plain)
    assert by_kafka_python(ours) == by_kafka_python(plain)
    assert events_of(ours, Offset(start), limit) == events_of(plain, Offset(start), limit)


def test_many_alike_take_a_quarter_and_one_edit_stays_as_it_is() -> None:
    record: Made = (b"ART1", b"x" * 100, (("hash", b"0" * 16), *SHARED))
    many, one = batch([record] * 100), batch([record])
    assert 4 * len(compressed(many)) < len(many)
    assert compressed(one) == one


def test_what_was_compressed_and_is_broken_is_no_batch() -> None:
    ours = compressed(batch([(b"A", b"x" * 2000, ())]))
    broken = ours[:-4]
    broken = broken[:8] + struct.pack(">i", len(broken) - 12) + broken[12:]
    broken = broken[:CRC_AT] + struct.pack(">I", crc32c(broken[CRC_AT + 4 :])) + broken[CRC_AT + 4 :]
    with pytest.raises(CorruptRecordError):
        events_of(broken, Offset(0), 10)
