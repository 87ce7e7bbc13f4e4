"""When tables are looked at, and when all of SAE is compared. Pure; clocks are the caller's."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Protocol

from foundation.engines.database import ActiveTransactions, TransactionIds
from producer.sae.tables import KEYS, Clie, CvesAlter, Inve, Mult, PrecioXProd, Row

NIGHT = time(3)
SOON_SECONDS = 0.1
_UNKNOWN = frozenset((0,))
"""No transaction has this number, so none of this one runs."""
Table = type[Row]
URGENT = (PrecioXProd, Inve, CvesAlter, Clie, Mult)
"""The large tables by what a cashier misses first."""
_PLACE = {table: place for place, table in enumerate((*(table for table in KEYS if table not in URGENT), *URGENT))}


def in_order(tables: Collection[Table], first: Collection[Table], later: Collection[Table]) -> list[Table]:
    """The tables as they are looked at: those of `first`, then the urgent ones, and `later` those that were looked at a moment ago."""
    return sorted(tables, key=lambda table: (table not in first, table in later, _PLACE[table]))


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

    def active_transactions(self) -> ActiveTransactions | None: ...


def is_newest(sae: Counting, session: int, number: int) -> bool | None:
    """Whether no transaction began since the one of this number, in the same session; None where the engine's counter tells nothing.

    SAE is asked in a way that costs it nothing. The counter comes first, then the session: to ask may have opened a new one, in which the
    same number means another transaction.
    """
    newest = sae.newest_transaction()
    return None if newest is None else (sae.connections, newest) == (session, number)


@dataclass(slots=True)
class Gate:
    """In which tables nothing can have changed since they were looked at: no transaction began since then, and those that ran still run.

    Numbers of transactions count within one session only. `last` is the newest that we took: as long as it is the newest of all, which the
    engine's counter tells, none began.
    """

    session: int
    last: int
    _running: dict[Table, frozenset[int]] = field(default_factory=dict)
    """Of each table that was looked at what ran then, and perhaps more: it may have written to it, and commit later. A table that is not
    named here must be looked at."""
    _asked: ActiveTransactions | None = None

    def is_newest(self, sae: Counting) -> bool | None:
        """Whether no transaction began since our newest; None where only a snapshot can tell."""
        return is_newest(sae, self.session, self.last)

    def is_closed(self, sae: Counting, tables: Collection[Table]) -> bool:
        """Whether none of the tables can have changed. Takes a number of a transaction where one may have ended, else it costs nothing."""
        if not self.is_newest(sae):
            return False
        if not self.restless(tables):
            return True
        self._asked = asked = self._ask(sae)
        return asked is not None and all(self._running.get(table, _UNKNOWN) <= asked.numbers for table in tables)

    def _ask(self, sae: Counting) -> ActiveTransactions | None:
        """What runs now; None where it cannot be told, or something began meanwhile."""
        asked = sae.active_transactions()
        if asked is None or (sae.connections, asked.own) != (self.session, self.last + 1):
            return None
        self.last = asked.own
        return asked

    def enter(self, ids: TransactionIds) -> bool:
        """A new snapshot; returns whether another transaction began since our newest: then any table may have changed."""
        others = ids.own != self.last + 1
        if others:
            self._running.clear()
        self.last = ids.own
        return others

    def restless(self, tables: Collection[Table]) -> list[Table]:
        """Those that may have changed, but for what the engine knows of those who ran."""
        return [table for table in tables if self._running.get(table) != frozenset()]

    def looked(self, tables: Collection[Table], ids: TransactionIds) -> None:
        """The tables were looked at in the snapshot.

        What ran in it is known where it was alone, or where that was asked just before. What is undecided, nobody sees end.
        """
        if ids.oldest_active == ids.own:
            self._running.update(dict.fromkeys(tables, frozenset[int]()))
        elif self._asked is not None and self._asked.own + 1 == ids.own and not ids.undecided:
            self._running.update(dict.fromkeys(tables, self._asked.numbers))
        else:
            for table in tables:
                self._running.pop(table, None)


@dataclass(slots=True)
class Impatience:
    """When it is asked whether a transaction that ran at the last look has ended: soon, then less and less often.

    Most have ended after an instant; one that somebody left open over lunch should not cost a number ten times a second.
    """

    _seconds: float = SOON_SECONDS
    _at: float = 0.0

    def begin(self, now: float) -> None:
        self._seconds, self._at = SOON_SECONDS, now + SOON_SECONDS

    def takes(self, now: float) -> bool:
        """Whether it is time to ask; if so, the next time is later."""
        if now < self._at:
            return False
        self._seconds *= 2
        self._at = now + self._seconds
        return True


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
