"""Fields of an event as Avro's bytes, for who makes events by the hundred thousand: `writer` makes the same of values, field by field.

What these give is joined by `record`, which knows the schema's order and which fields there are.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from foundation.generated import function
from schemas.codec import bundled
from schemas.writer import END, LENGTH, NULL, SMALL, VALUE, integer_bytes, long_bytes

Field = bytes
TRUE, FALSE = b"\1", b"\0"
SOMETHING_OF = [VALUE + length for length in LENGTH]
"""What stands before a text of so many bytes in a field that may be null."""


@cache
def record(name: str, within: str = "") -> Callable[..., bytes]:
    """Joins all fields of an entity, or of the records in one field of it, each given by its name."""
    names = [field["name"] for field in _fields(name, within)]
    return function(f"*, {', '.join(names)}", f"join(({', '.join(names)},))", {"join": b"".join})


@cache
def symbols(name: str, field: str, within: str = "") -> Mapping[str, Field]:
    """The symbols of an enum's field."""
    (enum,) = (one["type"] for one in _fields(name, within) if one["name"] == field)
    return {symbol: long_bytes(place) for place, symbol in enumerate(enum["symbols"])}


def _fields(name: str, within: str) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = bundled(name).definition["fields"]
    if not within:
        return found
    (schema,) = (field["type"] for field in found if field["name"] == within)
    fields: Sequence[Mapping[str, Any]] = (schema["items"] if isinstance(schema, dict) else schema[1])["fields"]
    return fields


def string(value: str) -> Field:
    content = value.encode()
    size = len(content)
    return (LENGTH[size] if size < len(LENGTH) else long_bytes(size)) + content


def something(value: str) -> Field:
    """A text where there might be none."""
    content = value.encode()
    size = len(content)
    return SOMETHING_OF[size] + content if size < len(LENGTH) else VALUE + long_bytes(size) + content


def integer(number: int) -> Field:
    return SMALL[number] if -64 <= number < 64 else integer_bytes(number)


def integer_or_null(number: int | None) -> Field:
    return NULL if number is None else VALUE + integer(number)


def array(items: Sequence[bytes]) -> Field:
    return b"".join((long_bytes(len(items)), *items, END)) if items else END
