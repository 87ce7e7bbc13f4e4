"""CP1252 inside ISO8859_1: the two ways to read it are one."""

from foundation.engines.firebird.text import from_bytes, from_database, to_database

UNDEFINED = (0x81, 0x8D, 0x8F, 0x90, 0x9D)
"""Bytes that CP1252 leaves without a meaning: they pass as they are."""


def test_every_byte_is_read_alike_and_written_back_as_it_was() -> None:
    for number in range(0x100):
        byte = bytes([number])
        meant = byte.decode("latin-1" if number in UNDEFINED else "cp1252")
        assert from_bytes(byte) == from_database(byte.decode("latin-1")) == meant
        assert to_database(meant).encode("latin-1") == byte
