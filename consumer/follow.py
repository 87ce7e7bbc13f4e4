"""Following the topics of one CAJA: on from the ledger's position, or by a resync. Steps 1 to 5 of `consume.py`."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from consumer.apply import Also, Applier
from consumer.batch import Incoming, Plan, Planner, incoming
from consumer.ledger import ASKED_FOR, TOMBSTONE, Progress, Sweep
from consumer.outcome import Step
from consumer.resync import READ_AT_ONCE, ChangedMeanwhile, Report, Resync
from puente.errors import NoTopic
from puente.eventlog.history import OtherHistory, read_on
from puente.eventlog.port import EventLog, Topic, TopicState
from puente.texts import Text, text
from schemas.changes import Subject
from schemas.codec import UnknownSchemaError
from schemas.registry import RegistryReader

PROVE_SECONDS = 10.0
"""How often a topic that seems unchanged is held against what was read last: it may have lost its tail and grown again."""
TOMBSTONES_ARE_KEPT = timedelta(days=90)
END_SAVED_EVERY = timedelta(hours=1)

log = logging.getLogger("puente.consumer")


class Follower:
    """Belongs to one consumer."""

    def __init__(
        self,
        *,
        caja: str,
        log: EventLog,
        registry: RegistryReader,
        planner: Planner,
        applier: Applier,
        sweep_from_now: Callable[[], Sweep],
        fingerprint: str,
        clock: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self._caja, self._log, self._registry, self._planner, self._applier = caja, log, registry, planner, applier
        self._sweep_from_now, self._fingerprint, self._clock, self._now = sweep_from_now, fingerprint, clock, now
        self.reports: dict[Subject, Report] = {}
        """Of the resyncs that ended since this object was made."""
        self.start()

    def start(self) -> None:
        """After a connect or a take-over nothing in memory counts."""
        self.resyncs: dict[Subject, Resync] = {}
        self.current: set[Subject] = set()
        """Those that need no resync: what waits of them may be tried again."""
        self._proved: dict[Topic, float] = {}

    def follow(self, subject: Subject, topic: Topic) -> Step:
        """1 to 5 for one topic: a batch, or a part of a resync. Nothing of a topic that is not there, or that is deleted meanwhile."""
        state = self._log.state(topic)
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
        progress = self._applier.state.progress.get(topic)
        reason = self._reason(progress)
        try:
            if progress is not None and reason is None:
                return self._read_on(subject, topic, progress, state)
        except OtherHistory as error:
            reason = error.text
        log.info(
            "Reads a topic from its start and compares it with CAJA",
            extra={"action": "resync", "caja": self._caja, "topic": topic, "reason": str(reason)},
        )
        self.current.discard(subject)
        self._proved.pop(topic, None)
        self.resyncs[subject] = Resync(
            log=self._log, topic=topic, subject=subject, started=self._now(), sweep_from_now=self._sweep_from_now
        )
        return Step(at_end=False)

    def _reason(self, progress: Progress | None) -> Text | None:
        """Why a topic must be read from its start, but for its history."""
        if progress is None:
            return text("it was never read")
        if progress.fingerprint == ASKED_FOR:
            return text("somebody asked for it")
        if progress.fingerprint != self._fingerprint:
            return text("the profile, a policy, the stores or the mapping changed")
        if self._now() - progress.end_reached > TOMBSTONES_ARE_KEPT:
            return text("its end was last reached more than {days} days ago", days=TOMBSTONES_ARE_KEPT.days)
        return None

    def _read_on(self, subject: Subject, topic: Topic, progress: Progress, state: TopicState) -> Step:
        position, now = progress.position, self._clock()
        is_same = (position.identity, position.next_offset) == (state.identity, state.end)
        if is_same and now - self._proved.get(topic, float("-inf")) < PROVE_SECONDS:
            return Step()
        batch, after = read_on(self._log, topic, position, READ_AT_ONCE)  # 1
        self._proved[topic] = now
        self.current.add(subject)
        reached = self._now() if batch.at_end else progress.end_reached
        saved = replace(progress, position=after, end_reached=reached)
        if after == position and reached - progress.end_reached < END_SAVED_EVERY:
            return Step(at_end=batch.at_end)
        changes = incoming(batch.events, subject, self._now())  # 2
        step = self._applier.apply_all(self.plan(changes), Also(progress={topic: saved}))  # 3 to 5
        step.at_end = batch.at_end
        return step

    def _resync(self, subject: Subject) -> Step:
        """One part of it."""
        resync = self.resyncs[subject]
        try:
            chunk = resync.read(self._applier.limit)
        except (OtherHistory, ChangedMeanwhile):
            del self.resyncs[subject]
            return Step(at_end=False)
        if chunk is None:
            self._applier.beat()
            return Step(at_end=False)
        plan = self.plan(incoming(chunk.events, subject, self._now()), rewrite=True)
        step = self._applier.apply(plan, self._closing(resync) if chunk.is_last else Also())
        step.at_end = False
        resync.report.written += step.touched
        if chunk.is_last:
            self._finish(resync)
        return step

    def _closing(self, resync: Resync) -> Also:
        """c. of the resync. What waits stays only where its event was just set aside again."""
        state, subject = self._applier.state, resync.subject
        known = state.hashes.get(subject, {})
        unseen = resync.unseen(key for key, content in known.items() if content != TOMBSTONE)  # what is known to be gone stays so
        waiting = resync.unseen(key for of, key in state.waiting if of == subject)
        progress = Progress(position=resync.position, end_reached=resync.started, fingerprint=self._fingerprint, sweep=resync.sweep)
        return Also(progress={resync.topic: progress}, unseen={subject: unseen}, dropped=[(subject, key) for key in waiting])

    def _finish(self, resync: Resync) -> None:
        subject, report = resync.subject, resync.report
        del self.resyncs[subject]
        report.waiting = sum(of == subject for of, _ in self._applier.state.waiting)
        self.reports[subject] = report
        extra = {"caja": self._caja, "topic": resync.topic}
        if resync.sweep is None:
            log.warning("A key of the topic cannot be read: nothing that it lacks is inactivated", extra={"action": "no sweep", **extra})
        counts = {"keys": report.keys, "written": report.written}
        log.info("Compared a whole topic with CAJA", extra={"action": "resynced", **extra, **counts})

    def plan(self, changes: Sequence[Incoming], *, rewrite: bool = False) -> Plan:
        try:
            return self._planner.plan(changes, self._applier.state, rewrite=rewrite)
        except UnknownSchemaError:
            self._registry.refresh()
            return self._planner.plan(changes, self._applier.state, rewrite=rewrite)
