"""Which changes a pass looks at: the port of the capture modes."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from foundation.once import once
from producer.capture.comparison import Difference, Keys, LogKey, Problem
from producer.index import LogIndex
from producer.sae.contents import StockSource
from producer.sae.limbo import Stuck, resting_on, stuck_tables
from schemas.control import Duplicate, StuckTable, Unpublished
from schemas.entities import Entity, Subject

CheckKeys = Collection[LogKey]
NAMED = 20
"""Rows of a kind, as many as the heartbeat names."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What the heartbeat tells of SAE as it was last read.

    The log will not hold all that SAE holds of the subjects in `incomplete`; of the entities in `waiting` it does not yet, since they rest
    on tables in `stuck`. `unpublished` names the first of `unpublished_count` rows that no event can hold, those that the log knows nothing
    of before those of which it has an older event, and `duplicates` the first of `duplicate_count` rows that lost to one with the same key
    once trimmed. `price_lists` is None where they cannot be read.
    """

    incomplete: frozenset[Subject]
    price_lists: tuple[int, ...] | None
    waiting: frozenset[Entity] = frozenset()
    stuck: tuple[StuckTable, ...] = ()
    unpublished: tuple[Unpublished, ...] = ()
    unpublished_count: int = 0
    duplicates: tuple[Duplicate, ...] = ()
    duplicate_count: int = 0

    def is_complete(self, subject: Subject) -> bool:
        return subject not in self.incomplete and subject.entity not in self.waiting


@dataclass(frozen=True, kw_only=True)
class Captured:
    """What one snapshot showed.

    `at` is when it was taken. `only` holds the keys that were looked at, None where it was all of them. `warehouses` may hold stock, so
    each has a topic. `price_lists` are the numbers of SAE's. `read` counts SAE's rows that travel. `problems` and `collisions` (raw keys
    that lost to one that is equal once trimmed) are all there are now, for people, and so are the tables that are `stuck`. `stock` tells
    where stock stands, None where that is not known. `goes_on` says that more waits to be looked at now. `marks` is the mode's own.
    """

    at: datetime
    mode: str
    differences: Collection[Difference]
    only: Keys | None = None
    warehouses: frozenset[int] = frozenset()
    price_lists: tuple[int, ...] | None = ()
    read: int = 0
    problems: tuple[Problem, ...] = ()
    collisions: tuple[tuple[Subject, str], ...] = ()
    stuck: Stuck = field(default_factory=dict)
    stock: StockSource | None = None
    goes_on: bool = False
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
            incomplete=frozenset(problem.subject for problem in self.problems if not problem.said),
            price_lists=self.price_lists,
            waiting=self.waiting,
            stuck=stuck_tables(self.stuck, self.stock),
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

    def has_news(self) -> bool:
        """Whether a look now may find something that one a moment ago could not, asked of SAE in a way that costs it nothing.

        False where nobody can tell without a look: then a look is due at its own time alone.
        """
        ...

    def keep(self, captured: Captured) -> None:
        """All of `captured` is acknowledged: its marks count from now on."""
        ...

    def forget(self) -> None:
        """Start over: no mark counts."""
        ...
