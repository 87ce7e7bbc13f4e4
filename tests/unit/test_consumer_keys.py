"""Keys that no SAE writes: none is changed, none meets another one's row."""

from typing import Any

import pytest

from schemas.codec import encode, frame
from schemas.entities import Entity, Subject
from tests.unit.consuming import Site, product

PRODUCT, SCHEME = Subject(Entity.PRODUCT), Subject(Entity.TAX_SCHEME)
ROW: dict[str, Any] = {"scheme": 1, "description": None, "taxes": [], "status": "active"}


@pytest.mark.parametrize("key", ["P1 ", " P1", "P1\t", "\xa0P1", "中", "P\x81", "x" * 33])
def test_a_key_that_a_database_would_take_for_another_is_rejected_beside_the_good_one(key: str) -> None:
    site = Site()
    site.append(PRODUCT, key.encode(), frame("product", encode("product", product(key))))
    site.product("P1", description="the good one")
    site.step()
    assert list(site.parked().values()) == ["rejected"]
    assert "P1" not in site.parked()
    assert list(site.caja.content.table("CATINVEN")) == [("P1",)]


def test_an_empty_key_is_rejected() -> None:
    site = Site()
    site.append(PRODUCT, b"", frame("product", encode("product", product(""))))
    site.append(PRODUCT, b"  ", None)
    site.step()
    assert list(site.parked().values()) == ["rejected", "rejected"]
    assert len({key.rstrip() for key in site.parked()}) == 2
    assert site.caja.content.table("CATINVEN") == {}


def test_two_keys_with_the_same_long_beginning_wait_apart() -> None:
    site = Site()
    for end in (b"a", b"b"):
        site.append(PRODUCT, b"x" * 40 + end, b"garbage")
    site.step()
    assert len(site.parked()) == 2
    assert all(len(key) <= 32 for key in site.parked())


@pytest.mark.parametrize("key", [b"01", b" 1", b"+1", b"1_", b"1.0", b"-0", "１".encode(), b"one"])
def test_a_tombstone_of_another_spelling_leaves_a_number_alone(key: bytes) -> None:
    site = Site()
    site.publish(SCHEME, "1", ROW)
    site.append(SCHEME, key, None)
    site.step()
    assert list(site.parked().values()) == ["rejected"]
    assert (site.row("ESQIMP", 1) or {})["ALTA"] == "T"


@pytest.mark.parametrize("number", [0, -1, 999])
def test_numbers_are_found_by_their_own_spelling(number: int) -> None:
    site = Site()
    site.publish(SCHEME, str(number), {**ROW, "scheme": number})
    site.step()
    site.publish(SCHEME, str(number), None)
    site.step()
    assert site.parked() == {}
    assert (site.row("ESQIMP", number) or {})["ALTA"] == "F"
