"""The log in memory with time: compaction as a broker's, tails that are lost, topics made again, appends that fail in three ways."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from foundation.errors import RetryableError
from foundation.eventlog.memory import MemoryLog, MemoryStore, StoredTopic
from foundation.eventlog.port import DAY_MS, Batch, Event, Offset, Record, Topic, TopicId, TopicSettings, TopicState
from foundation.texts import text
from tests.simulation.scheduler import Process

DAY = 86_400.0
SEGMENT = 8
"""Places of a topic that stand together."""

Fault = Literal["refused", "lost", "late"]
"""Of an append: the rest was refused; all of it stands but the answer is lost; the rest lands some time after the call failed."""


@dataclass
class SimTopic(StoredTopic):
    """A topic. Times in seconds of the world."""

    times: dict[Offset, float] = field(default_factory=dict)
    expires: dict[Offset, float] = field(default_factory=dict)
    """When a tombstone may go, by the settings at the time when compaction first met it."""


@dataclass
class SimStore(MemoryStore):
    """What the handles of all processes stand on. `on_append` is told of each event as it lands."""

    clock: Callable[[], float] = lambda: 0.0
    on_append: Callable[[Topic, Event], None] = lambda _topic, _event: None
    made: int = 0
    fault: tuple[Fault, int] | None = None
    """How the next append of events fails, and after how many of them."""
    is_down: bool = False
    """The next reading fails."""
    late: list[Record] = field(default_factory=list)
    published: dict[tuple[Topic, bytes], list[tuple[Event, bool]]] = field(default_factory=lambda: defaultdict(list))
    """Every event of a key, compacted away or not, and whether it stands: not what a power cut took, or a deletion of its topic."""
    compaction_lag: ClassVar[float] = DAY
    retention_from_cleaning: ClassVar[bool] = True

    def topic(self, name: Topic) -> SimTopic:
        found = self.topics[name]
        assert isinstance(found, SimTopic)
        return found

    def make(self, name: Topic) -> None:
        self.made += 1
        self.topics[name] = SimTopic(topic_id=TopicId(f"id{self.made}"))

    def keep_as_others(self, name: Topic) -> None:
        """Somebody gives a topic the time that Kafka gives those of which nobody says anything."""
        self.topic(name).settings = TopicSettings(delete_retention_ms=DAY_MS)

    def delete(self, name: Topic) -> None:
        del self.topics[name]
        self._lose(name, Offset(0))

    def _lose(self, name: Topic, end: Offset) -> None:
        for (topic, _), events in self.published.items():
            if topic == name:
                events[:] = [(event, stands and event.offset < end) for event, stands in events]

    def add(self, record: Record) -> Offset:
        """The topic may have been deleted since the call began: then the broker makes it again."""
        if record.topic not in self.topics:
            self.make(record.topic)
        topic = self.topic(record.topic)
        event = Event(Offset(topic.end), record.key, record.value, record.headers)
        topic.events.append(event)
        self.published[record.topic, event.key].append((event, True))
        topic.times[event.offset] = self.clock()
        topic.end += 1
        self.on_append(record.topic, event)
        return event.offset

    def cut(self, name: Topic, count: int) -> None:
        """A power cut takes the newest events; none that compaction may have looked at."""
        topic = self.topic(name)
        while count and topic.end and self.clock() - topic.times.get(Offset(topic.end - 1), 0.0) < DAY:
            topic.end -= 1
            topic.times.pop(Offset(topic.end))
            count -= 1
        topic.events = [event for event in topic.events if event.offset < topic.end]
        self._lose(name, Offset(topic.end))

    def compact_topic(self, name: Topic) -> None:
        topic, now = self.topic(name), self.clock()
        young = [e.offset for e in topic.events if now - topic.times[e.offset] < self.compaction_lag]
        horizon = min([*young, topic.end - 1])
        newest = {event.key: event.offset for event in topic.events if event.offset < horizon}
        topic.events = [
            event
            for event in topic.events
            if event.offset >= horizon or (newest[event.key] == event.offset and not self._has_expired(topic, event))
        ]

    def _has_expired(self, topic: SimTopic, event: Event) -> bool:
        """A tombstone outlives the compaction that first met it."""
        if event.value is not None:
            return False
        since = self.clock() if self.retention_from_cleaning else topic.times[event.offset]
        return self.clock() > topic.expires.setdefault(event.offset, since + topic.settings.delete_retention_ms / 1000)

    def newest(self, name: Topic) -> dict[bytes, Event]:
        """The newest event of each key that has one which is no tombstone."""
        found = {event.key: event for event in self.topic(name).events} if name in self.topics else {}
        return {key: event for key, event in found.items() if event.value is not None}


class SimLog(MemoryLog):
    """`EventLog` for one process."""

    def __init__(self, store: SimStore, process: Process) -> None:
        super().__init__(store)
        self._sim, self._process = store, process

    def _call(self) -> None:
        self._process.call()
        if self._sim.is_down:
            self._sim.is_down = False
            raise _down()

    def create(self, topics: Mapping[Topic, TopicSettings]) -> list[Topic]:
        self._process.call()
        made = [topic for topic in topics if topic not in self._sim.topics]
        for topic in made:
            self._sim.make(topic)
        return made

    def settings(self, topic: Topic) -> TopicSettings | None:
        self._call()
        return super().settings(topic)

    def topics(self, names: Collection[Topic] | None = None) -> dict[Topic, TopicState]:
        self._call()
        return super().topics(names)

    def state(self, topic: Topic) -> TopicState | None:
        self._call()
        return self._sim.topics[topic].state if topic in self._sim.topics else None

    def read(self, topic: Topic, offset: Offset, limit: int = 1000) -> Batch:
        """Ends with the segment of the first event that is found, as a broker's answer does."""
        self._call()
        batch = super().read(topic, offset, limit)
        part = [event for event in batch.events if event.offset // SEGMENT == batch.events[0].offset // SEGMENT]
        if len(part) == len(batch.events):
            return batch
        return replace(batch, events=part, next_offset=Offset(part[-1].offset + 1))

    def append(self, records: Iterable[Record]) -> list[Offset]:
        """The process may be stopped between two events, which come in the order of their keys whatever Python's hashes say."""
        self._process.call()
        part = list(records)
        for record in part:
            self._topic(record.topic)
        kind, after = self._take_fault() if part else (None, 0)
        order = sorted(range(len(part)), key=lambda n: (part[n].topic, part[n].key))
        offsets = [Offset(-1)] * len(part)
        for count, place in enumerate(order):
            if count:
                self._process.call()
            if kind == "refused" and count >= after:
                raise _down()
            if kind == "late" and count >= after:
                self._sim.late.append(part[place])
            else:
                offsets[place] = self._sim.add(part[place])
        if kind in ("lost", "late") or (kind and after >= len(part)):
            raise _down()
        return offsets

    def _take_fault(self) -> tuple[Fault | None, int]:
        fault, self._sim.fault = self._sim.fault, None
        return fault or (None, 0)


def _down() -> RetryableError:
    return RetryableError(text("planted"))
