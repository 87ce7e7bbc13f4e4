"""Fields that are cut out of a body are what decoding the whole of it gives, and what a row loses follows from them."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import PoisonError
from producer.losses import FACTOR, Kind, Losses
from schemas.codec import bundled, encode
from schemas.entities import Entity
from schemas.parts import Parts
from tests.contracts.schema_values import values

NAMES = [entity.value for entity in Entity]


def plain(value: Any) -> Any:
    """Decimals as the whole number of their last place."""
    match value:
        case Decimal():
            sign, digits, _ = value.as_tuple()
            return int("".join(map(str, digits))) * (-1 if sign else 1)
        case dict():
            return {name: plain(part) for name, part in value.items()}
        case list():
            return [plain(part) for part in value]
        case _:
            return value


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_every_field_is_read_as_it_was_written(name: str, data: st.DataObject) -> None:
    definition = bundled(name).definition
    value = data.draw(values(definition))
    fields = data.draw(st.lists(st.sampled_from([field["name"] for field in definition["fields"]]), unique=True))
    parts = Parts(name, fields)
    assert sorted(parts.fields) == sorted(fields)
    found = parts.slices(encode(name, value))
    assert {field: parts.read(field, part) for field, part in zip(parts.fields, found, strict=True)} == plain(
        {field: value[field] for field in fields}
    )


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_two_bodies_are_cut_as_each_alone(name: str, data: st.DataObject) -> None:
    definition = bundled(name).definition
    one, other = data.draw(values(definition)), data.draw(values(definition))
    other |= {field: one[field] for field in data.draw(st.sets(st.sampled_from(sorted(one))))}  # so that some are equal
    parts = Parts(name, [field["name"] for field in definition["fields"]])
    bodies = encode(name, one), encode(name, other)
    assert parts.both(*bodies) == (parts.slices(bodies[0]), parts.slices(bodies[1]))


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_what_is_cut_short_or_goes_on_is_no_body(name: str, data: st.DataObject) -> None:
    body = encode(name, data.draw(values(bundled(name).definition)))
    parts = Parts(name, [])
    for broken in (body[: data.draw(st.integers(0, len(body) - 1))], body + b"\0"):
        with pytest.raises(PoisonError):
            parts.slices(broken)


@pytest.mark.parametrize("entity", [entity for entity in Entity if entity is not Entity.STOCK])
@given(garbage=st.binary(max_size=60), data=st.data())
def test_what_is_no_body_has_nothing_and_loses_nothing(entity: Entity, garbage: bytes, data: st.DataObject) -> None:
    losses, body = Losses(entity), encode(entity.value, data.draw(values(bundled(entity.value).definition)))
    assert losses.of(body, body) == losses.of(body + garbage + b"\1", body) == losses.of(body, body + b"\1") == frozenset()
    assert losses.possible(body + garbage + b"\1") == frozenset()
    assert isinstance(losses.of(garbage, body) | losses.possible(garbage), frozenset)


# what a product loses, by a second judge that knows values alone

AMOUNTS = st.sampled_from([0, 1, 2, 3, 4, 5, 10, 1000]).map(Decimal)
PRICES = st.dictionaries(st.integers(1, 3), AMOUNTS).map(
    lambda found: [{"list": number, "amount": amount, "tax_included": None} for number, amount in sorted(found.items())]
)
CODES = st.sets(st.sampled_from(["751", "752", "753"])).map(lambda found: [{"key": key, "kind": "none"} for key in sorted(found)])
TAXES = st.lists(AMOUNTS, max_size=3).map(lambda found: [{"percent": percent, "base": 0} for percent in found])
SMALL_PRODUCTS = st.fixed_dictionaries(
    {"prices": PRICES, "alternate_keys": CODES, "taxes": TAXES, "status": st.sampled_from(["active", "inactive"])}
)
OTHERS = values(bundled("product").definition)


def lost(old: dict[str, Any], new: dict[str, Any]) -> set[Kind]:
    if old["status"] == "inactive":
        return set()
    if new["status"] == "inactive":
        return {Kind.INACTIVE}
    found = set()
    now = {price["list"]: price["amount"] for price in new["prices"]}
    for price in old["prices"]:
        amount, other = price["amount"], now.get(price["list"], Decimal(0))
        if amount > 0 and other <= 0:
            found.add(Kind.PRICE_GONE)
        elif amount > 0 and not 1 / Decimal(FACTOR) <= other / amount <= FACTOR:
            found.add(Kind.PRICE_MOVED)
    if not {code["key"] for code in old["alternate_keys"]} <= {code["key"] for code in new["alternate_keys"]}:
        found.add(Kind.CODE_GONE)
    percents = [tax["percent"] for tax in new["taxes"]] + [Decimal(0)] * 3
    if any(tax["percent"] > 0 >= percent for tax, percent in zip(old["taxes"], percents, strict=False)):
        found.add(Kind.TAX_GONE)
    return found


@given(old=SMALL_PRODUCTS, new=SMALL_PRODUCTS, other=OTHERS, another=OTHERS)
def test_what_a_product_loses_follows_from_its_prices_codes_taxes_and_status_alone(
    old: dict[str, Any], new: dict[str, Any], other: dict[str, Any], another: dict[str, Any]
) -> None:
    losses = Losses(Entity.PRODUCT)
    before, after = encode("product", {**other, **old}), encode("product", {**another, **new})
    assert losses.of(before, after) == lost(old, new)
    nothing = {"prices": [], "alternate_keys": [], "taxes": [], "status": "active"}
    least = lost(old, nothing)  # all that it has, gone
    if Kind.PRICE_GONE in least:
        least.add(Kind.PRICE_MOVED)
    assert losses.possible(before) - {Kind.INACTIVE} == least
    assert (Kind.INACTIVE in losses.possible(before)) == (old["status"] == "active")
