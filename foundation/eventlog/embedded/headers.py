"""Headers of an event in one column of bytes."""

import struct
from functools import lru_cache

from foundation.eventlog.port import Headers

REMEMBERED = 256


_LENGTHS = struct.Struct("<HI")
_LENGTHS_SIZE = _LENGTHS.size


def pack_headers(headers: Headers) -> bytes:
    """Name and value of each, after their lengths in bytes."""
    parts = []
    for name, value in headers:
        encoded = name.encode()
        parts += [_LENGTHS.pack(len(encoded), len(value)), encoded, value]
    return b"".join(parts)


def unpack_headers(packed: bytes) -> Headers:
    """The headers that `pack_headers` packed. All but the first are those of many events: one tuple serves them all."""
    if not packed:
        return ()
    name, value = _LENGTHS.unpack_from(packed)  # as `_unpack_one` does; here every call counts
    middle = _LENGTHS_SIZE + name
    end = middle + value
    return ((packed[_LENGTHS_SIZE:middle].decode(), packed[middle:end]), *_unpack_rest(packed[end:]))


@lru_cache(REMEMBERED)
def _unpack_rest(packed: bytes) -> Headers:
    headers, at = [], 0
    while at < len(packed):
        header, at = _unpack_one(packed, at)
        headers.append(header)
    return tuple(headers)


def _unpack_one(packed: bytes, at: int) -> tuple[tuple[str, bytes], int]:
    """The header that begins at `at`, and where the next one does."""
    name, value = _LENGTHS.unpack_from(packed, at)
    middle = at + _LENGTHS.size + name
    end = middle + value
    return (packed[at + _LENGTHS.size : middle].decode(), packed[middle:end]), end
