"""A resync: one topic from its start, each key once against CAJA's real row, so that no till sees an older price on the way.

a. Read to the end, keeping the place of each key's newest event.  Killed after: it starts again.
b. Read once more; the newest event of each key goes into CAJA, in transactions like every other. The first of them saves how far a.
   has read, and that the resync is not finished.                 Killed within: it starts again, and writes only what differs.
c. The last of these transactions forgets what waits and is no longer in the log, marks the ledger rows of keys that the log does not
   hold, and saves the position, the fingerprint, and that a sweep is due.
"""

from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from consumer.batch import Rows
from consumer.batch_writer import Also
from consumer.ledger.state import TOMBSTONE, Moment, State, Sweep
from foundation.errors import RetryableError
from foundation.eventlog.lineage import Position, read_on
from foundation.eventlog.port import START, Event, EventLog, Offset, Topic, TopicState
from foundation.packed import PackedKeys
from foundation.texts import text
from schemas.control import run_of
from schemas.entities import Subject
from schemas.keys import Key, label

READ_AT_ONCE = 5000


class ChangedMeanwhile(RetryableError):
    """The topic was made again or cut while it was read."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """The next newest events; `is_last` where no other follows."""

    events: Sequence[Event]
    is_last: bool


@dataclass(kw_only=True)
class Report:
    """What a resync did, for people.

    `keys` are those of the log, `written` the rows that differed, `held` how many a sweep would inactivate that is more than the cap.
    """

    keys: int = 0
    written: int = 0
    parked: int = 0
    inactivated: int = 0
    held: int | None = None


@dataclass(kw_only=True)
class Resync:
    """One topic's; `started` (UTC) is when its reading began; `moment` gives where the producer's next heartbeat will stand.

    `look` reads CAJA's rows of these keys, where those that are equal need not be written.

    `trusted` is given where the log is another one and deletes of the topic are held: what this run of the producer published is what SAE
    has; what an earlier one published of a key may be older than what CAJA knows of it.

    What it reads must go at least as far as `known`, if that is given. Raises `BrokenLineage` and `ChangedMeanwhile`: then nothing more of
    it may go into CAJA.
    """

    log: EventLog
    topic: Topic
    subject: Subject
    started: datetime
    moment: Callable[[], Moment]
    look: Callable[[PackedKeys], Rows] | None = None
    known: TopicState | None = None
    trusted: str | None = None
    report: Report = field(default_factory=Report)
    _newest: PackedKeys = field(default_factory=PackedKeys)
    """The keys of the log, and the offset of the newest event of each, by its place."""
    _offsets: "array[int]" = field(default_factory=lambda: array("q"))
    _unreadable: set[Key] = field(default_factory=set)
    """How the ledger calls the keys that are none of SAE's."""
    _folded: Position | None = None
    _sweep: Sweep | None = None
    _cursor: Offset = START
    rows: Rows | None = None
    """CAJA's, once `look` has read them."""
    _found: list[Event] = field(default_factory=list)
    _position: Position | None = None

    def read(self, limit: int) -> Chunk | None:
        """At most `limit` newest events; None where this call only read on."""
        if self._folded is None:
            self._fold()
            return None
        if self.look is not None:
            self.rows, self.look = self.look(self._newest), None
            return None
        if not self._found and self._cursor < self._folded.next_offset:
            self._collect(self._folded)
        events, self._found = self._found[:limit], self._found[limit:]
        is_last = not self._found and self._cursor >= self._folded.next_offset
        return Chunk(events, is_last) if events or is_last else None

    def _fold(self) -> None:
        """a."""
        batch, self._position = read_on(self.log, self.topic, self._position, READ_AT_ONCE)
        for event in batch.events:
            place = self._newest.add(event.key)
            if place < len(self._offsets):
                self._offsets[place] = event.offset
            else:
                self._offsets.append(event.offset)
                if not _is_readable(event.key):
                    self._unreadable.add(label(event.key))
        if batch.at_end:
            self._folded, self._sweep = self._position, Sweep(self.moment())
            if self.known is not None:
                self._prove(batch.state, self.known)
            self.report.keys = len(self._newest)

    def _collect(self, folded: Position) -> None:
        """b. What came after a. is left to the next batch."""
        batch = self.log.read(self.topic, self._cursor, READ_AT_ONCE)
        self._prove(batch.state, TopicState(topic_id=folded.topic_id, end=folded.next_offset))
        self._found = [event for event in batch.events if self._is_newest(event)]
        self._cursor = batch.next_offset

    def _is_newest(self, event: Event) -> bool:
        place = self._newest.place(event.key)
        return place is not None and self._offsets[place] == event.offset

    def _prove(self, state: TopicState, known: TopicState) -> None:
        if state.topic_id != known.topic_id or state.end < known.end:
            raise ChangedMeanwhile(text("The topic {topic} was deleted, cut or made again", topic=self.topic))

    @property
    def position(self) -> Position:
        """Where the reading of a. ended."""
        assert self._folded is not None
        return self._folded

    @property
    def sweep(self) -> Sweep | None:
        """None where the log holds a key that cannot be read: then nobody knows which row of CAJA it means."""
        return None if self._unreadable else self._sweep

    def doubted(self, events: Iterable[Event]) -> set[Key]:
        """The keys of which these events may be older than what CAJA knows. A tombstone is not: SAE's keys are published again."""
        if self.trusted is None:
            return set()
        return {label(event.key) for event in events if event.value is not None and run_of(event) != self.trusted}

    def forgotten(self, state: State) -> Also:
        """What the ledger has of keys that the log does not hold: their rows are unseen, unless known to be gone, and what waits is
        dropped, so that it stays only where its event was just set aside again."""
        known = state.hashes.get(self.subject, {})
        unseen = [key for key, content in known.items() if content != TOMBSTONE and not self._saw(key)]
        dropped = [(of, key) for of, key in state.parked if of == self.subject and not self._saw(key)]
        return Also(unseen={self.subject: unseen}, dropped=dropped)

    def _saw(self, key: Key) -> bool:
        """Whether the log holds what the ledger calls so."""
        return self._newest.place(key.encode()) is not None or key in self._unreadable

    @property
    def done(self) -> tuple[int, int]:
        """How much of how much, in places of the log read twice."""
        if self._folded is None:
            position = self._position
            return (position.next_offset if position else 0, 2 * self._end())
        return (self._folded.next_offset + self._cursor, 2 * self._folded.next_offset)

    def _end(self) -> int:
        state = self.log.state(self.topic)
        return state.end if state else 0


def _is_readable(raw: bytes) -> bool:
    return label(raw).encode() == raw
