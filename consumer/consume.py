"""The consumer of one CAJA: its steps, numbered.

1. Read events after the ledger's position.                     Killed after: nothing happened.
2. Keep the newest of each key; drop what the ledger has.       Killed after: nothing happened.
3. Decode, map; lines, schemes, currencies, then products and customers, then stock.
4. In one transaction of CAJA: the guard row, the rows with their ledger rows, what is set aside, the position. Commit.
                                                                Killed within: nothing happened. Killed after: all of it did.
5. Only now the memory follows what was committed.
6. Try again what waits and may go in now.

After every connect or take-over the ledger is read again; nothing in memory survives.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic

from consumer.batch import Incoming, Pending, Plan, Planner, again, incoming
from consumer.caja import Caja, Store, Switches, Transaction
from consumer.guard import GuardKeeper
from consumer.ledger import Reason, State, Waiting
from consumer.policies import StockPolicy
from consumer.subscribe import subjects
from consumer.waiting import AT_ONCE, Retries
from puente.engines.database import Action, Refusal, RowError
from puente.errors import ConfigError, LostGuard, RetryableError
from puente.eventlog.history import OtherHistory, Position, read_on
from puente.eventlog.port import EventLog, Offset, Topic
from puente.texts import text
from schemas.changes import Entity, Key, Subject
from schemas.codec import UnknownSchemaError
from schemas.registry import RegistryReader
from schemas.topics import Topics

HEARTBEAT_SECONDS = 2.0
TRANSACTION_SECONDS = 0.06
"""What a transaction should take: a till never waits longer than about 0.1 s for a row."""
SMALLEST, LARGEST = 20, 4000
REJECTED_AT_LEAST, REJECTED_SHARE = 10, 0.2
LISTED = 5

log = logging.getLogger("puente.consumer")


class InterfaceOff(RetryableError):
    """CAJA's SAE interface is off: nothing is written, nothing is lost."""


@dataclass(kw_only=True)
class Step:
    """What one step did. `touched` counts rows of CAJA really written, `equal` events that changed nothing."""

    applied: int = 0
    touched: int = 0
    equal: int = 0
    aside: Counter[Reason] = field(default_factory=Counter)
    notes: Counter[tuple[str, str]] = field(default_factory=Counter)
    at_end: bool = True

    @property
    def did_something(self) -> bool:
        return bool(self.applied or self.equal or self.aside)

    def add(self, other: "Step") -> None:
        self.applied += other.applied
        self.touched += other.touched
        self.equal += other.equal
        self.aside += other.aside
        self.notes += other.notes
        self.at_end = self.at_end and other.at_end


