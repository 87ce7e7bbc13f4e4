"""What was applied of very many keys, in a quarter of the memory that a dict takes: a CAJA may have stock of a million. Pure."""

from collections.abc import Iterator, MutableMapping
from typing import Any

from foundation.packed import PackedKeys
from schemas.keys import Key

WIDTH = 16
"""Bytes of a content hash; others are kept beside."""
NOTHING, EMPTY, ODD = (bytes([0, kind]).ljust(WIDTH, b"\0") for kind in range(3))
"""What no text is stored as: the key is not there, its text is empty, its text is kept beside."""


class Applied(MutableMapping[Key, str]):
    """Key → content hash, in the order in which the keys came first."""

    def __init__(self) -> None:
        self._keys, self._hashes = PackedKeys(), bytearray()
        self._odd: dict[int, str] = {}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Key]:
        for place in range(len(self._keys)):
            if not self._hashes.startswith(NOTHING, WIDTH * place):
                yield Key(self._keys[place].decode())

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._at(key) != NOTHING

    def __getitem__(self, key: Key) -> str:
        place = self._keys.place(key.encode())
        found = None if place is None else self._text(place)
        if found is None:
            raise KeyError(key)
        return found

    def get(self, key: Key, default: Any = None) -> Any:
        """As every mapping's, without an error on the way: of a first load no key is there."""
        place = self._keys.place(key.encode())
        found = None if place is None else self._text(place)
        return default if found is None else found

    def _text(self, place: int) -> str | None:
        raw = self._hashes[WIDTH * place : WIDTH * place + WIDTH]
        if raw[0]:
            return raw.rstrip(b"\0").decode()
        return None if raw == NOTHING else self._odd[place] if raw == ODD else ""

    def __setitem__(self, key: Key, content: str) -> None:
        place, raw = self._keys.add(key.encode()), content.encode()
        if not raw:
            raw = EMPTY
        elif len(raw) > WIDTH or not raw.isascii() or b"\0" in raw:
            raw, self._odd[place] = ODD, content
        elif len(raw) < WIDTH:
            raw = raw.ljust(WIDTH, b"\0")
        begin = WIDTH * place
        if begin == len(self._hashes):
            self._hashes += raw
            self._size += 1
            return
        self._size += self._hashes.startswith(NOTHING, begin)
        self._hashes[begin : begin + WIDTH] = raw

    def __delitem__(self, key: Key) -> None:
        place = self._keys.place(key.encode())
        if place is None or self._at(key) == NOTHING:
            raise KeyError(key)
        self._hashes[WIDTH * place : WIDTH * place + WIDTH] = NOTHING
        self._size -= 1

    def _at(self, key: str) -> bytes:
        place = self._keys.place(key.encode())
        return NOTHING if place is None else bytes(self._hashes[WIDTH * place : WIDTH * place + WIDTH])
