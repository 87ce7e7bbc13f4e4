"""What was set aside, and when it is tried again.

A change that waits is tried again when its cause may be gone: stock when its product was written, the others after a while. Everything is
tried after a start.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from consumer.ledger import Reason, State, Waiting
from schemas.changes import Entity, Key, Subject

SECONDS = {
    Reason.LOCKED: 1.0,
    Reason.HELD: 1.0,
    Reason.GUARD: 5.0,
    Reason.PARENT: 60.0,
    Reason.REJECTED: 3600.0,
    Reason.KEPT_OUT: 3600.0,
}
"""How long each reason waits before the next try, in seconds."""


@dataclass
class Retries:
    """When each reason was last tried, per subject; `products` holds those written since, whose stock may go in now."""

    tried: dict[tuple[Reason, Subject], float] = field(default_factory=dict)
    products: set[Key] = field(default_factory=set)

    def is_due(self, state: State, current: Collection[Subject], now: float) -> bool:
        """Whether `take` would find something."""
        return bool(self.products) or any(self._due(state, current, now))

    def take(self, state: State, current: Collection[Subject], now: float) -> list[Waiting]:
        """What to try of these subjects at `now` (seconds of a monotonic clock), in order of dependency; it counts as tried.

        A product that was written frees its own stock alone: it does not put off the turn of the others with the same reason.
        """
        due = set(self._due(state, current, now))
        reasons = {reason for reason, _ in due}
        found = {item.place: item for reason in reasons for item in state.waiting.because_of(reason) if (reason, item.subject) in due}
        for product in list(self.products):
            freed = state.waiting.stock_of(product)
            found.update({item.place: item for item in freed if item.subject in current})
            if all(item.subject in current for item in freed):
                self.products.remove(product)
        self.tried.update(dict.fromkeys(due, now))
        return sorted(found.values(), key=_order)

    def _due(self, state: State, current: Collection[Subject], now: float) -> Iterator[tuple[Reason, Subject]]:
        for reason in Reason:
            if state.waiting.because_of(reason):
                tried = ((subject, self.tried.get((reason, subject), float("-inf"))) for subject in current)
                yield from ((reason, subject) for subject, at in tried if now - at >= SECONDS[reason])


def _order(item: Waiting) -> tuple[int, int, str]:
    return list(Entity).index(item.subject.entity), item.subject.warehouse or 0, item.key
