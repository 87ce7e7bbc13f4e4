"""The log in memory: the same contract, for tests of ours and of those who build on Puente."""

import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from foundation.errors import NoTopic
from foundation.eventlog.port import Batch, Event, Offset, Record, Topic, TopicId, TopicSettings, TopicState, Unfit
from foundation.eventlog.rights import Right
from foundation.texts import text


@dataclass
class StoredTopic:
    """A topic: its events in order, and the offset that the next one gets."""

    topic_id: TopicId = field(default_factory=lambda: TopicId(uuid4().hex))
    events: list[Event] = field(default_factory=list)
    end: int = 0
    settings: TopicSettings = field(default_factory=TopicSettings)

    @property
    def state(self) -> TopicState:
        return TopicState(topic_id=self.topic_id, end=Offset(self.end))


@dataclass
class MemoryStore:
    """What several `MemoryLog`s may stand on."""

    topics: dict[Topic, StoredTopic] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def compact(self) -> None:
        """Leaves the newest event of each key."""
        with self.changed:
            for topic in self.topics.values():
                last = {event.key: event.offset for event in topic.events}
                topic.events = [event for event in topic.events if last[event.key] == event.offset]


class MemoryLog:
    """`EventLog` on a `MemoryStore`."""

    def __init__(self, store: MemoryStore | None = None) -> None:
        self.store = store or MemoryStore()

    def create(self, topics: Mapping[Topic, TopicSettings]) -> list[Topic]:
        with self.store.changed:
            made = [topic for topic in topics if topic not in self.store.topics]
            self.store.topics.update({topic: StoredTopic(settings=topics[topic]) for topic in made})
            return made

    def unfit(self, topics: Mapping[Topic, TopicSettings]) -> list[Unfit]:
        with self.store.changed:
            present = {topic: self.store.topics[topic].settings for topic in topics if topic in self.store.topics}
        return [short for topic, settings in present.items() for short in settings.short_of(topics[topic], topic)]

    def settings(self, topic: Topic) -> TopicSettings | None:
        with self.store.changed:
            return self._topic(topic).settings

    def lacking(self, rights: Collection[Right]) -> list[Right]:  # noqa: ARG002 - the port's name
        """Everybody may do everything."""
        return []

    def topics(self, names: Collection[Topic] | None = None) -> dict[Topic, TopicState]:
        with self.store.changed:
            return {name: topic.state for name, topic in self.store.topics.items() if names is None or name in names}

    def state(self, topic: Topic) -> TopicState | None:
        return self.topics().get(topic)

    def append(self, records: Iterable[Record]) -> list[Offset]:
        part = list(records)
        with self.store.changed:
            for record in part:
                self._topic(record.topic)
            offsets = [self._append(record) for record in part]
            self.store.changed.notify_all()
        return offsets

    def _append(self, record: Record) -> Offset:
        topic = self._topic(record.topic)
        topic.events.append(Event(Offset(topic.end), record.key, record.value, record.headers))
        topic.end += 1
        return Offset(topic.end - 1)

    def _topic(self, name: Topic) -> StoredTopic:
        if name not in self.store.topics:
            raise NoTopic(text("The log has no topic {topic}: run puente setup", topic=name), name)
        return self.store.topics[name]

    def read(self, topic: Topic, offset: Offset, limit: int = 1000) -> Batch:
        with self.store.changed:
            stored = self._topic(topic)
            events = [event for event in stored.events if event.offset >= offset][:limit]
            after = events[-1].offset + 1 if events else offset
            return Batch(events=events, next_offset=Offset(after if len(events) == limit else max(stored.end, after)), state=stored.state)

    def wait(self, positions: Mapping[Topic, Offset], timeout: float) -> bool:
        def is_new() -> bool:
            return any(t in self.store.topics and self.store.topics[t].end > offset for t, offset in positions.items())

        with self.store.changed:
            return self.store.changed.wait_for(is_new, timeout)

    def commit_offsets(self, reader: str, positions: Mapping[Topic, Offset]) -> None:
        """Nobody looks."""

    def committed_offsets(self, _reader: str) -> dict[Topic, Offset]:
        return {}

    def close(self) -> None:
        pass
