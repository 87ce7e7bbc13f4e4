"""The view: what the log holds, key by key, known by reading it and never by sending.

What was acknowledged must be read back at its place: a log that lost its tail in a power cut, or where two events were acknowledged for
one place, is found here, and the producer starts over.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from puente.eventlog.history import Position, digest, read_on
from puente.eventlog.port import Event, EventLog, Offset, Record, Topic
from puente.errors import PoisonError, RetryableError
from puente.texts import text
from schemas.changes import Subject
from schemas.codec import ContentHash
from schemas.headers import read_headers
from schemas.topics import Topics

READ_AT_ONCE = 5000
UNREADABLE = ContentHash("")
"""The hash of an event whose headers cannot be read: equal to none, so that its key is published again."""


class LogChanged(RetryableError):
    """The log does not hold what it acknowledged: start over."""


@dataclass
class Seen:
    """One topic as read so far."""

    position: Position | None = None
    hashes: dict[bytes, ContentHash] = field(default_factory=dict)


class View:
    """Every topic of one company. `foreign` collects the keys of events that this producer did not send."""

    def __init__(self, log: EventLog, topics: Topics) -> None:
        self._log, self._topics = log, topics
        self._seen: dict[Topic, Seen] = {}
        self._unread: dict[tuple[Topic, Offset], str] = {}
        self.foreign: set[tuple[Subject, bytes]] = set()

    def read(self) -> None:
        """Reads every topic to its end; raises `OtherHistory` or `LogChanged`, after which the view is of no more use."""
        for topic, state in self._log.topics().items():
            if self._topics.subject(topic) is None and topic != self._topics.control:
                continue
            seen = self._seen.setdefault(topic, Seen())
            if seen.position is None or seen.position.next_offset != state.end or seen.position.identity != state.identity:
                self._read_topic(topic, seen)
        if self._unread:
            topic, offset = next(iter(self._unread))
            raise LogChanged(text("The log lost an event that it had acknowledged: {topic} at {offset}", topic=topic, offset=offset))

    def _read_topic(self, topic: Topic, seen: Seen) -> None:
        subject = self._topics.subject(topic)
        first = seen.position is None
        while True:
            batch, seen.position = read_on(self._log, topic, seen.position, READ_AT_ONCE)
            for event in batch.events:
                ours = self._unread.pop((topic, event.offset), None) == digest(event) if self._unread else False
                if subject is not None:
                    self._take(subject, seen, event)
                    if not ours and not first:
                        self.foreign.add((subject, event.key))
            if batch.at_end:
                return

    def _take(self, subject: Subject, seen: Seen, event: Event) -> None:
        if event.value is None:
            seen.hashes.pop(event.key, None)
            return
        try:
            seen.hashes[event.key] = read_headers(event).hash or UNREADABLE
        except PoisonError:
            seen.hashes[event.key] = UNREADABLE

    def hash_of(self, subject: Subject, key: bytes) -> ContentHash | None:
        """None where the log holds no live event of the key."""
        seen = self._seen.get(self._topics.of(subject))
        return seen.hashes.get(key) if seen else None

    def keys(self) -> Iterator[tuple[Subject, Iterable[bytes]]]:
        """The keys with a live event, subject by subject."""
        for topic, seen in self._seen.items():
            subject = self._topics.subject(topic)
            if subject is not None:
                yield subject, seen.hashes.keys()

    def acknowledged(self, records: Iterable[Record], offsets: Iterable[Offset]) -> None:
        """Remembers what must be read back; raises `LogChanged` where a place was given out twice."""
        for record, offset in zip(records, offsets, strict=True):
            place = (record.topic, offset)
            if place in self._unread:
                raise LogChanged(text("The log acknowledged two events for one place: {topic} at {offset}", topic=record.topic, offset=offset))
            self._unread[place] = digest(Event(offset, record.key, record.value, record.headers))

    def ends(self) -> dict[Topic, tuple[Position, Offset]]:
        """Per topic of an entity the position read, and the offset after the last event read or acknowledged."""
        ends = {topic: (seen.position, seen.position.next_offset) for topic, seen in self._seen.items() if seen.position}
        for topic, offset in self._unread:
            if topic in ends:
                position, end = ends[topic]
                ends[topic] = (position, Offset(max(end, offset + 1)))
        return {topic: end for topic, end in ends.items() if topic != self._topics.control}
