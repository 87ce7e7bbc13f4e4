"""What was set aside, and when it is tried again.

A change that waits is tried again when its cause may be gone: stock when its product was written, the others after a while. Everything is
tried after a start.
"""

from dataclasses import dataclass, field

from consumer.ledger import Reason, State, Waiting
from schemas.changes import Entity, Key

SECONDS = {Reason.LOCKED: 1.0, Reason.GUARD: 5.0, Reason.REJECTED: 3600.0, Reason.PARENT: 60.0, Reason.KEPT_OUT: 3600.0}
"""How long each reason waits before the next try, in seconds."""


@dataclass
class Retries:
    """When each reason was last tried; `products` holds those written since, whose stock may go in now."""

    tried: dict[Reason, float] = field(default_factory=dict)
    products: set[Key] = field(default_factory=set)

    def take(self, state: State, now: float) -> list[Waiting]:
        """What to try at `now` (seconds of a monotonic clock), in order of dependency; it counts as tried.

        A product that was written frees its own stock alone: it does not put off the turn of the others with the same reason.
        """
        due = [
            reason
            for reason in Reason
            if state.waiting.because_of(reason) and now - self.tried.get(reason, float("-inf")) >= SECONDS[reason]
        ]
        found = {item.place: item for reason in due for item in state.waiting.because_of(reason)}
        for product in self.products:
            found.update({item.place: item for item in state.waiting.stock_of(product)})
        self.tried.update(dict.fromkeys(due, now))
        self.products.clear()
        return sorted(found.values(), key=_order)


def _order(item: Waiting) -> tuple[int, int, str]:
    return list(Entity).index(item.subject.entity), item.subject.warehouse or 0, item.key
