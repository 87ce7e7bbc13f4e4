"""What is known of very many keys, in a fraction of the memory that dicts and sets of Python take. Pure.

A producer holds every key of SAE three times: as the log has it, as SAE writes it, and in the rows that hang on a product.
"""

from array import array
from collections.abc import Iterator, Mapping
from itertools import zip_longest

from foundation.packed import PackedKeys
from schemas.codec import ContentHash

HASH_BYTES = 16
"""Of a content hash as Puente writes it; others are kept beside."""
NO_HASH = bytes(HASH_BYTES)
GONE, LIVE, ODD = range(3)


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
