"""SAE in memory: tables of row versions, transactions that begin, write, commit late or never, and sessions that break."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from foundation.engines.database import ActiveTransactions, Survey, TransactionIds
from foundation.errors import ConnectionLost
from foundation.texts import text
from producer.sae.tables import KEYS, TABLES, AnyRow, CvesAlter, Layout, RawKey, Row
from schemas.control import SaeIdentity
from tests.fakes.sae import raw_key
from tests.simulation.scheduler import Process
from tests.simulation.truth import Said, SubjectKey, anothers_rows, first_rows, in_sae

Table = type[Row]
Written = dict[tuple[Table, RawKey], Row | None]
FOREVER = float("inf")
OWN = SaeIdentity(marks=("peso", "iva", "public"), place="own")
ANOTHERS = SaeIdentity(marks=("dollar", "vat", "retail"), place="another's")


@dataclass
class Backup:
    """The database as it was, and which transaction number was next."""

    rows: dict[Table, dict[RawKey, tuple[int, Row]]]
    next: int


@dataclass
class SimSae:
    """The database. What a transaction writes replaces whatever was committed meanwhile, under its own number: versions go down.

    `current` is what SAE says of each key, `said_until` when (in commits) it last said something else.
    """

    next: int = 1
    open: dict[int, Written] = field(default_factory=dict)
    reading: set[int] = field(default_factory=set)
    epoch: int = 0
    commits: int = 0
    backup: Backup | None = None
    current: dict[SubjectKey, Said] = field(default_factory=dict)
    said_until: dict[tuple[SubjectKey, Said | None], int] = field(default_factory=dict)
    all_exact: bool = True
    is_away: bool = False
    """Whether the settings name another company's database: the programs read that one, and people go on in this one."""
    taken: Written = field(default_factory=dict)
    """The rows of before the last mass change."""
    lag: int = 0
    """For how many more looks the counter of transactions shows fewer than have begun."""

    def __post_init__(self) -> None:
        self.rows: dict[Table, dict[RawKey, tuple[int, Any]]] = {table: {} for table in TABLES}
        for found in first_rows():
            self.rows[type(found)][raw_key(found)] = (0, found)
        self.note()

    def begin(self) -> int:
        number, self.next = self.next, self.next + 1
        self.open[number] = {}
        return number

    def newest_shown(self) -> int:
        """What the engine's counter says; an engine may be late with it for a while."""
        self.lag = max(0, self.lag - 1)
        return self.next - 1 - self.lag

    def write(self, number: int, table: Table, raw: RawKey, row: Row | None) -> None:
        """None deletes. A row that another transaction holds is left alone: its writer would wait."""
        if not any((table, raw) in written for other, written in self.open.items() if other != number):
            self.open[number][table, raw] = row

    def commit(self, number: int) -> None:
        for (table, raw), row in self.open.pop(number).items():
            if row is None:
                self.rows[table].pop(raw, None)
            else:
                self.rows[table][raw] = (number, row)
        self.note()

    def end(self, number: int) -> None:
        """Rolls back, or ends a reader."""
        self.open.pop(number, None)
        self.reading.discard(number)

    @property
    def writers(self) -> list[int]:
        """The transactions of other programs."""
        return sorted(self.open.keys() - self.reading)

    def at_once(self, *written: tuple[Table, RawKey, Row | None]) -> None:
        """One transaction."""
        number = self.begin()
        for table, raw, row in written:
            self.write(number, table, raw, row)
        self.commit(number)

    def back_up(self) -> None:
        self.backup = Backup({table: dict(rows) for table, rows in self.rows.items()}, self.next)

    def restore(self, *, gbak: bool) -> None:
        """From a file's copy, or by gbak, which numbers transactions from the start. Every session ends."""
        assert self.backup is not None
        for table, rows in self.backup.rows.items():
            self.rows[table] = {raw: (1 if gbak else number, row) for raw, (number, row) in rows.items()}
        self.next = 2 if gbak else self.backup.next
        self.open.clear()
        self.reading.clear()
        self.epoch += 1
        self.note()

    def swap(self, *, is_away: bool) -> None:
        """The settings name the other database from now on. Every session ends."""
        self.is_away = is_away
        self.open.clear()
        self.reading.clear()
        self.epoch += 1

    def read(self) -> dict[Table, dict[RawKey, tuple[int, Any]]]:
        """What the programs see."""
        if not self.is_away:
            return self.rows
        found: dict[Table, dict[RawKey, tuple[int, Any]]] = {table: {} for table in TABLES}
        for row in anothers_rows():
            found[type(row)][raw_key(row)] = (1, row)
        return found

    def note(self) -> None:
        self.commits += 1
        now = in_sae(self.rows)
        for place in self.current.keys() | now.keys():
            if self.current.get(place) != now.get(place):
                self.said_until[place, self.current.get(place)] = self.commits
        self.current = now

    def says(self, place: SubjectKey, said: Said | None) -> float:
        """Until when SAE said so: `FOREVER` where it still does, 0 where it never did."""
        return FOREVER if self.current.get(place) == said else self.said_until.get((place, said), 0)


