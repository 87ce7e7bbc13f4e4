"""Following the topics of one CAJA: on from the ledger's position, or by a resync. Steps 1 to 5 of `consume.py`.

A topic with a broken lineage may hold older values than CAJA shows: it lost its end, or it is an older copy. It is resynced once the
producer has held it against SAE.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from consumer.apply import Applier
from consumer.batch import Incoming, Plan, Planner, Rows, incoming
from consumer.batch_writer import Also, Step
from consumer.heartbeats import Heartbeats, Verdict
from consumer.ledger.parked import Reason
from consumer.ledger.state import Moment, PositionState, Progress
from consumer.partway import UpTo
from consumer.resync.equal import EqualRows
from consumer.resync.retention import Tombstones
from consumer.resync.topic import READ_AT_ONCE, ChangedMeanwhile, Report, Resync
from foundation.engines.catalogue import Scalar
from foundation.errors import NoTopic
from foundation.eventlog.lineage import BrokenLineage, read_on
from foundation.eventlog.port import EventLog, Topic, TopicState
from foundation.packed import PackedKeys
from foundation.texts import Text, text
from schemas.codec import UnknownSchemaError
from schemas.entities import Entity, Subject
from schemas.keys import Key
from schemas.registry import RegistryReader

PROVE_SECONDS = 10.0
"""How often a topic that seems unchanged is held against what was read last: it may have lost its tail and grown again."""
END_SAVED_EVERY = timedelta(minutes=30)
"""Where nothing comes: less than any topic keeps tombstones for."""

log = logging.getLogger("puente.consumer")


class Follower:
    """Belongs to one session. What its resyncs did goes into `reports`."""

    def __init__(
        self,
        *,
        caja: str,
        log: EventLog,
        registry: RegistryReader,
        planner: Planner,
        applier: Applier,
        heartbeats: Heartbeats,
        fingerprint: str,
        rows: Callable[[Entity, int | None, Callable[[], None]], Iterable[Sequence[Scalar]]],
        reports: dict[Subject, Report],
        clock: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self._caja, self._log, self._registry, self._planner, self._applier = caja, log, registry, planner, applier
        self._heartbeats, self._fingerprint, self._clock, self._now = heartbeats, fingerprint, clock, now
        self._rows, self._reports = rows, reports
        self.resyncs: dict[Subject, Resync] = {}
        self.listening: dict[Subject, Moment] = {}
        """Those whose log has a broken lineage, and since when the producer's heartbeat about it is waited for."""
        self.current: set[Subject] = set()
        """Those that need no resync: what waits of them may be tried again."""
        self._proved: dict[Topic, float] = {}
        self._tombstones = Tombstones(self._log, self._clock)
        self._undecided: dict[Subject, Moment] = {}
        """Since when the producer's heartbeat about deletes that wait is waited for."""

    def follow(self, subject: Subject, topic: Topic, state: TopicState | None) -> Step:
        """1 to 5 for one topic: a batch, or a part of a resync. Nothing of a topic that is not there, or that is deleted meanwhile.

        `state` is what the log said of it a moment ago.
        """
        try:
            if state is not None:
                return self._follow(subject, topic, state)
        except NoTopic:
            self.resyncs.pop(subject, None)
        self.current.discard(subject)
        return Step()

    def _follow(self, subject: Subject, topic: Topic, state: TopicState) -> Step:
        if subject in self.resyncs:
            return self._resync(subject)
        if subject in self.listening:
            return self._listen(subject, topic, state)
        progress = self._applier.state.progress.get(topic)
        if progress is None:
            return self._begin(subject, topic, state, text("it was never read"))
        if progress.state is PositionState.RESYNC_DOUBTFUL:
            return self._broken_lineage(subject, topic, text("the last time was not finished"))
        reason = self._reason(topic, progress)
        try:
            if reason is None:
                return self._read_on(subject, topic, progress, state)
            read_on(self._log, topic, progress.position, 1)
        except BrokenLineage as error:
            return self._broken_lineage(subject, topic, error.text)
        return self._begin(subject, topic, state, reason)

    def _begin(self, subject: Subject, topic: Topic, state: TopicState, reason: Text, trusted: str | None = None) -> Step:
        log.info(
            "Reads a topic from its start and compares it with CAJA",
            extra={"action": "resync", "caja": self._caja, "topic": topic, "reason": str(reason)},
        )
        self._is_behind(subject, topic)
        known = self._applier.state.progress.get(topic)
        self.resyncs[subject] = Resync(
            log=self._log,
            topic=topic,
            subject=subject,
            started=self._now(),
            moment=self._heartbeats.now,
            look=partial(self._look, subject) if known and known.fingerprint == self._fingerprint and trusted is None else None,
            known=state,
            trusted=trusted,
        )
        return Step(at_end=False)

    def _look(self, subject: Subject, keys: PackedKeys) -> EqualRows:
        """Where events are mapped as they were: what the ledger has of one is what it has of the row, too."""
        store = None if subject.warehouse is None else self._planner.store_of(subject)
        return EqualRows(self._planner.mappers[subject.entity], self._rows(subject.entity, store, self._applier.beat), keys)

    def _is_behind(self, subject: Subject, topic: Topic) -> None:
        self.current.discard(subject)
        self._proved.pop(topic, None)
        self._undecided.pop(subject, None)

    def _broken_lineage(self, subject: Subject, topic: Topic, reason: Text) -> Step:
        """From now on the producer is listened to."""
        log.warning(
            "A topic was made again or lost its end: it is read once the producer has compared it with SAE",
            extra={"action": "lineage", "caja": self._caja, "topic": topic, "reason": str(reason)},
        )
        self._is_behind(subject, topic)
        self.listening[subject] = self._heartbeats.now()
        return Step()

    def _listen(self, subject: Subject, topic: Topic, state: TopicState) -> Step:
        """Nothing of the topic until the producer has spoken."""
        since = self.listening[subject]
        verdict = self._heartbeats.compared(since, topic, state)
        if verdict is Verdict.GO:
            del self.listening[subject]
            is_held = self._heartbeats.decided(since, topic, state) is not Verdict.GO
            trusted = self._heartbeats.run if is_held else None
            return self._begin(subject, topic, state, text("the producer has compared it with SAE"), trusted)
        if verdict is Verdict.ELSEWHERE:
            self.listening[subject] = self._heartbeats.now()
        return Step()

    def is_decided(self, subject: Subject, topic: Topic) -> bool:
        """Whether what is `HELD` of a topic that was read to its position may go in: no delete of it waits any more."""
        position = self._applier.state.progress[topic].position
        since = self._undecided.setdefault(subject, self._heartbeats.now())
        verdict = self._heartbeats.decided(since, topic, TopicState(topic_id=position.topic_id, end=position.next_offset))
        if verdict is not Verdict.WAIT:
            del self._undecided[subject]
        return verdict is Verdict.GO

    def _reason(self, topic: Topic, progress: Progress) -> Text | None:
        """Why a topic must be read from its start, but for its history."""
        if progress.state is PositionState.RESYNC_ASKED:
            return text("somebody asked for it")
        if progress.state is PositionState.RESYNC_UNFINISHED:
            return text("the last time was not finished")
        if progress.fingerprint != self._fingerprint:
            return text("the profile, a policy, the stores or the mapping changed")
        if self._tombstones.may_lack(topic, self._now() - progress.end_reached):
            return text(
                "its end was last reached longer ago than the topic keeps tombstones ({days} days)",
                days=f"{self._tombstones.last(topic) / timedelta(days=1):.3g}",
            )
        return None

    def _read_on(self, subject: Subject, topic: Topic, progress: Progress, state: TopicState) -> Step:
        position, now = progress.position, self._clock()
        is_same = (position.topic_id, position.next_offset) == (state.topic_id, state.end)
        if is_same and now - self._proved.get(topic, float("-inf")) < PROVE_SECONDS:
            return Step()
        batch, end = read_on(self._log, topic, position, READ_AT_ONCE)  # 1
        self._proved[topic] = now
        self.current.add(subject)
        reached = self._now() if batch.at_end else progress.end_reached
        saved = replace(progress, position=end, end_reached=reached)
        if end == position and reached - progress.end_reached < END_SAVED_EVERY:
            return Step(at_end=batch.at_end)
        changes = incoming(batch.events, subject, self._now())  # 2
        up_to = UpTo(topic, progress, batch.events)
        step = self._applier.apply_all(self.plan(changes), Also(progress={topic: saved}), up_to)  # 3 to 5
        step.at_end = batch.at_end
        return step

    def _resync(self, subject: Subject) -> Step:
        """One part of it."""
        resync = self.resyncs[subject]
        try:
            chunk = resync.read(self._applier.limit if resync.rows is None else READ_AT_ONCE)
        except (BrokenLineage, ChangedMeanwhile):  # where anything went in already, the position tells whether it is lost
            del self.resyncs[subject]
            return Step(at_end=False)
        if chunk is None:
            self._applier.beat()
            return Step(at_end=False)
        changes, doubted = incoming(chunk.events, subject, self._now()), resync.doubted(chunk.events)
        plan = self.plan(changes, rewrite=True, doubted=doubted, rows=resync.rows)
        also = self._closing(resync) if chunk.is_last else self._opening(resync)
        step = self._applier.apply_all(plan, also, lambda _last: self._opening(resync))
        step.at_end = False
        resync.report.written += step.touched
        if chunk.is_last:
            self._finish(resync)
        return step

    def _opening(self, resync: Resync) -> Also:
        """b. of the resync: a process that finds it killed knows which lineage CAJA's rows are from."""
        state = PositionState.RESYNC_UNFINISHED if resync.trusted is None else PositionState.RESYNC_DOUBTFUL
        progress = Progress(position=resync.position, end_reached=resync.started, state=state, fingerprint="")
        if self._applier.state.progress.get(resync.topic) == progress:
            return Also()
        return Also(progress={resync.topic: progress})

    def _closing(self, resync: Resync) -> Also:
        """c. of the resync."""
        progress = Progress(position=resync.position, end_reached=resync.started, fingerprint=self._fingerprint, sweep=resync.sweep)
        return replace(resync.forgotten(self._applier.state), progress={resync.topic: progress})

    def _finish(self, resync: Resync) -> None:
        subject, report = resync.subject, resync.report
        del self.resyncs[subject]
        parked = self._applier.state.parked
        report.parked = sum(of == subject and item.reason is not Reason.KEPT_OUT for (of, _), item in parked.items())
        self._reports[subject] = report
        extra = {"caja": self._caja, "topic": resync.topic}
        if resync.sweep is None:
            log.warning("A key of the topic cannot be read: nothing that it lacks is inactivated", extra={"action": "no sweep", **extra})
        log.info("Compared a whole topic with CAJA", extra={"action": "resynced", **extra, "count": report.keys, "written": report.written})

    def plan(self, changes: Sequence[Incoming], *, rewrite: bool = False, doubted: Collection[Key] = (), rows: Rows | None = None) -> Plan:
        plan = partial(self._planner.plan, changes, self._applier.state, rewrite=rewrite, doubted=doubted, rows=rows)
        try:
            return plan()
        except UnknownSchemaError:
            self._registry.refresh()
            return plan()
