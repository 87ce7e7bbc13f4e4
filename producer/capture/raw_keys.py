"""Raw keys of a table, very many, in a fraction of what a set of tuples takes.

A table of prices has some 400,000 of them for 100,000 products, each a tuple with a text of its own. Here a product stands once, with the
lists that it has prices in; products that have the same share even those.
"""

from collections.abc import Iterable, Iterator, MutableSet
from typing import Any

from producer.sae.tables import RawKey

MANY = 16
"""From so many on the rest of a key's rows stands in a set, so that adding one more does not copy all."""

_Rests = tuple[Any, ...] | set[Any]


class RawKeys(MutableSet[RawKey]):
    """A set of raw keys, all of one column or all of two: SAE's tables have no more."""

    def __init__(self, keys: Iterable[RawKey] = ()) -> None:
        self._rests: dict[Any, _Rests] = {}
        self._shared: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        self._size = 0
        for key in keys:
            self.add(key)

    def __contains__(self, key: object) -> bool:
        assert isinstance(key, tuple)
        rests = self._rests.get(key[0])
        return rests is not None and (not rests or key[1] in rests)

    def __iter__(self) -> Iterator[RawKey]:
        for first, rests in self._rests.items():
            if not rests:
                yield (first,)
            for rest in rests:
                yield (first, rest)

    def __len__(self) -> int:
        return self._size

    def add(self, key: RawKey) -> None:
        first, rests = key[0], self._rests.get(key[0])
        if len(key) == 1:
            self._size += rests is None
            self._rests[first] = ()
            return
        rest = key[1]
        if rests is None:
            self._rests[first] = self._share((rest,))
        elif rest in rests:
            return
        elif isinstance(rests, set):
            rests.add(rest)
        else:
            self._rests[first] = self._share((*rests, rest)) if len(rests) < MANY else {*rests, rest}
        self._size += 1

    def discard(self, key: RawKey) -> None:
        if key not in self:
            return
        self._size -= 1
        left = [rest for rest in self._rests[key[0]] if rest != key[1]] if len(key) > 1 else []
        if left:
            self._rests[key[0]] = self._share(tuple(left)) if len(left) <= MANY else set(left)
        else:
            del self._rests[key[0]]

    def _share(self, rests: tuple[Any, ...]) -> tuple[Any, ...]:
        """Numbers alone repeat: of lists and warehouses there are few."""
        return self._shared.setdefault(rests, rests) if isinstance(rests[-1], int) else rests
