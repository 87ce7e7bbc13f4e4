"""A log in memory whose calls fail on order, and that may be cut, made again, or written by somebody else."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Literal, TypeVar

from foundation.errors import RetryableError
from foundation.eventlog.memory import MemoryLog, StoredTopic
from foundation.eventlog.port import Batch, Event, Offset, Record, Topic, TopicSettings, TopicState
from foundation.texts import text

Found = TypeVar("Found")
How = Literal["before", "after", "half", "meanwhile"]
"""The call did nothing; it did all and its answer was lost; it appended the first half; it did all, after what somebody else did."""


class FailingLog(MemoryLog):
    """Counts its calls from `plan` on and raises at one of them."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self._at = 0
        self._how: How = "before"
        self._error: BaseException = down()
        self.appended: list[Record] = []
        self._meanwhile: Callable[[], object] = lambda: None

    def plan(self, at: int, how: How = "before", error: BaseException | None = None) -> None:
        """The `at`-th call from now on raises; 0 takes an earlier plan back."""
        self.calls, self._at, self._how, self._error = 0, at, how, error or down()

    def before_call(self, at: int, action: Callable[[], object]) -> None:
        """Somebody else does this just before the `at`-th call from now on, which is none that fails."""
        self.plan(0)
        self._at, self._how, self._meanwhile = at, "meanwhile", action

    def _now(self, how: How) -> bool:
        return self.calls == self._at and self._how == how

    def _call(self) -> None:
        self.calls += 1
        if self._now("meanwhile"):
            self._meanwhile()
        if self._now("before"):
            raise self._error

    def _answer(self, found: Found) -> Found:
        if self._now("after"):
            raise self._error
        return found

    def create(self, topics: Mapping[Topic, TopicSettings]) -> list[Topic]:
        self._call()
        return self._answer(super().create(topics))

    def settings(self, topic: Topic) -> TopicSettings | None:
        self._call()
        return self._answer(super().settings(topic))

    def topics(self, names: Collection[Topic] | None = None) -> dict[Topic, TopicState]:
        self._call()
        return self._answer(super().topics(names))

    def read(self, topic: Topic, offset: Offset, limit: int = 1000) -> Batch:
        self._call()
        return self._answer(super().read(topic, offset, limit))

    def append(self, records: Iterable[Record]) -> list[Offset]:
        self._call()
        part = list(records)
        if self._now("half"):
            self._keep(part[: len(part) // 2])
            raise self._error
        return self._answer(self._keep(part))

    def _keep(self, part: list[Record]) -> list[Offset]:
        for record in part:
            self.before_append(record)
        self.appended += part
        return super().append(part)

    def before_append(self, record: Record) -> None:
        """For tests that judge each record as it comes."""

    # what happens to a log

    def newest(self, topic: Topic) -> dict[bytes, Event]:
        """The newest event of each key that has one which is no tombstone."""
        stored = self.store.topics.get(topic, StoredTopic())
        found = {event.key: event for event in stored.events}
        return {key: event for key, event in found.items() if event.value is not None}

    def cut(self, topic: Topic, count: int) -> None:
        """A power cut takes the last events."""
        stored = self.store.topics[topic]
        stored.end = max(0, stored.end - count)
        stored.events = [event for event in stored.events if event.offset < stored.end]

    def make_again(self, topic: Topic) -> None:
        self.store.topics[topic] = StoredTopic()

    def delete(self, topic: Topic) -> None:
        del self.store.topics[topic]

    def slip_in(self, *records: Record) -> None:
        """Somebody else appends."""
        MemoryLog.append(self, records)


def down() -> RetryableError:
    return RetryableError(text("the log is down"))
