"""What decides how events become rows of one CAJA, in one short text: another one means that every row must be looked at again.

It is made of explicit values, so that only what changes rows changes it: a release that adds a policy, or anything else that is not told
here, resyncs nobody. What is added and does change rows is added here, too, and counts where it is not as it always was.
"""

import json
from collections.abc import Mapping
from hashlib import blake2b

from consumer.mapping.mapper import RowMapper
from consumer.mapping.profile import Profile
from consumer.policies import Policies, SoftDeleted, StockPolicy
from foundation.engines.writing import WriteColumn
from schemas.entities import CATALOGUES, Entity

MAPPING_VERSION = 2
"""Grows with every release that maps the same event to other values, or finds more of what is left out."""
UNTOLD: Mapping[str, object] = {
    "entities": CATALOGUES,
    "stock": StockPolicy.GUARDED,
    "inactivate_missing_products": False,
    "inactivate_missing_customers": True,
    "soft_deleted": SoftDeleted.INACTIVATE,
}
"""What a policy is where the fingerprint does not tell it. Never changed, whatever the defaults become; a new policy joins with the value
that changes nothing."""
NO_MATTER = frozenset({"interface_required"})
"""Policies that say when a row is written, not what is in it."""

Json = object


def fingerprint(
    profile: Profile, policies: Policies, stores: Mapping[int, int], prices: Mapping[str, int], mappers: Mapping[Entity, RowMapper]
) -> str:
    """Sixteen hexadecimal characters. The widths of CAJA's own columns count, too: a text that was shortened may fit now."""
    parts: Json = {
        "mapping": MAPPING_VERSION,
        "policies": {name: getattr(policies, name) for name, untold in UNTOLD.items() if getattr(policies, name) != untold},
        "stores": sorted(stores.items()),
        "entities": {entity.value: _entity(entity, profile, prices, mappers[entity]) for entity in Entity},
    }
    return blake2b(json.dumps(parts, sort_keys=True, ensure_ascii=True).encode(), digest_size=8).hexdigest()


def _entity(entity: Entity, profile: Profile, prices: Mapping[str, int], mapper: RowMapper) -> Json:
    mapping, plan = profile.entity(entity), mapper.plan
    total = plan.total
    return {
        "table": plan.table,
        "columns": [_column(column) for column in plan.columns],
        "from": {name: [column.source, column.conversion, prices.get(name, column.price_list)] for name, column in mapping.columns.items()},
        "match": plan.match,
        "only_new": plan.only_new,
        "numbered": plan.numbered,
        "active": mapping.active and [mapping.active.column, mapping.active.yes, mapping.active.no],
        "retire": dict(plan.retire),
        "added": dict(plan.added),
        "parents": [[parent.table, parent.column, parent.own] for parent in plan.parents],
        "total": total and [total.table, total.key, total.own_key, total.column, total.of],
    }


def _column(column: WriteColumn) -> Json:
    kept = [*([] if column.scale is None else [column.scale]), *(["single"] if column.single else [])]
    return [column.name, column.kind, column.width, *kept]