class Consumer:
    """Applies the log to one CAJA; belongs to one thread."""

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
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.name, self._caja, self._log, self._topics = name, caja, log, topics
        self._registry, self._planner, self._keeper, self._clock = registry, planner, keeper, clock
        self._state: State | None = None
        self._retries = Retries()
        self._beat_at = float("-inf")
        self._limit = SMALLEST * 10

    @property
    def state(self) -> State | None:
        """The ledger as this consumer knows it; None while it holds no guard."""
        return self._state

    def step(self) -> Step | None:
        """Everything that is there now, a batch per topic; None while another process holds this CAJA."""
        try:
            if self._state is None and not self._take_over():
                return None
            return self._step()
        except LostGuard:
            self._keeper.lose()
            self._state = None
            return None
        except BaseException:
            self._state = None
            raise

    def release(self) -> None:
        """A clean stop: the next process takes over at once."""
        self._state = None
        self._keeper.release()

    def wait(self, seconds: float) -> None:
        """Until the log may have something new, at most `seconds`."""
        positions = self._state.positions if self._state else {}
        self._log.wait({topic: position.next_offset for topic, position in positions.items()} or {self._topics.control: Offset(0)}, seconds)

    def _take_over(self) -> bool:
        if not self._keeper.claim():
            return False
        self._state = self._caja.state()
        self._retries = Retries()
        log.info("Reads the ledger and writes from now on", extra={"action": "claim", "caja": self.name})
        return True

    def _step(self) -> Step:
        switches = self._caja.switches()
        self._check(switches)
        total = Step()
        for subject in subjects(self._planner.policies, self._planner.stores, switches):
            total.add(self._read(subject))
        total.add(self._retry())
        if self._clock() - self._beat_at >= HEARTBEAT_SECONDS:
            with self._transaction():
                pass
        return total

    def _check(self, switches: Switches) -> None:
        if switches.tax_included:
            raise ConfigError(text("{caja} keeps its prices with taxes included; Puente cannot write such prices yet, and net ones would be wrong", caja=self.name))
        if self._planner.policies.interface_required and not switches.interface:
            raise InterfaceOff(text("{caja}: its interface with SAE is off; switch it on in CAJA, nothing is lost meanwhile", caja=self.name))

    def _read(self, subject: Subject) -> Step:
        topic = self._topics.of(subject)
        state = self._known()
        topic_state = self._log.state(topic)
        position = state.positions.get(topic)
        if topic_state is None or (position and (position.identity, position.next_offset) == (topic_state.identity, topic_state.end)):
            return Step()
        try:
            batch, after = read_on(self._log, topic, position, self._limit)  # 1
        except OtherHistory as error:
            log.warning("The topic is another one: it is read from its start", extra={"action": "history", "caja": self.name, "topic": topic, "reason": str(error)})
            batch, after = read_on(self._log, topic, None, self._limit)
        changes = incoming(batch.events, subject, datetime.now(UTC))  # 2
        step = self._apply(self._plan(changes), (topic, after))  # 3 to 5
        step.at_end = batch.at_end
        return step

    def _plan(self, changes: Sequence[Incoming]) -> Plan:
        try:
            return self._planner.plan(changes, self._known())
        except UnknownSchemaError:
            self._registry.refresh()
            return self._planner.plan(changes, self._known())

    def _retry(self) -> Step:
        """6."""
        total, now = Step(), self._clock()
        due = self._retries.due(self._known(), now)
        if due:
            self._retries.done(due, now)
        for start in range(0, len(due), AT_ONCE):
            total.add(self._apply(self._plan([again(item) for item in due[start : start + AT_ONCE]]), None))
        return total

    def _known(self) -> State:
        assert self._state is not None
        return self._state

    def _transaction(self):  # type: ignore[no-untyped-def]
        if self._keeper.token is None:
            raise LostGuard(text("{caja}: another process writes to it now", caja=self.name))
        self._beat_at = self._clock()
        return self._caja.transaction(self._keeper.token)

    def _apply(self, plan: Plan, where: tuple[Topic, Position] | None) -> Step:
        began = self._clock()
        with self._transaction() as transaction:
            self._check(transaction.switches)
            outcome = _Outcome(self._planner, self._known())
            outcome.write(plan, transaction)
            _stop_if_too_many(outcome, plan, self.name)
            transaction.set_aside(outcome.aside.values())
            transaction.release(outcome.freed)
            if where is not None:
                transaction.save(*where)
        self._remember(outcome, where)
        self._pace(len(plan.pending), self._clock() - began)
        return _report(outcome, plan, self.name)

    def _remember(self, outcome: "_Outcome", where: tuple[Topic, Position] | None) -> None:
        state = self._known()
        for pending in outcome.applied:
            item = pending.incoming
            state.hashes.setdefault(item.subject, {})[item.key] = item.content_hash
            if item.subject.entity is Entity.PRODUCT and pending.row.action is not Action.NOTE:
                self._retries.products.add(item.key)
        for place in outcome.freed:
            state.waiting.pop(place, None)
        state.waiting.update(outcome.aside)
        if where is not None:
            state.positions[where[0]] = where[1]

    def _pace(self, rows: int, seconds: float) -> None:
        """Batches grow or shrink until a transaction takes about as long as it should."""
        if rows >= SMALLEST:
            fitting = rows * TRANSACTION_SECONDS / max(seconds, 0.001)
            self._limit = int(min(LARGEST, max(SMALLEST, fitting, self._limit / 2)))


