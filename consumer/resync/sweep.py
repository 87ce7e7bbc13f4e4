"""The sweep after a resync: what CAJA has and the log does not, inactivated by policy.

Catalogues: every active row of CAJA whose key has no live, seen row in the ledger and does not wait. Stock: only keys that the ledger has
and the log does not; their quantity becomes 0. So does what a store has left of a warehouse that no store is any more: it may have been its
own, before somebody changed its «Almacén en SAE».
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from consumer.ledger.state import TOMBSTONE, UNSEEN, State
from consumer.mapping.action import action
from consumer.policies import Policies
from foundation.engines.writing import Action
from schemas.entities import Entity, Subject
from schemas.keys import Key

CAP_ROWS, CAP_SHARE = 50, 0.05
_NOT_LIVE = (TOMBSTONE, UNSEEN)


@dataclass(frozen=True, slots=True)
class Found:
    """The keys to sweep, of so many that could be; `left` of them are what is left of another warehouse, which no cap holds up."""

    gone: list[Key]
    of: int
    left: int = 0

    def is_too_much(self, allowed: int | None) -> bool:
        """More than max(50, 5 %), and than a person allowed."""
        return len(self.gone) - self.left > max(CAP_ROWS, CAP_SHARE * self.of, allowed or 0)


class Actives(Protocol):
    """Of `Caja`, what a sweep needs to see."""

    def active(self, entity: Entity) -> list[Key]: ...


def find(
    subject: Subject, caja: Actives, state: State, policies: Policies, spared: Collection[Key] = (), warehouses: Collection[int] = ()
) -> Found:
    """What a sweep would take; reads CAJA, writes nothing.

    SAE has the keys in `spared` though the log lacks them; `warehouses` are those that CAJA's stores are now (none: not told).
    """
    if action(subject.entity, None, policies) is Action.NOTE:
        return Found([], 0)
    hashes = state.hashes.get(subject, {})
    if subject.entity is Entity.STOCK:
        candidates = [key for key, content in hashes.items() if content == UNSEEN]
        size, left = len(hashes), _left(hashes, state, warehouses)
    else:
        active = caja.active(subject.entity)
        candidates, size, left = [key for key in active if hashes.get(key, UNSEEN) in _NOT_LIVE], len(active), set[Key]()
    gone = [key for key in (*candidates, *sorted(left)) if key not in spared and (subject, key) not in state.parked]
    return Found(gone, size, len(left.intersection(gone)))


def _left(known: Collection[Key], state: State, warehouses: Collection[int]) -> set[Key]:
    """The products of warehouses that no store is any more, of whose stock in this one nothing is known."""
    unserved = [of for of in state.hashes if warehouses and of.entity is Entity.STOCK and of.warehouse not in warehouses]
    return {key for of in unserved for key, content in state.hashes[of].items() if content not in _NOT_LIVE and key not in known}
