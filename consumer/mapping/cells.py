"""One column of a row: what it draws from an event, and what CAJA's column can hold of that, as an expression of a generated function.

In an expression `v` is the value of an event, `s` the store and `n` the list that takes a note of whatever is not all of what went in, so
that nothing is dropped unsaid; `p` are its prices by list, `t` its taxes, `c` its bar codes in order, where the columns draw from them.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from consumer.leftout import Cause, Note
from consumer.mapping.parts import ColumnMapping
from foundation.engines.catalogue import Column, Kind
from foundation.errors import ConfigError, PoisonError
from foundation.texts import text
from schemas.changes import Value
from schemas.keys import BLANKS

BAR_CODE = "none"
STORE = "store"
WIDE = Context(prec=60)
"""Where a number that no column holds is rounded as well; the database refuses it."""
REMEMBERED = 8192
_SEPARATORS = re.compile(r"[;,\s]+")

Named = Callable[[Any], str]
"""Gives a thing a name that expressions may use."""
Fit = Callable[[str, int], str | None]
"""As much of a text that is too long as makes sense."""


def drawn(source: str, column: str, price_list: int | None, named: Named) -> str:
    """The expression for what a column draws: a field as it is."""
    match source.split("."):
        case ["store"]:
            return "s"
        case ["price"]:
            return f"(p[{price_list}] if {price_list} in p else {named(_without_price(column))}(v, n))"
        case ["taxes", place, field]:
            return f"(t[{int(place) - 1}][{field!r}] if len(t) >= {int(place)} else None)"
        case ["alternates", place]:
            return f"(c[{int(place) - 1}] if len(c) >= {int(place)} else None)"
        case ["rate"]:
            return "(v['rate'] if (x := v['exact_rate']) is None else x)"
        case [name]:
            return f"v[{name!r}]"
        case _:
            raise ConfigError(text("The profile names an unknown source: {source}", source=source))


def fields(sources: Sequence[str]) -> Iterator[str]:
    """The fields of an event that `drawn` and `arrays` need, as the decoder names them."""
    for source in sources:
        match source.split("."):
            case ["store"]:
                pass
            case ["price"]:
                yield from ("prices.list", "prices.amount", "status")
            case ["taxes", _, field]:
                yield from (f"taxes.{field}", "taxes.percent")
            case ["alternates", _]:
                yield from ("alternate_keys.key", "alternate_keys.kind")
            case ["rate"]:
                yield from ("rate", "exact_rate")
            case _:
                yield source


def arrays(sources: Sequence[str], taxes: frozenset[int], codes: frozenset[int], named: Named) -> list[str]:
    """What binds `p`, `t` and `c`; taxes and bar codes behind the places that columns draw from, and between, are noted."""
    found = []
    if "price" in sources:
        found.append(f"p := {named(_by_list)}(v['prices'])")
    if taxes:
        found.append(f"t := {named(_taxes(taxes))}(v['taxes'], n)")
    if codes:
        found.append(f"c := {named(_codes(codes))}(v, n)")
    return found


def fitted(value: str, mapping: ColumnMapping, column: Column, named: Named) -> str:
    """The expression for as much of the value as the column can hold."""
    if isinstance(mapping.conversion, dict):
        letters = _letters(mapping.conversion)
        return f"({named(letters)}[x] if (x := {value}) in {named(letters)} else {named(_none(column))}(x, n))"
    width = column.length or 0
    match mapping.conversion:
        case "key" if mapping.kind is Kind.TEXT:
            return f"(x if (x := {value}) is None or len(x) <= {width} else {named(fitting_key)}(x, {named(column)}))"
        case "text" | "list" | "code":
            fit = named(_shorter(column, _FITS[mapping.conversion]))
            return f"(x if (x := {value}) is None or len(x) <= {width} else {fit}(x, n))"
        case "number" if column.scale is not None:
            return f"({named(_rounded(column, column.scale))}(x, n) if (x := {value}).__class__ is {named(Decimal)} else x)"
        case _:
            return value


def _by_list(prices: Sequence[Mapping[str, Any]]) -> dict[int, Any]:
    """Of two prices of one list the first."""
    return {price["list"]: price["amount"] for price in reversed(prices)}


def _without_price(column: str) -> Callable[[Value, list[Note]], None]:
    """A product that is in use and has no price in a list that feeds a column: nothing is shown where a price is looked for."""
    note = Note(Cause.NO_PRICE, column)

    def without_price(value: Value, notes: list[Note]) -> None:
        if value["status"] != "inactive":
            notes.append(note)

    return without_price


def _taxes(taken: frozenset[int]) -> Callable[[Sequence[Mapping[str, Any]], list[Note]], Sequence[Mapping[str, Any]]]:
    note = Note(Cause.BEYOND, "taxes")

    def taxes(found: Sequence[Mapping[str, Any]], notes: list[Note]) -> Sequence[Mapping[str, Any]]:
        if any(tax["percent"] for place, tax in enumerate(found, start=1) if place not in taken):
            notes.append(note)
        return found

    return taxes


def _codes(taken: frozenset[int]) -> Callable[[Value, list[Note]], list[str]]:
    note = Note(Cause.BEYOND, "alternate_keys")

    def codes(value: Value, notes: list[Note]) -> list[str]:
        found = bar_codes(value)
        if len(found) and not taken.issuperset(range(1, len(found) + 1)):
            notes.append(note)
        return found

    return codes


def bar_codes(value: Value) -> list[str]:
    return [alternate["key"] for alternate in value["alternate_keys"] if alternate["kind"] == BAR_CODE]


def _letters(letters: Mapping[str, str]) -> dict[Any, str | None]:
    """By the value as it is."""
    of_truth = {truth: letters[str(truth).lower()] for truth in (True, False) if str(truth).lower() in letters}
    return {None: None, **letters, **of_truth}


def _none(column: Column) -> Callable[[Any, list[Note]], None]:
    note = Note(Cause.LEFT_OUT, column.name)
    return lambda _value, notes: notes.append(note)


def _rounded(column: Column, scale: int) -> Callable[[Decimal, list[Note]], Decimal]:
    """As the column keeps it; most amounts of a shop come again and again."""
    step, note = Decimal(1).scaleb(-scale), Note(Cause.LEFT_OUT, column.name)
    known: dict[Decimal, Decimal] = {}

    def rounded(value: Decimal, notes: list[Note]) -> Decimal:
        kept = known.get(value)
        if kept is None:
            if len(known) >= REMEMBERED:
                known.clear()
            kept = known[value] = value.quantize(step, ROUND_HALF_EVEN, WIDE)
        if not kept and value:
            notes.append(note)
        return kept

    return rounded


def _shorter(column: Column, fit: Fit) -> Callable[[str, list[Note]], str | None]:
    width = column.length or 0

    def shorter(value: str, notes: list[Note]) -> str | None:
        kept = fit(value, width)
        notes.append(Note(Cause.SHORTENED if kept else Cause.LEFT_OUT, column.name))
        return kept

    return shorter


def _shortened(value: str, width: int) -> str | None:
    return value[:width].rstrip(BLANKS) or None


def _first_of_list(value: str, width: int) -> str | None:
    """No address is cut: as many as fit."""
    ends = [found.start() for found in _SEPARATORS.finditer(value) if found.start() <= width]
    return value[: ends[-1]] or None if ends else None


_FITS: Mapping[str, Fit] = {"text": _shortened, "list": _first_of_list, "code": lambda _value, _width: None}


def fitting_key(key: str, column: Column) -> str:
    """Keys are never shortened; raises `PoisonError`."""
    if len(key) > (column.length or 0):
        raise PoisonError(
            text("the key {key} is longer than {column} ({length} characters)", key=key, column=column.name, length=column.length)
        )
    return key
