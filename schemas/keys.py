"""The business key of a row of SAE, as it travels."""

from hashlib import blake2b
from typing import NewType

from schemas.entities import Entity

Key = NewType("Key", str)
"""The business key, trimmed; integers as decimal text."""


BLANKS = " \t\r\n\xa0"
"""What SAE pads keys with (`CLIE.CLAVE` is right-justified with spaces; TAB, CR, LF and NBSP were seen in real rows)."""


KEY_FIELD = {
    Entity.PRODUCT_LINE: "line",
    Entity.TAX_SCHEME: "scheme",
    Entity.CURRENCY: "currency",
    Entity.PRODUCT: "sku",
    Entity.CUSTOMER: "customer",
    Entity.STOCK: "sku",
}
"""The field of the value that repeats the key."""


KEY_LENGTH = {Entity.PRODUCT_LINE: 5, Entity.PRODUCT: 16, Entity.CUSTOMER: 10, Entity.STOCK: 16}
"""Characters of the longest key SAE can hold; the other keys are integers."""


def trim(raw: str) -> Key:
    """The business key of SAE's raw one; blanks inside stay."""
    return Key(raw.strip(BLANKS))


def byte_order(raw: str) -> tuple[bytes, str]:
    """Sorts raw keys as their bytes stand in SAE."""
    return raw.encode() if raw.isascii() else b"".join(map(_byte, raw)), raw


def _byte(character: str) -> bytes:
    """CP1252 leaves five bytes undefined, which pass as they are."""
    try:
        return character.encode("cp1252")
    except UnicodeEncodeError:
        return character.encode("latin-1", "replace")


KEY_WIDTH = 32


def label(raw: bytes) -> Key:
    """The key as the ledger can hold it: as it is, unless it is none of SAE's (too long, outside CP1252, empty, or with blanks around).

    A database takes `P1` and `P1` with a blank behind it for the same key; two events must not meet in one row of the ledger.
    """
    if raw.isascii():
        readable = raw.decode()
    else:
        readable = raw.decode("utf-8", "backslashreplace").encode("cp1252", "backslashreplace").decode("cp1252")
    if readable and len(readable) <= KEY_WIDTH and readable == trim(readable):
        return Key(readable)
    return Key(f"{readable[:15]}…{blake2b(raw, digest_size=8).hexdigest()}")
