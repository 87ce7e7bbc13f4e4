"""Whether what one version of a schema wrote can be read by another: Avro's rules of resolution, and ours for decimals and times."""

from collections.abc import Iterator
from typing import Any


def cannot_be_read(written: Any, read: Any, at: str = "") -> Iterator[str]:
    """Why values of `written` do not resolve to `read`; nothing where they all do."""
    if isinstance(written, list) or isinstance(read, list):
        yield from _unions(written, read, at)
    elif _type(written) != _type(read):
        yield f"{at}: {_type(written)} became {_type(read)}"
    else:
        yield from _same_type(written, read, at)


def _type(schema: Any) -> Any:
    return schema if isinstance(schema, str) else schema["type"]


def _unions(written: Any, read: Any, at: str) -> Iterator[str]:
    readable = read if isinstance(read, list) else [read]
    for branch in written if isinstance(written, list) else [written]:
        problems = [list(cannot_be_read(branch, other, at)) for other in readable]
        if all(problems):
            yield from min(problems, key=len)


def _same_type(written: Any, read: Any, at: str) -> Iterator[str]:
    match written, read:
        case {"type": "record"}, {"fields": _}:
            yield from _records(written, read, at)
        case {"type": "array"}, {"items": items}:
            yield from cannot_be_read(written["items"], items, f"{at}[]")
        case {"type": "enum"}, {"symbols": symbols} if "default" not in read:
            yield from (f"{at}: no symbol {symbol}" for symbol in written["symbols"] if symbol not in symbols)
        case {"logicalType": _}, _:
            facts = ("logicalType", "precision", "scale")
            yield from (f"{at}: other {fact}" for fact in facts if _fact(written, fact) != _fact(read, fact))
        case _, {"logicalType": _}:
            yield f"{at}: other logicalType"
        case _:
            return


def _fact(schema: Any, fact: str) -> Any:
    return schema.get(fact) if isinstance(schema, dict) else None


def _records(written: Any, read: Any, at: str) -> Iterator[str]:
    if written["name"] != read["name"]:
        yield f"{at}: {written['name']} became {read['name']}"
    fields = {field["name"]: field for field in written["fields"]}
    for field in read["fields"]:
        place = f"{at}.{field['name']}"
        if field["name"] in fields:
            yield from cannot_be_read(fields[field["name"]]["type"], field["type"], place)
        elif "default" not in field:
            yield f"{place}: missing, and without a default"
