"""FULL_TRANSITIVE: every version of a schema reads what every other one wrote, older and newer."""

import copy
import io
import json
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import NAMES, Decoder, bundled, encode, frame
from tests.contracts.evolution import cannot_be_read
from tests.contracts.schema_values import values

GOLDEN = Path(__file__).parent.parent / "golden"


def definition(name: str) -> Any:
    return json.loads(bundled(name).text)


def versions(name: str) -> list[Any]:
    """All that were ever published, and what is bundled now."""
    published = [json.loads(path.read_text(encoding="utf-8"))["schema"] for path in GOLDEN.glob(f"{name}.*.json")]
    return [*published, definition(name)]


@pytest.mark.parametrize("name", NAMES)
def test_every_version_reads_every_other(name: str) -> None:
    for written, read in permutations(versions(name), 2):
        assert list(cannot_be_read(written, read)) == []


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=300)
@given(st.data())
def test_values_of_every_version_go_through_every_other(name: str, data: st.DataObject) -> None:
    """Of two versions each time: all pairs in each example would take minutes, for they grow with every version."""
    written, read = data.draw(st.sampled_from(list(permutations(versions(name), 2))))
    value, buffer = data.draw(values(written)), io.BytesIO()
    fastavro.schemaless_writer(buffer, written, value)
    buffer.seek(0)
    found = fastavro.schemaless_reader(buffer, written, read)
    assert isinstance(found, dict)
    assert {name: found[name] for name in found.keys() & value.keys()} == {name: value[name] for name in found.keys() & value.keys()}


def _field(schema: Any, name: str) -> Any:
    return next(field for field in schema["fields"] if field["name"] == name)


def _without(name: str) -> Callable[[Any], None]:
    def change(schema: Any) -> None:
        schema["fields"] = [field for field in schema["fields"] if field["name"] != name]

    return change


def _with(**field: Any) -> Callable[[Any], None]:
    return lambda schema: schema["fields"].append(field)


BREAKING: dict[str, tuple[str, Callable[[Any], None]]] = {
    "a field that has no default is gone": ("stock", _without("quantity")),
    "a new field without a default": ("stock", _with(name="lot", type="string")),
    "another type": ("stock", lambda s: _field(s, "warehouse").update(type="string")),
    "another scale": ("stock", lambda s: _field(s, "quantity")["type"].update(scale=4)),
    "a decimal that is plain bytes": ("stock", lambda s: _field(s, "quantity").update(type="bytes")),
    "what could be nothing no longer can": ("product", lambda s: _field(s, "line").update(type="string")),
    "another name": ("stock", lambda s: s.update(name="Stocks")),
    "a symbol is gone where no other stands in": (
        "product_line",
        lambda s: _field(s, "status").update(type={"type": "enum", "name": "LineStatus", "symbols": ["active"]}),
    ),
    "a part of a part is gone": ("product", lambda s: _field(s, "prices")["type"]["items"]["fields"].pop(1)),
}


@pytest.mark.parametrize("change", BREAKING)
def test_a_breaking_change_is_found(change: str) -> None:
    name, apply = BREAKING[change]
    changed = copy.deepcopy(definition(name))
    apply(changed)
    assert [*cannot_be_read(definition(name), changed), *cannot_be_read(changed, definition(name))]


COMPATIBLE: dict[str, tuple[str, Callable[[Any], None]]] = {
    "a new field with a default": ("stock", _with(name="lot", type=["null", "string"], default=None)),
    "an optional field is gone": ("product", _without("line")),
    "a symbol more where another stands in": (
        "product",
        lambda s: _field(s, "kind")["type"]["symbols"].append("bundle"),
    ),
}


@pytest.mark.parametrize("change", COMPATIBLE)
@given(data=st.data())
def test_a_compatible_change_is_read_by_this_release(change: str, data: st.DataObject) -> None:
    """A branch one release behind learns the schema from the registry and reads on."""
    name, apply = COMPATIBLE[change]
    newer = copy.deepcopy(definition(name))
    apply(newer)
    newer["puente.id"] = 99
    assert not [*cannot_be_read(definition(name), newer), *cannot_be_read(newer, definition(name))]
    value, buffer = data.draw(values(newer)), io.BytesIO()
    fastavro.schemaless_writer(buffer, newer, value)
    decoder = Decoder()
    decoder.learn({99: json.dumps(newer)})
    found = decoder.decode(name, b"\0\0\0\0\x63" + buffer.getvalue())
    assert found.keys() == {field["name"] for field in definition(name)["fields"]}
    assert decoder.decode(name, frame(name, encode(name, found))) == found
