"""Raw keys of a table, very many, in a fraction of what a set of tuples takes.

A table of prices has some 400,000 of them for 100,000 products, each a tuple with a text of its own. Here a product stands once, with the
lists that it has prices in; products that have the same share even those.
"""

from collections.abc import Iterable, Iterator, MutableSet
from itertools import groupby, repeat
from operator import itemgetter
from typing import Any

from foundation.packed import PackedKeys
from producer.sae.tables import RawKey
from schemas.keys import trim

MANY = 16
"""From so many on the rest of a key's rows stands in a set, so that adding one more does not copy all."""
AS_IT_IS = "surrogatepass"
"""Of a text of SAE nothing may change."""

_FIRST = itemgetter(0)
_Rests = tuple[Any, ...] | set[Any]


class RawKeys(MutableSet[RawKey]):
    """A set of raw keys, all of one column or all of two: SAE's tables have no more. The first column is a text in all, or a number."""

    def __init__(self, keys: Iterable[RawKey] = (), firsts: PackedKeys | None = None) -> None:
        """`firsts` may be shared with other tables whose keys begin with the same, as those of products do."""
        self._firsts, self._is_number = PackedKeys() if firsts is None else firsts, False
        self._rests: list[_Rests | None] = []
        """By the place of what keys begin with; None, or too short, where there is no such key."""
        self._shared: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        self._size = 0
        self.untrimmed: list[str] = []
        """What keys begin with that are not trimmed in SAE; may hold some that are gone."""
        self._last: tuple[str | int | None, int] = None, 0
        """What the key that came last began with, and its place: keys of one product mostly come one after another."""
        for key in keys:
            self.add(key)

    def __contains__(self, key: object) -> bool:
        assert isinstance(key, tuple)
        place = self._firsts.place(_packed(key[0]))
        rests = None if place is None or place >= len(self._rests) else self._rests[place]
        return rests is not None and (not rests or key[1] in rests)

    def __iter__(self) -> Iterator[RawKey]:
        for place, rests in enumerate(self._rests):
            if rests is not None:
                first = self._unpacked(place)
                yield from ((first, rest) for rest in rests) if rests else ((first,),)

    def __len__(self) -> int:
        return self._size

    def add(self, key: RawKey) -> None:
        if len(key) == 1:
            self._add_first(key[0])
            return
        place, rest = self._place(key[0]), key[1]
        rests = self._rests[place]
        if rests is None:
            self._rests[place] = self._share((rest,))
        elif rest in rests:
            return
        elif isinstance(rests, set):
            rests.add(rest)
        else:
            self._rests[place] = self._share((*rests, rest)) if len(rests) < MANY else {*rests, rest}
        self._size += 1

    def _add_first(self, first: str | int) -> None:
        place = self._place(first)
        self._size += self._rests[place] is None
        self._rests[place] = ()

    def learn(self, rows: Iterable[tuple[Any, ...]], size: int) -> None:
        """Adds what rows begin with, so many columns: of a product at once, for its rows mostly come one after another."""
        if size == 1:
            for row in rows:
                self._add_first(row[0])
            return
        for first, some in groupby(rows, _FIRST):
            rests = tuple([row[1] for row in some])
            place = self._place(first)
            if self._rests[place] is None and len(rests) <= MANY and (len(rests) == 1 or len(set(rests)) == len(rests)):
                self._rests[place] = self._share(rests)
                self._size += len(rests)
            else:
                for rest in rests:
                    self.add((first, rest))

    def discard(self, key: RawKey) -> None:
        if key not in self:
            return
        self._size -= 1
        place = self._place(key[0])
        left = [rest for rest in self._rests[place] or () if rest != key[1]]
        if left:
            self._rests[place] = self._share(tuple(left)) if len(left) <= MANY else set(left)
        else:
            self._rests[place] = None

    def _place(self, first: str | int) -> int:
        if first == self._last[0]:
            return self._last[1]
        place = self._firsts.add(_packed(first))
        self._rests.extend(repeat(None, place + 1 - len(self._rests)))
        if self._rests[place] is None:
            self._is_number = isinstance(first, int)
            if isinstance(first, str) and trim(first) != first:
                self.untrimmed.append(first)
        self._last = first, place
        return place

    def _unpacked(self, place: int) -> str | int:
        packed = self._firsts[place]
        return int(packed) if self._is_number else packed.decode(errors=AS_IT_IS)

    def _share(self, rests: tuple[Any, ...]) -> tuple[Any, ...]:
        """Numbers alone repeat: of lists and warehouses there are few."""
        return self._shared.setdefault(rests, rests) if isinstance(rests[-1], int) else rests


def _packed(first: str | int) -> bytes:
    return b"%d" % first if isinstance(first, int) else first.encode(errors=AS_IT_IS)
