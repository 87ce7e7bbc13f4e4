"""What a profile may draw from: the fields of each entity's schema, so that a site's own file is read strictly.

Its faults are found when it is loaded, not at the first event that meets them.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from puente.texts import text
from schemas.changes import Entity
from schemas.codec import bundled

STORE, PRICE = "store", "price"
PLACE = re.compile(r"(taxes)\.[1-9]\.(percent|base)|(alternates)\.[1-9]")
_ARRAYS = {"taxes": "taxes", "alternates": "alternate_keys"}


def faults(entity: Entity, source: str, conversion: object, price_list: int | None) -> Iterator[str]:
    """What is wrong with a column that takes `source` of an entity's events, in words for its loading error."""
    fields = _fields(entity)
    if source == PRICE and "prices" in fields:
        if price_list is None:
            yield str(text("a price needs the number of its list"))
    elif _is_derived(entity, source, fields):
        return
    elif source not in fields or isinstance(fields[source], dict):
        yield str(text("an event of {entity} has no field {source}", entity=entity, source=source))
    elif isinstance(conversion, dict) and (lacking := [value for value in fields[source] if value not in conversion]):
        yield str(text("no letter for {values}", values=", ".join(lacking)))


def _is_derived(entity: Entity, source: str, fields: dict[str, Any]) -> bool:
    """The store of a stock event, or one place of a list."""
    place = PLACE.fullmatch(source)
    return (source == STORE and entity is Entity.STOCK) or (place is not None and _ARRAYS[place[1] or place[3]] in fields)


def _fields(entity: Entity) -> dict[str, Any]:
    """name → the values of a closed set (none for any other scalar), or the schema of what is no scalar."""
    return {field["name"]: _values(field["type"]) for field in json.loads(bundled(entity.value).text)["fields"]}


def _values(schema: Any) -> Any:
    match schema:
        case [*branches]:
            return next((_values(branch) for branch in branches if branch != "null"), [])
        case {"type": "enum", "symbols": symbols}:
            return symbols
        case "boolean":
            return ["true", "false"]
        case {"type": "record" | "array"}:
            return schema
        case _:
            return []
