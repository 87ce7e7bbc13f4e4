"""`puente log copy`: the history of one log into another, so that a shop may move from the file to Kafka, or back.

1. Hold what the target has against the source. Crash after: nothing happened.
2. Append what it lacks, in order, a part at a time. Crash after: the target holds a beginning, and the next run goes on behind it.
3. Read both again and compare the newest event of each key.

The producer's heartbeats stay behind: they name the identities of the old topics, and the producer says new ones.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import islice

from foundation.errors import ConfigError, ExitCode, RetryableError
from foundation.eventlog.beginning import rest_of
from foundation.eventlog.lineage import digest, read_until
from foundation.eventlog.memory import MemoryLog
from foundation.eventlog.port import START, Event, EventLog, Offset, Record, Topic, TopicSettings, TopicState
from foundation.texts import text
from puente.config import Settings
from puente.wiring.opening import log_is_missing, open_log
from schemas.topics import CONTROL, REGISTRY

APPENDED_AT_ONCE = 1000

Topics = dict[Topic, TopicState]
Watch = Callable[[Topic, float], None]
"""Told now and then how much of the work on a topic of the source is done, from 0 to 1."""
STEPS = 4
"""Of the work on a topic: hold it against the target's, copy, read the one again, read the other."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """The topics of one prefix in a log."""

    log: EventLog
    prefix: str

    def topics(self) -> Topics:
        return {topic: state for topic, state in self.log.topics().items() if topic.startswith(f"{self.prefix}.")}

    def is_control(self, topic: Topic) -> bool:
        return re.fullmatch(rf"{re.escape(self.prefix)}\.\d\d\.{CONTROL}", topic) is not None

    def order(self, topic: Topic) -> tuple[bool, str]:
        """The registry first: what stands in a log can be read."""
        return topic != f"{self.prefix}.{REGISTRY}", topic

    def named_in(self, other: "Side", topic: Topic) -> Topic:
        return Topic(other.prefix + topic.removeprefix(self.prefix))


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is to be done about a topic: copy what stands from `rest` to the end that `state` tells. `target` is None where it lacks."""

    topic: Topic
    into: Topic
    state: TopicState
    target: TopicState | None
    rest: Offset


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`ends` tells how far each topic of the source went, the producer's heartbeats among them."""

    ends: Topics
    tasks: list[Task]


@dataclass(frozen=True, kw_only=True)
class Newest:
    """A topic, counted, and the newest event of each key that is not gone. What is gone may still have its tombstone, or no longer."""

    events: int
    tombstones: int
    keys: int
    digest: str


@dataclass(frozen=True, kw_only=True)
class Copied:
    """A topic that was copied, now or before, and both sides of it as they were read afterwards."""

    topic: Topic
    into: Topic
    copied: int
    source: Newest
    target: Newest

    @property
    def equal(self) -> bool:
        return (self.source.keys, self.source.digest) == (self.target.keys, self.target.digest)


@dataclass(kw_only=True)
class Result:
    """`grew` are the topics of the source that went on meanwhile, the producer's heartbeats among them."""

    topics: list[Copied] = field(default_factory=list)
    grew: list[Topic] = field(default_factory=list)

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.OK if all(copied.equal for copied in self.topics) else ExitCode.DIFFERENCES


@contextmanager
def opened(source: Settings, target: Settings, *, dry_run: bool) -> Iterator[tuple[Side, Side]]:
    """Both logs; a dry run makes no file. Raises what is wrong with either."""
    if log_is_missing(source):
        raise ConfigError(text("The log {path} does not exist: there is nothing to copy", path=source.log_path))
    nowhere = dry_run and log_is_missing(target)
    if nowhere and not target.log_path.parent.is_dir():
        raise ConfigError(text("The folder of the log does not exist: {folder}", folder=target.log_path.parent))
    with closing(open_log(source)) as of, closing(MemoryLog() if nowhere else open_log(target)) as into:
        yield Side(log=of, prefix=source.log.prefix), Side(log=into, prefix=target.log.prefix)


def plan(source: Side, target: Side, watch: Watch) -> Plan:
    """What is to be copied. Writes nothing; raises `ConfigError` where the target is no place for it."""
    ours, theirs = source.topics(), target.topics()
    named = {topic: source.named_in(target, topic) for topic in sorted(ours, key=source.order)}
    _refuse(ours, theirs, named, target)
    tasks = [
        _task(source, target, Task(topic=topic, into=into, state=ours[topic], target=theirs.get(into), rest=START), watch)
        for topic, into in named.items()
        if not source.is_control(topic)
    ]
    return Plan(ends=ours, tasks=tasks)


