"""What was set aside, and when it is tried again.

A change that waits is tried again when its cause may be gone: stock when its product was written, the others after a while. Everything is
tried after a start.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from consumer.ledger import Reason, State, Waiting
from schemas.changes import Entity, Key

SECONDS = {Reason.LOCKED: 1.0, Reason.GUARD: 5.0, Reason.REJECTED: 3600.0, Reason.PARENT: 60.0, Reason.KEPT_OUT: 3600.0}
"""How long each reason waits before the next try, in seconds."""

AT_ONCE = 1000


@dataclass
class Retries:
    """When each reason was last tried; `products` holds those written since, whose stock may go in now."""

    tried: dict[Reason, float] = field(default_factory=dict)
    products: set[Key] = field(default_factory=set)

    def due(self, state: State, now: float) -> list[Waiting]:
        """What to try at `now` (seconds of a monotonic clock), in order of dependency."""
        reasons = {reason for reason in Reason if now - self.tried.get(reason, float("-inf")) >= SECONDS[reason]}
        found = [item for item in state.waiting.values() if item.reason in reasons or self._freed(item)]
        return sorted(found, key=_order)

    def _freed(self, item: Waiting) -> bool:
        return item.subject.entity is Entity.STOCK and item.key in self.products

    def done(self, items: Iterable[Waiting], now: float) -> None:
        """These were tried."""
        for reason in {item.reason for item in items}:
            self.tried[reason] = now
        self.products.clear()


def _order(item: Waiting) -> tuple[int, int, str]:
    return list(Entity).index(item.subject.entity), item.subject.warehouse or 0, item.key
