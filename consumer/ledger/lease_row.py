"""Who writes to a CAJA, as the ledger tells it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class LeaseRow:
    """The lease. `host`, `process` and what follows tell which process holds it; `beat` grows with each of its writing transactions.

    `ready_at`: when a resync of everything, with all boxes ticked, had finished for the first time (UTC).
    """

    caja: str
    version: int
    token: str | None
    beat: int
    host: str | None
    process: int | None
    process_started: int | None
    boot: str | None = None
    ready_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Life:
    """What the lease shows of the process that writes and of the newest error there: how many seconds ago, None where never.

    Both moments are the database server's own, so that no clocks of two machines are compared.
    """

    token: str | None
    holder: str | None
    beat_seconds: float | None
    error: str | None
    error_seconds: float | None

    @property
    def error_is_newest(self) -> bool:
        """Whether nothing was written since it."""
        return self.error_seconds is not None and (self.beat_seconds is None or self.error_seconds <= self.beat_seconds)