class _Outcome:
    """What one transaction wrote and what it set aside."""

    def __init__(self, planner: Planner, state: State) -> None:
        self._planner, self._state = planner, state
        self.applied: list[Pending] = []
        self.aside: dict[tuple[Subject, Key], Waiting] = {}
        self.touched = 0

    @property
    def freed(self) -> list[tuple[Subject, Key]]:
        """What waited and went in now."""
        places = ((p.incoming.subject, p.incoming.key) for p in self.applied)
        return [place for place in places if place in self._state.waiting]

    def write(self, plan: Plan, transaction: Transaction) -> None:
        for item in plan.aside:
            self._hold(item)
        by_entity: dict[Entity, list[Pending]] = {}
        for pending in plan.pending:
            by_entity.setdefault(pending.incoming.subject.entity, []).append(pending)
        for entity in sorted(by_entity, key=list(Entity).index):
            self._write(entity, by_entity[entity], transaction)

    def _write(self, entity: Entity, pending: list[Pending], transaction: Transaction) -> None:
        if entity is Entity.STOCK and self._planner.policies.stock is StockPolicy.GUARDED:
            pending = self._guarded(pending, transaction)
        written = transaction.write(entity, [item.row for item in pending])
        failed = {error.index: error for error in written.errors}
        self.touched += written.touched
        for index, item in enumerate(pending):
            if index in failed:
                self._hold(item.incoming.waiting(*self._why(item, failed[index])))
            else:
                self.applied.append(item)

    def _guarded(self, pending: list[Pending], transaction: Transaction) -> list[Pending]:
        unposted = transaction.unposted()
        free = []
        for item in pending:
            store = self._planner.store_of(item.incoming.subject)
            if (store, item.incoming.key) in unposted:
                detail = str(text("the store {store} has sales of it that SAE does not have yet", store=store))
                self._hold(item.incoming.waiting(Reason.GUARD, detail))
            else:
                free.append(item)
        return free

    def _why(self, item: Pending, error: RowError) -> tuple[Reason, str]:
        key = item.incoming.key
        if error.locked:
            return Reason.LOCKED, str(error.message)
        if error.code == Refusal.PARENT:
            product = (Subject(Entity.PRODUCT), key)
            if key in self._state.hashes.get(product[0], {}) and product not in self._state.waiting:
                return Reason.KEPT_OUT, str(text("the product is kept out of this CAJA"))
            return Reason.PARENT, str(text("the row it needs is not there yet"))
        if error.code == Refusal.OCCUPIED:
            return Reason.REJECTED, str(text("CAJA has a row {key} of its own, which is not taken over for SAE's {key}", key=key))
        return Reason.REJECTED, str(error.message)

    def _hold(self, item: Waiting) -> None:
        self.aside[item.place] = item


def _stop_if_too_many(outcome: _Outcome, plan: Plan, caja: str) -> None:
    """A batch that is mostly rejected speaks of a wrong profile, not of bad rows: nothing of it is kept."""
    rejected = [item for item in outcome.aside.values() if item.reason is Reason.REJECTED]
    total = len(plan.pending) + len(plan.aside)
    if len(rejected) > max(REJECTED_AT_LEAST, REJECTED_SHARE * total):
        first = rejected[0]
        raise ConfigError(
            text(
                "{caja}: {count} of {total} changes were rejected, the first being {subject} {key}: {reason}; nothing was written",
                caja=caja, count=len(rejected), total=total, subject=first.subject, key=first.key, reason=first.detail,
            )
        )


def _report(outcome: _Outcome, plan: Plan, caja: str) -> Step:
    step = Step(
        applied=len(outcome.applied),
        touched=outcome.touched,
        equal=plan.equal,
        aside=Counter(item.reason for item in outcome.aside.values()),
        notes=Counter((note.what, note.column) for pending in outcome.applied for note in pending.notes),
    )
    for what, column in step.notes:
        keys = [p.incoming.key for p in outcome.applied if any((n.what, n.column) == (what, column) for n in p.notes)]
        log.warning("CAJA cannot hold all of a value", extra={"action": what, "caja": caja, "column": column, "count": len(keys), "keys": ", ".join(keys[:LISTED])})
    return step
