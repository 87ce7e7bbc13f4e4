"""What the owner of a CAJA decided: every value there is, and the defaults."""

from dataclasses import dataclass
from enum import StrEnum

from schemas.entities import CATALOGUES, Entity


class StockPolicy(StrEnum):
    """`guarded`: only where CAJA's «Cambio a existencias» is on, and not over unposted sales."""

    OFF = "off"
    GUARDED = "guarded"
    OVERWRITE = "overwrite"

    @property
    def is_taken(self) -> bool:
        """Whether CAJA takes stock from SAE at all."""
        return self is not StockPolicy.OFF

    @property
    def respects_caja(self) -> bool:
        """Whether what CAJA says of its stock counts: its switch, and sales that SAE does not have yet."""
        return self is StockPolicy.GUARDED

    def is_taken_now(self, *, stock_changes: bool) -> bool:
        """`stock_changes` is CAJA's «Cambio a existencias»."""
        return self.is_taken and (stock_changes or not self.respects_caja)


class SoftDeleted(StrEnum):
    """Products and customers with STATUS = B."""

    INACTIVATE = "inactivate"
    IGNORE = "ignore"


@dataclass(frozen=True, kw_only=True, slots=True)
class Policies:
    """One CAJA's; the defaults are the vendor's wizard's."""

    entities: tuple[Entity, ...] = CATALOGUES
    stock: StockPolicy = StockPolicy.GUARDED
    inactivate_missing_products: bool = False
    inactivate_missing_customers: bool = True
    soft_deleted: SoftDeleted = SoftDeleted.INACTIVATE
    interface_required: bool = True
