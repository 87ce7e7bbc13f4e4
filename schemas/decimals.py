"""Decimals as Avro's bytes: the bytes that fastavro makes, sooner, for most amounts of a shop come again and again."""

from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any

from fastavro.types import Schema
from fastavro.write import LOGICAL_WRITERS

PLACES = 6
PRECISION = 24
REMEMBERED = 8192
LOGICAL_TYPE = "puente-decimal"
LIMIT = 10**PRECISION
_made: dict[Decimal, bytes] = {}
_CONTEXT = Context(prec=PRECISION + 1, traps=[Inexact, InvalidOperation])


def writer_definition(definition: Any) -> Any:
    """A schema as it is written with: every decimal is bytes that `prepare` makes. The bytes are those of `definition`."""
    match definition:
        case {"logicalType": "decimal", "scale": scale, "precision": precision}:
            if (scale, precision) != (PLACES, PRECISION):
                raise ValueError(f"every decimal of an event has precision {PRECISION} and scale {PLACES}")
            LOGICAL_WRITERS[f"bytes-{LOGICAL_TYPE}"] = prepare
            return {"type": "bytes", "logicalType": LOGICAL_TYPE}
        case dict():
            return {name: writer_definition(part) for name, part in definition.items()}
        case list():
            return [writer_definition(part) for part in definition]
        case _:
            return definition


def prepare(value: Any, _schema: Schema) -> bytes:
    """fastavro's hook. Raises `TypeError`, `ValueError` or `ArithmeticError` for what is no decimal of an event."""
    if type(value) is not Decimal:
        raise TypeError(f"{value!r} is no decimal")
    found = _made.get(value)
    if found is None:
        found = to_bytes(value)
        if len(_made) >= REMEMBERED:
            _made.clear()
        _made[value] = found
    return found


def to_bytes(value: Decimal) -> bytes:
    """The millionths in two's complement, big-endian, as fastavro sizes them."""
    millionths = int(value.scaleb(PLACES, _CONTEXT).to_integral_exact(context=_CONTEXT))
    if not -LIMIT < millionths < LIMIT:
        raise ValueError(f"{value} has more than {PRECISION} digits")
    return millionths.to_bytes((millionths.bit_length() + 8) // 8, "big", signed=True)
