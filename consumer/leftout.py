"""What SAE holds and a CAJA does not get of rows that it does get: kept in the ledger by key, counted and listed for people."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from foundation.texts import marked, text, translate
from schemas.entities import Entity, Subject
from schemas.keys import Key

LISTED = 5
"""How many keys are named of each."""

FIELDS = {"taxes": marked("taxes"), "alternate_keys": marked("bar codes")}
"""What people call the fields of an event that go beyond CAJA's columns."""

log = logging.getLogger("puente.consumer")


class Cause(StrEnum):
    """Why a row lacks something."""

    SHORTENED = marked("shortened")
    """A text is longer than its column."""
    LEFT_OUT = marked("left out")
    """A code, or a list of addresses none of which fits, is longer than its column; a number is less than its column tells from 0."""
    BEYOND = marked("beyond")
    """CAJA has no column for more of them: taxes, bar codes."""
    NO_PRICE = marked("no price")
    """SAE has no price of a product that is in use in the list that feeds the column."""
    GIVEN_AWAY = marked("given away")
    """A bar code of a row that policy keeps, which SAE gave to another product."""
    ANOTHERS_KEY = marked("another's key")
    """A bar code is the key of another product that is in use: a scan finds one of the two."""


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """What a row lacks: `what` is the reason, `column` CAJA's column, or the field of the event that goes beyond all columns."""

    what: Cause
    column: str


Notes = tuple[Note, ...]
"""In order, each once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """`count` rows of an entity lack the same for the same reason; `keys` are the first of them.

    `stores` are those that sell at a price that these products do not have.
    """

    entity: Entity
    cause: Cause
    column: str
    count: int
    keys: tuple[Key, ...]
    stores: tuple[int, ...] = ()


def ordered(notes: Iterable[Note]) -> Notes:
    return tuple(sorted(set(notes)))


def summary(left_out: Mapping[tuple[Subject, Key], Notes], takes: Callable[[Subject], bool]) -> list[LeftOut]:
    """Of the subjects that this CAJA takes, in order of dependency."""
    counts: dict[tuple[Entity, Note], list[Key]] = {}
    for (subject, key), notes in left_out.items():
        if takes(subject):
            for note in notes:
                counts.setdefault((subject.entity, note), []).append(key)
    return merged(
        LeftOut(entity=entity, cause=note.what, column=note.column, count=len(keys), keys=tuple(sorted(set(keys))[:LISTED]))
        for (entity, note), keys in counts.items()
    )


def merged(found: Iterable[LeftOut]) -> list[LeftOut]:
    """Those that differ in their keys alone are one."""
    by_place: dict[tuple[Entity, Cause, str], LeftOut] = {}
    for one in found:
        place = (one.entity, one.cause, one.column)
        before = by_place.get(place)
        keys = tuple(sorted({*before.keys, *one.keys})[:LISTED]) if before else one.keys
        by_place[place] = replace(one, count=one.count + (before.count if before else 0), keys=keys)
    return sorted(by_place.values(), key=lambda one: (list(Entity).index(one.entity), one.cause, one.column))


def line(found: LeftOut) -> str:
    """`customer, EMAIL shortened: 3 (12, 45, 46)`."""
    more = f" +{found.count - len(found.keys)}" if found.count > len(found.keys) else ""
    what = f"{translate(found.entity)}, {translate(FIELDS.get(found.column, found.column))} {translate(found.cause)}"
    stores = ", ".join(map(str, found.stores))
    whose = text(" («Precio por omisión» of store {stores})", stores=stores) if stores else ""
    return f"{what}{whose}: {found.count} ({', '.join(found.keys)}{more})"


class LeftOutLog:
    """Tells in the log what is left out: once, and again what became another."""

    def __init__(self, caja: str) -> None:
        self._caja = caja
        self._logged: Sequence[LeftOut] = ()

    def write(self, found: Sequence[LeftOut]) -> None:
        for one in found:
            if one not in self._logged:
                extra = {"entity": one.entity.value, "column": one.column, "reason": one.cause.value, "count": one.count}
                keys = {"keys": ", ".join(one.keys), "stores": ", ".join(map(str, one.stores))}
                log.warning("CAJA lacks something that SAE holds", extra={"action": "left out", "caja": self._caja, **extra, **keys})
        self._logged = found
