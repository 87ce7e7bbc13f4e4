"""What lacks in an event of another release has the value that the schema's default stands for, wherever in the schema it is."""

import copy
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import FRAME, NAMES, Decoder, bundled, encode, frame
from schemas.defaults import value_of
from tests.contracts.schema_values import values

OTHER = 99
Path = tuple[str, ...]


def definition(name: str) -> Any:
    return json.loads(bundled(name).text)


def record_of(kind: Any) -> Any:
    """The record that a field holds, one or many of them; None where it holds none."""
    kind = next(branch for branch in kind if branch != "null") if isinstance(kind, list) else kind
    kind = kind["items"] if isinstance(kind, dict) and kind["type"] == "array" else kind
    return kind if isinstance(kind, dict) and kind["type"] == "record" else None


def defaults(record: Any, path: Path = ()) -> Iterator[Path]:
    """Every field that has one."""
    for field in record["fields"]:
        if "default" in field:
            yield (*path, field["name"])
        if (inner := record_of(field["type"])) is not None:
            yield from defaults(inner, (*path, field["name"]))


def without(schema: Any, path: Path) -> Any:
    """The schema of a release that does not know the field."""
    older = copy.deepcopy(schema)
    record = older
    for name in path[:-1]:
        record = record_of(next(field["type"] for field in record["fields"] if field["name"] == name))
    record["fields"] = [field for field in record["fields"] if field["name"] != path[-1]]
    older["puente.id"] = OTHER
    return older


def at(value: Any, path: Path) -> Iterator[Any]:
    """What stands at a path, once for each item of an array."""
    if not path:
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from at(item, path)
    elif value is not None:
        yield from at(value[path[0]], path[1:])


EVERY = [(name, path) for name in NAMES for path in defaults(definition(name))]
RIGHT = {
    "currency.rate": Decimal("0.000000"),
    "currency.status": "active",
    "product.taxes": [],
    "product.ieps": None,
    "product.prices.tax_included": None,
    "product.alternate_keys.kind": "none",
    "word.compared": False,
    "word.unpublished_count": 0,
    "word.stuck": [],
    "word.stuck.transaction": None,
    "word.held_deletes": [],
    "word.held_updates": [],
}
"""Some of them, spelt out."""


def test_what_is_spelt_out_is_there() -> None:
    assert {f"{name}.{'.'.join(path)}" for name, path in EVERY} >= RIGHT.keys()


@pytest.mark.parametrize(("name", "path"), EVERY, ids=[f"{name}.{'.'.join(path)}" for name, path in EVERY])
@settings(max_examples=10)
@given(data=st.data())
def test_an_event_without_the_field_is_read_as_one_that_has_its_default(name: str, path: Path, data: st.DataObject) -> None:
    older, buffer = without(definition(name), path), io.BytesIO()
    value = data.draw(values(older))
    fastavro.schemaless_writer(buffer, older, value)
    decoder = Decoder()
    decoder.learn({OTHER: json.dumps(older)})
    found = decoder.decode(name, FRAME.pack(0, OTHER) + buffer.getvalue())
    assert Decoder().decode(name, frame(name, encode(name, found))) == found  # the writer takes no text for a decimal
    expected = RIGHT.get(f"{name}.{'.'.join(path)}")
    for one in at(found, path):
        assert expected is None or (one, type(one)) == (expected, type(expected))


def test_no_two_events_share_what_was_put_in() -> None:
    older, buffer = without(definition("product"), ("prices",)), io.BytesIO()
    fastavro.schemaless_writer(buffer, older, {"sku": "A"})
    decoder = Decoder()
    decoder.learn({OTHER: json.dumps(older)})
    one, other = (decoder.decode("product", FRAME.pack(0, OTHER) + buffer.getvalue()) for _ in range(2))
    one["prices"].append("mine")
    assert other["prices"] == []


INNER = {
    "type": "record",
    "name": "Inner",
    "fields": [
        {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 24, "scale": 6}, "default": "\u0001\u00e2@"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}, "default": 1_000_000},
    ],
}


def test_a_default_that_is_a_record_has_the_defaults_of_its_own_fields() -> None:
    amount, moment = Decimal("0.123456"), datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert value_of(INNER, {}) == {"amount": amount, "at": moment}
    assert value_of(INNER, {"at": 0}) == {"amount": amount, "at": datetime(1970, 1, 1, tzinfo=UTC)}
    assert value_of({"type": "array", "items": INNER}, [{}]) == [{"amount": amount, "at": moment}]
    assert value_of([INNER, "null"], {}) == {"amount": amount, "at": moment}
    assert value_of(["null", INNER], None) is None
