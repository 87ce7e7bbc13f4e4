"""What the owner of a CAJA decided, and what follows for one change."""

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from foundation.engines.writing import Action
from schemas.changes import Value
from schemas.entities import CATALOGUES, Entity


class StockPolicy(StrEnum):
    """`guarded`: only where CAJA's «Cambio a existencias» is on, and not over unposted sales."""

    OFF = "off"
    GUARDED = "guarded"
    OVERWRITE = "overwrite"


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


def action(entity: Entity, value: Value | None, policies: Policies) -> Action:
    """What is done with the row of a change; a row is never deleted from CAJA."""
    if value is None:
        return _gone(entity, policies)
    if entity in (Entity.PRODUCT, Entity.CUSTOMER) and value["status"] == "inactive":
        match policies.soft_deleted:
            case SoftDeleted.INACTIVATE:
                return Action.CHANGE
            case SoftDeleted.IGNORE:
                return Action.NOTE
            case _:
                assert_never(policies.soft_deleted)
    return Action.PUT


def _gone(entity: Entity, policies: Policies) -> Action:
    kept = (entity is Entity.PRODUCT and not policies.inactivate_missing_products) or (
        entity is Entity.CUSTOMER and not policies.inactivate_missing_customers
    )
    return Action.NOTE if kept else Action.RETIRE
