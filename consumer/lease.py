"""One writer per CAJA.

Who writes holds the lease. Another process stands by and takes over when the holder's heartbeat has not changed for ten seconds
(`foundation/silence.py`), or at once where the holder ran here and is gone, or gave the row back. *Here* is this boot of this machine,
whose process numbers we see: two hosts may have one name, and containers of one host each have a process 1. Where the system tells no
such thing the heartbeat alone decides.

A holder that stands still, or whose line was cut, in the midst of a transaction keeps the row locked, and what it wrote besides: no till
may touch that. So its connection is ended once the row could not be had for another ten seconds: a transaction of one who lives takes a
tenth of one.
"""

import logging
import os
import socket
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from uuid import uuid4

from consumer.caja.port import Caja, Holder
from consumer.ledger.lease_row import LeaseRow, Life
from foundation.silence import SILENCE_SECONDS, Silence
from foundation.texts import marked

log = logging.getLogger("puente.consumer")

MAY_NOT_END = marked(
    "The ledger is kept locked, and this user may end nobody's connection: end the process that stands still, "
    "or let an administrator run what puente grants caja prints"
)
KEEPS_IT = marked(
    "The ledger is kept locked by a process that is at work, or connected as another user: if it stands still, end it, "
    "for this user cannot see its connection"
)
PROC = Path("/proc")


def this_process() -> Holder:
    process, boot = os.getpid(), _boot()
    started = None if boot is None else _started(process)
    return Holder(host=socket.gethostname()[:64], process=process, started=started, boot=boot)


def _boot() -> str | None:
    """This boot of this machine, and the namespace of the process numbers that are seen here; None elsewhere than on Linux."""
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {(PROC / 'self/ns/pid').readlink().name}"
    except OSError:
        return None


def _started(process: int) -> int | None:
    """In ticks since the boot, which no clock that is set moves; None where it is hidden from us."""
    try:
        told = (PROC / str(process) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return int(told.rpartition(")")[2].split()[19])  # the program's name, in parentheses, may hold anything


def is_gone(lease: LeaseRow, here: Holder) -> bool:
    """Whether the holder was a process that we would see, and no longer runs. Where anything is unknown it may live."""
    if lease.process is None or here.boot is None or lease.boot != here.boot:
        return False
    try:
        os.kill(lease.process, 0)
    except ProcessLookupError:
        return True
    except OSError:  # somebody else's
        pass
    started = _started(lease.process)
    return started is not None and lease.process_started is not None and started != lease.process_started


def lives(life: Life) -> bool:
    """Whether somebody holds the lease and gave a sign of life of late."""
    return life.token is not None and life.beat_seconds is not None and life.beat_seconds <= SILENCE_SECONDS


class Lease:
    """Claims the lease of one CAJA for this process."""

    def __init__(self, caja: Caja, holder: Holder | None = None, clock: Callable[[], float] = monotonic, token: str | None = None) -> None:
        self._caja, self._silence = caja, Silence(clock)
        self._holder = holder or this_process()
        self._watched: tuple[str | None, int] | None = None
        self._refused: tuple[str | None, int] | None = None
        self._told: tuple[str | None, int] | None = None
        self._refusal = Silence(clock)
        self.token = token
        """What this process holds the row with; given over when its connection is made anew."""

    def claim(self, *, by_force: bool = False) -> bool:
        """Takes the row where that is allowed now; False: stand by and try again. Raises what `Caja.read_lease` raises.

        `by_force`: from a holder that runs, too; it stands by from then on.
        """
        seen = self._caja.read_lease()
        if not (by_force or self._free(seen)):
            return False
        token = uuid4().hex
        if not self._caja.claim(seen, token, self._holder):
            self._end_who_keeps_it_locked(seen)
            return False
        self.token, self._watched = token, None
        return True

    def _free(self, seen: LeaseRow) -> bool:
        if seen.token is None or seen.token == self.token or is_gone(seen, self._holder):
            return True
        watched = (seen.token, seen.beat)
        if watched != self._watched:
            self._watched = watched
            self._silence.hear()
        return self._silence.is_long

    def _end_who_keeps_it_locked(self, seen: LeaseRow) -> None:
        """After a claim that failed: who else wanted the row has it by now, or it is as it was, and locked."""
        refused = (seen.token, seen.beat)
        if refused != self._refused:
            self._refused = refused
            self._refusal.hear()
        elif self._refusal.is_long:
            self._refusal.hear()
            ended, about = self._caja.end_idle(), {"action": "end", "caja": seen.caja}
            if ended:
                log.warning("Connections that kept the ledger locked and did nothing were ended", extra={**about, "count": ended})
            elif self._told != refused:
                self._told = refused
                log.warning(MAY_NOT_END if ended is None else KEEPS_IT, extra=about)

    def lose(self) -> None:
        """Somebody else holds it now."""
        self.token = None

    def release(self) -> None:
        """Gives the row back at a clean stop."""
        if self.token is not None:
            self._caja.free(self.token)
        self.token = None
