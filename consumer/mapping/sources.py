"""What a profile may draw from: the fields of each entity's schema, so that a site's own file is read strictly.

Its faults are found when it is loaded, not at the first event that meets them.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from foundation.texts import Text, text
from schemas.codec import bundled
from schemas.entities import Entity

STORE, PRICE, STATUS = "store", "price", "status"
PLACE = re.compile(r"(taxes)\.[1-9]\.(percent|base)|(alternates)\.[1-9]")
_ARRAYS = {"taxes": "taxes", "alternates": "alternate_keys"}
TEXTS, WHOLE, NUMBER = ("key", "text", "list", "code"), ("integer", "number"), ("number",)
"""Which conversions take a text, a whole number, a number with decimals."""


@dataclass(frozen=True, slots=True)
class Field:
    """What stands in a field: the conversions that take it, or the values of a closed set, which take letters."""

    conversions: tuple[str, ...] = ()
    values: tuple[str, ...] = ()


def faults(entity: Entity, source: str, conversion: str | Mapping[str, str], price_list: int | None) -> Iterator[str]:
    """What is wrong with a column that takes `source` of an entity's events, in words for its loading error."""
    found = _field(entity, source)
    if found is None:
        yield str(text("an event of {entity} has no field {source}", entity=entity, source=source))
        return
    if source == PRICE and price_list is None:
        yield str(text("a price needs the number of its list"))
    if not isinstance(conversion, str):
        yield from _letter_faults(source, found, conversion)
    elif conversion not in found.conversions:
        letters = "{ " + ", ".join(f'{value} = "…"' for value in found.values) + " }"
        yield str(_not_so(source, conversion, ", ".join(found.conversions) or letters))


def _letter_faults(source: str, found: Field, letters: Mapping[str, str]) -> Iterator[str]:
    if not found.values:
        yield str(_not_so(source, "{ … }", ", ".join(found.conversions)))
    elif lacking := [value for value in found.values if value not in letters]:
        yield str(text("no letter for {values}", values=", ".join(lacking)))


def _not_so(source: str, conversion: str, fitting: str) -> Text:
    return text("{source} cannot be taken as {conversion}, but as {fitting}", source=source, conversion=conversion, fitting=fitting)


def has_status(entity: Entity) -> bool:
    """Whether its events tell if a row is in use."""
    return STATUS in _fields(entity)


def _field(entity: Entity, source: str) -> Field | None:
    """None where there is no such field, or where it is no scalar."""
    fields = _fields(entity)
    place = PLACE.fullmatch(source)
    if place is not None:
        array = place[1] or place[3]
        of = {None: TEXTS, "percent": NUMBER, "base": WHOLE}[place[2]]
        return Field(of) if _ARRAYS[array] in fields else None
    if source == STORE:
        return Field(WHOLE) if entity is Entity.STOCK else None
    if source == PRICE:
        return Field(NUMBER) if "prices" in fields else None
    return _scalar(fields[source]) if source in fields else None


def _fields(entity: Entity) -> dict[str, Any]:
    """name → its type in the schema."""
    return {field["name"]: field["type"] for field in json.loads(bundled(entity.value).text)["fields"]}


def _scalar(schema: Any) -> Field | None:
    match schema:
        case [*branches]:
            return next((_scalar(branch) for branch in branches if branch != "null"), None)
        case {"type": "enum", "symbols": symbols}:
            return Field(values=tuple(symbols))
        case "boolean":
            return Field(values=("true", "false"))
        case {"logicalType": "decimal"}:
            return Field(NUMBER)
        case "int" | "long":
            return Field(WHOLE)
        case "string":
            return Field(TEXTS)
        case _:
            return None
