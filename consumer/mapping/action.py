"""What is done with the row of a change, as the policies say; a row is never deleted from CAJA."""

from typing import assert_never

from consumer.policies import Policies, SoftDeleted
from foundation.engines.writing import Action
from schemas.changes import Value
from schemas.entities import Entity


def action(entity: Entity, value: Value | None, policies: Policies) -> Action:
    """Of one change: `value` is None for a tombstone."""
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
