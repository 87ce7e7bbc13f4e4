"""What one process knows and does while it writes to a CAJA.

A session begins with each take-over, when the ledger is read, and is thrown away with the connection or the lease: nothing of it counts
any longer then.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace

from consumer.apply import Applier
from consumer.assignment import Assignment
from consumer.bar_codes import PRODUCT, Codes
from consumer.batch import again
from consumer.batch_writer import Also, Step
from consumer.caja.port import Switches
from consumer.follow import Follower
from consumer.heartbeats import Heartbeats, Verdict
from consumer.known_lists import refuse_unknown
from consumer.ledger.parked import Parked, Reason
from consumer.ledger.state import PositionState, Progress
from consumer.leftout import LeftOut, LeftOutLog
from consumer.pace import BatchSize
from consumer.resync.topic import Report
from consumer.retries import Retries
from consumer.settle import Settler
from consumer.subscribe import served, subjects
from foundation.errors import RetryableError
from foundation.eventlog.port import Topic, TopicState
from foundation.texts import text
from schemas.entities import CATALOGUES, Entity, Subject

log = logging.getLogger("puente.consumer")


class Session:
    """One, of one CAJA; raises `LostLease` where somebody takes the lease while the ledger is read."""

    def __init__(self, given: Assignment, heartbeats: Heartbeats, pace: BatchSize, reports: dict[Subject, Report]) -> None:
        self._given, self._heartbeats, self._reports = given, heartbeats, reports
        self.applier = Applier(given.name, given.caja, given.planner, given.lease, given.check, pace, given.clock, given.now)
        self.follower = Follower(
            caja=given.name,
            log=given.log,
            registry=given.registry,
            planner=given.planner,
            applier=self.applier,
            heartbeats=heartbeats,
            fingerprint=given.fingerprint,
            rows=given.caja.rows,
            reports=reports,
            clock=given.clock,
            now=given.now,
        )
        self._settler = Settler(given.name, given.caja, given.planner, self.applier, heartbeats, reports, given.clock, given.now)
        self._codes = Codes(given.name, given.caja, given.planner, self.applier)
        self._retries = Retries()
        self._chosen: list[Subject] = []
        self._ends: dict[Topic, TopicState] = {}
        self._left_out: list[LeftOut] | None = None
        self._left_out_log, self._left_out_is_logged = LeftOutLog(given.name), False
        self._has_news = True
        self.is_outdated = False
        """CAJA has other stores now than this session was made for."""

    def step(self, switches: Switches, allow_deletes: int | None) -> Step:
        """Everything that is there now, a batch per topic. A sweep may take up to `allow_deletes` rows where that is more than the cap."""
        self._given.check(switches)
        self._refuse_unknown_lists()
        total = self._follow(switches)
        total.add(self._retry())  # 6
        settled = [(subject, self._topic(subject)) for subject in self._chosen if subject in self.follower.current]
        resyncing = any(subject.entity is Entity.STOCK for subject in self.follower.resyncs)
        total.add(self._settler.settle(settled, allow_deletes, resyncing=resyncing))  # 7
        if PRODUCT in self.follower.current:
            self._codes.settle()
        self._log_left_out(total)
        self._set_ready()
        self.applier.beat()
        self._has_news = not total.at_end
        return total

    def look(self) -> Switches:
        """What its owner may change at any moment."""
        self._has_news = True
        switches, stores = self.applier.look()
        if stores is not None and self._given.stores is not None:
            self.is_outdated = served(stores) != served(self._given.stores)
        return switches

    def _refuse_unknown_lists(self) -> None:
        given = self._given
        if not given.prices:
            return
        if self._heartbeats.lists_may_come:
            raise RetryableError(text("{caja}: waits for the producer to tell SAE's price lists, which prices names", caja=given.name))
        refuse_unknown(given.prices, self._heartbeats.price_lists(), given.name)

    def _follow(self, switches: Switches) -> Step:
        """1 to 5."""
        planner, total = self._given.planner, Step()
        behind: set[Entity] = set()
        self._chosen = subjects(planner.policies, planner.stores, switches)
        self._ends = states = self._given.log.topics([self._topic(subject) for subject in self._chosen])
        for subject in self._chosen:
            if behind.intersection(planner.parents(subject.entity)):
                total.at_end = False  # its parents come first: it would only be set aside
                continue
            topic = self._topic(subject)
            step = self.follower.follow(subject, topic, states.get(topic))
            if not step.at_end:
                behind.add(subject.entity)
            total.add(step)
        return total

    def _topic(self, subject: Subject) -> Topic:
        return self._given.topics.of(subject)

    def _log_left_out(self, step: Step) -> None:
        """What is left out, once all is read: at first, and whenever it changed."""
        if step.touched or step.lacking:
            self._left_out = None
        self._left_out_is_logged = self._left_out_is_logged and step.lacking == 0
        if step.at_end and not self._left_out_is_logged:
            self._left_out_log.write(self.left_out())
            self._left_out_is_logged = True

    def left_out(self) -> list[LeftOut]:
        """What rows of the subjects that this CAJA takes lack of what SAE holds; counted once after each step that changed anything."""
        if self._left_out is None:
            self._left_out = self._given.caja.left_out(self._given.takes, self.applier.state.left_out)
        return self._left_out

    def _retry(self) -> Step:
        """6. But for what a resync is about to read, for what waits there may be older; and for stock while CAJA takes none."""
        state = self.applier.state
        self._retries.free(state, self.applier.written_products)
        self.applier.written_products.clear()
        due = self._retries.take(state, self._current, self._given.clock())
        undecided = {subject for subject in _held(due) if not self.follower.is_decided(subject, self._topic(subject))}
        due = [item for item in due if item.reason is not Reason.DOUBTFUL or item.subject not in undecided]
        return self.applier.apply_all(self.follower.plan([again(item) for item in due]), Also()) if due else Step()

    def _set_ready(self) -> None:
        """Once everything was resynced and swept with all boxes ticked."""
        if self.applier.state.ready_at is not None or set(self._given.planner.policies.entities) != set(CATALOGUES):
            return
        if all(self._is_done(subject) for subject in self._chosen):
            self.applier.set_ready(self._given.now())
            log.info("Ready to sell: all of SAE is in CAJA", extra={"action": "ready", "caja": self._given.name})

    def _is_done(self, subject: Subject) -> bool:
        topic = self._topic(subject)
        progress = self.applier.state.progress.get(topic)
        if progress is None:  # SAE may have no such warehouse: then the producer, once it has compared all, made no topic
            return subject.entity is Entity.STOCK and self._given.log.state(topic) is None and self._heartbeats.knows_warehouses()
        return progress.is_followed(self._given.fingerprint) and (progress.sweep is None or self._needs_sae(topic, progress))

    def _needs_sae(self, topic: Topic, progress: Progress) -> bool:
        """Whether its sweep waits for nothing but rows of SAE that no event can hold: all else is in CAJA."""
        if progress.sweep is None or progress.sweep.held is not None:
            return False
        known = TopicState(topic_id=progress.position.topic_id, end=progress.position.next_offset)
        return self._heartbeats.compared(progress.sweep.since, topic, known) is Verdict.GO

    def ask_for_resync(self, entities: Sequence[Entity]) -> None:
        """The process that writes to this CAJA next, now or after a crash, resyncs these."""
        for topic, progress in self.applier.state.progress.items():
            subject = self._given.topics.subject(topic)
            is_doubtful = progress.state is PositionState.RESYNC_DOUBTFUL  # which is resynced anyway
            if subject is not None and subject.entity in entities and not is_doubtful:
                self.applier.save(topic, replace(progress, state=PositionState.RESYNC_ASKED))

    @property
    def is_idle(self) -> bool:
        """Whether a step would find nothing: the log has nothing new, nothing waits for its moment or for the producer, and CAJA was
        looked at a moment ago."""
        if self._has_news or self.applier.is_beat_due or self.listening or self.sweeping:
            return False
        return not self._retries.is_due(self.applier.state, self._current, self._given.clock())

    @property
    def _current(self) -> set[Subject]:
        """What needs no resync, of what is read now."""
        return self.follower.current.intersection(self._chosen)

    def wait(self, seconds: float) -> None:
        """Until a topic that is read now may have something new, at most `seconds`."""
        known = self.applier.state.progress
        followed = [self._topic(subject) for subject in self._chosen if subject not in self.follower.listening]
        positions = {topic: known[topic].position.next_offset for topic in followed if topic in known}
        self._has_news |= self._given.log.wait(positions, seconds)

    @property
    def resyncing(self) -> dict[Subject, tuple[int, int]]:
        """How much of how much, per resync under way."""
        return {subject: resync.done for subject, resync in self.follower.resyncs.items()}

    @property
    def how_far(self) -> tuple[int, int]:
        """How much of how much is applied of the topics that are read now, in places of the log read twice, as a resync does."""
        done = of = 0
        progress = self.applier.state.progress
        for subject in self._chosen:
            topic = self._topic(subject)
            if subject in self.follower.resyncs:
                read, whole = self.follower.resyncs[subject].done
            else:
                whole = 2 * (self._ends[topic].end if topic in self._ends else 0)
                read = min(whole, 2 * progress[topic].position.next_offset) if topic in progress else 0
            done, of = done + read, of + whole
        return done, of

    @property
    def listening(self) -> list[Subject]:
        """Whose log is another one, and is not read before the producer's heartbeat."""
        return [subject for subject in self._chosen if subject in self.follower.listening]

    @property
    def sweeping(self) -> list[Subject]:
        """Whose sweep waits for the producer's heartbeat; a held one waits for a person."""
        due = {topic for topic, progress in self.applier.state.progress.items() if progress.sweep and progress.sweep.held is None}
        return [subject for subject in self._chosen if self._topic(subject) in due]

    def held(self, subject: Subject) -> int | None:
        """How many rows its sweep would inactivate that a person must let it take."""
        found = self.applier.state.progress.get(self._topic(subject))
        return found.sweep.held if found and found.sweep else None


def _held(items: Iterable[Parked]) -> set[Subject]:
    return {item.subject for item in items if item.reason is Reason.DOUBTFUL}
