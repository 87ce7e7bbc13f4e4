"""Values → Avro's bytes, by a function that is made once of each schema.

fastavro parses and reads; its writer asks of every value which branch of a union it fits, and takes decimals apart digit by digit, so
that a product costs four times as much as here. The bytes are fastavro's own: the contract tests hold that for every schema. What a
schema of ours may be made of stands here: records, arrays, enums, texts, integers, booleans, decimals, times, and each of these or null.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, Inexact, InvalidOperation
from functools import partial
from typing import Any

from foundation.generated import function

Write = Callable[[Any], bytes]

PLACES, PRECISION = 6, 24
DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": PRECISION, "scale": PLACES}
TIME = {"type": "long", "logicalType": "timestamp-micros"}
REMEMBERED = 8192
NULL, VALUE = b"\0", b"\2"
"""What a field begins with that may be null: with nothing behind it, or with what it holds."""
END = b"\0"
"""Of an array."""
_exactly = Context(prec=64, traps=[Inexact, InvalidOperation]).multiply
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def compile_writer(schema: Any) -> Write:
    """The function that writes values of a schema; it raises what `codec.UNFIT` lists for a value that does not fit."""
    return _Compiler().function(schema)


class _Compiler:
    """Puts together one Python expression per record, in which most values need no call: a record costs one, and each long text."""

    def __init__(self) -> None:
        self._names: dict[str, Any] = {
            "join": b"".join,
            "length": long_bytes,
            "NULL": NULL,
            "VALUE": VALUE,
            "END": END,
            "LENGTH": LENGTH,
            "SMALL": SMALL,
            "Decimal": Decimal,
            "made": _made.get,
        }

    def function(self, schema: Any) -> Write:
        """The function for one schema, whose parts become functions too."""
        match schema:
            case {"type": "record", "fields": fields}:
                parts = ", ".join(self._expression(field["type"], f"v[{field['name']!r}]") for field in fields)
                return self._lambda(f"join(({parts},))")
            case {"type": "array", "items": items}:
                return self._lambda(f"join((length(len(v)), *map({self._name(self.function(items))}, v), END)) if v else END")
            case {"type": "enum"}:
                return _symbols(schema).__getitem__
            case _ if schema == DECIMAL:
                return _decimal
            case {"logicalType": "decimal", "precision": precision, "scale": places}:
                return partial(_scaled, places=places, precision=precision)
            case _ if schema == TIME:
                return _time
            case "string" | "int" | "long" | "boolean":
                return _PLAIN[schema]
            case _:
                raise ValueError(f"no schema of an event is made of {schema}")

    def _expression(self, schema: Any, value: str) -> str:
        """The source of an expression for the bytes of `value`."""
        match schema:
            case ["null", other]:
                return f"(NULL if (x := {value}) is None else VALUE + {self._expression(other, 'x')})"
            case {"type": "enum"}:
                return f"{self._name(_symbols(schema))}[{value}]"
            case "boolean":
                return f"{self._name(_BOOLEAN)}[{value}]"
            case "int" | "long":
                return f"(SMALL[y] if -64 <= (y := {value}) < 64 else {self._name(self.function(schema))}(y))"
            case "string":
                return f"(LENGTH[n] + y if (n := len(y := {value}.encode())) < {len(LENGTH)} else length(n) + y)"
            case _ if schema == DECIMAL:
                return f"((made(y) if (y := {value}).__class__ is Decimal else None) or {self._name(_decimal)}(y))"
            case _:
                return f"{self._name(self.function(schema))}({value})"

    def _name(self, thing: Any) -> str:
        """A name for a part of the expressions to come."""
        name = f"f{len(self._names)}"
        self._names[name] = thing
        return name

    def _lambda(self, expression: str) -> Write:
        return function("v", expression, self._names)


def _symbols(enum: Any) -> dict[str, bytes]:
    return {symbol: long_bytes(place) for place, symbol in enumerate(enum["symbols"])}


def long_bytes(number: int) -> bytes:
    """Zigzag, seven bits to a byte, the lowest first."""
    rest = (number << 1) ^ (number >> 63)
    if rest < 128:
        return _BYTE[rest]
    if not -(1 << 63) <= number < 1 << 63:
        raise ValueError(f"{number} has more than 64 bits")
    found = bytearray()
    while rest > 127:
        found.append(rest & 127 | 128)
        rest >>= 7
    found.append(rest)
    return bytes(found)


_BYTE = [bytes([number]) for number in range(128)]
LENGTH = [long_bytes(number) for number in range(1024)]
SMALL = [long_bytes(number) for number in (*range(64), *range(-64, 0))]
"""The numbers of one byte; a list's own way of counting from its end finds those below zero."""
_BOOLEAN = {False: b"\0", True: b"\1"}


def integer_bytes(number: int) -> bytes:
    if not -(1 << 31) <= number < 1 << 31:
        raise ValueError(f"{number} has more than 32 bits")
    return long_bytes(number)


def _string(value: str) -> bytes:
    content = value.encode()
    return long_bytes(len(content)) + content


def _time(value: datetime) -> bytes:
    return long_bytes((value - _EPOCH) // timedelta(microseconds=1))


_PLAIN: dict[str, Write] = {
    "string": _string,
    "int": integer_bytes,
    "long": long_bytes,
    "boolean": _BOOLEAN.__getitem__,
}
_made: dict[Decimal, bytes] = {}


def _decimal(value: Decimal) -> bytes:
    """Most amounts of a shop come again and again."""
    if not isinstance(value, Decimal):
        raise TypeError(f"{value!r} is no decimal")
    found = _made.get(value)
    if found is None:
        found = _in_units(value, PLACES, PRECISION)
        if len(_made) >= REMEMBERED:
            _made.clear()
        _made[value] = found
    return found


def _scaled(value: Decimal, *, places: int, precision: int) -> bytes:
    """A decimal of another scale, which is rare."""
    if not isinstance(value, Decimal):
        raise TypeError(f"{value!r} is no decimal")
    return _in_units(value, places, precision)


def _in_units(value: Decimal, places: int, precision: int) -> bytes:
    """How many of its last place it is, in two's complement, big-endian, after its length."""
    scaled = _exactly(value, Decimal(10**places))
    number = int(scaled)
    if number != scaled:
        raise ValueError(f"{value} has more than {places} places")
    if not -(10**precision) < number < 10**precision:
        raise ValueError(f"{value} has more than {precision} digits")
    return unit_bytes(number)


def unit_bytes(number: int) -> bytes:
    """A decimal, in units of its last place."""
    content = number.to_bytes((number.bit_length() + 8) // 8, "big", signed=True)
    return LENGTH[len(content)] + content
