"""The port of the log: what Kafka and the embedded file both promise, and no more.

A topic is a sequence of events in one partition. Offsets grow but may have gaps (compaction removes superseded events), so a reader
goes by `Batch.next_offset`, never by counting. What survives for certain is the newest event of every key.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple, NewType, Protocol

from foundation.eventlog.rights import Right

Topic = NewType("Topic", str)
Offset = NewType("Offset", int)
TopicId = NewType("TopicId", str)
Headers = tuple[tuple[str, bytes], ...]

START = Offset(0)
DAY_MS = 24 * 3600 * 1000
FOR_EVER_MS = 1000 * 365 * DAY_MS
"""Longer than this is the same to everybody; Kafka knows times that no date can hold."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TopicSettings:
    """How a topic is kept. Times in milliseconds.

    `min_compaction_lag_ms`: nothing younger may be compacted away: a tail lost in a power cut must not take a tombstone whose victim
    compaction already removed. `delete_retention_ms`: how long a tombstone outlives the compaction that removed what it covers.
    """

    min_compaction_lag_ms: int = DAY_MS
    delete_retention_ms: int = 90 * DAY_MS

    @property
    def tombstones_last(self) -> timedelta:
        """How long every tombstone stays, counted from when it came."""
        return timedelta(milliseconds=min(self.min_compaction_lag_ms + self.delete_retention_ms, FOR_EVER_MS))

    def short_of(self, wanted: "TopicSettings", topic: Topic) -> "list[Unfit]":
        """What of a topic that is kept so is less than what is wanted."""
        return [
            Unfit(topic=topic, setting=name, found=str(has), wanted=str(should))
            for name, has, should in (
                ("min_compaction_lag_ms", self.min_compaction_lag_ms, wanted.min_compaction_lag_ms),
                ("delete_retention_ms", self.delete_retention_ms, wanted.delete_retention_ms),
            )
            if has < should
        ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Unfit:
    """A setting of a topic, by the log's own name of it, that is not as it must be."""

    topic: Topic
    setting: str
    found: str
    wanted: str


class Record(NamedTuple):
    """An event to append. `value` None is a tombstone. Keys are never None."""

    topic: Topic
    key: bytes
    value: bytes | None
    headers: Headers = ()


class Event(NamedTuple):
    """An event as it stands in the log; a tuple, for hundreds of thousands are made at a start."""

    offset: Offset
    key: bytes
    value: bytes | None
    headers: Headers = ()

    def header(self, name: str) -> bytes | None:
        return next((value for header, value in self.headers if header == name), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class TopicState:
    """A topic's id (another one means a broken lineage) and its end: the offset that the next event will get."""

    topic_id: TopicId
    end: Offset


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Events in order of offset. `next_offset` is where to go on, also where compaction left a hole; `state` was read before the events.

    `at_end` is true where nothing lay behind `next_offset` when `state` was read.
    """

    events: Sequence[Event] = field(default=())
    next_offset: Offset
    state: TopicState

    @property
    def at_end(self) -> bool:
        return self.next_offset >= self.state.end


class EventLog(Protocol):
    """A log. Every method raises `RetryableError` where the log is down, full or busy, `ConfigError` where it is set up wrongly.

    One object belongs to one thread; several objects, in several processes too, may stand on the same log.
    """

    def create(self, topics: Mapping[Topic, TopicSettings]) -> list[Topic]:
        """Creates the topics that are missing and returns those; leaves existing ones as they are."""
        ...

    def unfit(self, topics: Mapping[Topic, TopicSettings]) -> list[Unfit]:
        """Where topics that exist are kept otherwise than asked, in a way that loses something."""
        ...

    def settings(self, topic: Topic) -> TopicSettings | None:
        """How a topic is kept now; None where this user is not told. A topic that does not exist raises `NoTopic`."""
        ...

    def lacking(self, rights: Collection[Right]) -> list[Right]:
        """Those of the rights that this user lacks. Of a topic that is not there, only whether it may be made is known."""
        ...

    def topics(self, names: Collection[Topic] | None = None) -> dict[Topic, TopicState]:
        """Every topic of this log, or those of `names` that there are, with their topic ids and ends."""
        ...

    def state(self, topic: Topic) -> TopicState | None:
        """None where there is no such topic."""
        ...

    def append(self, records: Iterable[Record]) -> list[Offset]:
        """Appends in order and returns each record's offset once every one is acknowledged (durable).

        Raises `RetryableError` where any acknowledgement is missing: then each record may or may not stand in the log. Records of one
        topic keep their order; nothing is promised between topics. A topic that does not exist raises `NoTopic`.
        """
        ...

    def read(self, topic: Topic, offset: Offset, limit: int = 1000) -> Batch:
        """At most `limit` events from `offset` on, without waiting. A topic that does not exist raises `NoTopic`.

        An answer may end before its time, as Kafka's do with a segment of the topic; `next_offset` lies further on unless that is the end.
        """
        ...

    def wait(self, positions: Mapping[Topic, Offset], timeout: float) -> bool:
        """Waits until a topic may have events at or past its position: True, or False after `timeout` seconds. May wake up early."""
        ...

    def commit_offsets(self, reader: str, positions: Mapping[Topic, Offset]) -> None:
        """Tells the log's own tools how far a reader is, so that they show how far behind; nothing else rests on it."""
        ...

    def committed_offsets(self, reader: str) -> dict[Topic, Offset]:
        """What was told of a reader last; nothing where the log has no such tools."""
        ...

    def close(self) -> None:
        """Frees what the object holds; nothing acknowledged is lost without it."""
        ...
