"""What travels: six entities."""

from dataclasses import dataclass
from enum import StrEnum


class Entity(StrEnum):
    """In order of dependency: what comes later may point to what comes earlier."""

    PRODUCT_LINE = "product_line"
    TAX_SCHEME = "tax_scheme"
    CURRENCY = "currency"
    PRODUCT = "product"
    CUSTOMER = "customer"
    STOCK = "stock"


CATALOGUES = (Entity.PRODUCT_LINE, Entity.TAX_SCHEME, Entity.CURRENCY, Entity.PRODUCT, Entity.CUSTOMER)


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
