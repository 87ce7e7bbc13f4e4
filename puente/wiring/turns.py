"""Which of several producers writes: by a lock file where the log is a file of this machine, by the newest heartbeat where it is Kafka's.

One that holds the lock file and says nothing, as a process that somebody stopped, loses the log by its silence all the same.
"""

from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Protocol

from filelock import FileLock, Timeout

from foundation.errors import ConfigError, Occupied
from foundation.eventlog.port import EventLog, Topic
from foundation.texts import text
from producer.claim import Standby

CLAIM_TOTAL_SECONDS = 30.0


class Turn(Protocol):
    """A producer's turn to write. Every method raises what the log does."""

    @property
    def is_ours(self) -> bool: ...

    def take(self, claim: Callable[[], None] | None) -> bool:
        """Whether it is ours now.

        With `claim`, which sends the first heartbeat, it is taken from the producer that has it; raises `Occupied` where that one keeps it.
        """
        ...

    def is_theirs(self) -> bool:
        """Whether another producer lives, so that waiting helps nobody who cannot stand by."""
        ...

    def interrupt(self) -> None:
        """What it stood on failed."""
        ...

    def let_go(self) -> None:
        """What it stood on waits for a person: a producer that was told what this one was not may have it."""
        ...

    def give_up(self) -> None:
        """It is somebody else's."""
        ...


class LockTurn:
    """By the lock file beside an embedded log, which a dead process lets go of; by heartbeats where the holder of the lock is silent."""

    def __init__(self, log: Path, heartbeats: "HeartbeatTurn", clock: Callable[[], float] = monotonic) -> None:
        self._log, self._heartbeats, self._clock = log, heartbeats, clock
        self._lock = FileLock(f"{log}.producer")
        self._claimed_at: float | None = None
        self._was_displaced = False

    @property
    def is_ours(self) -> bool:
        if self._heartbeats.is_ours and self._acquire():  # the silent producer that had the lock let go of it
            self._heartbeats.give_up()
        return self._lock.is_locked or self._heartbeats.is_ours

    def _acquire(self) -> bool:
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        return True

    def take(self, claim: Callable[[], None] | None) -> bool:
        if not self._log.parent.is_dir():
            raise ConfigError(text("The folder of the log does not exist: {folder}", folder=self._log.parent))
        if not self._acquire():
            if claim is None:
                return self._heartbeats.take_from_the_silent()
            self._wait(claim)
            return False
        if self._was_displaced and not self._heartbeats.take(claim):  # the producer that claimed the log runs, and waits for the lock
            self._lock.release()
            return False
        self._claimed_at, self._was_displaced = None, False
        self._heartbeats.give_up()  # the lock is enough
        return True

    def _wait(self, claim: Callable[[], None]) -> None:
        """For the other one, who reads the heartbeat and lets go."""
        if self._claimed_at is None:
            claim()
            self._claimed_at = self._clock()
        elif self._clock() - self._claimed_at > CLAIM_TOTAL_SECONDS:
            raise Occupied(text("Another producer writes to the log {path} and does not let go", path=self._log))

    def is_theirs(self) -> bool:
        return not self.is_ours

    def interrupt(self) -> None:
        self._claimed_at = None  # the lock stays ours
        self._heartbeats.give_up()

    def let_go(self) -> None:
        self.interrupt()
        self._lock.release()

    def give_up(self) -> None:
        self._was_displaced = True
        self._heartbeats.give_up()
        self._lock.release()


class HeartbeatTurn:
    """By the heartbeats in the log itself: a producer that died is found out by its silence. `own` holds the runs of this process."""

    def __init__(
        self, open_log: Callable[[], EventLog], topic: Callable[[], Topic], own: set[str], clock: Callable[[], float] = monotonic
    ) -> None:
        self._open_log, self._topic, self._own, self._clock = open_log, topic, own, clock
        self._standby: Standby | None = None
        self._log: EventLog | None = None
        self.is_ours = False

    def take(self, claim: Callable[[], None] | None) -> bool:
        self.is_ours = claim is not None or self._reader().may_claim()
        if self.is_ours:
            self._close()
        return self.is_ours

    def take_from_the_silent(self) -> bool:
        """From one who spoke and did not let go; one that never spoke has perhaps just begun."""
        self.is_ours = self._reader().is_silent()
        if self.is_ours:
            self._close()
        return self.is_ours

    def _reader(self) -> Standby:
        if self._standby is None:
            topic = self._topic()
            self._log = self._open_log()
            self._standby = Standby(self._log, topic, own=self._own, clock=self._clock)
        return self._standby

    def is_theirs(self) -> bool:
        return self._standby is not None and self._standby.is_theirs

    def interrupt(self) -> None:
        self.give_up()

    def let_go(self) -> None:
        self.give_up()

    def give_up(self) -> None:
        self.is_ours = False
        self._close()

    def _close(self) -> None:
        log, self._log, self._standby = self._log, None, None
        if log is not None:
            log.close()