class SaeSession:
    """`Sae` for one process: a session that may break between two calls, with or without a sign."""

    counts: ClassVar[int] = 1
    """What another connection adds to `connections`."""

    def __init__(self, sae: SimSae, process: Process) -> None:
        self._sae, self._process, self._epoch = sae, process, sae.epoch
        self.connections = 1
        self.broken, self.loud = False, True
        """Whether the session ended, and whether that is an error: the engine may as well connect again before anybody notices."""

    def look_anew(self) -> None:
        """Its columns stay as they are."""

    def newest_transaction(self) -> int:
        self._connect()
        return self._sae.newest_shown()

    def active_transactions(self) -> ActiveTransactions:
        self._connect()
        asking = self._sae.begin()
        self._sae.end(asking)
        return ActiveTransactions(self._sae.newest_shown(), frozenset(self._sae.open))

    def identity(self) -> SaeIdentity:
        self._connect()
        return ANOTHERS if self._sae.is_away else OWN

    def _connect(self) -> None:
        self._process.call()
        if self.broken or self._epoch != self._sae.epoch:
            self.broken, self._epoch = False, self._sae.epoch
            self.connections += self.counts
            if self.loud:
                raise _lost()

    @contextmanager
    def snapshot(self) -> Iterator["SimSnapshot"]:
        self._connect()
        own = self._sae.begin()
        self._sae.reading.add(own)
        try:
            yield SimSnapshot(self._sae, own, self._alive)
        finally:
            if self._epoch == self._sae.epoch:
                self._sae.end(own)

    def _alive(self) -> None:
        self._process.call()
        if self.broken or self._epoch != self._sae.epoch:
            raise _lost()


def _lost() -> ConnectionLost:
    return ConnectionLost(text("planted"))


class SimSnapshot:
    """`Snapshot`: the committed rows of one moment."""

    def __init__(self, sae: SimSae, own: int, alive: Callable[[], None]) -> None:
        self._rows: Mapping[Any, Mapping[RawKey, tuple[int, Any]]] = {table: dict(rows) for table, rows in sae.read().items()}
        self._alive = alive
        self.ids = TransactionIds(own=own, oldest_active=min(sae.open))
        self.layout = Layout()
        self.exact = frozenset(KEYS) if sae.all_exact else frozenset(KEYS) - {CvesAlter}

    def rows(self, table: type[AnyRow]) -> Iterator[AnyRow]:
        self._alive()
        for _, row in self._rows[table].values():
            yield row

    def rows_where(self, table: type[AnyRow], column: str, values: Collection[Any]) -> Iterator[AnyRow]:
        return (row for row in self.rows(table) if getattr(row, column) in values)

    def count(self, table: Table) -> int:
        self._alive()
        return len(self._rows[table])

    def keys(self, table: Table) -> Iterator[RawKey]:
        self._alive()
        yield from self._rows[table]

    def survey_together(self, _tables: Collection[Table]) -> None:
        """Each is read when it is asked for."""

    def survey(self, table: Table, since: int) -> Survey:
        self._alive()
        found = self._rows[table]
        return Survey(len(found), [(raw, number) for raw, (number, _) in found.items() if number >= since])
