"""CP1252 inside ISO8859_1, and what other character sets make of it.

SAE and CAJA declare ISO8859_1 and store CP1252: “ ” and € stand at bytes 0x80–0x9F, where ISO8859_1 has control characters. A WIN1252
connection fails the whole fetch on some of those bytes, so the server is told to turn nothing, and the bytes are turned here, both ways.
Those of ISO8859_1, WIN1252, NONE and ASCII are then the same; UTF8 has its own.
"""

from codecs import charmap_decode

_PAIRS = {
    byte: bytes([byte]).decode("cp1252")
    for byte in range(0x80, 0xA0)
    if byte not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)  # CP1252 leaves these five undefined: they pass as they are
}
_DECODE = str.maketrans({chr(byte): character for byte, character in _PAIRS.items()})
_ENCODE = str.maketrans({character: chr(byte) for byte, character in _PAIRS.items()})
_DECODED = bytes(range(0x100)).decode("latin-1").translate(_DECODE)
REPLACEMENT = "?"


UTF8 = {3: 3, 4: 4}
"""UNICODE_FSS and UTF8 as Firebird numbers them, each with how many bytes a character of it takes at most."""
WIDEST = 4
"""Bytes of a character in UTF8."""


def from_utf8(content: bytes) -> str:
    """Of a column in UTF8."""
    return content.decode("utf-8", "replace")


def from_latin(value: str, charset: int) -> str:
    """What the driver read, each byte as the character of its number."""
    return from_utf8(value.encode("latin-1")) if charset in UTF8 else from_database(value)


def from_bytes(content: bytes) -> str:
    """What stands in the database, as the text that was meant."""
    return charmap_decode(content, "strict", _DECODED)[0]


def from_database(value: str) -> str:
    """What an ISO8859_1 connection read, as the text that was meant."""
    return value if value.isascii() else value.translate(_DECODE)


def to_database(value: str) -> str:
    """The text for an ISO8859_1 connection; a character outside CP1252 becomes a question mark."""
    if value.isascii():
        return value
    return value.translate(_ENCODE).encode("latin-1", "replace").decode("latin-1")


def fits(value: str) -> bool:
    """Whether the text can be written without a replacement."""
    return value.isascii() or max(map(ord, value.translate(_ENCODE))) < 0x100
