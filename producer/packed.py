"""Very many keys in a fraction of the memory that dicts and sets of Python take: some 40 bytes each, and not 200. Pure.

A producer holds every key of SAE three times: as the log has it, as SAE writes it, and in the rows that hang on a product.
"""

from array import array
from collections.abc import Iterator, Mapping
from itertools import islice, zip_longest

from schemas.codec import ContentHash

FIRST_SLOTS = 8
HASH_BYTES = 16
"""Of a content hash as Puente writes it; others are kept beside."""
NO_HASH = bytes(HASH_BYTES)
GONE, LIVE, ODD = range(3)


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

    def places(self, but: bytearray) -> Iterator[int]:
        """Of the keys with a live event, without those that are marked in `but`, which may be shorter."""
        return (place for place, (state, mark) in enumerate(zip_longest(self._states, but, fillvalue=0)) if state and not mark)

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

    def unmet(self, live: LiveKeys) -> Iterator[bytes]:
        """Of these keys, which may be those of a topic that came meanwhile, the ones that were not met."""
        if live is not self._known:
            yield from (key for key in live if key not in self)
            return
        for place in live.places(self._marks):
            key = live.all[place]
            if key not in self._others:
                yield key

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
