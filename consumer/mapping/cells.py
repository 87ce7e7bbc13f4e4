"""One column of a row: what it draws from an event, and what CAJA's column can hold of that.

Each step gives the value together with the reason why it is not all of what went in, so that nothing is dropped unsaid.
"""

import re
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, NamedTuple

from consumer.leftout import Cause
from consumer.mapping.parts import ColumnMapping
from foundation.engines.catalogue import Column, Kind, Scalar
from foundation.errors import ConfigError, PoisonError
from foundation.texts import text
from schemas.changes import Value
from schemas.keys import BLANKS

BAR_CODE = "none"
STORE = "store"
WIDE = Context(prec=60)
"""Where a number that no column holds is rounded as well; the database refuses it."""
_SEPARATORS = re.compile(r"[;,\s]+")


class Cell(NamedTuple):
    """The value of a column, and why it is less than what SAE holds (None: it is all of it)."""

    value: Scalar
    cause: Cause | None = None


Getter = Callable[[Value, int | None], Any]
"""What a column draws from the value of an event and from the store: a field as it is."""
Converter = Callable[[Any], Cell]


def getter(source: str, price_list: int | None) -> Getter:
    match source.split("."):
        case ["store"]:
            return lambda _value, store: store
        case ["price"]:
            return lambda value, _store: next((p["amount"] for p in value["prices"] if p["list"] == price_list), None)
        case ["taxes", place, field]:
            return _nth("taxes", int(place) - 1, field)
        case ["alternates", place]:
            return lambda value, _store: dict(enumerate(bar_codes(value), start=1)).get(int(place))
        case ["rate"]:
            return lambda value, _store: value["rate"] if value["exact_rate"] is None else value["exact_rate"]
        case [name]:
            return lambda value, _store: value[name]
        case _:
            raise ConfigError(text("The profile names an unknown source: {source}", source=source))


def _nth(array: str, place: int, field: str) -> Getter:
    return lambda value, _store: value[array][place][field] if place < len(value[array]) else None


def bar_codes(value: Value) -> list[str]:
    return [alternate["key"] for alternate in value["alternate_keys"] if alternate["kind"] == BAR_CODE]


def converter(mapping: ColumnMapping, column: Column) -> Converter:
    if isinstance(mapping.conversion, dict):
        return _choice(mapping.conversion)
    width = column.length or 0
    match mapping.conversion:
        case "key" if mapping.kind is Kind.TEXT:
            return lambda value: Cell(None if value is None else fitting_key(value, column))
        case "text":
            return lambda value: _fitted(value, width, _shortened)
        case "list":
            return lambda value: _fitted(value, width, _first_of_list)
        case "code":
            return lambda value: _fitted(value, width, lambda _value, _width: None)
        case "number" if column.scale is not None:
            return _rounded(Decimal(1).scaleb(-column.scale))
        case _:
            return Cell


def _choice(letters: Mapping[str, str]) -> Converter:
    def convert(value: Any) -> Cell:
        name = str(value).lower() if isinstance(value, bool) else value
        if name is None or name in letters:
            return Cell(letters.get(name))
        return Cell(None, Cause.LEFT_OUT)

    return convert


def _rounded(step: Decimal) -> Converter:
    def convert(value: Any) -> Cell:
        if not isinstance(value, Decimal):
            return Cell(value)
        kept = value.quantize(step, ROUND_HALF_EVEN, WIDE)
        return Cell(kept, Cause.LEFT_OUT if value and not kept else None)

    return convert


def _fitted(value: str | None, width: int, fit: Callable[[str, int], str | None]) -> Cell:
    """A text that is too long is as much of it as makes sense."""
    if value is None or len(value) <= width:
        return Cell(value)
    kept = fit(value, width)
    return Cell(kept, Cause.SHORTENED if kept else Cause.LEFT_OUT)


def _shortened(value: str, width: int) -> str | None:
    return value[:width].rstrip(BLANKS) or None


def _first_of_list(value: str, width: int) -> str | None:
    """No address is cut: as many as fit."""
    ends = [found.start() for found in _SEPARATORS.finditer(value) if found.start() <= width]
    return value[: ends[-1]] or None if ends else None


def fitting_key(key: str, column: Column) -> str:
    """Keys are never shortened; raises `PoisonError`."""
    if len(key) > (column.length or 0):
        raise PoisonError(
            text("the key {key} is longer than {column} ({length} characters)", key=key, column=column.name, length=column.length)
        )
    return key
