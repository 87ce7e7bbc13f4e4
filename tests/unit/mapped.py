"""What the rows of a fake SAE are mapped to."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from producer.sae.contents import Row, everything
from schemas.changes import Value
from schemas.codec import bundled, encode
from schemas.entities import Entity
from tests.fakes.sae import FakeSae

TAXES: dict[str, Any] = {
    **{f"impuesto{place}": float(place) for place in range(1, 9)},
    **{f"imp{place}aplica": place + 1 for place in range(1, 9)},
}


def tax(percent: int, base: int) -> Mapping[str, Any]:
    return {"percent": Decimal(percent), "base": base}


def rows(sae: FakeSae, entity: Entity) -> list[Row]:
    with sae.snapshot() as snapshot:
        return [found for found in everything(snapshot) if found.subject.entity is entity]


def values(sae: FakeSae, entity: Entity) -> dict[str, Value]:
    """By key; each one fits its schema, field by field."""
    found: dict[str, Value] = {}
    for one in rows(sae, entity):
        value = one.value()
        assert list(value) == [field["name"] for field in json.loads(bundled(entity.value).text)["fields"]]
        encode(entity.value, value)
        found[one.key] = value
    return found


def only(sae: FakeSae, entity: Entity) -> Value:
    (value,) = values(sae, entity).values()
    return value
