"""A mass change is held: what would take very much away from the tills at once waits until somebody lets it through. Pure.

Of each entity and each kind of loss the keys are counted. A table emptied by mistake, a program that empties it and fills it again a moment
later, or a SAE that is not the one it was, must not retire a shop's catalogue, nor its prices. All else goes on meanwhile; the log then
holds more than SAE, or something older. What SAE takes back waits no more. Who starts over compares all, and so finds again what is held.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from producer.capture.comparison import Difference, LogKey
from producer.capture.port import Captured
from producer.index import LogIndex
from producer.losses import ASPECTS, Kind, way_through
from schemas.control import HeldDeletes, HeldUpdates
from schemas.entities import Entity, Subject

AT_LEAST, SHARE = 50, 0.05
"""As many keys of an entity may lose something of one kind in one pass; of those that have it, where that is more."""
WHOLE, SMALL = 3, 1000
"""Of an entity of at most `SMALL` keys not all lose it, where there are `WHOLE`: SAE has six tax schemes, and a shop needs them."""

log = logging.getLogger("puente.producer")

Loss = tuple[Entity, Kind]
Waiting = Mapping[Loss, frozenset[LogKey]]
Beat = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Held:
    """What the heartbeat tells: the subjects of which something waits, and how much."""

    subjects: frozenset[Subject] = frozenset()
    deletes: tuple[HeldDeletes, ...] = ()
    updates: tuple[HeldUpdates, ...] = ()


@dataclass(frozen=True, slots=True)
class _Judged:
    """What a pass holds. Keys to check `again` were held and are few by now: they go where the next pass finds them so.

    Of the warehouses that deletes wait of, SAE keeps no stock any more of those in `gone`.
    """

    held: Waiting = field(default_factory=dict)
    gone: frozenset[int] = frozenset()
    again: Collection[LogKey] = ()


@dataclass(slots=True)
class MassChange:
    """Holds mass changes. Until the first pass is finished as many of each entity may go as `allowed` says of a kind, however few else."""

    allowed: Mapping[Kind, int] = field(default_factory=dict)
    _kept: _Judged = _Judged()
    _next: _Judged = _Judged()
    _logged: Mapping[Loss, int] = field(default_factory=dict)
    _logged_gone: frozenset[int] = frozenset()

    @property
    def held(self) -> Waiting:
        return self._kept.held

    @property
    def again(self) -> Collection[LogKey]:
        """Keys that the next pass must look at, whatever its mode thinks."""
        return self._kept.again

    def sift(self, captured: Captured, index: LogIndex, beat: Beat = lambda: None) -> Captured:
        """What was captured without what waits; what was held before counts with what is new. Raises what `beat` and the log raise."""
        unseen = {loss: {place for place in places if not captured.covers(place)} for loss, places in self.held.items()}
        lost = _losses(captured, index, unseen, beat)
        waiting: dict[Loss, set[LogKey]] = defaultdict(set, {loss: set(places) for loss, places in unseen.items()})
        for (subject, key), kinds in lost.items():
            for kind in kinds:
                waiting[subject.entity, kind].add((subject, key))
        new = captured.differences if waiting else ()
        replaced = {one.subject.entity for one in new if one.body is not None and not _is_known(one, index)}
        held: dict[Loss, frozenset[LogKey]] = {}
        again: set[LogKey] = set()
        for loss, places in sorted(waiting.items()):
            if self._waits_on(loss, places) or self._is_mass(loss, len(places), index, beat, is_replaced=loss[0] in replaced):
                held[loss] = frozenset(places)
            else:
                again |= unseen.get(loss, set())
        gone = self._gone(held.get((Entity.STOCK, Kind.DELETED), frozenset()), captured, index)
        self._next = _Judged(held, gone, again)
        index.former.keep({entity for entity, kind in held if kind is not Kind.DELETED})
        self._log_held(held, gone)
        if not held:
            return captured
        kept = [one for one in captured.differences if not any((one.subject.entity, kind) in held for kind in _of(one, lost))]
        return replace(captured, differences=kept)

    def _waits_on(self, loss: Loss, places: Collection[LogKey]) -> bool:
        """Whether nothing is new, so that what the log holds need not be read."""
        return loss[1] is not Kind.DELETED and bool(places) and places == self.held.get(loss)

    def _is_mass(self, loss: Loss, count: int, index: LogIndex, beat: Beat, *, is_replaced: bool) -> bool:
        """Whether so many are too many; deletes of all where others come in their place leave something."""
        entity, kind = loss
        allowed, live = self.allowed.get(kind, 0), _live(entity, index)
        if count <= AT_LEAST and live > SMALL:
            return False
        able = live if kind is Kind.DELETED else _able(loss, count, index, beat)
        if count >= able >= WHOLE and live <= SMALL and not (kind is Kind.DELETED and is_replaced):
            return count > allowed
        return count > max(AT_LEAST, SHARE * able, allowed)

    def _gone(self, stock: frozenset[LogKey], captured: Captured, index: LogIndex) -> frozenset[int]:
        """The warehouses all of whose stock waits to be deleted; as before where nobody knows where SAE keeps stock."""
        if Entity.STOCK in captured.waiting:
            return self._kept.gone
        counts = Counter(subject for subject, _ in stock)
        whole = {subject.warehouse for subject, count in counts.items() if count == len(index.hashes(subject))}
        return frozenset(warehouse for warehouse in whole if warehouse is not None) - captured.warehouses

    def _log_held(self, held: Waiting, gone: frozenset[int]) -> None:
        counts = {loss: len(places) for loss, places in held.items()}
        for (entity, kind), count in counts.items():
            if self._logged.get((entity, kind)) != count:
                details = {"kind": kind.value, "entity": entity.value, "count": count, "allowed": self.allowed.get(kind, 0)}
                log.warning(
                    "A mass change of SAE waits, all else goes on; look at SAE, then let it through",
                    extra={"action": "held", **details, "command": way_through(kind, count)},
                )
        if gone - self._logged_gone:
            log.warning(
                "SAE keeps no stock of some warehouses any more (MULTIALMACEN switched off, or a warehouse deleted): until these "
                "deletes are let through, stores with such a warehouse show the stock of before",
                extra={"action": "warehouses gone", "warehouses": ", ".join(map(str, sorted(gone)))},
            )
        self._logged, self._logged_gone = counts, gone

    @property
    def for_heartbeat(self) -> Held:
        """What is held, as the heartbeat carries it."""
        gone = tuple(sorted(self._kept.gone))
        deletes, updates = [], []
        for (entity, kind), places in sorted(self.held.items()):
            if kind is Kind.DELETED:
                deletes.append(HeldDeletes(entity=entity.value, count=len(places), warehouses=gone if entity is Entity.STOCK else ()))
            else:
                updates.append(HeldUpdates(kind=kind.value, entity=entity.value, count=len(places)))
        return Held(frozenset(subject for places in self.held.values() for subject, _ in places), tuple(deletes), tuple(updates))

    def keep(self) -> None:
        """The pass is finished: what it held counts, and nothing more is allowed."""
        self._kept, self.allowed = self._next, {}


def _losses(captured: Captured, index: LogIndex, unseen: Mapping[Loss, Collection[LogKey]], beat: Beat) -> dict[LogKey, Collection[Kind]]:
    """What each difference takes away. What the log held before is read only where that may be a mass change."""
    found: dict[LogKey, Collection[Kind]] = {}
    updates: dict[Entity, list[Difference]] = defaultdict(list)
    for one in captured.differences:
        if one.body is None:
            found[one.subject, one.key] = (Kind.DELETED,)
        elif one.subject.entity in ASPECTS and _is_known(one, index):
            updates[one.subject.entity].append(one)
    for entity, differences in updates.items():
        waits = {place for loss, places in unseen.items() if loss[0] is entity and loss[1] is not Kind.DELETED for place in places}
        if len(differences) + len(waits) > AT_LEAST or (len(differences) + len(waits) >= WHOLE and _live(entity, index) <= SMALL):
            index.former.read(entity, beat)
            for one in differences:
                assert one.body is not None
                found[one.subject, one.key] = index.former.lost(entity, one.key, one.body)
    return found


def _able(loss: Loss, count: int, index: LogIndex, beat: Beat) -> int:
    """How many keys have what is lost, where that may matter."""
    entity, kind = loss
    if count < WHOLE:
        return WHOLE
    index.former.read(entity, beat)
    return index.former.able(entity, kind, beat)


def _live(entity: Entity, index: LogIndex) -> int:
    return sum(len(index.hashes(subject)) for subject in index.subjects() if subject.entity is entity)


def _is_known(difference: Difference, index: LogIndex) -> bool:
    return difference.key in index.hashes(difference.subject)


def _of(difference: Difference, lost: Mapping[LogKey, Collection[Kind]]) -> Collection[Kind]:
    return lost.get((difference.subject, difference.key), ())
