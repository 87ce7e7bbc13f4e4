"""Into CAJA: one transaction, then the memory that follows it.

4. In one transaction of CAJA: the lease, the rows with their ledger rows, what is set aside, the position. Commit.
                                                                Killed within: nothing happened. Killed after: all of it did.
5. Only now the memory follows what was committed.

After every connect or take-over the ledger is read again; nothing in memory survives.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from consumer.batch import Pending, Plan, Planner
from consumer.batch_writer import NOTHING_ELSE, Also, BatchWriter, Step
from consumer.caja.port import Caja, Store, Switches, SwitchesChanged, Transaction
from consumer.lease import Lease
from consumer.ledger.state import Progress
from consumer.pace import BatchSize
from consumer.parked_log import log_parked
from consumer.switches import is_off
from foundation.engines.writing import Action
from foundation.errors import LostLease
from foundation.eventlog.port import Topic
from foundation.texts import text
from schemas.entities import Entity
from schemas.keys import Key

log = logging.getLogger("puente.consumer")
HEARTBEAT_SECONDS = 3.0
"""How often an idle holder shows that it lives, and looks at what CAJA's owner may have changed."""


class Applier:
    """Writes to one CAJA while this process holds its lease, from when it has read the ledger. `check` raises what forbids writing.

    Raises `LostLease` where somebody takes the row while the ledger is read.
    """

    def __init__(
        self,
        name: str,
        caja: Caja,
        planner: Planner,
        lease: Lease,
        check: Callable[[Switches], None],
        pace: BatchSize,
        clock: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self._name, self._caja, self._planner, self._lease, self._check = name, caja, planner, lease, check
        self._pace, self._clock, self._now = pace, clock, now
        self.beat_at = self._looked_at = float("-inf")
        self._switches: Switches | None = None
        self.written_products: set[Key] = set()
        """Since somebody emptied it: their stock may go in now."""
        self.written_codes: dict[Key, Sequence[str] | None] = {}
        """The bar codes of products written since somebody emptied it; None where SAE deleted the product."""
        self.state = caja.state(self.beat)
        """The ledger."""

    @property
    def limit(self) -> int:
        """How many rows a transaction may write."""
        return self._pace.limit

    @contextmanager
    def transaction(self, known: Switches | None = None) -> Iterator[Transaction]:
        if self._lease.token is None:
            raise LostLease(text("{caja}: another process writes to it now", caja=self._name))
        self.beat_at = self._clock()
        with self._caja.transaction(self._lease.token, known) as transaction:
            yield transaction

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """A transaction that writes rows: while CAJA's switches are those that are known, else it raises `SwitchesChanged`."""
        if self._switches is None:
            self._switches = self._caja.switches()
        self._check(self._switches)
        try:
            with self.transaction(self._switches) as transaction:
                yield transaction
        except SwitchesChanged as error:
            self._check(error.found)  # which tells what forbids it now
            raise

    def apply(self, plan: Plan, also: Also = NOTHING_ELSE) -> Step:
        """4 and 5."""
        with self.writing() as transaction:
            writer = BatchWriter(self._planner, self.state, also, self._clock, self._now())
            writer.begin(transaction)
            writer.write(plan, transaction)
            writer.stop_if_too_many_rejected(plan, self._name)
            writer.save(transaction)
        self._pace.learn(len(plan.pending), writer.writing)
        step, fresh = writer.step(plan), writer.fresh
        writer.remember()
        self._note_products(writer.applied)
        log_parked(self._name, fresh)
        self._log_each(writer.applied)
        return step

    def apply_all(self, plan: Plan, also: Also, between: Callable[[Pending], Also] = lambda _last: NOTHING_ELSE) -> Step:
        """The same in as many transactions as it takes. What is set aside unread comes with the first.

        `also` comes with the last one, `between` tells what comes with each of the others, by the last change in it.
        """
        total, rest = Step(), plan
        while len(rest.pending) > self.limit:
            part = rest.pending[: self.limit]
            total.add(self.apply(replace(rest, pending=part), between(part[-1])))
            rest = Plan(pending=rest.pending[len(part) :])
        total.add(self.apply(rest, also))
        return total

    def save(self, topic: Topic, progress: Progress) -> None:
        """A position alone."""
        self.apply(Plan(), Also(progress={topic: progress}))

    def set_ready(self, at: datetime) -> None:
        with self.transaction() as transaction:
            transaction.set_ready(at)
        self.state.ready_at = at

    @property
    def is_beat_due(self) -> bool:
        """Whether this process has not written for a while."""
        return self._clock() - self.beat_at >= HEARTBEAT_SECONDS

    def beat(self) -> None:
        """Shows that this process lives, where that is due."""
        if self.is_beat_due:
            with self.transaction():
                pass

    def look(self) -> tuple[Switches, list[Store] | None]:
        """CAJA's switches; now and then its stores, too, all in the one transaction that shows that this process lives.

        In between those that are known count, unless they forbid writing: that they do so no longer is noticed at once.
        """
        if self._clock() - self._looked_at < HEARTBEAT_SECONDS:
            if self._switches is None or is_off(self._switches, self._planner.policies):
                self._switches = self._caja.switches()
            return self._switches, None
        self._looked_at = self._clock()
        with self.transaction() as transaction:
            self._switches = transaction.switches
            return self._switches, transaction.stores()

    def _log_each(self, applied: Iterable[Pending]) -> None:
        if log.isEnabledFor(logging.DEBUG):
            for item in (pending.incoming for pending in applied):
                details = {"entity": str(item.subject), "key": item.key, "gone": item.value is None}
                log.debug("A change is in CAJA", extra={"action": "applied", "caja": self._name, **details})

    def _note_products(self, applied: Iterable[Pending]) -> None:
        for pending in applied:
            item = pending.incoming
            if item.subject.entity is not Entity.PRODUCT:
                continue
            if pending.row.action is not Action.NOTE:
                self.written_products.add(item.key)
            self.written_codes[item.key] = None if item.value is None else self._planner.codes(pending.row)
