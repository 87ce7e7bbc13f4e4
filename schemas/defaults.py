"""Defaults of a schema as values.

Where what was written lacks a field, fastavro hands out the reader's default as it stands in the schema: a text for a decimal, a number for
a time, a record without its own fields' defaults. Here they become what any other value of the field is.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

Fill = Callable[[Any], None]
"""Puts defaults into a value that was just decoded."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def value_of(schema: Any, raw: Any) -> Any:
    """The value of a default, by Avro's rules: a union's is one of its first branch, bytes are written as a text of as many characters."""
    match schema:
        case [first, *_]:
            return value_of(first, raw)
        case {"type": "record", "fields": fields}:
            return {field["name"]: value_of(field["type"], raw.get(field["name"], field.get("default"))) for field in fields}
        case {"type": "array", "items": items}:
            return [value_of(items, item) for item in raw]
        case {"logicalType": "decimal", "scale": scale}:
            return Decimal(int.from_bytes(raw.encode("latin-1"), "big", signed=True)).scaleb(-scale)
        case {"logicalType": "timestamp-micros"}:
            return _EPOCH + timedelta(microseconds=raw)
        case _:
            return raw


def filling(written: Any, read: Any) -> Fill | None:
    """What mends a value of `written` that fastavro resolved to `read`; None where it is right as it is."""
    match _without_null(written), _without_null(read):
        case {"type": "record", "fields": theirs}, {"type": "record", "fields": ours}:
            return _of_record({field["name"]: field["type"] for field in theirs}, ours)
        case {"type": "array", "items": theirs}, {"type": "array", "items": ours}:
            fill = filling(theirs, ours)
            return None if fill is None else lambda items: _each(fill, items)
        case _:
            return None


def _of_record(theirs: dict[str, Any], ours: Any) -> Fill | None:
    defaults = {field["name"]: value_of(field["type"], field["default"]) for field in ours if _is_missing(field, theirs)}
    inner = dict(_inner(theirs, ours))
    if not defaults and not inner:
        return None

    def fill(value: Any) -> None:
        value.update(deepcopy(defaults))
        for name, of in inner.items():
            if value[name] is not None:
                of(value[name])

    return fill


def _is_missing(field: Any, theirs: dict[str, Any]) -> bool:
    return field["name"] not in theirs and "default" in field


def _inner(theirs: dict[str, Any], ours: Any) -> Iterator[tuple[str, Fill]]:
    for field in ours:
        fill = filling(theirs[field["name"]], field["type"]) if field["name"] in theirs else None
        if fill is not None:
            yield field["name"], fill


def _each(fill: Fill, items: Any) -> None:
    for item in items:
        fill(item)


def _without_null(schema: Any) -> Any:
    return next((branch for branch in schema if branch != "null"), None) if isinstance(schema, list) else schema
