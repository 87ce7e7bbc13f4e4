"""The consumer of one CAJA: its steps, numbered.

1. Read events after the ledger's position; a broken lineage, or a reason of `_reason`: resync (`resync/topic.py`).
                                                                Killed after: nothing happened.
2. Keep the newest of each key; drop what the ledger has.       Killed after: nothing happened.
3. Decode, map; lines, schemes, currencies, then products and customers, then stock.
4., 5. One transaction of CAJA, then the memory (`apply.py`).
6. Try again what waits and may go in now.
7. Sweep what a resync left to be swept, once the producer has spoken; write stock again that drifted.

`session.py` takes them; this file begins a session and ends it.
"""

import logging
from collections.abc import Sequence

from consumer.assignment import Assignment
from consumer.batch_writer import Step
from consumer.caja.port import SwitchesChanged
from consumer.heartbeats import Heartbeats
from consumer.ledger.state import State
from consumer.leftout import LeftOut
from consumer.pace import BatchSize
from consumer.resync.topic import Report
from consumer.session import Session
from consumer.switches import is_off
from foundation.errors import LostLease
from schemas.entities import Entity, Subject

log = logging.getLogger("puente.consumer")


class Consumer:
    """Applies the log to one CAJA; belongs to one thread. A sweep may take up to `allow_deletes` rows where that is more than the cap."""

    def __init__(self, given: Assignment, *, allow_deletes: int | None = None) -> None:
        self.name, self._given, self.allow_deletes = given.name, given, allow_deletes
        self._heartbeats = Heartbeats(given.log, given.topics.control, given.planner.decoder, given.registry)
        self.pace = BatchSize()
        self._reports: dict[Subject, Report] = {}
        self.session: Session | None = None
        """None while it does not hold the lease."""

    def step(self) -> Step | None:
        """Everything that is there now, a batch per topic; None while another process holds this CAJA."""
        try:
            if self.session is None and not self.take_over():
                return None
            assert self.session is not None
            switches = self.session.look()
            if not is_off(switches, self._given.planner.policies):
                return self.session.step(switches, self.allow_deletes)
        except LostLease:
            self._given.lease.lose()
            self.session = None
            return None
        except SwitchesChanged:  # all that was known of CAJA is read anew
            self.session = None
            return Step(at_end=False)
        except BaseException:
            self.session = None
            raise
        self._given.check(switches)  # raises; what is known stays known, so that each look is one small transaction
        return None

    def take_over(self, *, by_force: bool = False) -> bool:
        """Takes the lease, which `step` does by itself where that is allowed; `by_force` from a holder who lives, too.

        False where another process holds it, or takes it while the ledger is read.
        """
        if not self._given.lease.claim(by_force=by_force):
            return False
        try:
            self.session = Session(self._given, self._heartbeats, self.pace, self._reports)
        except LostLease:
            self._given.lease.lose()
            return False
        log.info("Reads the ledger and writes from now on", extra={"action": "claim", "caja": self.name})
        return True

    def release(self) -> None:
        """A clean stop: the next process takes over at once."""
        self.session = None
        self._given.lease.release()

    def wait(self, seconds: float) -> None:
        """Until a topic that is read now may have something new, at most `seconds`; a standby waits them out."""
        if self.session is None:
            self._given.log.wait({}, seconds)
        else:
            self.session.wait(seconds)

    def ask_for_resync(self, entities: Sequence[Entity]) -> None:
        """The process that writes to this CAJA next, now or after a crash, resyncs these; only after a take-over."""
        assert self.session is not None
        self.session.ask_for_resync(entities)

    @property
    def state(self) -> State | None:
        """The ledger as this consumer knows it; None while it does not hold the lease."""
        return self.session.applier.state if self.session else None

    @property
    def is_idle(self) -> bool:
        """Whether a step would find nothing."""
        return self.session is not None and self.session.is_idle

    @property
    def is_outdated(self) -> bool:
        """CAJA's stores are no longer those that this consumer was made for: it must be made anew, which resyncs what is concerned."""
        return self.session is not None and self.session.is_outdated

    @property
    def reports(self) -> dict[Subject, Report]:
        """Of the resyncs that ended since this object was made."""
        for subject, report in self._reports.items():
            report.held = self.session.held(subject) if self.session else None
        return self._reports

    @property
    def resyncing(self) -> dict[Subject, tuple[int, int]]:
        """How much of how much, per resync under way."""
        return self.session.resyncing if self.session else {}

    @property
    def how_far(self) -> tuple[int, int]:
        """How much of how much is applied of the topics that are read now."""
        return self.session.how_far if self.session else (0, 0)

    @property
    def listening(self) -> list[Subject]:
        """Whose log is another one, and is not read before the producer's heartbeat."""
        return self.session.listening if self.session else []

    @property
    def sweeping(self) -> list[Subject]:
        """Whose sweep waits for the producer's heartbeat; a held one waits for a person."""
        return self.session.sweeping if self.session else []

    def left_out(self) -> list[LeftOut]:
        """What rows of the subjects that this CAJA takes lack of what SAE holds."""
        return self.session.left_out() if self.session else self._given.caja.left_out(self._given.takes)
