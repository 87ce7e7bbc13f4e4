"""Which changes a pass looks at: the port of the capture modes, and the mode `compare`.

`compare` reads everything in one snapshot and compares it with the log index by key and content, deletes included. It finds every change
that is still there when it reads, however it was made; it is the only mode that needs nothing from SAE.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Protocol

from foundation.engines.database import TransactionIds
from foundation.once import once
from producer.capture.compare import Comparison, Difference, Keys, LogKey, Problem
from producer.capture.schedule import rest_after
from producer.index import LogIndex
from producer.sae.contents import StockSource, everything_with, price_lists
from producer.sae.limbo import Stuck, UpToLimbo, resting_on, told
from producer.sae.port import Beating, Sae
from producer.sae.tables import Precios
from schemas.control import Duplicate, StuckTable, Unpublished
from schemas.entities import Entity, Subject

COMPARE = "compare"
CheckKeys = Collection[LogKey]
NAMED = 20
"""Rows of a kind, as many as the heartbeat names."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What the heartbeat tells of SAE as it was last read.

    Of the subjects in `lacking` the log will not hold all that SAE holds; of the entities in `waiting` it does not yet, since they rest on
    tables in `stuck`. `unpublished` names the first of `unpublished_count` rows that no event can hold, those that the log knows nothing of
    before those of which it has an older event, and `duplicates` the first of `duplicate_count` rows that lost to one with the same key
    once trimmed. `price_lists` is None where they cannot be read.
    """

    lacking: frozenset[Subject]
    price_lists: tuple[int, ...] | None
    waiting: frozenset[Entity] = frozenset()
    stuck: tuple[StuckTable, ...] = ()
    unpublished: tuple[Unpublished, ...] = ()
    unpublished_count: int = 0
    duplicates: tuple[Duplicate, ...] = ()
    duplicate_count: int = 0

    def is_complete(self, subject: Subject) -> bool:
        return subject not in self.lacking and subject.entity not in self.waiting


@dataclass(frozen=True, kw_only=True)
class Captured:
    """What one snapshot showed.

    `at` is when it was taken. `only` holds the keys that were looked at, None where it was all of them. `warehouses` may hold stock, so
    each has a topic. `price_lists` are the numbers of SAE's. `read` counts SAE's rows that travel. `problems` and `collisions` (raw keys
    that lost to one that is equal once trimmed) are all there are now, for people, and so are the tables that are `stuck`. `stock` tells
    where stock stands, None where that is not known. `marks` is the mode's own.
    """

    at: datetime
    mode: str
    differences: list[Difference]
    only: Keys | None = None
    warehouses: frozenset[int] = frozenset()
    price_lists: tuple[int, ...] | None = ()
    read: int = 0
    problems: tuple[Problem, ...] = ()
    collisions: tuple[tuple[Subject, str], ...] = ()
    stuck: Stuck = field(default_factory=dict)
    stock: StockSource | None = None
    marks: object = None

    @once
    def waiting(self) -> frozenset[Entity]:
        """What rests on tables that are stuck."""
        return resting_on(self.stuck, self.stock)

    def covers(self, place: LogKey) -> bool:
        """Whether the key was looked at."""
        subject, key = place
        return subject.entity not in self.waiting if self.only is None else key in self.only.get(subject, ())

    @property
    def standing(self) -> Standing:
        """For the heartbeat, once all of it is acknowledged."""
        first = sorted(self.problems, key=lambda problem: (problem.said, problem.subject, problem.key))[:NAMED]
        return Standing(
            lacking=frozenset(problem.subject for problem in self.problems if not problem.said),
            price_lists=self.price_lists,
            waiting=self.waiting,
            stuck=told(self.stuck, self.stock),
            unpublished=tuple(problem.row for problem in first),
            unpublished_count=len(self.problems),
            duplicates=tuple(Duplicate(str(subject), raw) for subject, raw in sorted(self.collisions)[:NAMED]),
            duplicate_count=len(self.collisions),
        )


class Capture(Protocol):
    """A capture mode. Nothing it learns in `changes` may count before `keep` says that all of it was acknowledged."""

    mode: str

    def changes(self, index: LogIndex, check: CheckKeys, beat: Callable[[], None]) -> Captured | None:
        """Reads SAE in one short snapshot, closed before it returns; None where it did not look, or nothing can have changed.

        `check` holds keys that must be looked at whatever the mode thinks. Calls `beat` now and then while it reads. Errors are those of
        `Database`, and what `beat` raises.
        """
        ...

    def keep(self, captured: Captured) -> None:
        """All of `captured` is acknowledged: its marks count from now on."""
        ...

    def forget(self) -> None:
        """Start over: no mark counts."""
        ...


@dataclass(frozen=True, slots=True)
class _Marks:
    """`quiet` is the session and the number that our next transaction gets if nobody else begins one; None where another one ran.

    `due` is when all of SAE may be read again.
    """

    quiet: tuple[int, int] | None
    due: float


class CompareCapture:
    """The mode `compare`.

    All of SAE is read at most once in `every_seconds`, and for at most `share` (0 to 1) of the time. Nothing is read where no transaction
    began or ran since the last finished pass (transaction numbers count within one session only).
    """

    mode = COMPARE

    def __init__(
        self,
        sae: Sae,
        *,
        every_seconds: float = 0.0,
        share: float = 1.0,
        clock: Callable[[], float] = monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._sae, self._every, self._share = sae, every_seconds, share
        self._clock, self._now = clock, now
        self._kept: _Marks | None = None

    def changes(self, index: LogIndex, check: CheckKeys, beat: Callable[[], None]) -> Captured | None:
        began = self._clock()
        kept = None if check else self._kept
        if kept is not None and began < kept.due:
            return None
        with self._sae.snapshot() as snapshot:
            ids, session, at = snapshot.ids, self._sae.connections, self._now()
            if kept is not None and ids is not None and kept.quiet == (session, ids.own):
                self._kept = _Marks((session, ids.own + 1), kept.due)
                return None
            comparison, rows = Comparison(index), UpToLimbo(snapshot)
            for row in everything_with(Beating(rows, beat), rows.places.source):
                comparison.add(row)
            lists = price_lists(rows)
        comparison.leave_out(resting_on(rows.stuck, rows.places.source))
        return Captured(
            at=at,
            mode=self.mode,
            differences=comparison.differences,
            warehouses=comparison.warehouses | rows.places.warehouses,
            price_lists=None if Precios in rows.stuck else lists,
            read=comparison.read,
            problems=tuple(comparison.problems),
            collisions=tuple(comparison.collisions),
            stuck=rows.stuck,
            stock=rows.places.source,
            marks=_Marks(_quiet_after(ids, session), self._next(began)),
        )

    def _next(self, began: float) -> float:
        ended = self._clock()
        return ended + max(self._every, rest_after(ended - began, self._share))

    def keep(self, captured: Captured) -> None:
        assert isinstance(captured.marks, _Marks)
        self._kept = captured.marks

    def forget(self) -> None:
        self._kept = None


def _quiet_after(ids: TransactionIds | None, session: int) -> tuple[int, int] | None:
    return (session, ids.own + 1) if ids is not None and ids.oldest_active == ids.own else None
