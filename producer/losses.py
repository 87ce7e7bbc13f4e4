"""What a change of one key would take away from the tills, by kind. Pure.

A row that is inactive has nothing to lose: no till sells it. One that becomes inactive loses that alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from foundation.errors import PoisonError
from foundation.texts import marked
from schemas.codec import UNFIT
from schemas.entities import Entity
from schemas.parts import Parts, parts


class Kind(StrEnum):
    """What a change takes away; `puente produce --allow` names it so."""

    DELETED = "deleted"
    INACTIVE = "inactive"
    PRICE_GONE = "price-gone"
    PRICE_MOVED = "price-moved"
    CODE_GONE = "code-gone"
    TAX_GONE = "tax-gone"


TOLD = {
    Kind.DELETED: marked("deleted"),
    Kind.INACTIVE: marked("made inactive"),
    Kind.PRICE_GONE: marked("prices or rates gone"),
    Kind.PRICE_MOVED: marked("prices or rates changed by more than a factor of two"),
    Kind.CODE_GONE: marked("bar codes or other keys gone"),
    Kind.TAX_GONE: marked("taxes gone"),
}
"""Kinds for people."""
FACTOR = 2
"""A price that becomes more than so many times what it was, or less than one such part of it, has moved."""
NONE: frozenset[Kind] = frozenset()
NO_BODY = (PoisonError, *UNFIT)

Has = Mapping[Any, int]
"""What a row has: which (the list of a price, a bar code), and how much."""


def way_through(kind: str, count: int) -> str:
    """What lets so many of a kind through."""
    return f"puente produce --allow-deletes {count}" if kind == Kind.DELETED else f"puente produce --allow {kind}={count}"


@dataclass(frozen=True, slots=True, eq=False)
class Aspect:
    """Fields of an entity, what a row has by their values, and the kind of loss where some of that is gone, or has moved."""

    fields: tuple[str, ...]
    has: Callable[..., Has]
    gone: Kind
    moved: Kind | None = None

    def lost(self, before: Has, after: Has) -> frozenset[Kind]:
        found = NONE if before.keys() <= after.keys() else frozenset((self.gone,))
        if self.moved:
            for which, much in before.items():
                now = after.get(which, much)
                if now > FACTOR * much or much > FACTOR * now:
                    return found | {self.moved}
        return found

    @property
    def kinds(self) -> frozenset[Kind]:
        """What a row that has something may lose."""
        return frozenset(filter(None, (self.gone, self.moved)))


def _is_active(status: str) -> Has:
    return {} if status == "inactive" else {"active": 1}


def _prices(prices: Sequence[Mapping[str, Any]]) -> Has:
    return {price["list"]: price["amount"] for price in prices if price["amount"] > 0}


def _codes(codes: Sequence[Mapping[str, Any]]) -> Has:
    return {code["key"]: 1 for code in codes}


def _taxes(taxes: Sequence[Mapping[str, Any]]) -> Has:
    return {place: tax["percent"] for place, tax in enumerate(taxes) if tax["percent"] > 0}


def _rate(rate: int, exact: int | None) -> Has:
    """In the last place of an exact one."""
    found = rate * 10**12 if exact is None else exact
    return {"rate": found} if found > 0 else {}


_STATUS = Aspect(("status",), _is_active, Kind.INACTIVE)
_TAXES = Aspect(("taxes",), _taxes, Kind.TAX_GONE)
ASPECTS: Mapping[Entity, Sequence[Aspect]] = {
    Entity.PRODUCT_LINE: (),
    Entity.TAX_SCHEME: (_TAXES,),
    Entity.CURRENCY: (Aspect(("rate", "exact_rate"), _rate, Kind.PRICE_GONE, Kind.PRICE_MOVED),),
    Entity.PRODUCT: (
        _TAXES,
        Aspect(("prices",), _prices, Kind.PRICE_GONE, Kind.PRICE_MOVED),
        Aspect(("alternate_keys",), _codes, Kind.CODE_GONE),
    ),
    Entity.CUSTOMER: (),
}
"""Besides becoming inactive. Stock has none: it becomes 0 by the hundred on any day, and a till sells what lies on its counter."""


class Losses:
    """What rows of an entity may lose and do lose, by the bodies of their events. What is no body has nothing and loses nothing."""

    def __init__(self, entity: Entity) -> None:
        aspects = (*ASPECTS[entity], _STATUS)
        self._parts: Parts = parts(entity.value, tuple(field for aspect in aspects for field in aspect.fields))
        place = self._parts.fields.index
        self._aspects = [(aspect, tuple(map(place, aspect.fields))) for aspect in ASPECTS[entity]]
        self._status = place("status")
        self._is_active = lru_cache(self._read_status)

    def of(self, before: bytes, after: bytes) -> frozenset[Kind]:
        """What a row loses."""
        try:
            old, new = self._parts.both(before, after)
            if not self._is_active(old[self._status]):
                return NONE
            if not self._is_active(new[self._status]):
                return frozenset((_STATUS.gone,))
            found = NONE
            for aspect, places in self._aspects:
                if any(old[place] != new[place] for place in places):
                    found |= aspect.lost(self._has(aspect, places, old), self._has(aspect, places, new))
        except NO_BODY:
            return NONE
        return found

    def possible(self, body: bytes) -> frozenset[Kind]:
        """What a row may lose, besides being deleted."""
        try:
            now = self._parts.slices(body)
            if not self._is_active(now[self._status]):
                return NONE
            return _STATUS.kinds.union(*(aspect.kinds for aspect, places in self._aspects if self._has(aspect, places, now)))
        except NO_BODY:
            return NONE

    def _has(self, aspect: Aspect, places: Sequence[int], slices: Sequence[bytes]) -> Has:
        return aspect.has(*(self._parts.read(self._parts.fields[place], slices[place]) for place in places))

    def _read_status(self, part: bytes) -> bool:
        return bool(_STATUS.has(self._parts.read("status", part)))
