"""CAJA's rows as they are, read once for a resync that expects most of them to be equal: those need no write, and the ledger neither.

A row is kept as 64 bits of what it holds; the place of its key is that which the resync has of the log's keys. A till may change a row
after it was read, as it may after a resync wrote it.
"""

from array import array
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from struct import pack, unpack
from typing import Any

from consumer.mapping.mapper import RowMapper
from foundation.engines.catalogue import Kind, Scalar
from foundation.engines.writing import WriteColumn, written
from foundation.generated import function
from foundation.packed import PackedKeys
from schemas.keys import Key, trim

UNKNOWN = 0
REMEMBERED = 8192
Print = Callable[[Sequence[Scalar]], int]


class EqualRows:
    """The rows of `keys`; `mapper` is that of their entity."""

    def __init__(self, mapper: RowMapper, rows: Iterable[Sequence[Scalar]], keys: PackedKeys) -> None:
        self._keys, self._mapped = keys, _print_of(mapper, _as_mapped)
        self._prints = array("q", bytes(8 * len(keys)))
        place_of, as_read = [column.name for column in mapper.plan.columns].index(mapper.key_column), _print_of(mapper, _as_read)
        for row in rows:
            if row[place_of] is not None and (place := keys.place(trim(str(row[place_of])).encode())) is not None:
                self._prints[place] = as_read(row)

    def holds(self, key: Key, values: Sequence[Scalar]) -> bool:
        """Whether CAJA's row of this key holds all that is mapped."""
        place = self._keys.place(key.encode())
        return place is not None and self._prints[place] == self._mapped(values) != UNKNOWN


def _print_of(mapper: RowMapper, side: Callable[[WriteColumn], Callable[[Any], Any] | None]) -> Print:
    """Of what a row holds, by one expression: `hash` of the text of it, for Python's own takes -1 and -2 for the same."""
    names: dict[str, Any] = {"trim": trim}
    keys, plan, parts = {name for name, column in mapper.columns.items() if column.conversion == "key"}, mapper.plan, ""
    for place, column in enumerate(plan.columns):
        if column.name in plan.only_new:
            continue
        turn, value = side(column), f"v[{place}]"
        if column.name in keys:
            parts += f"trim(x) if (x := {value}).__class__ is str else x, "
        elif turn is None:
            parts += f"{value}, "
        else:
            names[f"f{place}"] = turn
            parts += f"None if (x := {value}) is None else f{place}(x), "
    return function("v", f"hash(repr(({parts})))", names)


def _as_read(column: WriteColumn) -> Callable[[Any], Any] | None:
    """Blanks at the end of a text count for nothing, nor does how a number is kept."""
    match column.kind:
        case Kind.TEXT:
            return lambda value: value.rstrip(" ")
        case Kind.FLOAT:
            return float
        case _:
            return lambda value: int(value) if value == int(value) else value


def _as_mapped(column: WriteColumn) -> Callable[[Any], Any] | None:
    """As it would stand in the database."""
    match column.kind:
        case Kind.TEXT:
            return lambda value: value.rstrip(" ")
        case Kind.FLOAT:
            return _Stored(column).__getitem__
        case _:
            return None


class _Stored(dict[Decimal | float, float]):
    """Numbers as a column keeps what is written of them; most amounts of a shop come again and again."""

    def __init__(self, column: WriteColumn) -> None:
        self._single = column.single

    def __missing__(self, value: Decimal | float) -> float:
        if len(self) >= REMEMBERED:
            self.clear()
        number = float(written(value))
        found = self[value] = float(unpack("f", pack("f", number))[0]) if self._single else number
        return found
