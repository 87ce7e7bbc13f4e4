"""Some fields of an Avro body, without decoding the others: where it is much, that is all that matters.

`slices` cuts them out as the bytes they are, so that what did not change is seen without reading it; `read` makes values of such bytes.
A decimal is read as the whole number of its last place, an enum as its symbol; the rest is as fastavro has it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from foundation.errors import PoisonError
from foundation.generated import function
from foundation.texts import text
from schemas.codec import bundled

Skip = Callable[[bytes, int], int]
"""Where a value ends that begins at a place."""
Read = Callable[[bytes, int], tuple[Any, int]]
"""The value that begins at a place, and where it ends."""


NO_VALUE = b"\x80" * 11
"""No number has so many bytes, and no text begins with a length of so many."""


class Parts:
    """Fields of the bodies that this release writes of an entity."""

    def __init__(self, name: str, fields: Sequence[str]) -> None:
        types = {field["name"]: field["type"] for field in bundled(name).definition["fields"]}
        self._name = name
        self._steps = [(number, *step) for number, step in enumerate(_steps(types, fields))]
        self._last = [NO_VALUE] * len(self._steps)
        self._reads = {field: _read(types[field]) for field in fields}
        self.fields = [field for field in types if field in fields]
        """In the order of `slices`."""

    def slices(self, body: bytes) -> tuple[bytes, ...]:
        """The bytes of each field; raises `PoisonError` for what is no such body."""
        return self.both(body, body)[0]

    def both(self, one: bytes, other: bytes) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
        """The bytes of each field in two bodies; raises `PoisonError` for what is no such body.

        No value begins with another: where a body goes on with the bytes of one, as that before it had or the first of the two has, it has
        the same value, which need not be skipped part by part. So two cost hardly more than one.
        """
        at, there, of_one, of_other = 0, 0, [], []
        last = self._last
        try:
            for number, skip, is_wanted in self._steps:
                part = last[number]
                if not one.startswith(part, at):
                    part = last[number] = one[at : _within(skip(one, at), one)]
                end_there = there + len(part) if other.startswith(part, there) else skip(other, there)
                if is_wanted:
                    of_one.append(part)
                    of_other.append(other[there:end_there])
                at, there = at + len(part), end_there
        except IndexError:
            at = -1
        if (at, there) != (len(one), len(other)):
            raise PoisonError(text("The {name} has bytes after its end", name=self._name))
        return tuple(of_one), tuple(of_other)

    def read(self, field: str, part: bytes) -> Any:
        """The value of a field by its bytes."""
        return self._reads[field](part, 0)[0]


@cache
def parts(name: str, fields: tuple[str, ...]) -> Parts:
    """The same one for the same fields."""
    return Parts(name, fields)


def _within(end: int, body: bytes) -> int:
    """An end that is there: bytes that were cut short are no value."""
    if end > len(body):
        raise IndexError(end)
    return end


def _steps(types: Mapping[str, Any], wanted: Sequence[str]) -> Iterator[tuple[Skip, bool]]:
    """What is skipped together, and whether it is wanted."""
    between: list[Any] = []
    for field, schema in types.items():
        if field not in wanted:
            between.append(schema)
            continue
        if between:
            yield _skip(between), False
        yield _skip([schema]), True
        between = []
    if between:
        yield _skip(between), False


def _skip(schemas: Sequence[Any]) -> Skip:
    """Skips values one after the other, by one expression: most lengths and numbers are a byte."""
    names: dict[str, Any] = {"long": _skip_long, "sized": _skip_sized}
    steps = "".join(f"a := {_end(schema, 'a', names)}, " for schema in schemas)
    return function("b, a", f"({steps}a)[-1]" if steps else "a", names)


def _end(schema: Any, at: str, names: dict[str, Any]) -> str:
    """The source of an expression for the end of a value of the bytes `b`."""
    match schema:
        case ["null", other]:
            return f"({_end(other, f'{at} + 1', names)} if b[{at}] else {at} + 1)"
        case "string" | {"type": "bytes"}:
            return f"({at} + 1 + (n >> 1) if (n := b[{at}]) < 128 else sized(b, {at}))"
        case {"type": "record", "fields": fields}:
            return f"{_name(_skip([field['type'] for field in fields]), names)}(b, {at})"
        case {"type": "array", "items": items}:
            return f"{_name(_skip_items(_skip([items])), names)}(b, {at})"
        case "boolean":
            return f"{at} + 1"
        case _:
            return f"({at} + 1 if b[{at}] < 128 else long(b, {at}))"


def _name(thing: Any, names: dict[str, Any]) -> str:
    """A name for a part of an expression."""
    name = f"f{len(names)}"
    names[name] = thing
    return name


def _skip_long(body: bytes, at: int) -> int:
    while body[at] > 127:
        at += 1
    return at + 1


def _skip_sized(body: bytes, at: int) -> int:
    size, at = _long(body, at)
    if size < 0:
        raise IndexError(size)
    return at + size


def _skip_items(skip: Skip) -> Skip:
    def skip_items(body: bytes, at: int) -> int:
        count, at = _count(body, at)
        while count:
            for _ in range(count):
                at = skip(body, at)
            count, at = _count(body, at)
        return at

    return skip_items


def _read(schema: Any) -> Read:
    match schema:
        case ["null", other]:
            read = _read(other)
            return lambda body, at: read(body, at + 1) if body[at] else (None, at + 1)
        case {"type": "record", "fields": fields}:
            return _read_all([(field["name"], field["type"]) for field in fields])
        case {"type": "array", "items": items}:
            return _read_items(_read(items))
        case {"type": "enum", "symbols": symbols}:
            return _read_symbol(symbols)
        case {"logicalType": "decimal"}:
            return _read_units
        case "string":
            return _read_string
        case "boolean":
            return lambda body, at: (body[at] == 1, at + 1)
        case "int" | "long":
            return _long
        case _:
            raise ValueError(f"nothing is read of {schema}")


def _read_all(fields: Sequence[tuple[str, Any]]) -> Read:
    """Reads a record, by one expression as `_skip`."""
    names: dict[str, Any] = {"units": int.from_bytes}
    steps, values = "", ""
    for number, (field, schema) in enumerate(fields):
        read = _name(_read(schema), names)
        slow = f"(x := {read}(b, a), v{number} := x[0], a := x[1])"
        match schema:
            case "int" | "long":
                steps += f"(v{number} := (n >> 1) ^ -(n & 1), a := a + 1) if (n := b[a]) < 128 else {slow}, "
            case {"logicalType": "decimal"}:
                found = f"v{number} := units(b[a + 1 : (n := a + 1 + (b[a] >> 1))], 'big', signed=True), a := n"
                steps += f"({found}) if b[a] < 128 else {slow}, "
            case _:
                steps += f"{slow}, "
        values += f"{field!r}: v{number}, "
    return function("b, a", f"({steps}({{{values}}}, a))[-1]", names)


def _count(body: bytes, at: int) -> tuple[int, int]:
    """How many items follow; a count below zero is followed by their size."""
    count, at = _long(body, at)
    return (count, at) if count >= 0 else (-count, _skip_long(body, at))


def _long(body: bytes, at: int) -> tuple[int, int]:
    found = body[at]
    at += 1
    if found > 127:
        found, shift, byte = found & 127, 7, 128
        while byte > 127:
            byte = body[at]
            found |= (byte & 127) << shift
            at, shift = at + 1, shift + 7
    return (found >> 1) ^ -(found & 1), at


def _sized(body: bytes, at: int) -> tuple[bytes, int]:
    size, at = _long(body, at)
    return body[at : at + size], at + size


def _read_string(body: bytes, at: int) -> tuple[str, int]:
    found, at = _sized(body, at)
    return found.decode(), at


def _read_units(body: bytes, at: int) -> tuple[int, int]:
    found, at = _sized(body, at)
    return int.from_bytes(found, "big", signed=True), at


def _read_symbol(symbols: Sequence[str]) -> Read:
    def read_symbol(body: bytes, at: int) -> tuple[str, int]:
        place, at = _long(body, at)
        return symbols[place], at

    return read_symbol


def _read_items(read: Read) -> Read:
    def read_items(body: bytes, at: int) -> tuple[list[Any], int]:
        found = []
        count, at = _count(body, at)
        while count:
            for _ in range(count):
                item, at = read(body, at)
                found.append(item)
            count, at = _count(body, at)
        return found, at

    return read_items
