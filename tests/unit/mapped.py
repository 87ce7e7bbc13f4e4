"""What the rows of a fake SAE are mapped to."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from producer.sae.contents import Row, everything
from schemas.changes import Value
from schemas.codec import Decoder, encode, frame
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


def value(row: Row) -> Value:
    """What the row's event says; its body is what the codec writes of that."""
    name, body = row.subject.entity.value, row.body()
    found = Decoder().decode(name, frame(name, body))
    assert encode(name, found) == body
    return found


def values(sae: FakeSae, entity: Entity) -> dict[str, Value]:
    """By key."""
    return {one.key: value(one) for one in rows(sae, entity)}


def only(sae: FakeSae, entity: Entity) -> Value:
    (found,) = values(sae, entity).values()
    return found
