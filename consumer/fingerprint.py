"""What decides how events become rows of one CAJA, in one short text: another one means that every row must be looked at again."""

from collections.abc import Mapping
from hashlib import blake2b

from consumer.mapping import RowMapper
from consumer.policies import Policies
from consumer.profile import Profile
from schemas.changes import Entity

MAPPING_VERSION = 2
"""Grows with every release that maps the same event to other values."""


def fingerprint(
    profile: Profile, policies: Policies, stores: Mapping[int, int], prices: Mapping[str, int], mappers: Mapping[Entity, RowMapper]
) -> str:
    """Sixteen hexadecimal characters. The widths of CAJA's own columns count, too: a text that was shortened may fit now."""
    widths = [mappers[entity].plan for entity in Entity]
    parts = (MAPPING_VERSION, profile.model_dump_json(), policies, sorted(stores.items()), sorted(prices.items()), widths)
    return blake2b(repr(parts).encode(), digest_size=8).hexdigest()
