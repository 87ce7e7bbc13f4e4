"""Nothing of an event is lost unsaid: what does not show in the row, a note tells."""

import json
from decimal import Decimal
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from consumer.leftout import Note
from consumer.mapping.mapper import RowMapper
from foundation.errors import PoisonError
from schemas.changes import Value
from schemas.codec import bundled
from schemas.entities import Entity
from tests.unit.consuming import MAPPERS

NOT_TAKEN = {
    Entity.PRODUCT_LINE: {"is_group"},
    Entity.PRODUCT: {"unit_in", "unit_factor", "taxes", "ieps"},
    Entity.STOCK: {"warehouse"},
}
"""Fields that CAJA knows by other means (the scheme's taxes, the store of the warehouse), or not at all."""
WORDS = st.text("aB1 ñ;,@.", min_size=1, max_size=8).map(str.strip).filter(bool)
TEXTS = st.one_of(WORDS, st.builds(lambda word, times: (word * times).strip(), WORDS, st.integers(1, 60)))
NUMBERS = st.decimals(min_value=1, max_value=10**6, places=6)
KEYS = st.text("AB12", min_size=1, max_size=5)


ARRAYS: dict[str, st.SearchStrategy[Any]] = {
    "Tax": st.lists(st.fixed_dictionaries({"percent": NUMBERS, "base": st.integers(0, 10)}), max_size=8),
    "Price": st.dictionaries(st.integers(1, 4), NUMBERS).map(
        lambda found: [{"list": n, "amount": amount, "tax_included": None} for n, amount in sorted(found.items())]
    ),
    "AlternateKey": st.sets(st.text("79", min_size=1, max_size=20), max_size=6).map(
        lambda keys: [{"key": key, "kind": "none"} for key in sorted(keys)]
    ),
}
SCALARS: dict[str, st.SearchStrategy[Any]] = {"boolean": st.booleans(), "int": st.integers(1, 10**6), "string": TEXTS}


def one_of(schema: Any) -> st.SearchStrategy[Any]:
    """Values of a field, by its type in the schema."""
    match schema:
        case ["null", other]:
            return st.none() | one_of(other)
        case {"type": "enum", "symbols": symbols}:
            return st.sampled_from(symbols)
        case {"logicalType": "decimal"}:
            return NUMBERS
        case {"type": "array", "items": {"name": name}}:
            return ARRAYS[name]
        case {"type": "record"}:
            return st.none()
        case _:
            return SCALARS[schema]


def fields(entity: Entity) -> dict[str, Any]:
    return {field["name"]: field["type"] for field in json.loads(bundled(entity.value).text)["fields"]}


@st.composite
def changes(draw: st.DrawFn, entity: Entity) -> tuple[str, Value, Value]:
    """A field, and two values of an event that differ in it alone."""
    of = fields(entity)
    before = {name: draw(KEYS if name in ("sku", "customer", "line") else one_of(schema)) for name, schema in of.items()}
    field = draw(st.sampled_from(sorted(set(of) - NOT_TAKEN.get(entity, set()))))
    after = {**before, field: draw(one_of(of[field]))}
    assume(before[field] != after[field] and told(before) != told(after))
    return field, before, after


def told(value: Value) -> Value:
    """What an event says: of a rate that six places do not hold, the exact one; as far as a binary float can tell."""
    if "exact_rate" not in value:
        return value
    exact = value["exact_rate"]
    return {**value, "rate": float(value["rate"] if exact is None else exact), "exact_rate": None}


def mapped(mapper: RowMapper, value: Value) -> tuple[Any, tuple[Note, ...]] | None:
    """None where it is refused, which parks it with the reason."""
    try:
        row = mapper.row(value, 1)
    except PoisonError:
        return None
    return [float(v) if isinstance(v, Decimal) else v for v in row.values], row.notes


@given(st.sampled_from(Entity).flatmap(lambda entity: st.tuples(st.just(entity), changes(entity))))
def test_whatever_changes_in_an_event_shows_in_its_row_or_is_noted(drawn: tuple[Entity, tuple[str, Value, Value]]) -> None:
    entity, (field, before, after) = drawn
    mapper = MAPPERS[entity]
    one, other = mapped(mapper, before), mapped(mapper, after)
    if one is None or other is None or one != other:
        return
    about = {name for name, column in mapper.columns.items() if column.source.split(".")[0] in field} | {field}
    assert {note.column for note in one[1]} & about, "the same row, and no word about it"


def test_every_field_is_drawn_from_or_known_not_to_be() -> None:
    for entity in Entity:
        drawn = {column.source.split(".")[0] for column in MAPPERS[entity].columns.values()}
        arrays = {"price": "prices", "alternates": "alternate_keys"}
        known = {arrays.get(name, name) for name in drawn} | NOT_TAKEN.get(entity, set()) | {"status"}
        known |= {"exact_rate"} if "rate" in drawn else set()
        assert set(fields(entity)) - known == set(), entity
