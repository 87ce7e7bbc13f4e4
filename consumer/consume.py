"""The consumer of one CAJA: its steps, numbered.

1. Read events after the ledger's position; another history, or a reason of `_reason`: resync (`resync/topic.py`).
                                                                Killed after: nothing happened.
2. Keep the newest of each key; drop what the ledger has.       Killed after: nothing happened.
3. Decode, map; lines, schemes, currencies, then products and customers, then stock.
4., 5. One transaction of CAJA, then the memory (`apply.py`).
6. Try again what waits and may go in now.
7. Sweep what a resync left to be swept, once the producer has spoken; write stock again that drifted.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from types import MappingProxyType

from consumer import interface
from consumer.apply import Also, Applier
from consumer.batch import Planner, again
from consumer.caja.port import Caja, Store, Switches
from consumer.codes import PRODUCT, Codes
from consumer.follow import Follower
from consumer.guard import GuardKeeper
from consumer.ledger.parked import Reason, Waiting
from consumer.ledger.state import ASKED_FOR, DOUBTED, Progress, State
from consumer.leftout import LeftOut, Teller
from consumer.outcome import Step
from consumer.price_lists import refuse_unknown
from consumer.resync.topic import Report
from consumer.settle import Settler
from consumer.subscribe import served, subjects, takes
from consumer.waiting import Retries
from consumer.word import Verdict, Words
from foundation.errors import LostGuard, RetryableError
from foundation.eventlog.port import EventLog, Topic, TopicState
from foundation.texts import text
from schemas.entities import CATALOGUES, Entity, Subject
from schemas.registry import RegistryReader
from schemas.topics import Topics

log = logging.getLogger("puente.consumer")


class Consumer:
    """Applies the log to one CAJA; belongs to one thread.

    `fingerprint` stands for profile, policies, stores and mapping: another one in the ledger is a resync. `prices` are those that the site
    names: one of a list that SAE does not have, as soon as the producer told its lists, is an error. A sweep may take up to
    `allow_deletes` rows where that is more than the cap. `stores` are those that CAJA had when the planner was made. `now` gives UTC.
    """

    def __init__(
        self,
        *,
        name: str,
        caja: Caja,
        log: EventLog,
        topics: Topics,
        registry: RegistryReader,
        planner: Planner,
        keeper: GuardKeeper,
        fingerprint: str,
        prices: Mapping[str, int] = MappingProxyType({}),
        allow_deletes: int | None = None,
        stores: Sequence[Store] | None = None,
        clock: Callable[[], float] = monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.name, self._caja, self._log, self._topics = name, caja, log, topics
        self._registry, self._planner, self._keeper, self._clock, self._now = registry, planner, keeper, clock, now
        self._fingerprint, self._prices = fingerprint, prices
        self._check = partial(interface.check, policies=planner.policies, caja=name)
        self._applier = Applier(name, caja, planner, keeper, self._check, clock, now)
        self._words = Words(log, topics.control, planner.decoder, registry)
        self._settler = Settler(name, caja, planner, self._applier, self._words, allow_deletes, clock, now)
        self._codes = Codes(name, caja, planner, self._applier)
        self._follower = Follower(
            caja=name,
            log=log,
            registry=registry,
            planner=planner,
            applier=self._applier,
            words=self._words,
            fingerprint=fingerprint,
            clock=clock,
            now=now,
        )
        self._retries = Retries()
        self._chosen: list[Subject] = []
        self._ends: dict[Topic, TopicState] = {}
        self._teller, self._is_told = Teller(name), False
        self._stores, self._has_news = stores, True
        self.is_outdated = False
        """CAJA's stores are no longer those that this consumer was made for: it must be made anew, which resyncs what is concerned."""

    @property
    def state(self) -> State | None:
        """The ledger as this consumer knows it; None while it holds no guard."""
        return self._applier.known

    @property
    def resyncing(self) -> dict[Subject, tuple[int, int]]:
        """How much of how much, per resync under way."""
        return {subject: resync.done for subject, resync in self._follower.resyncs.items()}

    @property
    def how_far(self) -> tuple[int, int]:
        """How much of how much is applied of the topics that are read now, in places of the log read twice, as a resync does."""
        done = of = 0
        progress = self.state.progress if self.state else {}
        for subject in self._chosen:
            topic = self._topics.of(subject)
            if subject in self._follower.resyncs:
                read, whole = self._follower.resyncs[subject].done
            else:
                whole = 2 * (self._ends[topic].end if topic in self._ends else 0)
                read = min(whole, 2 * progress[topic].position.next_offset) if topic in progress else 0
            done, of = done + read, of + whole
        return done, of

    @property
    def reports(self) -> dict[Subject, Report]:
        """Of the resyncs that ended since this object was made."""
        progress = self.state.progress if self.state else {}
        for subject, report in self._follower.reports.items():
            found = progress.get(self._topics.of(subject))
            report.inactivated = self._settler.swept.get(subject, 0)
            report.held = found.sweep.held if found and found.sweep else None
        return self._follower.reports

    @property
    def listening(self) -> list[Subject]:
        """Whose log is another one, and is not read before the producer's word."""
        return [subject for subject in self._chosen if subject in self._follower.listening]

    @property
    def sweeping(self) -> list[Subject]:
        """Whose sweep waits for the producer's word; a held one waits for a person."""
        known = self.state.progress if self.state else {}
        due = {topic for topic, progress in known.items() if progress.sweep and progress.sweep.held is None}
        return [subject for subject in self._chosen if self._topics.of(subject) in due]

    def step(self) -> Step | None:
        """Everything that is there now, a batch per topic; None while another process holds this CAJA."""
        try:
            if self.state is None and not self.take_over():
                return None
            self._has_news = True
            switches = self._look()
            if not interface.is_off(switches, self._planner.policies):
                return self._step(switches)
        except LostGuard:
            self._keeper.lose()
            self._applier.forget()
            return None
        except BaseException:
            self._applier.forget()
            raise
        self._check(switches)  # raises; what is known stays known, so that each look is one small transaction
        return None

    @property
    def is_idle(self) -> bool:
        """Whether a step would find nothing: the log has nothing new, nothing waits for its moment or for the producer, and CAJA was
        looked at a moment ago."""
        if self.state is None or self._has_news or self._applier.is_beat_due or self.listening or self.sweeping:
            return False
        return not self._retries.is_due(self.state, self._follower.current, self._clock())

    def release(self) -> None:
        """A clean stop: the next process takes over at once."""
        self._applier.forget()
        self._keeper.release()

    def wait(self, seconds: float) -> None:
        """Until a topic that is read now may have something new, at most `seconds`; a standby waits them out."""
        known = self.state.progress if self.state else {}
        followed = [self._topics.of(subject) for subject in self._chosen if subject not in self._follower.listening]
        followed = [topic for topic in followed if topic in known]
        self._has_news |= self._log.wait({topic: known[topic].position.next_offset for topic in followed}, seconds)

    def ask_for_resync(self, entities: Sequence[Entity]) -> None:
        """Whoever writes to this CAJA next, now or after a crash, resyncs these."""
        for topic, progress in self._applier.state.progress.items():
            subject = self._topics.subject(topic)
            if subject is not None and subject.entity in entities and progress.fingerprint != DOUBTED:  # which is resynced anyway
                self._applier.save(topic, replace(progress, fingerprint=ASKED_FOR))

    def take_over(self, *, by_force: bool = False) -> bool:
        """Takes the guard row, which `step` does by itself where that is allowed; `by_force` from a holder who lives, too."""
        if not self._applier.take_over(by_force=by_force):
            return False
        self._retries, self._is_told = Retries(), False
        self._follower.start()
        self._settler.start()
        self._codes.start()
        log.info("Reads the ledger and writes from now on", extra={"action": "claim", "caja": self.name})
        return True

    def _look(self) -> Switches:
        """What its owner may change at any moment."""
        switches, stores = self._applier.look()
        if stores is not None and self._stores is not None:
            self.is_outdated = served(stores) != served(self._stores)
        return switches

    def _step(self, switches: Switches) -> Step:
        self._check(switches)
        if self._prices:
            if self._words.may_tell_lists:
                raise RetryableError(text("{caja}: waits for the producer to tell SAE's price lists, which prices names", caja=self.name))
            refuse_unknown(self._prices, self._words.price_lists(), self.name)
        total = Step()
        behind: set[Entity] = set()
        self._chosen = subjects(self._planner.policies, self._planner.stores, switches)
        self._ends = states = self._log.topics([self._topics.of(subject) for subject in self._chosen])
        for subject in self._chosen:
            if behind.intersection(self._planner.parents(subject.entity)):
                total.at_end = False  # its parents come first: it would only be set aside
                continue
            topic = self._topics.of(subject)
            step = self._follower.follow(subject, topic, states.get(topic))
            if not step.at_end:
                behind.add(subject.entity)
            total.add(step)
        total.add(self._retry())  # 6
        settled = [(subject, self._topics.of(subject)) for subject in self._chosen if subject in self._follower.current]
        resyncing = any(subject.entity is Entity.STOCK for subject in self._follower.resyncs)
        total.add(self._settler.settle(settled, resyncing=resyncing))  # 7
        if PRODUCT in self._follower.current:
            self._codes.settle()
        self._tell(total)
        self._say_ready()
        self._applier.beat()
        self._has_news = not total.at_end
        return total

    def _tell(self, step: Step) -> None:
        """What is left out, once all is read: at first, and whenever it changed."""
        self._is_told = self._is_told and step.lacking == 0
        if step.at_end and not self._is_told:
            self._teller.tell(self.left_out())
            self._is_told = True

    def left_out(self) -> list[LeftOut]:
        """What rows of the subjects that this CAJA takes lack of what SAE holds."""
        return self._caja.left_out(self._takes)

    def _takes(self, subject: Subject) -> bool:
        return takes(self._planner.policies, self._planner.stores, subject)

    def _retry(self) -> Step:
        """6. But for what a resync is about to read: what waits there may be older."""
        state = self._applier.state
        self._retries.free(state, self._applier.written_products)
        self._applier.written_products.clear()
        due = self._retries.take(state, self._follower.current, self._clock())
        undecided = {subject for subject in _held(due) if not self._follower.is_decided(subject, self._topics.of(subject))}
        due = [item for item in due if item.reason is not Reason.HELD or item.subject not in undecided]
        return self._applier.apply_all(self._follower.plan([again(item) for item in due]), Also()) if due else Step()

    def _say_ready(self) -> None:
        """Once everything was resynced and swept with all boxes ticked."""
        state = self._applier.state
        if state.ready_at is not None or set(self._planner.policies.entities) != set(CATALOGUES):
            return
        if all(self._is_done(subject) for subject in self._chosen):
            self._applier.say_ready(self._now())
            log.info("Ready to sell: all of SAE is in CAJA", extra={"action": "ready", "caja": self.name})

    def _is_done(self, subject: Subject) -> bool:
        topic = self._topics.of(subject)
        progress = self._applier.state.progress.get(topic)
        if progress is None:  # SAE may have no such warehouse: then the producer, which has spoken by then, made no topic
            return subject.entity is Entity.STOCK and self._log.state(topic) is None
        return progress.fingerprint == self._fingerprint and (progress.sweep is None or self._needs_sae(topic, progress))

    def _needs_sae(self, topic: Topic, progress: Progress) -> bool:
        """Whether its sweep waits for nothing but rows of SAE that no event can hold: all else is in CAJA."""
        if progress.sweep is None or progress.sweep.held is not None:
            return False
        known = TopicState(identity=progress.position.identity, end=progress.position.next_offset)
        return self._words.compared(progress.sweep.since, topic, known) is Verdict.GO


def _held(items: Iterable[Waiting]) -> set[Subject]:
    return {item.subject for item in items if item.reason is Reason.HELD}
