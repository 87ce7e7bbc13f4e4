"""Values of any schema of ours, made from the schema itself; and those values as JSON."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
PLAIN: dict[str, SearchStrategy[Any]] = {
    "string": TEXTS,
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "boolean": st.booleans(),
    "null": st.none(),
}


def values(schema: Any) -> SearchStrategy[Any]:
    """Every value that the schema allows, decimals at its scale."""
    match schema:
        case list():
            return st.one_of([values(branch) for branch in schema])
        case str():
            return PLAIN[schema]
        case {"logicalType": "decimal", "precision": precision, "scale": scale}:
            return st.integers(1 - 10**precision, 10**precision - 1).map(_scaled(scale))
        case {"logicalType": "timestamp-micros"}:
            return st.datetimes(timezones=st.just(UTC))
        case {"type": "record", "fields": fields}:
            return st.fixed_dictionaries({field["name"]: values(field["type"]) for field in fields})
        case {"type": "array", "items": items}:
            return st.lists(values(items), max_size=8)
        case {"type": "enum", "symbols": symbols}:
            return st.sampled_from(symbols)
        case _:
            raise AssertionError(f"no strategy for {schema}")


def _scaled(scale: int) -> Callable[[int], Decimal]:
    return lambda number: Decimal((int(number < 0), tuple(map(int, str(abs(number)))), -scale))


def as_json(value: Any) -> Any:
    """Decimals and times as text."""
    match value:
        case dict():
            return {name: as_json(part) for name, part in value.items()}
        case list():
            return [as_json(part) for part in value]
        case Decimal() | datetime():
            return str(value)
        case _:
            return value


def without_docs(schema: Any) -> Any:
    """The schema as far as it decides bytes, defaults included."""
    match schema:
        case dict():
            return {name: without_docs(part) for name, part in schema.items() if name != "doc"}
        case list():
            return [without_docs(part) for part in schema]
        case _:
            return schema
