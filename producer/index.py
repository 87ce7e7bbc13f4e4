"""The log index: what the log holds, key by key, known by reading it and never by sending.

What was acknowledged must be read back at its place: a log that lost its tail in a power cut, or where two events were acknowledged for
one place, is found here, and the producer starts over.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from foundation.errors import PoisonError, RetryableError
from foundation.eventlog.lineage import Position, read_on
from foundation.eventlog.port import START, Event, EventLog, Headers, Offset, Record, Topic, TopicState
from foundation.texts import text
from producer.former import Former
from producer.packed import LiveKeys
from schemas.codec import ContentHash, Decoder
from schemas.control import KEY, SAE, SaeIdentity, parse
from schemas.entities import Subject
from schemas.headers import HASH, read_hash
from schemas.registry import RegistryReader
from schemas.topics import Topics

READ_AT_ONCE = 5000
READ_BACK_AFTER = 20_000
UNREADABLE = ContentHash("")
"""The hash of an event whose headers cannot be read: equal to none, so that its key is published again."""


class LogChanged(RetryableError):
    """The log does not hold what it acknowledged: start over."""


@dataclass(slots=True)
class _TopicIndex:
    """One topic as read so far; `subject` is None for the control topic."""

    subject: Subject | None
    position: Position | None = None
    hashes: LiveKeys = field(default_factory=LiveKeys)
    unread: dict[Offset, int] = field(default_factory=dict)
    """Hashes of the events that were acknowledged and not yet read back."""

    def seems_read(self, state: TopicState) -> bool:
        at = self.position
        return at is not None and not self.unread and (at.topic_id, at.next_offset) == (state.topic_id, state.end)


class LogIndex:
    """Every topic of one company. After an error it is of no more use.

    `on_word` gets each event of the control topic in order, our own too; what it raises ends the reading.
    """

    def __init__(self, log: EventLog, topics: Topics, on_heartbeat: Callable[[Event], None] = lambda _event: None) -> None:
        self._log, self._topics, self._on_heartbeat = log, topics, on_heartbeat
        self._of_topic: dict[Topic, _TopicIndex] = {}
        self._foreign: set[tuple[Subject, bytes]] = set()
        self._began = False
        self._unread = 0
        self.former = Former(log, topics)
        self.whole_heartbeat_at = START
        """Where the newest heartbeat stands that is no short one, of whichever producer."""
        self._identity: bytes | None = None
        self.sae_overwritten = False
        """Whether a producer that was displaced, and had not heard of it, wrote last which SAE the log holds."""

    def read(self, *, proves: bool = True) -> None:
        """Reads every topic to its end; raises `BrokenLineage` or `LogChanged` where the log is not what it was, and what `on_word` does.

        Unless it `proves`, a topic that ends where it did is taken for the same one, which costs no reading.
        """
        present = self._log.topics()
        for topic in self._of_topic.keys() - present.keys():
            raise LogChanged(text("The topic {topic} was deleted", topic=topic))
        for topic, state in present.items():
            if topic == self._topics.control or self._topics.subject(topic) is not None:
                index = self._topic_index(topic)
                if proves or not index.seems_read(state):
                    self._read_topic(topic, index)
        self._began = True

    def _topic_index(self, topic: Topic) -> _TopicIndex:
        if topic not in self._of_topic:
            self._of_topic[topic] = _TopicIndex(self._topics.subject(topic))
        return self._of_topic[topic]

    def _read_topic(self, topic: Topic, index: _TopicIndex) -> None:
        at_end = False
        while not at_end:
            batch, index.position = read_on(self._log, topic, index.position, READ_AT_ONCE)
            if self._began or index.subject is None or index.unread:
                for event in batch.events:
                    self._take(index, event)
            else:
                _fill(index.hashes, batch.events)
            at_end = batch.at_end
        if index.unread:
            raise LogChanged(
                text(
                    "The log does not hold an event that it acknowledged: {topic} at {offset}",
                    topic=topic,
                    offset=min(index.unread),
                )
            )

    def _take(self, index: _TopicIndex, event: Event) -> None:
        ours = event.offset in index.unread and index.unread[event.offset] == _all_of(event)
        if ours:
            del index.unread[event.offset]
            self._unread -= 1
        if index.subject is None:
            self.whole_heartbeat_at = event.offset if event.key == KEY else self.whole_heartbeat_at
            if event.key == SAE:
                self._identity, self.sae_overwritten = event.value, self._began and not ours
            self._on_heartbeat(event)
            return
        if self._began and not ours:
            self._foreign.add((index.subject, event.key))
        if event.value is None:
            index.hashes.drop(event.key)
        else:
            index.hashes.set(event.key, _hash_of(event))

    def read_sae(self) -> SaeIdentity | None:
        """The same as `sae`, before anything else is read; raises what `read` does."""
        control = self._topics.control
        if self._log.state(control) is not None:
            self._read_topic(control, self._topic_index(control))
        return self.sae()

    def sae(self) -> SaeIdentity | None:
        """Which SAE the log holds; None where no producer said it, or nobody can read it. Raises what the log does."""
        if self._identity is None:
            return None
        decoder = Decoder()
        RegistryReader(self._log, self._topics.registry, decoder).refresh()
        try:
            return parse(decoder, self._identity).sae
        except PoisonError:
            return None

    def take_foreign(self) -> Collection[tuple[Subject, bytes]]:
        """The keys of events that this producer did not send, since the last call; those of the first reading are none."""
        taken, self._foreign = self._foreign, set()
        return taken

    def hashes(self, subject: Subject) -> LiveKeys:
        """The keys with a live event, and its content."""
        index = self._of_topic.get(self._topics.of(subject))
        return index.hashes if index else LiveKeys()

    def subjects(self) -> list[Subject]:
        """What there are topics of."""
        return [index.subject for index in self._of_topic.values() if index.subject is not None]

    def acknowledged(self, records: Iterable[Record], offsets: Iterable[Offset]) -> None:
        """Remembers what must be read back, and does so where it is much.

        Raises `LogChanged` where a place was given out twice, and what `read` raises.
        """
        for record, offset in zip(records, offsets, strict=True):
            unread = self._topic_index(record.topic).unread
            if offset in unread:
                raise LogChanged(
                    text(
                        "The log acknowledged two events for one place: {topic} at {offset}",
                        topic=record.topic,
                        offset=offset,
                    )
                )
            unread[offset] = _all_of(record)
            self._unread += 1
        if self._unread >= READ_BACK_AFTER:
            self.read()

    def ends(self) -> dict[Subject, tuple[Position, Offset]]:
        """Per subject the position read, and the offset after the last event read or acknowledged."""
        return {
            index.subject: (index.position, Offset(max([index.position.next_offset, *(offset + 1 for offset in index.unread)])))
            for index in self._of_topic.values()
            if index.subject is not None and index.position is not None
        }


def _fill(hashes: LiveKeys, events: Iterable[Event]) -> None:
    """As `_take` does, at a start, when none can be ours or foreign. Most events have the headers of the one before, but for the hash."""
    read: Headers | None = None
    for event in events:
        _, key, value, headers = event
        if value is None:
            hashes.drop(key)
            continue
        shared = headers[1:]
        if shared != read or headers[0][0] != HASH or not (content := headers[0][1]).isascii():
            content = _hash_of(event).encode()
            read = shared if content else None
        hashes.put(key, content)


def _all_of(event: Event | Record) -> int:
    """64 bits of all that makes the event; run and capture time are among its headers."""
    return hash((event.key, event.value, event.headers))


def _hash_of(event: Event) -> ContentHash:
    try:
        return read_hash(event) or UNREADABLE
    except PoisonError:
        return UNREADABLE
