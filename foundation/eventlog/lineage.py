"""A reader's proof that it still reads the same log: the same topic id, and the event it read last still at its place.

A log that was deleted and made again, cut at its end, or restored from a copy is a broken lineage: the producer starts over, a consumer
reads from the start. An event that is gone counts as another one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from foundation.errors import RetryableError
from foundation.eventlog.port import START, Batch, Event, EventLog, Offset, Topic, TopicId, TopicState
from foundation.texts import text

READ_AT_ONCE = 2000


class BrokenLineage(RetryableError):
    """The topic is not the one that was read before."""


@dataclass(frozen=True, slots=True)
class LastEvent:
    """The event read last: its place, and a digest of all it holds (run and capture time are among its headers)."""

    offset: Offset
    digest: str


@dataclass(frozen=True, slots=True)
class Position:
    """Where a reader of one topic stands."""

    topic_id: TopicId
    next_offset: Offset
    last: LastEvent | None = None


def digest(event: Event) -> str:
    """Sixteen hexadecimal characters that tell one event from another at the same place."""
    parts = [event.key, event.value]
    for name, value in event.headers:
        parts += (name.encode(), value)
    packed = b"".join([b"-" if part is None else b"%d:%b" % (len(part), part) for part in parts])
    return blake2b(packed, digest_size=8).hexdigest()


def read_on(log: EventLog, topic: Topic, position: Position | None, limit: int = 1000) -> tuple[Batch, Position]:
    """The events after `position` (None: from the start) and the position after them; raises `BrokenLineage`."""
    if position is None:
        batch = log.read(topic, START, limit)
        return batch, _moved(Position(batch.state.topic_id, START), batch)
    start = position.next_offset if position.last is None else position.last.offset
    batch = log.read(topic, start, limit + 1)
    _prove_topic(batch, topic, position)
    if position.last is None:
        return batch, _moved(position, batch)
    if not batch.events or _last(batch.events[0]) != position.last:
        raise BrokenLineage(text("The topic {topic} no longer holds the event that was read last", topic=topic))
    rest = [event for event in batch.events[1:] if event.offset >= position.next_offset]
    batch = Batch(events=rest, next_offset=max(batch.next_offset, position.next_offset), state=batch.state)
    if not rest and not batch.at_end:  # Kafka's answers end with a segment of the topic, as here with the one that was read last
        batch = log.read(topic, batch.next_offset, limit)
        _prove_topic(batch, topic, position)
    return batch, _moved(position, batch)


def _prove_topic(batch: Batch, topic: Topic, position: Position) -> None:
    if batch.state.topic_id != position.topic_id or batch.state.end < position.next_offset:
        raise BrokenLineage(text("The topic {topic} was deleted, cut or made again", topic=topic))


def _moved(position: Position, batch: Batch) -> Position:
    last = _last(batch.events[-1]) if batch.events else position.last
    return Position(position.topic_id, batch.next_offset, last)


def after(event: Event, topic_id: TopicId) -> Position:
    """Where a reader stands who read up to this event."""
    return Position(topic_id, Offset(event.offset + 1), _last(event))


def _last(event: Event) -> LastEvent:
    return LastEvent(event.offset, digest(event))


def read_until(log: EventLog, topic: Topic, state: TopicState, start: Offset = START) -> Iterator[Event]:
    """The events from `start` on that stood in the topic at `state`, read a part at a time; raises `BrokenLineage`."""
    position = start
    while position < state.end:
        batch = log.read(topic, position, READ_AT_ONCE)
        if batch.state.topic_id != state.topic_id or batch.state.end < state.end:
            raise BrokenLineage(text("The topic {topic} was deleted, cut or made again", topic=topic))
        yield from (event for event in batch.events if event.offset < state.end)
        position = batch.next_offset


def newest(events: Sequence[Event]) -> dict[bytes, Event]:
    """The newest event of each key, in order of its place."""
    found: dict[bytes, Event] = {}
    for event in events:
        found.pop(event.key, None)
        found[event.key] = event
    return found
