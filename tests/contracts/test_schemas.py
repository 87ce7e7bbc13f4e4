"""The schemas: what is written can be read, byte for byte what was published, today and by every version there ever was."""

import io
import json
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import PoisonError
from schemas.codec import FRAME, ID_ATTRIBUTE, NAMES, Decoder, bundled, content_hash, encode, frame
from schemas.entities import Entity
from schemas.keys import KEY_FIELD
from schemas.writer import compile_writer
from tests.contracts.schema_values import as_json, values, without_docs

GOLDEN = Path(__file__).parent.parent / "golden"

# Every schema ever published, by id, never to be changed: a changed schema gets a new id, a new line here and a new golden file.
PUBLISHED = {
    1: ("product_line", "239a8c908565b08e"),
    2: ("tax_scheme", "7fced708fe25ef55"),
    3: ("currency", "84bbfbc1cd9b75a9"),
    4: ("product", "b27da8db94bb581a"),
    5: ("customer", "cb955f38af4e3177"),
    6: ("stock", "78c24de0f766ff76"),
    7: ("word", "cba0a09f2fa90d63"),
    8: ("word", "a3116d4388e8c2a2"),
    9: ("word", "24643d8bf126bbaf"),
    10: ("currency", "b5200408588482ba"),
    11: ("word", "f9640bc2de40e9a7"),
    12: ("word", "a5ad5bc692a130ac"),
    13: ("word", "402eb4ac7e92f1b2"),
}


def definition(name: str) -> Any:
    return json.loads(bundled(name).text)


def fingerprint(schema: Any) -> str:
    return sha256(json.dumps(without_docs(schema), sort_keys=True).encode()).hexdigest()[:16]


def golden_files() -> list[Path]:
    return sorted(GOLDEN.glob("*.json"))


def written_by_fastavro(name: str, value: Any) -> bytes:
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, bundled(name).parsed, value)
    return buffer.getvalue()


# round trip


@pytest.mark.parametrize("name", NAMES)
@given(st.data())
def test_what_is_encoded_is_decoded_to_the_same_value(name: str, data: st.DataObject) -> None:
    value = data.draw(values(definition(name)))
    assert Decoder().decode(name, frame(name, encode(name, value))) == value


@pytest.mark.parametrize("name", NAMES)
@given(st.data())
def test_the_bytes_are_those_of_fastavro(name: str, data: st.DataObject) -> None:
    value = data.draw(values(definition(name)))
    assert encode(name, value) == written_by_fastavro(name, value)


AMOUNTS = ("0", "-0", "-0.000000", "0.000001", "-0.000001", "0.000127", "0.000128", "-0.000128", "-0.000129", "1E+3", "1.5", "16")


@pytest.mark.parametrize("amount", AMOUNTS)
def test_an_amount_has_the_bytes_of_fastavro_whatever_its_spelling(amount: str) -> None:
    value = {"sku": "A", "warehouse": 1, "quantity": Decimal(amount)}
    assert encode("stock", value) == written_by_fastavro("stock", value)


@pytest.mark.parametrize("name", NAMES)
@given(st.data())
def test_the_hash_of_the_content_depends_on_the_content_alone(name: str, data: st.DataObject) -> None:
    one, other = data.draw(values(definition(name))), data.draw(values(definition(name)))
    turned = dict(reversed(one.items()))
    assert content_hash(encode(name, one)) == content_hash(encode(name, turned))
    assert (content_hash(encode(name, one)) == content_hash(encode(name, other))) == (one == other)


def test_the_hash_is_sixteen_characters_that_never_change() -> None:
    assert content_hash(encode("stock", {"sku": "A", "warehouse": 1, "quantity": Decimal(7)})) == "YaqI0xYxmrExF2AF"


STOCK = {"sku": "A", "warehouse": 1, "quantity": Decimal(1)}
UNFIT: dict[str, tuple[str, dict[str, Any]]] = {
    "text where a number belongs": ("stock", {**STOCK, "warehouse": "1"}),
    "number where a text belongs": ("stock", {**STOCK, "sku": 1}),
    "nothing where something belongs": ("stock", {**STOCK, "sku": None}),
    "no such field": ("stock", {"sku": "A", "warehouse": 1}),
    "integer for a decimal": ("stock", {**STOCK, "quantity": 1}),
    "float for a decimal": ("stock", {**STOCK, "quantity": 1.0}),
    "seven places": ("stock", {**STOCK, "quantity": Decimal("1.0000001")}),
    "forty digits": ("stock", {**STOCK, "quantity": Decimal("1." + "0" * 39 + "1")}),
    "nineteen digits before the point": ("stock", {**STOCK, "quantity": Decimal(10) ** 18}),
    "infinity": ("stock", {**STOCK, "quantity": Decimal("Infinity")}),
    "no number": ("stock", {**STOCK, "quantity": Decimal("NaN")}),
    "signalling no number": ("stock", {**STOCK, "quantity": Decimal("sNaN")}),
    "33 bits": ("stock", {**STOCK, "warehouse": 2**31}),
    "half a character": ("stock", {**STOCK, "sku": "\ud800"}),
    "nothing for a boolean": ("product_line", {"line": "L", "description": None, "is_group": None, "status": "active"}),
    "no such symbol": ("product_line", {"line": "L", "description": None, "is_group": True, "status": "gone"}),
}


@pytest.mark.parametrize("unfit", UNFIT)
def test_a_value_that_does_not_fit_is_poison(unfit: str) -> None:
    encode("stock", STOCK)  # remembered amounts make no difference
    with pytest.raises(PoisonError):
        encode(*UNFIT[unfit])


def test_a_schema_of_other_parts_than_ours_is_refused() -> None:
    with pytest.raises(ValueError, match="no schema of an event"):
        compile_writer({"type": "map", "values": "string"})


# what was published


def test_every_schema_of_this_release_is_published_under_its_fingerprint() -> None:
    """A changed schema needs a new id, or events of the old one would be read wrongly."""
    bundled_now = {bundled(name).id: (name, fingerprint(definition(name))) for name in NAMES}
    assert {number: PUBLISHED.get(number) for number in bundled_now} == bundled_now


def test_every_published_schema_has_its_golden_file() -> None:
    found = {}
    for path in golden_files():
        golden = json.loads(path.read_text(encoding="utf-8"))
        found[golden["schema"][ID_ATTRIBUTE]] = (path.stem.split(".")[0], fingerprint(golden["schema"]))
    assert found == PUBLISHED


@pytest.mark.parametrize("path", golden_files(), ids=lambda path: path.stem)
def test_golden_bytes_are_read_as_the_value_they_were(path: Path) -> None:
    golden = json.loads(path.read_text(encoding="utf-8"))
    name, number = path.stem.split(".")[0], golden["schema"][ID_ATTRIBUTE]
    decoder = Decoder()
    decoder.learn({number: json.dumps(golden["schema"])})
    for event in golden["events"]:
        framed = bytes.fromhex(event["framed"])
        value = decoder.decode(name, framed)
        assert {field: as_json(value)[field] for field in event["value"]} == event["value"]
        if number == bundled(name).id:
            assert frame(name, encode(name, value)) == framed
            assert content_hash(framed[FRAME.size :]) == event["hash"]


def test_every_value_repeats_its_key() -> None:
    for entity in Entity:
        assert KEY_FIELD[entity] == definition(entity.value)["fields"][0]["name"]


def test_every_optional_field_has_a_default() -> None:
    for name in NAMES:
        for field in definition(name)["fields"]:
            if isinstance(field["type"], list):
                assert field["default"] is None, (name, field["name"])
