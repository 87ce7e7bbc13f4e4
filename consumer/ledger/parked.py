"""What was set aside: changes that could not be applied yet, and why."""

from collections.abc import Collection, Iterable, Iterator, MutableMapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from schemas.entities import Entity, Subject
from schemas.keys import Key

SubjectKey = tuple[Subject, Key]


class Reason(StrEnum):
    """Why a change waits."""

    PARENT = "parent"
    """The row it needs does not exist yet."""
    UNPOSTED_SALES = "unposted-sales"
    """The store has unposted sales of the product."""
    LOCKED = "locked"
    """A till holds the row."""
    REJECTED = "rejected"
    """It cannot be read or applied as it is."""
    DOUBTFUL = "doubtful"
    """The log is another one, in which it may be older than what CAJA has; deletes wait for somebody, and one of them may be its own."""
    KEPT_OUT = "kept-out"
    """Stock of a product that policy keeps out of CAJA: not trouble, it goes in with the product."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parked:
    """A change set aside: `value` as it stood in the log, None for a tombstone."""

    subject: Subject
    key: Key
    reason: Reason
    detail: str
    value: bytes | None
    content_hash: str
    since: datetime

    def same(self, other: "Parked | None") -> bool:
        """Whether writing this one again would say nothing new."""
        return other is not None and (self.content_hash, self.reason, self.detail) == (other.content_hash, other.reason, other.detail)

    @property
    def place(self) -> SubjectKey:
        return self.subject, self.key


class ParkedChanges(MutableMapping[SubjectKey, Parked]):
    """All that waits, by key; found by reason and, stock, by its product without looking at the rest: it may be very much."""

    def __init__(self, items: Iterable[Parked] = ()) -> None:
        self._items: dict[SubjectKey, Parked] = {}
        self._by_reason: dict[Reason, dict[SubjectKey, Parked]] = {reason: {} for reason in Reason}
        self._stock: dict[Key, set[SubjectKey]] = {}
        for item in items:
            self[item.place] = item

    def __getitem__(self, place: SubjectKey) -> Parked:
        return self._items[place]

    def __setitem__(self, place: SubjectKey, item: Parked) -> None:
        if place in self._items:
            del self[place]
        self._items[place] = self._by_reason[item.reason][place] = item
        if place[0].entity is Entity.STOCK:
            self._stock.setdefault(place[1], set()).add(place)

    def __delitem__(self, place: SubjectKey) -> None:
        item = self._items.pop(place)
        del self._by_reason[item.reason][place]
        if place[0].entity is Entity.STOCK:
            self._stock[place[1]].discard(place)

    def __iter__(self) -> Iterator[SubjectKey]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def because_of(self, reason: Reason) -> Collection[Parked]:
        return self._by_reason[reason].values()

    def stock_of(self, product: Key) -> list[Parked]:
        return [self._items[place] for place in self._stock.get(product, ())]
