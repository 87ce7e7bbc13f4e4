"""What is left to do once everything was applied: the sweep of a resync, and stock that drifted.

Tills sell, so stock drifts by itself; the ledger keeps each quantity, and what differs without unposted sales is written again. So are
the totals of products that are not what their stores have.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from consumer.apply import Applier
from consumer.batch import Planner, gone
from consumer.batch_writer import Also, Step
from consumer.caja.port import Caja
from consumer.heartbeats import Heartbeats, Verdict
from consumer.ledger.state import Progress, Sweep
from consumer.resync.sweep import Found, find
from consumer.resync.topic import Report
from foundation.engines.writing import RowWrite
from foundation.eventlog.port import Topic, TopicState
from schemas.entities import Entity, Subject
from schemas.keys import Key, trim

STOCK_SECONDS = 300.0
HELD_SECONDS = 300.0
"""How often a sweep that is held is counted again."""

log = logging.getLogger("puente.consumer")
Followed = Sequence[tuple[Subject, Topic]]


class Settler:
    """Belongs to one session."""

    def __init__(
        self,
        name: str,
        caja: Caja,
        planner: Planner,
        applier: Applier,
        heartbeats: Heartbeats,
        reports: Mapping[Subject, Report],
        clock: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self._name, self._caja, self._planner, self._applier, self._heartbeats = name, caja, planner, applier, heartbeats
        self._reports, self._clock, self._now = reports, clock, now
        self._allowed: int | None = None
        self._counted_at: dict[Subject, float] = {}
        self._drift_at = float("-inf")
        self._stock: set[Subject] = set()

    def settle(self, followed: Followed, allowed: int | None, *, resyncing: bool = False) -> Step:
        """Of these topics, which were read to where the ledger says; `resyncing`: others of stock are being resynced.

        `allowed` is how many rows a person let a sweep take.
        """
        self._allowed = allowed
        total = Step()
        for subject, topic in followed:
            progress = self._applier.state.progress[topic]
            if progress.sweep is not None:
                total.add(self._sweep(subject, topic, progress, progress.sweep))
        total.touched += self._look_for_drift([subject for subject, _ in followed if subject.entity is Entity.STOCK], resyncing=resyncing)
        return total

    def _sweep(self, subject: Subject, topic: Topic, progress: Progress, sweep: Sweep) -> Step:
        if self._is_waiting_for_a_person(subject, sweep):
            return Step()
        known = TopicState(topic_id=progress.position.topic_id, end=progress.position.next_offset)
        verdict = self._heartbeats.complete(sweep.since, topic, known, subject)
        if verdict is Verdict.ELSEWHERE:
            self._applier.save(topic, replace(progress, sweep=Sweep(self._heartbeats.now())))
        if verdict is not Verdict.GO:
            return Step()
        found = find(
            subject, self._caja, self._applier.state, self._planner.policies, self._heartbeats.unpublished(subject), self._planner.stores
        )
        if found.is_too_much(self._allowed):
            return self._hold(subject, topic, progress, replace(sweep, held=len(found.gone)))
        return self._inactivate(subject, topic, progress, found)

    def _is_waiting_for_a_person(self, subject: Subject, sweep: Sweep) -> bool:
        """A held sweep counts all of CAJA's rows again only now and then."""
        return sweep.held is not None and self._clock() - self._counted_at.get(subject, float("-inf")) < HELD_SECONDS

    def _hold(self, subject: Subject, topic: Topic, progress: Progress, sweep: Sweep) -> Step:
        self._counted_at[subject] = self._clock()
        if sweep != progress.sweep:
            self._applier.save(topic, replace(progress, sweep=sweep))
            extra = {"action": "sweep held", "caja": self._name, "entity": str(subject), "count": sweep.held}
            log.warning("CAJA has many rows that SAE lacks: puente resync --allow-deletes inactivates them", extra=extra)
        return Step()

    def _inactivate(self, subject: Subject, topic: Topic, progress: Progress, found: Found) -> Step:
        """In parts; killed between two of them, the rest is found again."""
        plan = self._planner.plan([gone(subject, key, self._now()) for key in found.gone], self._applier.state, rewrite=True)
        total = self._applier.apply_all(plan, Also(progress={topic: replace(progress, sweep=None)}))
        if subject in self._reports:
            self._reports[subject].inactivated += total.touched
        if total.touched:
            extra = {"action": "swept", "caja": self._name, "entity": str(subject), "count": total.touched}
            log.info("Rows that SAE lacks were inactivated", extra=extra)
        return total

    def _look_for_drift(self, stock: Sequence[Subject], *, resyncing: bool) -> int:
        """Now and then, and at once where a resync has ended, which compares rows alone, not totals."""
        is_new = not self._stock.issuperset(stock)
        self._stock = set(stock)
        if is_new:
            self._drift_at = float("-inf")
        if not stock or resyncing or self._clock() - self._drift_at < STOCK_SECONDS:
            return 0
        self._drift_at = self._clock()
        return sum(map(self._write_again, stock)) + self._add_up_again(stock)

    def _write_again(self, subject: Subject) -> int:
        """Rows that are locked, waiting or have unposted sales are left to another time."""
        store, state = self._planner.store_of(subject), self._applier.state
        drifted = [(key, q) for key, q in self._caja.drifted(subject, store).items() if (subject, key) not in state.parked]
        return self._write([(key, self._planner.stock_again(subject, key, q, state)) for key, q in drifted], store)

    def _add_up_again(self, stock: Sequence[Subject]) -> int:
        """Totals alone, of products that SAE has stock of, and no store unposted sales."""
        hashes = [(subject, self._applier.state.hashes.get(subject, {})) for subject in stock]
        owners = [(key, next((subject for subject, known in hashes if trim(key) in known), None)) for key in self._caja.wrong_totals()]
        return self._write([(trim(key), self._planner.total_again(subject, key)) for key, subject in owners if subject is not None])

    def _write(self, rows: Sequence[tuple[Key, RowWrite]], store: int | None = None) -> int:
        """But for products that this store, or any, has unposted sales of."""
        touched = 0
        while rows:
            part, rows = rows[: self._applier.limit], rows[self._applier.limit :]
            with self._applier.writing() as transaction:
                guarded = self._planner.policies.stock.respects_caja
                unposted = {key for where, key in transaction.unposted() if store in (None, where)} if guarded else ()
                touched += transaction.write(Entity.STOCK, [row for key, row in part if key not in unposted]).touched
        return touched
