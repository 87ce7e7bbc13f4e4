"""What the reader makes of bytes is what fastavro makes of them, to the last place of an amount; what fastavro refuses is refused."""

import io
from decimal import Decimal
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import PoisonError
from schemas.codec import FRAME, NAMES, UNFIT, Decoder, bundled, encode, frame
from schemas.reader import compile_reader
from tests.contracts.schema_values import values

DECODER = Decoder()


def by_fastavro(name: str, body: bytes) -> Any:
    """None for what is no such value."""
    buffer = io.BytesIO(body)
    try:
        found = fastavro.schemaless_reader(buffer, bundled(name).parsed, None)
    except UNFIT:
        return None
    return None if buffer.read(1) else found


def decoded(name: str, body: bytes, wanted: frozenset[str] = frozenset()) -> Any:
    try:
        return DECODER.decode(name, FRAME.pack(0, bundled(name).id) + body, wanted)
    except PoisonError:
        return None


def fields(schema: Any, within: str = "") -> list[str]:
    """Those of a record, and of the records of its arrays by `array.field`."""
    found = []
    for field in schema["fields"]:
        found.append(within + field["name"])
        items = field["type"].get("items") if isinstance(field["type"], dict) else None
        if isinstance(items, dict) and items["type"] == "record":
            found += fields(items, f"{within}{field['name']}.")
    return found


def only(value: dict[str, Any], wanted: frozenset[str]) -> dict[str, Any]:
    """What was wanted of a value."""
    found: dict[str, Any] = {}
    for name, part in value.items():
        inner = frozenset(of.removeprefix(f"{name}.") for of in wanted if of.startswith(f"{name}."))
        if name in wanted:
            found[name] = part
        elif inner:
            found[name] = [only(item, inner) for item in part]
    return found


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_a_value_is_read_as_fastavro_reads_it(name: str, data: st.DataObject) -> None:
    body = encode(name, data.draw(values(bundled(name).definition)))
    assert repr(decoded(name, body)) == repr(by_fastavro(name, body))  # an amount's last place counts, too


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_of_a_value_only_some_fields_are_read(name: str, data: st.DataObject) -> None:
    definition = bundled(name).definition
    wanted = frozenset(data.draw(st.lists(st.sampled_from(fields(definition)), unique=True, min_size=1, max_size=6)))
    read = compile_reader(definition, wanted)
    for value in data.draw(st.lists(values(definition), max_size=4)):
        body = encode(name, value)
        known = by_fastavro(name, body)
        assert repr(decoded(name, body, wanted)) in (repr(only(known, wanted)), repr(known))
        try:
            found = read(body, 0)
        except (LookupError, ValueError, ArithmeticError):
            continue  # left to fastavro
        assert found == (only(value, wanted), len(body))


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_bytes_that_were_changed_cut_or_added_are_read_as_fastavro_reads_them(name: str, data: st.DataObject) -> None:
    definition = bundled(name).definition
    wanted = frozenset(data.draw(st.lists(st.sampled_from(fields(definition)), max_size=3)))
    whole = encode(name, data.draw(values(definition)))
    decoded(name, whole, wanted)  # what is remembered of a right one
    body = bytearray(whole)
    for place in data.draw(st.lists(st.integers(0, len(body) - 1), max_size=3)):
        body[place] = data.draw(st.sampled_from([0, 1, 2, 3, 127, 128, 255]) | st.integers(0, 255))
    broken = bytes(body[: data.draw(st.integers(0, len(body)))]) + data.draw(st.binary(max_size=2))
    known, found = by_fastavro(name, broken), decoded(name, broken, wanted)
    if known is None or not wanted:
        assert repr(found) == repr(known)
    else:
        assert repr(found) in (repr(only(known, wanted)), repr(known))


def test_an_array_that_nobody_wants_is_known_by_its_bytes_and_read_where_it_differs() -> None:
    value: dict[str, Any] = dict.fromkeys(fields(bundled("product").definition))
    value |= {"sku": "A", "kind": "product", "status": "active", "prices": [], "alternate_keys": []}
    wanted = frozenset({"sku", "status"})
    for count in (*range(20), *range(20)):
        body = encode("product", {**value, "taxes": [{"percent": Decimal(count), "base": place} for place in range(count % 7)]})
        assert decoded("product", body, wanted) == {"sku": "A", "status": "active"}
        assert decoded("product", body[:-1], wanted) is None


def test_bytes_of_another_entity_are_refused_whatever_is_wanted() -> None:
    with pytest.raises(PoisonError):
        DECODER.decode("stock", frame("product_line", b"\2A\0\0\0"), frozenset({"sku"}))
