"""The cap on deletes: where very many keys of one entity are gone at once, somebody is asked first. Pure.

Who starts over compares all, and so finds again what is held.

A table emptied by mistake, or a SAE that is not the one it was, must not retire a shop's whole catalogue. All else goes on meanwhile: the
log then holds more than SAE, never less.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from producer.capture.comparison import Difference, LogKey
from producer.capture.port import Captured
from producer.index import LogIndex
from schemas.control import HeldDeletes
from schemas.entities import Entity, Subject

AT_LEAST, SHARE = 50, 0.05
"""As many deletes of one entity may come in one pass; of the live keys, where that is more."""
WHOLE = 3
"""An entity with as many live keys does not go as a whole, however few they are: SAE has six tax schemes, and a shop needs them."""

log = logging.getLogger("puente.producer")


@dataclass(frozen=True, slots=True)
class Held:
    """What the heartbeat tells: the subjects that deletes wait of, and how many deletes wait."""

    subjects: frozenset[Subject] = frozenset()
    deletes: tuple[HeldDeletes, ...] = ()


@dataclass(slots=True)
class DeleteCap:
    """Holds deletes back. Until the first pass is finished `allowed` of each entity may go, however few the cap allows."""

    allowed: int = 0
    held: Mapping[Entity, frozenset[LogKey]] = field(default_factory=dict)
    gone: frozenset[int] = frozenset()
    """Of the warehouses that deletes wait of those of which SAE keeps no stock any more."""
    again: Collection[LogKey] = ()
    """Keys that were held and are few by now: they go where the next pass finds them gone."""
    _next: tuple[Mapping[Entity, frozenset[LogKey]], frozenset[int], Collection[LogKey]] = field(
        default_factory=lambda: ({}, frozenset(), ())
    )
    _logged: Mapping[Entity, int] = field(default_factory=dict)
    _logged_gone: frozenset[int] = frozenset()

    def sift(self, captured: Captured, index: LogIndex) -> Captured:
        """What was captured without the deletes that wait; what was held before counts with what is new."""
        replaced: set[Entity] = set()
        gone: dict[Entity, set[LogKey]] = defaultdict(set)
        for difference in captured.differences:
            if difference.body is None:
                gone[difference.subject.entity].add((difference.subject, difference.key))
            elif difference.key not in index.hashes(difference.subject):
                replaced.add(difference.subject.entity)
        unseen = {entity: {place for place in places if not captured.covers(place)} for entity, places in self.held.items()}
        held: dict[Entity, frozenset[LogKey]] = {}
        again: set[LogKey] = set()
        for entity in sorted(gone.keys() | unseen.keys()):
            waiting = gone[entity] | unseen.get(entity, set())
            if len(waiting) > self._most(entity, index, 0 if entity in replaced else len(waiting)):
                held[entity] = frozenset(waiting)
            else:
                again |= unseen.get(entity, set())
        left = self._gone(held.get(Entity.STOCK, frozenset()), captured, index)
        self._next = held, left, again
        self._log_held(held, left)
        kept = [difference for difference in captured.differences if not _waits(difference, held)]
        return replace(captured, differences=kept)

    def _most(self, entity: Entity, index: LogIndex, gone: int) -> float:
        """How many may go; `gone` counts those that would leave nothing in their place."""
        live = sum(len(index.hashes(subject)) for subject in index.subjects() if subject.entity is entity)
        return self.allowed if gone >= live >= WHOLE else max(AT_LEAST, SHARE * live, self.allowed)

    def _gone(self, stock: frozenset[LogKey], captured: Captured, index: LogIndex) -> frozenset[int]:
        """The warehouses all of whose stock waits to be deleted; as before where nobody knows where SAE keeps stock."""
        if Entity.STOCK in captured.waiting:
            return self.gone
        counts = Counter(subject for subject, _ in stock)
        whole = {subject.warehouse for subject, count in counts.items() if count == len(index.hashes(subject))}
        return frozenset(warehouse for warehouse in whole if warehouse is not None) - captured.warehouses

    def _log_held(self, held: Mapping[Entity, frozenset[LogKey]], left: frozenset[int]) -> None:
        counts = {entity: len(places) for entity, places in held.items()}
        for entity, count in counts.items():
            if self._logged.get(entity) != count:
                details = {"entity": entity.value, "count": count, "allowed": self.allowed}
                log.warning(
                    "So many deletes at once wait; look at SAE, then let them through with puente produce --allow-deletes",
                    extra={"action": "held", **details},
                )
        if left - self._logged_gone:
            log.warning(
                "SAE keeps no stock of some warehouses any more (MULTIALMACEN switched off, or a warehouse deleted): until these "
                "deletes are let through, stores with such a warehouse show the stock of before",
                extra={"action": "warehouses gone", "warehouses": ", ".join(map(str, sorted(left)))},
            )
        self._logged, self._logged_gone = counts, left

    @property
    def for_heartbeat(self) -> Held:
        """What is held, as the heartbeat carries it."""
        deletes = tuple(
            HeldDeletes(entity=entity.value, count=len(places), warehouses=tuple(sorted(self.gone)) if entity is Entity.STOCK else ())
            for entity, places in sorted(self.held.items())
        )
        return Held(frozenset(subject for places in self.held.values() for subject, _ in places), deletes)

    def keep(self) -> None:
        """The pass is finished: what it held counts, and nothing more is allowed."""
        (self.held, self.gone, self.again), self.allowed = self._next, 0


def _waits(difference: Difference, held: Mapping[Entity, frozenset[LogKey]]) -> bool:
    return difference.body is None and difference.subject.entity in held
