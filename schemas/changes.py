"""What travels: six entities, and a change of one key.

A value is a plain dictionary in the shape of the entity's Avro schema (`schemas/avro`), so that nothing is copied between SAE, the log and
the profile. The newest change of a key wins; what was in between may never be seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, NewType

Key = NewType("Key", str)
"""The business key, trimmed; integers as decimal text."""

Value = Mapping[str, Any]

BLANKS = " \t\r\n\xa0"
"""What SAE pads keys with (`CLIE.CLAVE` is right-justified with spaces; TAB, CR, LF and NBSP were seen in real rows)."""

SCALE = Decimal("0.000001")
"""Every decimal of every event has scale 6, rounded half-even: it strips the noise of SAE's binary floats. But for the exact rate."""

RATE_SCALE = Decimal("0.000000000000000001")
"""Of the exact rate of a currency."""


class Entity(StrEnum):
    """In order of dependency: what comes later may point to what comes earlier."""

    PRODUCT_LINE = "product_line"
    TAX_SCHEME = "tax_scheme"
    CURRENCY = "currency"
    PRODUCT = "product"
    CUSTOMER = "customer"
    STOCK = "stock"


CATALOGUES = (Entity.PRODUCT_LINE, Entity.TAX_SCHEME, Entity.CURRENCY, Entity.PRODUCT, Entity.CUSTOMER)

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


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """What a topic is about: an entity, and for stock its warehouse (a stock event's key is the product alone)."""

    entity: Entity
    warehouse: int | None = None

    def __post_init__(self) -> None:
        if (self.entity is Entity.STOCK) != (self.warehouse is not None):
            raise ValueError(f"only stock has a warehouse: {self.entity} {self.warehouse}")

    def __str__(self) -> str:
        return self.entity.value if self.warehouse is None else f"{self.entity.value}.{self.warehouse}"


@dataclass(frozen=True, slots=True)
class Change:
    """The new full state of one key; `value` None says that SAE no longer has it."""

    subject: Subject
    key: Key
    value: Value | None


def trim(raw: str) -> Key:
    """The business key of SAE's raw one; blanks inside stay."""
    return Key(raw.strip(BLANKS))
