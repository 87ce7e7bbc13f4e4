"""Reading one topic: a fetch by the topic's id, and what its answer holds.

One answer tells the topic id it was asked for, the end, and the events: none of the three can be another topic's or another moment's.
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from kafka import errors
from kafka.protocol.consumer import FetchRequest, ListOffsetsRequest
from kafka.record import MemoryRecords

from foundation.eventlog.kafka.client import Client, Place, refuse
from foundation.eventlog.kafka.records import GZIP, decompressed, events_of_records
from foundation.eventlog.port import Batch, Event, Headers, Offset, Topic, TopicId, TopicState
from foundation.eventlog.rights import Operation

_Topic = FetchRequest.FetchTopic
_Partition = _Topic.FetchPartition
_Asked = ListOffsetsRequest.ListOffsetsTopic
_AskedPartition = _Asked.ListOffsetsPartition
EARLIEST, LATEST = -2, -1
OLDEST_WITH_TOPIC_IDS = 13
LARGEST_FETCH = 16_000_000


def fetch_request(places: Mapping[Topic, tuple[Place, Offset]], *, most: int, seconds: float = 0.0) -> Any:
    """For at most `most` bytes a topic, though always one whole batch; waits `seconds` where there is nothing yet."""
    return FetchRequest(
        min_version=OLDEST_WITH_TOPIC_IDS,
        max_wait_ms=int(seconds * 1000),
        min_bytes=1,
        max_bytes=max(most, 1) if seconds else LARGEST_FETCH,
        isolation_level=0,
        session_id=0,
        session_epoch=-1,  # no session: each request stands for itself
        topics=[
            _Topic(
                topic=topic,
                topic_id=place.topic_id,
                partitions=[
                    _Partition(
                        partition=0,
                        current_leader_epoch=-1,
                        fetch_offset=offset,
                        last_fetched_epoch=-1,
                        log_start_offset=-1,
                        partition_max_bytes=most,
                    )
                ],
            )
            for topic, (place, offset) in places.items()
        ],
        forgotten_topics_data=[],
        rack_id="",
    )


def only_partition(answer: Any) -> Any:
    """Of an answer to a request for one topic."""
    refuse(answer.error_code, "fetch")
    return answer.responses[0].partitions[0]


def events_of(packed: bytes | None, offset: Offset, limit: int) -> tuple[list[Event], Offset]:
    """At most `limit` events from `offset` on, and where to go on. Compaction leaves batches without events: they count as read."""
    events: list[Event] = []
    after, end = offset, 0
    for batch in MemoryRecords(packed or b""):
        start, end = end, end + batch.size_in_bytes
        if batch.next_offset <= offset:
            continue
        if not batch.validate_crc():
            raise errors.CorruptRecordError(batch.base_offset)
        if not batch.is_control_batch:
            # One more tells whether the batch holds more than is asked for.
            found = _events(batch, (packed or b"")[start:end], offset, limit - len(events) + 1)
            if len(events) + len(found) > limit:
                events += found[:-1]
                return events, Offset(events[-1].offset + 1)
            events += found
        after = Offset(batch.next_offset)
    return events, after


def _events(batch: Any, packed: bytes, offset: Offset, limit: int) -> list[Event]:
    if batch.compression_type == GZIP:
        packed = decompressed(packed)
    if batch.compression_type in (0, GZIP):
        return events_of_records(packed, batch.records_count, batch.base_offset, offset, limit)
    wanted = (record for record in batch if record.offset >= offset)
    return [Event(Offset(record.offset), record.key or b"", record.value, _filled(record.headers)) for record in islice(wanted, limit)]


def _filled(headers: Iterable[tuple[str, bytes | None]]) -> Headers:
    """Others may give a header no value, which is an empty one here."""
    return tuple((name, value or b"") for name, value in headers)


def ends(client: Client, places: Mapping[Topic, Place], which: int = LATEST) -> dict[Topic, Offset]:
    """Of each topic the offset that the next event gets, or with `EARLIEST` that of the first it may still have. Raises `KafkaError`."""
    by_leader: dict[int, list[Topic]] = {}
    for topic, place in places.items():
        by_leader.setdefault(place.leader, []).append(topic)
    answers = client.ask_all({leader: _ends_request(topics, which) for leader, topics in by_leader.items()})
    found = {}
    for answer in answers:
        for told in answer.topics:
            refuse(told.partitions[0].error_code, told.name, Operation.DESCRIBE)
            found[Topic(told.name)] = Offset(told.partitions[0].offset)
    return found


def _ends_request(topics: list[Topic], which: int) -> Any:
    asked = [
        _Asked(name=topic, partitions=[_AskedPartition(partition_index=0, current_leader_epoch=-1, timestamp=which)]) for topic in topics
    ]
    return ListOffsetsRequest(replica_id=-1, isolation_level=0, topics=asked, min_version=1)


def state_of(place: Place, end: Offset) -> TopicState:
    return TopicState(topic_id=TopicId(place.topic_id.hex), end=end)


def nothing(offset: Offset, place: Place, end: Offset) -> Batch:
    """Where a reader stands at the end, or past it."""
    return Batch(next_offset=offset, state=state_of(place, end))
