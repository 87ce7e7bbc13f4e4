"""The cap on deletes: where very many keys of one entity are gone at once, somebody is asked first. Pure.

Who starts over compares all, and so finds again what is held.

A table emptied by mistake, or a SAE that is not the one it was, must not retire a shop's whole catalogue. All else goes on meanwhile: the
log then holds more than SAE, never less.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from producer.capture.compare import Difference, LogKey
from producer.capture.port import Captured
from producer.index import LogIndex
from schemas.entities import Entity, Subject

AT_LEAST, SHARE = 50, 0.05
"""As many deletes of one entity may come in one pass; of the live keys, where that is more."""

log = logging.getLogger("puente.producer")


@dataclass(slots=True)
class DeleteCap:
    """Holds deletes back. Until the first pass is finished `allowed` of each entity may go, however few the cap allows."""

    allowed: int = 0
    held: Mapping[Entity, frozenset[LogKey]] = field(default_factory=dict)
    again: Collection[LogKey] = ()
    """Keys that were held and are few by now: they go where the next pass finds them gone."""
    _next: tuple[Mapping[Entity, frozenset[LogKey]], Collection[LogKey]] = field(default_factory=lambda: ({}, ()))
    _told: Mapping[Entity, int] = field(default_factory=dict)

    def sift(self, captured: Captured, index: LogIndex) -> Captured:
        """What was captured without the deletes that wait; what was held before counts with what is new."""
        gone: dict[Entity, set[LogKey]] = defaultdict(set)
        for difference in captured.differences:
            if difference.body is None:
                gone[difference.subject.entity].add((difference.subject, difference.key))
        unseen = {entity: {place for place in places if not captured.covers(place)} for entity, places in self.held.items()}
        held: dict[Entity, frozenset[LogKey]] = {}
        again: set[LogKey] = set()
        for entity in sorted(gone.keys() | unseen.keys()):
            waiting = gone[entity] | unseen.get(entity, set())
            if len(waiting) > self._most(entity, index):
                held[entity] = frozenset(waiting)
            else:
                again |= unseen.get(entity, set())
        self._next = held, again
        self._tell(held, captured.warehouses)
        kept = [difference for difference in captured.differences if not _waits(difference, held)]
        return replace(captured, differences=kept)

    def _most(self, entity: Entity, index: LogIndex) -> float:
        live = sum(len(index.hashes(subject)) for subject in index.subjects() if subject.entity is entity)
        return max(AT_LEAST, SHARE * live, self.allowed)

    def _tell(self, held: Mapping[Entity, frozenset[LogKey]], warehouses: Collection[int]) -> None:
        counts = {entity: len(places) for entity, places in held.items()}
        for entity, count in counts.items():
            if self._told.get(entity) != count:
                details = {"entity": entity.value, "count": count, "allowed": self.allowed}
                log.warning(
                    "So many deletes at once wait; look at SAE, then let them through with puente produce --allow-deletes",
                    extra={"action": "held", **details},
                )
                left = sorted({subject.warehouse for subject, _ in held[entity] if subject.warehouse is not None} - set(warehouses))
                if left:
                    log.warning(
                        "SAE keeps no stock of some warehouses any more (MULTIALMACEN switched off, or a warehouse deleted): until these "
                        "deletes are let through, stores with such a warehouse show the stock of before",
                        extra={"action": "warehouses gone", "warehouses": ", ".join(map(str, left))},
                    )
        self._told = counts

    @property
    def subjects(self) -> frozenset[Subject]:
        """What deletes wait of."""
        return frozenset(subject for places in self.held.values() for subject, _ in places)

    def keep(self) -> None:
        """The pass is finished: what it held counts, and nothing more is allowed."""
        (self.held, self.again), self.allowed = self._next, 0


def _waits(difference: Difference, held: Mapping[Entity, frozenset[LogKey]]) -> bool:
    return difference.body is None and difference.subject.entity in held
