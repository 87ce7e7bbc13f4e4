"""What is known of very many keys, in a fraction of the memory that dicts and sets of Python take. Pure.

A producer holds every key of SAE three times: as the log has it, as SAE writes it, and in the rows that hang on a product.
"""

from array import array
from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from foundation.packed import PackedKeys
from schemas.codec import ContentHash

HASH_BYTES = 16
"""Of a content hash as Puente writes it; others are kept beside."""
NO_HASH = bytes(HASH_BYTES)
GONE, LIVE, ODD = range(3)

Name = TypeVar("Name")
Value = TypeVar("Value")


class LiveKeys(Mapping[bytes, ContentHash]):
    """The keys of a topic that have a live event, and its content."""

    def __init__(self) -> None:
        self.all = PackedKeys()
        """Those that had one, too."""
        self._states, self._hashes = bytearray(), bytearray()
        self._odd: dict[int, ContentHash] = {}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        return (self.all[place] for place, state in enumerate(self._states) if state)

    def __contains__(self, key: object) -> bool:
        assert isinstance(key, bytes)
        place = self.all.place(key)
        return place is not None and self._states[place] != GONE

    def __getitem__(self, key: bytes) -> ContentHash:
        place = self.all.place(key)
        found = None if place is None else self.at(place)
        if found is None:
            raise KeyError(key)
        return found

    def at(self, place: int) -> ContentHash | None:
        """Of a key by its place in `all`; None where it has no live event."""
        state = self._states[place]
        if state == LIVE:
            return ContentHash(self._hashes[HASH_BYTES * place : HASH_BYTES * (place + 1)].decode())
        return self._odd[place] if state == ODD else None

    def set(self, key: bytes, content: ContentHash) -> None:
        """The key has a live event with this content."""
        place, states, raw = self.all.add(key), self._states, content.encode()
        is_odd = len(raw) != HASH_BYTES
        if place == len(states):
            states.append(GONE)
            self._hashes += NO_HASH if is_odd else raw
        elif not is_odd:
            self._hashes[HASH_BYTES * place : HASH_BYTES * (place + 1)] = raw
        if is_odd:
            self._odd[place] = content
        self._size += states[place] == GONE
        states[place] = ODD if is_odd else LIVE

    def drop(self, key: bytes) -> None:
        """The key has none, or a tombstone."""
        place = self.all.place(key)
        if place is not None:
            self._size -= self._states[place] != GONE
            self._states[place] = GONE


class Marked:
    """Keys that were met, of which nearly all are those of a topic."""

    def __init__(self, known: LiveKeys) -> None:
        self._known, self._marks, self._others = known, bytearray(len(known.all)), set[bytes]()

    def __contains__(self, key: bytes) -> bool:
        place = self._known.all.place(key)
        return (place is not None and place < len(self._marks) and bool(self._marks[place])) or key in self._others

    def meet(self, key: bytes) -> tuple[bool, ContentHash | None]:
        """Whether it was met for the first time, and the content that the topic has of it."""
        place, marks = self._known.all.place(key), self._marks
        content = None if place is None else self._known.at(place)
        if place is None or place >= len(marks):  # a topic may grow meanwhile
            count = len(self._others)
            self._others.add(key)
            return len(self._others) > count, content
        is_new = not marks[place]
        marks[place] = 1
        return is_new, content


class PackedBodies:
    """A body for each of some keys, in the order in which these came first."""

    def __init__(self) -> None:
        self._keys, self._bodies = PackedKeys(), bytearray()
        self._begins, self._sizes = array("Q"), array("q")
        """By the place of a key; its body has a size of -1 where it was dropped."""
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def set(self, key: bytes, body: bytes) -> None:
        place = self._keys.add(key)
        if place == len(self._sizes):
            self._begins.append(0)
            self._sizes.append(-1)
        self._size += self._sizes[place] < 0
        self._begins[place], self._sizes[place] = len(self._bodies), len(body)
        self._bodies += body

    def drop(self, key: bytes) -> None:
        place = self._keys.place(key)
        if place is not None:
            self._size -= self._sizes[place] >= 0
            self._sizes[place] = -1

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        for place, (begin, size) in enumerate(zip(self._begins, self._sizes, strict=True)):
            if size >= 0:
                yield self._keys[place], bytes(self._bodies[begin : begin + size])


class Grouped(Generic[Name, Value]):
    """What rows of another table say of products: of each some values by name."""

    def __init__(self) -> None:
        self._products = PackedKeys()
        self._newest = array("I")
        """By the place of a product its newest entry, plus one; each entry has the one before."""
        self._names: list[Name] = []
        self._values: list[Value] = []
        self._before = array("I")
        self._last: tuple[str, int] = "", self._place("")
        """The product that was asked for last, and its place: its rows mostly come one after another."""

    def has(self, product: str, name: Name) -> bool:
        return self._entry(product, name) is not None

    def set(self, product: str, name: Name, value: Value) -> None:
        entry = self._entry(product, name)
        if entry is not None:
            self._values[entry] = value
            return
        place, names = self._last[1], self._names
        names.append(name)
        self._values.append(value)
        self._before.append(self._newest[place])
        self._newest[place] = len(names)

    def of(self, product: str) -> list[tuple[Name, Value]]:
        """In no order."""
        found, place = [], self._products.place(product.encode())
        at = 0 if place is None else self._newest[place]
        while at:
            found.append((self._names[at - 1], self._values[at - 1]))
            at = self._before[at - 1]
        return found

    def _entry(self, product: str, name: Name) -> int | None:
        if product != self._last[0]:
            self._last = product, self._place(product)
        at, names, before = self._newest[self._last[1]], self._names, self._before
        while at:
            if names[at - 1] == name:
                return at - 1
            at = before[at - 1]
        return None

    def _place(self, product: str) -> int:
        place = self._products.add(product.encode())
        if place == len(self._newest):
            self._newest.append(0)
        return place
