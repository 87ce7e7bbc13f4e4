"""Decimals as Avro's bytes: the bytes that fastavro makes, sooner, for most amounts of a shop come again and again."""

from decimal import Context, Decimal, Inexact, InvalidOperation
from functools import lru_cache
from typing import Any

from fastavro.types import Schema
from fastavro.write import LOGICAL_WRITERS

SCALE = 6
PRECISION = 24
REMEMBERED = 8192
LOGICAL_TYPE = "puente-decimal"
_CONTEXT = Context(prec=PRECISION + 1, traps=[Inexact, InvalidOperation])


def writer_definition(definition: Any) -> Any:
    """A schema as it is written with: every decimal is bytes that `prepare` makes. The bytes are those of `definition`."""
    match definition:
        case {"logicalType": "decimal", "scale": scale, "precision": precision}:
            if (scale, precision) != (SCALE, PRECISION):
                raise ValueError(f"every decimal of an event has precision {PRECISION} and scale {SCALE}")
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
    return to_bytes(value)


@lru_cache(REMEMBERED)
def to_bytes(value: Decimal) -> bytes:
    """The millionths in two's complement, big-endian, as fastavro sizes them."""
    millionths = int(value.scaleb(SCALE, _CONTEXT).to_integral_exact(context=_CONTEXT))
    if abs(millionths) >= 10**PRECISION:
        raise ValueError(f"{value} has more than {PRECISION} digits")
    return millionths.to_bytes((millionths.bit_length() + 8) // 8, "big", signed=True)
