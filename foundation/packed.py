"""Very many keys in a fraction of the memory that dicts and sets of Python take: some 30 bytes each, and not 150. Pure."""

from array import array
from itertools import islice

FIRST_SLOTS = 8


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
