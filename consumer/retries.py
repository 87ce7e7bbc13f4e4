"""What was set aside, and when it is tried again.

A change that waits is tried again when its cause may be gone: stock when its product was written, the others after a while. Everything is
tried after a start.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from consumer.ledger.parked import Parked, Reason, SubjectKey
from consumer.ledger.state import State
from schemas.entities import Entity, Subject
from schemas.keys import Key

SECONDS = {
    Reason.LOCKED: 1.0,
    Reason.DOUBTFUL: 1.0,
    Reason.UNPOSTED_SALES: 5.0,
    Reason.PARENT: 60.0,
    Reason.REJECTED: 3600.0,
    Reason.KEPT_OUT: 3600.0,
}
"""How long each reason waits before the next try, in seconds."""


@dataclass
class Retries:
    """When each reason was last tried, per subject; `freed` is stock whose product was written since: it may go in now."""

    tried: dict[tuple[Reason, Subject], float] = field(default_factory=dict)
    freed: set[SubjectKey] = field(default_factory=set)

    def free(self, state: State, products: Iterable[Key]) -> None:
        """These were written."""
        self.freed.update(item.place for product in products for item in state.parked.stock_of(product))

    def is_due(self, state: State, current: Collection[Subject], now: float) -> bool:
        """Whether `take` would find something."""
        return any(subject in current for subject, _ in self.freed) or any(self._due(state, current, now))

    def take(self, state: State, current: Collection[Subject], now: float) -> list[Parked]:
        """What to try of these subjects at `now` (seconds of a monotonic clock), in order of dependency; it counts as tried.

        A product that was written frees its own stock alone: it does not put off the turn of the others with the same reason.
        """
        due = set(self._due(state, current, now))
        reasons = {reason for reason, _ in due}
        found = {item.place: item for reason in reasons for item in state.parked.because_of(reason) if (reason, item.subject) in due}
        freed = {place for place in self.freed if place[0] in current}
        found.update({place: state.parked[place] for place in freed if place in state.parked})
        self.freed -= freed
        self.tried.update(dict.fromkeys(due, now))
        return sorted(found.values(), key=_order)

    def _due(self, state: State, current: Collection[Subject], now: float) -> Iterator[tuple[Reason, Subject]]:
        for reason in Reason:
            if state.parked.because_of(reason):
                tried = ((subject, self.tried.get((reason, subject), float("-inf"))) for subject in current)
                yield from ((reason, subject) for subject, at in tried if now - at >= SECONDS[reason])


def _order(item: Parked) -> tuple[int, int, str]:
    return list(Entity).index(item.subject.entity), item.subject.warehouse or 0, item.key
