"""Differences → events, all acknowledged; and the producer's heartbeat."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby, islice
from operator import itemgetter
from uuid import uuid4

from foundation.eventlog.port import START, EventLog, Headers, Offset, Record, TopicSettings
from producer.capture.comparison import Difference
from producer.capture.port import Captured, Standing
from producer.index import LogIndex
from producer.mass_change import Held
from producer.progress import Progress, Stage
from schemas.codec import frame
from schemas.control import Heartbeat, SaeIdentity, TopicHeartbeat, record, release, short
from schemas.entities import Entity, Subject
from schemas.headers import EventHeaders, with_hash
from schemas.registry import publish_schemas
from schemas.topics import Topics

APPENDED_AT_ONCE = 1000
WHOLE_EVERY = 150
"""Heartbeats of which one is a whole one though nothing changed: who knows no short ones waits for it."""
RUN_LENGTH = 12


def new_run() -> str:
    """What tells one run of a producer from all others."""
    return uuid4().hex[:RUN_LENGTH]


class Publisher:
    """Writes the topics of one company, as one run of the producer after another. The log index learns of every acknowledgement."""

    def __init__(
        self,
        log: EventLog,
        topics: Topics,
        new_run: Callable[[], str] = new_run,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        progress: Progress | None = None,
    ) -> None:
        self._log, self._topics, self._new_run, self._now = log, topics, new_run, now
        self._progress = progress or Progress()
        self._run = ""
        self._last_heartbeat: tuple[Heartbeat, Offset] | None = None
        self._repeated = 0

    def begin(self) -> str:
        """A new run, which is returned. Creates the topics that stand whatever SAE holds, and feeds the registry."""
        self._run, self._last_heartbeat = self._new_run(), None
        self._log.create(self._topics.fixed())
        publish_schemas(self._log, self._topics.registry)
        return self._run

    def publish(self, captured: Captured, index: LogIndex, between: Callable[[], None]) -> int:
        """Appends an event per difference and returns how many; raises where any acknowledgement is missing.

        Calls `between` after each part of a long one.
        """
        subjects = [Subject(Entity.STOCK, warehouse) for warehouse in captured.warehouses]
        self._log.create({self._topics.of(subject): TopicSettings() for subject in subjects})
        shared = EventHeaders(hash=None, captured=captured.at, run=self._run, mode=captured.mode).encode()
        records = self._records(captured.differences, shared)
        self._progress.begin(Stage.PUBLISH, len(captured.differences))
        for part in _parts(records, APPENDED_AT_ONCE):
            index.acknowledged(part, self._log.append(part))
            self._progress.add(len(part))
            between()
        return len(captured.differences)

    def _records(self, differences: Iterable[Difference], shared: Headers) -> Iterator[Record]:
        for subject, some in groupby(differences, itemgetter(0)):
            topic, name = self._topics.of(subject), subject.entity.value
            for difference in some:
                body = difference.body
                value = None if body is None else frame(name, body)
                yield Record(topic=topic, key=difference.key, value=value, headers=with_hash(shared, difference.hash))

    def send_heartbeat(self, index: LogIndex, standing: Standing | None, held: Held) -> None:
        """The heartbeat: per topic its topic id, how far it goes, whether it holds all that SAE held, and whether some of it waits.

        `standing` is None where SAE was not compared yet: then any topic may lack something.
        """
        self._send_heartbeat(index, self._heartbeat(index, standing, held))

    def remember(self, index: LogIndex, standing: Standing | None, held: Held, sae: SaeIdentity) -> None:
        """From now on the log holds this SAE; for readers that do not know the field it is one heartbeat more."""
        self._append(index, replace(self._heartbeat(index, standing, held), sae=sae))

    def _heartbeat(self, index: LogIndex, standing: Standing | None, held: Held) -> Heartbeat:
        topics = tuple(
            TopicHeartbeat(
                topic=self._topics.of(subject),
                topic_id=position.topic_id,
                end=end,
                complete=standing is not None and standing.is_complete(subject),
            )
            for subject, (position, end) in sorted(index.ends().items(), key=lambda item: self._topics.of(item[0]))
        )
        waiting = sorted(self._topics.of(subject) for subject in held.subjects)
        compared = standing is not None and not standing.waiting
        heartbeat = Heartbeat(
            run=self._run,
            time=self._now(),
            topics=topics,
            compared=compared,
            held=waiting,
            held_deletes=held.deletes,
            held_updates=held.updates,
        )
        if standing is None:
            return heartbeat
        return replace(
            heartbeat,
            price_lists=standing.price_lists,
            stuck=standing.stuck,
            unpublished=standing.unpublished,
            unpublished_count=standing.unpublished_count,
            duplicates=standing.duplicates,
            duplicate_count=standing.duplicate_count,
        )

    def _send_heartbeat(self, index: LogIndex, heartbeat: Heartbeat) -> None:
        """In short where the whole one that was given last says the same, and no late one of somebody else covers it."""
        whole, place = self._last_heartbeat or (None, START)
        is_same = whole is not None and replace(whole, time=heartbeat.time) == heartbeat and index.whole_heartbeat_at <= place
        if is_same and self._repeated < WHOLE_EVERY:
            self._append(index, short(heartbeat, place, heartbeat.time))
            self._repeated += 1
        else:
            self._last_heartbeat, self._repeated = (heartbeat, self._append(index, heartbeat)), 0

    def _append(self, index: LogIndex, heartbeat: Heartbeat) -> Offset:
        said = record(self._topics.control, heartbeat)
        offsets = self._log.append([said])
        index.acknowledged([said], offsets)
        return offsets[0]

    def release(self) -> None:
        """The last event of the run: others need not wait until it is silent."""
        self._log.append([release(self._topics.control, self._run)])


def _parts(records: Iterable[Record], size: int) -> Iterator[Sequence[Record]]:
    source = iter(records)
    while part := list(islice(source, size)):
        yield part
