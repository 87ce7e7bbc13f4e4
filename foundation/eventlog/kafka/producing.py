"""Appending: batches of records, numbered, so that one that is sent again after a lost answer is kept once."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from struct import pack
from typing import Any
from uuid import UUID

from kafka.protocol.producer import InitProducerIdRequest, ProduceRequest
from kafka.record.default_records import DefaultRecordBatchBuilder
from kafka.record.util import calc_crc32c

from foundation.eventlog.kafka.client import Client, Place, refuse
from foundation.eventlog.kafka.records import GZIP, HEADER_BYTES
from foundation.eventlog.port import Record, Topic
from foundation.eventlog.rights import Operation

_Data = ProduceRequest.TopicProduceData
_Part = _Data.PartitionProduceData
ALL_REPLICAS = -1
BATCH_BYTES = 256_000
"""Small enough for a reader that takes a part only, and far below what a broker takes at once (max.message.bytes, 1 MB)."""
WORTH_COMPRESSING = 1000
"""Bytes of a batch."""
FASTEST, GZIP_FORMAT = 1, 31
_ATTRIBUTES_END = 23
_ACKNOWLEDGE_MS = 10_000
_LARGEST_SEQUENCE = 2**31


class Numbering:
    """What the broker knows a producer by, and the number of the next record of each topic."""

    def __init__(self, client: Client, topic: Topic) -> None:
        """For a producer that will write to this topic, and to others."""
        answer = client.ask(InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=60_000, producer_id=-1, producer_epoch=-1))
        refuse(answer.error_code, topic, Operation.WRITE)
        self._id, self._epoch = answer.producer_id, answer.producer_epoch
        self._next: dict[UUID, int] = {}

    def packed(self, place: Place, records: Sequence[Record], now_ms: int) -> bytes:
        """A batch of records for a topic."""
        first = self._next.get(place.topic_id, 0)
        builder = DefaultRecordBatchBuilder(
            magic=2,
            compression_type=0,
            is_transactional=False,
            producer_id=self._id,
            producer_epoch=self._epoch,
            base_sequence=first,
            batch_size=_LARGEST_SEQUENCE,
        )
        for number, record in enumerate(records):
            builder.append(number, now_ms, record.key, record.value, record.headers)
        self._next[place.topic_id] = (first + len(records)) % _LARGEST_SEQUENCE
        return compressed(bytes(builder.build()))


def compressed(batch: bytes) -> bytes:
    """The same batch by gzip at its fastest, which leaves a quarter; as it is where that is not worth it, as for one edit.

    kafka-python compresses at gzip's slowest, which takes seven times as long for a tenth less.
    """
    if len(batch) < WORTH_COMPRESSING:
        return batch
    packer = zlib.compressobj(FASTEST, zlib.DEFLATED, GZIP_FORMAT)
    records = packer.compress(batch[HEADER_BYTES:]) + packer.flush()
    if len(records) >= len(batch) - HEADER_BYTES:
        return batch
    proved = pack(">h", GZIP) + batch[_ATTRIBUTES_END:HEADER_BYTES] + records
    return batch[:8] + pack(">i", len(proved) + 9) + batch[12:17] + pack(">I", calc_crc32c(proved)) + proved


def batches(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """Records in parts of some `BATCH_BYTES`, at least one in each."""
    start = size = 0
    for place, record in enumerate(records):
        larger = size + len(record.key) + len(record.value or b"") + sum(len(name) + len(value) for name, value in record.headers)
        if place > start and larger > BATCH_BYTES:
            yield records[start:place]
            larger -= size
            start = place
        size = larger
    if records:
        yield records[start:]


def produce_request(packed: Mapping[Topic, tuple[Place, bytes]]) -> Any:
    return ProduceRequest(
        transactional_id=None,
        acks=ALL_REPLICAS,
        timeout_ms=_ACKNOWLEDGE_MS,
        topic_data=[
            _Data(name=topic, topic_id=place.topic_id, partition_data=[_Part(index=0, records=records)])
            for topic, (place, records) in packed.items()
        ],
    )


def acknowledged(answer: Any, places: Mapping[Topic, Place]) -> dict[Topic, int]:
    """The offset of the first record of each topic. Raises `KafkaError` where one was not kept."""
    named = {place.topic_id: topic for topic, place in places.items()}
    found = {}
    for told in answer.responses:
        topic = Topic(told.name) if told.name else named[told.topic_id]
        refuse(told.partition_responses[0].error_code, topic, Operation.WRITE)
        found[topic] = told.partition_responses[0].base_offset
    return found
