"""Avro's bytes → values, by a function that is made once of each schema and of the fields that somebody wants of it.

fastavro makes a value of everything that it reads, of every amount a new decimal; here most amounts are remembered by their bytes, and
arrays that nobody wants by all of theirs. What is read is right to the last byte, as fastavro has it; where anything is not as Puente
writes it, an error says so and fastavro is asked instead: it decides what is wrong, and how.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from functools import cache
from typing import Any, NoReturn

from foundation.generated import function

Read = Callable[[bytes, int], tuple[Any, int]]
"""The value that begins at a place, and where it ends, which may lie behind the last byte: then there is no such value."""

Skip = Callable[[bytes, int], int]
"""Where the value ends that begins at a place."""

EVERYTHING = frozenset[str]()
REMEMBERED = 8192
PARTS_REMEMBERED = 8
LARGEST_SHORT = 63
"""The length that one byte can tell."""
SEVEN_BITS, MOST_BITS = 128, 63
_exact = Context(prec=64)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UnusualBytes(ValueError):
    """Bytes that are no value of the schema, or one that Puente does not write so."""


def compile_reader(schema: Any, wanted: frozenset[str] = EVERYTHING) -> Read:
    """Reads a record, and of it the wanted fields (`EVERYTHING` that there is); `prices.list` is a field of the items of `prices`.

    Raises `ValueError` for a schema that it cannot read. What it makes raises `LookupError`, `ValueError` or `ArithmeticError`.
    """
    return _Compiler().record(schema, wanted)


class _Compiler:
    """Puts together one Python expression per record and per array. In it `b` are the bytes and `a` is the place in them."""

    def __init__(self) -> None:
        self._names: dict[str, Any] = {
            "SIZE": _sizes(LARGEST_SHORT),
            "NUMBER": _NUMBERS,
            "TRUTH": _TRUTH,
            "text": _text,
            "number": _number,
            "time": _time,
            "unusual": _unusual,
        }

    def record(self, schema: Any, wanted: frozenset[str]) -> Read:
        return self._function(f"({self._record(schema, wanted)}, a)")

    def _function(self, expression: str) -> Read:
        return function("b, a", expression, self._names)

    def _record(self, schema: Any, wanted: frozenset[str]) -> str:
        """Its fields one after another, in a dictionary; those that nobody wants are read within the next one that somebody does."""
        parts, before = [], ""
        for field in schema["fields"]:
            name, of = field["name"], _within(field["name"], wanted)
            if of is None:
                before += f"{self._skipped(field['type'])}, "
                continue
            value = self._value(field["type"], of)
            parts.append(f"{name!r}: " + (f"({before}{value})[-1]" if before else value))
            before = ""
        made = "{" + ", ".join(parts) + "}"
        return f"({made}, {before})[0]" if before else made

    def _value(self, schema: Any, wanted: frozenset[str], at: str = "a") -> str:
        """The source of an expression for the value that begins at `at`; with it `a` moves to where the value ends."""
        match schema:
            case ["null", other]:
                value = self._value(other, wanted, "a + 1")
                return f"({value} if (u := b[a]) == 2 else ((a := a + 1) and None) if u == 0 else unusual())"
            case "string":
                return f"(b[{at} + 1 : (a := {at} + n)].decode() if (n := SIZE[b[{at}]]) else {self._called('text', at)})"
            case {"logicalType": "decimal", "type": "bytes", "precision": precision, "scale": scale}:
                sizes, amounts = self._name(_sizes(_certain_bytes(precision))), self._name(_amounts(scale))
                return f"({amounts}[b[{at} + 1 : (a := {at} + n)]] if (n := {sizes}[b[{at}]]) else unusual())"
            case "int" | "long":
                return f"(NUMBER[n] if (n := b[{at}]) < 128 and (a := {at} + 1) else {self._called('number', at)})"
            case {"logicalType": "timestamp-micros", "type": "long"}:
                return self._called("time", at)
            case "boolean":
                return f"TRUTH[b[(a := {at} + 1) - 1]]"
            case {"type": "enum", "symbols": symbols} if len(symbols) <= LARGEST_SHORT:
                return f"{self._name({2 * place: symbol for place, symbol in enumerate(symbols)})}[b[(a := {at} + 1) - 1]]"
            case {"type": "record"}:
                return self._called(self._name(self.record(schema, wanted)), at)
            case {"type": "array", "items": items}:
                return self._called(self._name(self._array(items, wanted)), at)
            case _:
                raise ValueError(f"nothing is read of {schema}")

    def _called(self, name: str, at: str) -> str:
        """The source of a call of a `Read`."""
        return f"(x := {name}(b, {at}), a := x[1])[0][0]"

    def _array(self, items: Any, wanted: frozenset[str]) -> Read:
        """As Puente writes it: no items, or one block of them."""
        is_record = isinstance(items, dict) and items["type"] == "record"
        item = self._record(items, wanted) if is_record else self._value(items, wanted)
        several = function("b, a, m", f"([{item} for _ in range(m)], a + 1 if not b[a] else unusual())", self._names)

        def read(body: bytes, at: int) -> tuple[Any, int]:
            count = _NUMBERS[body[at]] if body[at] < SEVEN_BITS else -1
            if count > 0:
                found: tuple[Any, int] = several(body, at + 1, count)
                return found
            return ([], at + 1) if not count else _unusual()

        return read

    def _skipped(self, schema: Any) -> str:
        """The source of an expression that only moves `a`. It reads all there is: what is no value must not pass for one."""
        match schema:
            case {"type": "array"} | ["null", {"type": "array" | "record"}] | {"type": "record"}:
                return f"a := {self._name(_skip(self._function(f'({self._value(schema, EVERYTHING)}, a)')))}(b, a)"
            case _:
                return self._value(schema, EVERYTHING)

    def _name(self, thing: Any) -> str:
        """A name for a part of the expressions to come."""
        name = f"f{len(self._names)}"
        self._names[name] = thing
        return name


def _within(name: str, wanted: frozenset[str]) -> frozenset[str] | None:
    """What is wanted of a field; None where it is not."""
    if not wanted or name in wanted:
        return EVERYTHING
    return frozenset(found.removeprefix(f"{name}.") for found in wanted if found.startswith(f"{name}.")) or None


def _sizes(most: int) -> list[int]:
    """By the byte of a length how many bytes that and the value take; 0 where it is no length, or a larger one."""
    return [1 + byte // 2 if byte % 2 == 0 and byte <= 2 * most else 0 for byte in range(256)]


def _certain_bytes(precision: int) -> int:
    """How many bytes hold no number of more digits: fastavro rounds those."""
    return (int(10**precision).bit_length() - 1) // 8


_NUMBERS = [(byte >> 1) ^ -(byte & 1) for byte in range(SEVEN_BITS)]
_TRUTH = {0: False, 1: True}


class _Amounts(dict[bytes, Decimal]):
    """Decimals of one scale by their bytes: most amounts of a shop come again and again."""

    def __init__(self, scale: int) -> None:
        self._last_place = Decimal(1).scaleb(-scale)

    def __missing__(self, raw: bytes) -> Decimal:
        if len(self) >= REMEMBERED:
            self.clear()
        found = self[raw] = _exact.multiply(int.from_bytes(raw, "big", signed=True), self._last_place)
        return found


_amounts = cache(_Amounts)


def _number(body: bytes, at: int) -> tuple[int, int]:
    """Of up to nine bytes, which is less than 64 bits."""
    found = shift = 0
    while shift < MOST_BITS:
        byte = body[at]
        found |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < SEVEN_BITS:
            return (found >> 1) ^ -(found & 1), at
    return _unusual()


def _time(body: bytes, at: int) -> tuple[datetime, int]:
    micros, at = _number(body, at)
    return _EPOCH + timedelta(microseconds=micros), at


def _text(body: bytes, at: int) -> tuple[str, int]:
    size, at = _number(body, at)
    if size < 0:
        _unusual()
    return body[at : at + size].decode(), at + size


def _unusual() -> NoReturn:
    raise UnusualBytes


def _skip(read: Read) -> Skip:
    """Where a value ends. No value begins with another: where a body goes on with the bytes of one, it has the same."""
    known: list[bytes] = []

    def skip(body: bytes, at: int) -> int:
        for part in known:
            if body.startswith(part, at):
                return at + len(part)
        end: int
        _, end = read(body, at)
        if end > len(body):
            _unusual()
        known[PARTS_REMEMBERED - 1 :] = [body[at:end]]
        return end

    return skip
