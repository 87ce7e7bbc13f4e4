"""What the schemas' own documentation says of their fields, and the tables of docs/events.md that must say the same."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

AVRO = Path(__file__).parents[2] / "schemas" / "avro"
HEAD = "| field | type | meaning | in SAE |"
HEAD_WITHOUT_SAE = "| field | type | meaning |"


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """A field of a schema; `name` is a path where it stands inside of another."""

    name: str
    type: Any
    doc: str

    @property
    def meaning(self) -> str:
        return self.doc.partition(". SAE: ")[0]

    @property
    def source(self) -> str:
        """`TABLE.COLUMN`, or a table alone, or several; empty where SAE has no such thing."""
        return self.doc.partition(". SAE: ")[2]

    @property
    def columns(self) -> list[tuple[str, str]]:
        """Every table and column that the source names."""
        if found := re.fullmatch(r"(\w+)\.(\w+?)1(\w*) to \2(\d)\3", self.source):
            return [(found[1], f"{found[2]}{place}{found[3]}") for place in range(1, int(found[4]) + 1)]
        return [
            (table, column)
            for part in self.source.split(" or ")
            if (column := part.partition(".")[2]) and (table := part.partition(".")[0])
        ]


def schema(name: str) -> Any:
    return json.loads((AVRO / f"{name}.avsc").read_text(encoding="utf-8"))


def fields(of: Any, prefix: str = "") -> Iterator[Field]:
    """Those of a record, each followed by those inside of it."""
    for field in of["fields"]:
        name = prefix + field["name"]
        yield Field(name=name, type=field["type"], doc=field["doc"])
        inner = without_null(field["type"])
        inner = inner["items"] if isinstance(inner, dict) and inner["type"] == "array" else inner
        if isinstance(inner, dict) and inner["type"] == "record":
            yield from fields(inner, f"{name}.")


def without_null(kind: Any) -> Any:
    return kind[1] if isinstance(kind, list) else kind


def table_of(name: str) -> list[str]:
    """The table of a schema, line by line; what stands inside of a field comes after it, by its path."""
    found = list(fields(schema(name)))
    in_sae = any(field.source for field in found)
    head = HEAD if in_sae else HEAD_WITHOUT_SAE
    return [head, "|---" * head.count("| ") + "|", *(_line(field, in_sae=in_sae) for field in found)]


def _line(field: Field, *, in_sae: bool) -> str:
    cells = [f"`{field.name}`", _type(field.type), field.meaning, *([field.source] if in_sae else [])]
    return f"| {' | '.join(cells)} |"


def _type(kind: Any) -> str:
    match kind:
        case ["null", other]:
            return f"{_type(other)} or null"
        case {"logicalType": "decimal"}:
            return "decimal"
        case {"logicalType": "timestamp-micros"}:
            return "timestamp"
        case {"type": "enum", "symbols": symbols}:
            return f"enum: {', '.join(symbols)}"
        case {"type": "array", "items": str(items)}:
            return f"array of {items}s"
        case {"type": "array"}:
            return "array of records"
        case {"type": "record"}:
            return "record"
        case str():
            return kind
        case _:
            raise AssertionError(f"no words for {without_null(kind)}")
