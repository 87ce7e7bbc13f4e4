"""Very many keys in a fraction of the memory that dicts and sets of Python take: some 40 bytes each, and not 200. Pure.

A producer holds every key of SAE three times: as the log has it, as SAE writes it, and in the rows that hang on a product.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Generic, TypeVar

from schemas.codec import ContentHash

FIRST_SLOTS = 8
HASH_BYTES = 16
"""Of a content hash as Puente writes it; others are kept beside."""
NO_HASH = bytes(HASH_BYTES)
GONE, LIVE, ODD = range(3)

Name = TypeVar("Name")
Value = TypeVar("Value")


class PackedKeys:
    """Byte strings, each with a place that it keeps: 0, 1, 2, … as they came. None goes again. At most 4 GB in all."""

    def __init__(self) -> None:
        self._text, self._ends = bytearray(), array("I", (0,))
        self._slots, self._mask = array("I", bytes(4 * FIRST_SLOTS)), FIRST_SLOTS - 1
        """A hash table: in the slot of a key's hash, or the next one that is free, stands its place plus one."""

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, place: int) -> bytes:
        return bytes(self._text[self._ends[place] : self._ends[place + 1]])

    def place(self, key: bytes) -> int | None:
        """None where it never came."""
        slots, mask, ends = self._slots, self._mask, self._ends
        slot, size = hash(key) & mask, len(key)
        while at := slots[slot]:
            begin = ends[at - 1]
            if ends[at] - begin == size and self._text.startswith(key, begin):
                return at - 1
            slot = (slot + 1) & mask
        return None

    def add(self, key: bytes) -> int:
        """Its place, which is the last one where it is new."""
        slots, mask, ends, text = self._slots, self._mask, self._ends, self._text
        slot, size = hash(key) & mask, len(key)
        while at := slots[slot]:  # as `place` does; here every call counts
            begin = ends[at - 1]
            if ends[at] - begin == size and text.startswith(key, begin):
                return at - 1
            slot = (slot + 1) & mask
        new = slots[slot] = len(ends)
        text += key
        ends.append(len(text))
        if 2 * new > mask:
            self._grow()
        return new - 1

    def _grow(self) -> None:
        mask, text, begin = 2 * self._mask + 1, bytes(self._text), 0
        slots = array("I", bytes(4 * (mask + 1)))
        for place, end in enumerate(islice(self._ends, 1, None), 1):
            slot = hash(text[begin:end]) & mask
            while slots[slot]:
                slot = (slot + 1) & mask
            slots[slot], begin = place, end
        self._slots, self._mask = slots, mask


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
        raw = self.raw(place)
        return None if raw is None else ContentHash(raw.decode())

    def raw(self, place: int) -> bytes | None:
        """The same as it stands in the header."""
        state = self._states[place]
        if state == LIVE:
            return bytes(self._hashes[HASH_BYTES * place : HASH_BYTES * (place + 1)])
        return self._odd[place].encode() if state == ODD else None

    def set(self, key: bytes, content: ContentHash) -> None:
        """The key has a live event with this content."""
        self.put(key, content.encode())

    def put(self, key: bytes, raw: bytes) -> None:
        """The same as it stands in the header; it is ASCII."""
        place, states = self.all.add(key), self._states
        is_odd = len(raw) != HASH_BYTES
        if place == len(states):
            states.append(GONE)
            self._hashes += NO_HASH if is_odd else raw
        elif not is_odd:
            self._hashes[HASH_BYTES * place : HASH_BYTES * (place + 1)] = raw
        if is_odd:
            self._odd[place] = ContentHash(raw.decode())
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

    def meet(self, key: bytes) -> tuple[bool, bytes | None]:
        """Whether it was met for the first time, and the content that the topic has of it, as its header tells it."""
        place, marks = self._known.all.place(key), self._marks
        content = None if place is None else self._known.raw(place)
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
    """What rows of another table say of products: of each some values by name. Several may share the products' keys."""

    def __init__(self, products: PackedKeys | None = None) -> None:
        self._products = PackedKeys() if products is None else products
        self._names: list[tuple[Name, ...]] = []
        self._values: list[tuple[Value, ...]] = []
        """By the place of a product, both; one that has none may lack or have an empty one."""
        self._shared: dict[tuple[Name, ...], tuple[Name, ...]] = {}
        """Products mostly have the same numbers: one tuple serves them all."""

    def begin(self, product: str, names: tuple[Name, ...], values: tuple[Value, ...]) -> bool:
        """All at once; False, and nothing is taken, where the product has some already or a name comes twice."""
        if len(names) > 1 and len(set(names)) < len(names):
            return False
        place, known = self._place(product), self._names
        if known[place]:
            return False
        known[place], self._values[place] = self._share(names), values
        return True

    def has(self, product: str, name: Name) -> bool:
        return name in self._names[self._place(product)]

    def set(self, product: str, name: Name, value: Value) -> None:
        place = self._place(product)
        names, values = self._names[place], self._values[place]
        at = names.index(name) if name in names else len(names)
        self._values[place] = (*values[:at], value, *values[at + 1 :])
        if at == len(names):
            self._names[place] = self._share((*names, name))

    def of(self, product: str) -> Iterable[tuple[Name, Value]]:
        """In no order."""
        place = self._products.place(product.encode())
        return () if place is None or place >= len(self._names) else zip(self._names[place], self._values[place], strict=True)

    def _place(self, product: str) -> int:
        place, known = self._products.add(product.encode()), self._names
        while place >= len(known):
            known.append(())
            self._values.append(())
        return place

    def _share(self, names: tuple[Name, ...]) -> tuple[Name, ...]:
        return self._shared.setdefault(names, names) if isinstance(names[-1], int) else names