def _refuse(ours: Topics, theirs: Topics, named: Mapping[Topic, Topic], target: Side) -> None:
    if not ours:
        raise ConfigError(text("The source has no topic of the prefix of its [log]: there is nothing to copy"))
    if any(into in theirs and theirs[into].topic_id == ours[topic].topic_id for topic, into in named.items()):
        raise ConfigError(text("The target is the source itself, or a copy of its file"))
    written = [topic for topic, state in theirs.items() if state.end]
    for topic in filter(target.is_control, written):
        raise ConfigError(
            text(
                "A producer has written to the target already ({topic}): copy to another prefix, or delete the target's topics first "
                "(of an embedded log, the file)",
                topic=topic,
            )
        )
    for topic in written:
        if topic not in named.values():
            raise _foreign(topic)


def _foreign(topic: Topic) -> ConfigError:
    return ConfigError(
        text(
            "The topic {topic} of the target holds what the source does not: copy to another prefix, or delete the target's topics first "
            "(of an embedded log, the file)",
            topic=topic,
        )
    )


def _task(source: Side, target: Side, task: Task, watch: Watch) -> Task:
    """With the place where the rest begins."""
    if task.target is None or not task.target.end:
        return task

    def whole(start: Offset) -> Iterator[Event]:
        return _told(read_until(source.log, task.topic, task.state, start), task, 0, watch)

    rest = rest_of(whole, task.state.end, read_until(target.log, task.into, task.target))
    if rest is None:
        raise _foreign(task.into)
    return replace(task, rest=rest)


def count(source: Side, planned: Plan) -> list[tuple[Task, int]]:
    """How many events there are to copy."""
    return [(task, sum(1 for _ in read_until(source.log, task.topic, task.state, task.rest))) for task in planned.tasks]


def copy(source: Side, target: Side, planned: Plan, watch: Watch) -> Result:
    """Does what is planned, then compares both. May be ended at any moment; the next plan goes on where it was."""
    target.log.create({task.into: TopicSettings() for task in planned.tasks if task.target is None})
    result = Result(topics=[_copied(source, target, task, watch) for task in planned.tasks])
    result.grew = [topic for topic, state in source.topics().items() if topic not in planned.ends or state != planned.ends[topic]]
    return result


def _copied(source: Side, target: Side, task: Task, watch: Watch) -> Copied:
    copied = 0
    for part in _parts(_told(read_until(source.log, task.topic, task.state, task.rest), task, 1, watch)):
        target.log.append([Record(topic=task.into, key=e.key, value=e.value, headers=e.headers) for e in part])
        copied += len(part)
    state = target.log.state(task.into)
    if state is None:
        raise RetryableError(text("The topic {topic} was deleted", topic=task.into))
    found = newest(_told(read_until(source.log, task.topic, task.state), task, 2, watch))
    kept = newest(_told(read_until(target.log, task.into, state), replace(task, state=state), 3, watch))
    watch(task.topic, 1.0)
    return Copied(topic=task.topic, into=task.into, copied=copied, source=found, target=kept)


def newest(events: Iterable[Event]) -> Newest:
    """Holds 64 bits and the key of each key's newest event in memory."""
    total, tombstones = 0, set[bytes]()
    live: dict[bytes, int] = {}
    for event in events:
        total += 1
        if event.value is None:
            live.pop(event.key, None)
            tombstones.add(event.key)
        else:
            live[event.key] = int(digest(event), 16)
            tombstones.discard(event.key)
    return Newest(events=total, tombstones=len(tombstones), keys=len(live), digest=_digest_of(live))


def _digest_of(live: Mapping[bytes, int]) -> str:
    """In an order that no compaction changes."""
    found = blake2b(digest_size=16)
    for key in sorted(live):
        found.update(b"%d:%b%x;" % (len(key), key, live[key]))
    return found.hexdigest()


def _told(events: Iterable[Event], task: Task, step: int, watch: Watch) -> Iterator[Event]:
    for number, event in enumerate(events):
        if number % APPENDED_AT_ONCE == 0:
            watch(task.topic, (step + event.offset / task.state.end) / STEPS)
        yield event


def _parts(events: Iterable[Event]) -> Iterator[Sequence[Event]]:
    source = iter(events)
    while part := list(islice(source, APPENDED_AT_ONCE)):
        yield part
