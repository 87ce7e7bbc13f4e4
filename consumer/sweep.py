"""The sweep after a resync: what CAJA has and the log does not, inactivated by policy.

Catalogues: every active row of CAJA whose key has no live, seen row in the ledger and does not wait. Stock: only keys that the ledger has
and the log does not; their quantity becomes 0.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from consumer.ledger import TOMBSTONE, UNSEEN, State
from consumer.policies import Policies, action
from puente.engines.database import Action
from schemas.changes import Entity, Key, Subject

CAP_ROWS, CAP_SHARE = 50, 0.05
_NOT_LIVE = (TOMBSTONE, UNSEEN)


@dataclass(frozen=True, slots=True)
class Found:
    """The keys to sweep, of so many that could be."""

    gone: list[Key]
    of: int

    def is_too_much(self, allowed: int | None) -> bool:
        """More than max(50, 5 %), and than a person allowed."""
        return len(self.gone) > max(CAP_ROWS, CAP_SHARE * self.of, allowed or 0)


class Actives(Protocol):
    """Of `Caja`, what a sweep needs to see."""

    def active(self, entity: Entity) -> list[Key]: ...


def find(subject: Subject, caja: Actives, state: State, policies: Policies, spared: Collection[Key] = ()) -> Found:
    """What a sweep would take; reads CAJA, writes nothing. SAE has the keys in `spared` though the log lacks them."""
    if action(subject.entity, None, policies) is Action.NOTE:
        return Found([], 0)
    hashes = state.hashes.get(subject, {})
    if subject.entity is Entity.STOCK:
        candidates = [key for key, content in hashes.items() if content == UNSEEN]
        size = len(hashes)
    else:
        active = caja.active(subject.entity)
        candidates, size = [key for key in active if hashes.get(key, UNSEEN) in _NOT_LIVE], len(active)
    return Found([key for key in candidates if key not in spared and (subject, key) not in state.waiting], size)
