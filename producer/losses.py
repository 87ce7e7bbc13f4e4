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
        found = set()
        if any(which not in after for which in before):
            found.add(self.gone)
        if self.moved and any(_moved(much, after[which]) for which, much in before.items() if which in after):
            found.add(self.moved)
        return frozenset(found)

    @property
    def kinds(self) -> frozenset[Kind]:
        """What a row that has something may lose."""
        return frozenset(filter(None, (self.gone, self.moved)))


def _moved(before: int, after: int) -> bool:
    return after > FACTOR * before or before > FACTOR * after


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
        self._aspects = (_STATUS, *ASPECTS[entity])
        self._parts: Parts = parts(entity.value, tuple(field for aspect in self._aspects for field in aspect.fields))
        self._has = lru_cache(4096)(self._read)

    def of(self, before: bytes, after: bytes) -> frozenset[Kind]:
        """What a row loses."""
        try:
            old, new = self._parts.both(before, after)
            was, is_now = dict(zip(self._parts.fields, old, strict=True)), dict(zip(self._parts.fields, new, strict=True))
            if self._of(_STATUS, was) and self._of(_STATUS, is_now):
                changed = [aspect for aspect in self._aspects if any(was[field] != is_now[field] for field in aspect.fields)]
                return NONE.union(*(aspect.lost(self._of(aspect, was), self._of(aspect, is_now)) for aspect in changed))
            return _STATUS.lost(self._of(_STATUS, was), self._of(_STATUS, is_now))
        except NO_BODY:
            return NONE

    def possible(self, body: bytes) -> frozenset[Kind]:
        """What a row may lose, besides being deleted."""
        try:
            now = dict(zip(self._parts.fields, self._parts.slices(body), strict=True))
            if not self._of(_STATUS, now):
                return NONE
            return NONE.union(*(aspect.kinds for aspect in self._aspects if self._of(aspect, now)))
        except NO_BODY:
            return NONE

    def _of(self, aspect: Aspect, found: Mapping[str, bytes]) -> Has:
        return self._has(aspect, *(found[field] for field in aspect.fields))

    def _read(self, aspect: Aspect, *slices: bytes) -> Has:
        values = [self._parts.read(field, part) for field, part in zip(aspect.fields, slices, strict=True)]
        return aspect.has(*values)
