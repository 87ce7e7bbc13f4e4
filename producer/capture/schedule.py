"""When tables are looked at, and when all of SAE is compared. Pure; clocks are the caller's."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Protocol

from foundation.engines.database import TransactionIds
from producer.sae.tables import Row

NIGHT = time(3)
Table = type[Row]


def rest_after(seconds: float, share: float) -> float:
    """How long to leave SAE alone after reading it for `seconds`, so that reading takes at most `share` (0 to 1) of the time."""
    return seconds * (1 / share - 1)


def next_night(now: datetime) -> datetime:
    """The first 03:00 after a local time."""
    night = datetime.combine(now.date(), NIGHT, now.tzinfo)
    return night if now < night else night + timedelta(days=1)


class Counting(Protocol):
    """Of `Sae`, what tells whether a transaction began."""

    @property
    def connections(self) -> int: ...

    def newest_transaction(self) -> int | None: ...


def is_newest(sae: Counting, session: int, number: int) -> bool | None:
    """Whether no transaction began since the one of this number, in the same session; None where the engine's counter tells nothing.

    SAE is asked in a way that costs it nothing. The counter comes first, then the session: to ask may have opened a new one, in which the
    same number means another transaction.
    """
    newest = sae.newest_transaction()
    return None if newest is None else (sae.connections, newest) == (session, number)


@dataclass(slots=True)
class Gate:
    """In which tables nothing can have changed since they were looked at: no transaction began or ran since then.

    Numbers of transactions count within one session only. `last` is that of our own newest snapshot: as long as it is the newest of all,
    which the engine's counter tells, no look is needed to know that nothing began.
    """

    session: int
    last: int
    _quiet: set[Table] = field(default_factory=set)

    def is_newest(self, sae: Counting) -> bool | None:
        """Whether no transaction began since our newest snapshot; None where only the next one can tell."""
        return is_newest(sae, self.session, self.last)

    def is_closed(self, sae: Counting, tables: Collection[Table]) -> bool:
        """Whether none of the tables can have changed, by the engine's counter."""
        return not self.restless(tables) and bool(self.is_newest(sae))

    def enter(self, ids: TransactionIds) -> None:
        """A new snapshot: where another transaction began since the last one, no table is quiet any more."""
        if ids.own != self.last + 1:
            self._quiet.clear()
        self.last = ids.own

    def restless(self, tables: Collection[Table]) -> list[Table]:
        """Those that may have changed."""
        return [table for table in tables if table not in self._quiet]

    def looked(self, tables: Collection[Table], ids: TransactionIds) -> None:
        """The tables were looked at in the snapshot; they are quiet where it was alone."""
        if ids.oldest_active == ids.own:
            self._quiet.update(tables)


@dataclass(slots=True)
class Pace:
    """When each table may be looked at again, on a monotonic clock."""

    share: float
    clock: Callable[[], float]
    _due: dict[Table, float] = field(default_factory=dict)

    def due(self, tables: Collection[Table]) -> list[Table]:
        now = self.clock()
        return [table for table in tables if self._due.get(table, now) <= now]

    def looked(self, table: Table, began: float, ended: float) -> None:
        self._due[table] = ended + rest_after(ended - began, self.share)
