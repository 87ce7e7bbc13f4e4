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
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from time import monotonic

from consumer.batch import Incoming, Plan, Planner, again, incoming
from consumer.caja import Caja, Switches, Transaction
from consumer.guard import GuardKeeper
from consumer.ledger import State, Waiting
from consumer.mapping import Note
from consumer.outcome import Noted, Outcome, Step
from consumer.subscribe import subjects
from consumer.waiting import Retries
from puente.engines.database import Action
from puente.errors import ConfigError, LostGuard, RetryableError
from puente.eventlog.history import OtherHistory, Position, read_on
from puente.eventlog.port import EventLog, Topic
from puente.texts import text
from schemas.changes import Entity, Subject
from schemas.codec import UnknownSchemaError
from schemas.registry import RegistryReader
from schemas.topics import Topics

HEARTBEAT_SECONDS = 2.0
TRANSACTION_SECONDS = 0.06
"""What a transaction should take: a till never waits longer than about 0.1 s for a row."""
SMALLEST, LARGEST = 20, 4000

log = logging.getLogger("puente.consumer")


class InterfaceOff(RetryableError):
    """CAJA's SAE interface is off: nothing is written, nothing is lost."""


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
        self._followed: list[Topic] = []
        self._noted: dict[Note, Noted] = {}

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
        """Until a topic that is read now may have something new, at most `seconds`; a standby waits them out."""
        positions = self._state.positions if self._state else {}
        self._log.wait({topic: positions[topic].next_offset for topic in self._followed if topic in positions}, seconds)

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
        behind: set[Entity] = set()
        chosen = subjects(self._planner.policies, self._planner.stores, switches)
        self._followed = [self._topics.of(subject) for subject in chosen]
        for subject in chosen:
            if behind.intersection(self._planner.parents(subject.entity)):
                total.at_end = False  # its parents come first: it would only be set aside
                continue
            step = self._read(subject)
            if not step.at_end:
                behind.add(subject.entity)
            total.add(step)
        total.add(self._retry())
        self._note(total)
        if self._clock() - self._beat_at >= HEARTBEAT_SECONDS:
            with self._transaction():
                pass
        return total

    def _note(self, step: Step) -> None:
        """Tells what did not fit once the end is reached, not batch by batch."""
        for note, noted in step.notes.items():
            self._noted.setdefault(note, Noted()).add(noted)
        if step.at_end:
            for note, noted in self._noted.items():
                extra = {"action": note.what, "caja": self.name, "column": note.column, "count": noted.count, "keys": ", ".join(noted.keys)}
                log.warning("CAJA cannot hold all of a value", extra=extra)
            self._noted.clear()

    def _check(self, switches: Switches) -> None:
        if switches.tax_included:
            raise ConfigError(
                text(
                    "{caja} keeps its prices with taxes included; Puente cannot write such prices yet, and net ones would be wrong",
                    caja=self.name,
                )
            )
        if self._planner.policies.interface_required and not switches.interface:
            raise InterfaceOff(
                text("{caja}: its interface with SAE is off; switch it on in CAJA, nothing is lost meanwhile", caja=self.name)
            )

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
            log.warning(
                "The topic is another one: it is read from its start",
                extra={"action": "history", "caja": self.name, "topic": topic, "reason": str(error)},
            )
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
        due = self._retries.take(self._known(), now)
        while due:
            part, due = due[: self._limit], due[self._limit :]
            total.add(self._apply(self._plan([again(item) for item in part]), None))
        return total

    def _known(self) -> State:
        assert self._state is not None
        return self._state

    def _transaction(self) -> AbstractContextManager[Transaction]:
        if self._keeper.token is None:
            raise LostGuard(text("{caja}: another process writes to it now", caja=self.name))
        self._beat_at = self._clock()
        return self._caja.transaction(self._keeper.token)

    def _apply(self, plan: Plan, where: tuple[Topic, Position] | None) -> Step:
        began = self._clock()
        with self._transaction() as transaction:
            self._check(transaction.switches)
            outcome = Outcome(self._planner, self._known())
            outcome.write(plan, transaction)
            outcome.stop_if_too_many_rejected(plan, self.name)
            fresh = outcome.fresh
            transaction.release([*outcome.freed, *outcome.replaced])
            transaction.set_aside(fresh)
            if where is not None:
                transaction.save(*where)
        self._remember(outcome, fresh, where)
        self._pace(len(plan.pending), self._clock() - began)
        return outcome.step(plan)

    def _remember(self, outcome: Outcome, fresh: Sequence[Waiting], where: tuple[Topic, Position] | None) -> None:
        state = self._known()
        for pending in outcome.applied:
            item = pending.incoming
            state.hashes.setdefault(item.subject, {})[item.key] = item.content_hash
            if item.subject.entity is Entity.PRODUCT and pending.row.action is not Action.NOTE:
                self._retries.products.add(item.key)
        for place in outcome.freed:
            state.waiting.pop(place, None)
        state.waiting.update({item.place: item for item in fresh})
        if where is not None:
            state.positions[where[0]] = where[1]

    def _pace(self, rows: int, seconds: float) -> None:
        """Batches grow or shrink until a transaction takes about as long as it should."""
        if rows >= SMALLEST:
            fitting = rows * TRANSACTION_SECONDS / max(seconds, 0.001)
            self._limit = int(min(LARGEST, max(SMALLEST, fitting, self._limit / 2)))
