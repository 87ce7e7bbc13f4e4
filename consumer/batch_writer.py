"""One transaction of CAJA: which rows go in, which are parked and why, and what the ledger keeps of that; a step in numbers, for people."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from consumer.batch import Pending, Plan, Planner
from consumer.caja.port import Rows, Transaction
from consumer.ledger.parked import Parked, Reason, SubjectKey
from consumer.ledger.state import UNSEEN, Progress, State
from consumer.leftout import Notes
from foundation.engines.writing import Refusal, RowError
from foundation.errors import ConfigError
from foundation.eventlog.port import Topic
from foundation.texts import text
from schemas.entities import Entity, Subject
from schemas.keys import Key

REJECTED_AT_LEAST, REJECTED_SHARE = 10, 0.2
UNSURE = timedelta(minutes=1)
"""For so long after it was read, what may be a lock is taken for one, and tried again after a second."""


@dataclass(kw_only=True)
class Step:
    """What one step did. `touched` counts rows of CAJA really written, `equal` events that changed nothing.

    `lacking` counts rows of which something else is left out than before.
    """

    applied: int = 0
    touched: int = 0
    equal: int = 0
    entities: Counter[Entity] = field(default_factory=Counter)
    """What `applied` is made of."""
    parked: Counter[Reason] = field(default_factory=Counter)
    lacking: int = 0
    at_end: bool = True

    def add(self, other: "Step") -> None:
        self.applied += other.applied
        self.touched += other.touched
        self.equal += other.equal
        self.entities += other.entities
        self.parked += other.parked
        self.lacking += other.lacking
        self.at_end = self.at_end and other.at_end


@dataclass(frozen=True, kw_only=True, slots=True)
class Also:
    """What a transaction does besides its rows: positions to save; keys that the log does not hold; what waits no longer."""

    progress: Mapping[Topic, Progress] = field(default_factory=dict)
    unseen: Mapping[Subject, Sequence[Key]] = field(default_factory=dict)
    dropped: Sequence[SubjectKey] = ()


NOTHING_ELSE = Also()


class BatchWriter:
    """Writes a plan; no stock goes over sales that SAE does not have. `state` is the ledger as it was before, until `remember`."""

    def __init__(self, planner: Planner, state: State, also: Also, clock: Callable[[], float], now: datetime) -> None:
        self._planner, self._state, self.also, self._clock, self._now = planner, state, also, clock, now
        self.writing = 0.0
        """Seconds that the rows themselves took."""
        self.applied: list[Pending] = []
        self.parked: dict[tuple[Subject, Key], Parked] = {}
        self.touched = 0
        self._taken: set[SubjectKey] = set()
        """Rows that were rejected since another one has their key: that speaks of that row alone."""

    @property
    def fresh(self) -> list[Parked]:
        """What is set aside and says something that the ledger does not."""
        return [item for item in self.parked.values() if not item.same(self._state.parked.get(item.place))]

    @property
    def freed(self) -> list[SubjectKey]:
        """What waited and went in now."""
        places = ((p.incoming.subject, p.incoming.key) for p in self.applied)
        return [place for place in places if place in self._state.parked]

    @property
    def lacking(self) -> dict[SubjectKey, Notes]:
        """What rows that went in lack, where the ledger says something else; nothing is something, too.

        Of keys that the log does not hold nothing is left out.
        """
        notes = {(p.incoming.subject, p.incoming.key): p.notes for p in self.applied}
        unseen = {(subject, key): () for subject, keys in self.also.unseen.items() for key in keys}
        return {place: found for place, found in {**notes, **unseen}.items() if found != self._state.left_out.get(place, ())}

    def begin(self, transaction: Transaction) -> None:
        """How far the rows bring each topic, with the first of them."""
        for topic, progress in self.also.progress.items():
            transaction.save(topic, progress)

    def write(self, plan: Plan, transaction: Rows) -> None:
        for item in plan.parked:
            self._park(item)
        by_entity: dict[Entity, list[Pending]] = {}
        for pending in plan.pending:
            by_entity.setdefault(pending.incoming.subject.entity, []).append(pending)
        for entity in sorted(by_entity, key=list(Entity).index):
            self._write(entity, by_entity[entity], transaction)

    def _write(self, entity: Entity, pending: list[Pending], transaction: Rows) -> None:
        if entity is Entity.STOCK and self._planner.policies.stock.respects_caja:
            pending = self._guarded(pending, transaction)
        began = self._clock()
        written = transaction.write(entity, [item.row for item in pending])
        self.writing += self._clock() - began
        failed = {error.index: error for error in written.errors}
        self.touched += written.touched
        for index, item in enumerate(pending):
            if index in failed:
                self._park(item.incoming.parked(*self._why(item, failed[index])))
                if failed[index].taken:
                    self._taken.add((item.incoming.subject, item.incoming.key))
            else:
                self.applied.append(item)

    def _guarded(self, pending: list[Pending], transaction: Rows) -> list[Pending]:
        unposted = transaction.unposted()
        free = []
        for item in pending:
            store = self._planner.store_of(item.incoming.subject)
            if (store, item.incoming.key) in unposted:
                detail = str(text("the store {store} has sales of it that SAE does not have yet", store=store))
                self._park(item.incoming.parked(Reason.UNPOSTED_SALES, detail))
            else:
                free.append(item)
        return free

    def _why(self, item: Pending, error: RowError) -> tuple[Reason, str]:
        subject, key = item.incoming.subject, item.incoming.key
        if error.locked or (error.unsure and self._now - item.incoming.since < UNSURE):
            return Reason.LOCKED, str(error.message)
        if error.code == Refusal.PARENT:
            product = (Subject(Entity.PRODUCT), key)
            if subject.entity is Entity.STOCK and key in self._state.hashes.get(product[0], {}) and product not in self._state.parked:
                return Reason.KEPT_OUT, str(text("the product is kept out of this CAJA"))
            return Reason.PARENT, str(text("the row it needs is not there yet"))
        return Reason.REJECTED, str(error.message)

    def _park(self, item: Parked) -> None:
        self.parked[item.place] = item

    def stop_if_too_many_rejected(self, plan: Plan, caja: str) -> None:
        """A batch that is mostly rejected speaks of a wrong profile, not of bad rows: nothing of it is kept.

        What waited before does not count: it came one by one and is only tried again. Nor does a key that is taken.
        """
        wrong = [item for item in self.parked.values() if item.reason is Reason.REJECTED and item.place not in self._taken]
        rejected = [item for item in wrong if not self._waited(item)]
        total = len(plan.pending) + len(plan.parked)
        if len(rejected) <= max(REJECTED_AT_LEAST, REJECTED_SHARE * total):
            return
        first = rejected[0]
        raise ConfigError(
            text(
                "{caja}: {count} of {total} changes were rejected, the first being {subject} {key}: {reason}; nothing was written",
                caja=caja,
                count=len(rejected),
                total=total,
                subject=first.subject,
                key=first.key,
                reason=first.detail,
            )
        )

    def _waited(self, item: Parked) -> bool:
        before = self._state.parked.get(item.place)
        return before is not None and before.content_hash == item.content_hash

    def save(self, transaction: Transaction) -> None:
        """Into the ledger: what waits now and what no longer does, what rows lack, and what the transaction does besides."""
        fresh, lacking = self.fresh, self.lacking
        replaced = [item.place for item in fresh if item.place in self._state.parked]
        transaction.release([*self.freed, *replaced, *self.also.dropped])
        transaction.park(fresh)
        began = self._clock()
        transaction.leave_out(lacking, [place for place in lacking if place in self._state.left_out])
        self.writing += self._clock() - began
        for subject, keys in self.also.unseen.items():
            transaction.unsee(subject, keys)

    def remember(self) -> None:
        """What was committed, into the ledger as it is known."""
        state, freed, fresh, lacking = self._state, self.freed, self.fresh, self.lacking
        for item in (pending.incoming for pending in self.applied):
            state.applied(item.subject)[item.key] = item.content_hash
        for subject, keys in self.also.unseen.items():
            state.applied(subject).update(dict.fromkeys(keys, UNSEEN))
        for place in (*freed, *self.also.dropped):
            state.parked.pop(place, None)
        state.parked.update({item.place: item for item in fresh})
        for place in lacking:
            state.left_out.pop(place, None)
        state.left_out.update({place: notes for place, notes in lacking.items() if notes})
        state.progress.update(self.also.progress)

    def step(self, plan: Plan) -> Step:
        """The same in numbers, before it is remembered."""
        return Step(
            applied=len(self.applied),
            touched=self.touched,
            equal=plan.equal,
            entities=Counter(pending.incoming.subject.entity for pending in self.applied),
            parked=Counter(item.reason for item in self.parked.values()),
            lacking=len(self.lacking),
        )
