"""What SAE's rows are as events, put together from what the schemas' own documentation says of each field.

So the documentation is held to what Puente publishes. Nothing here knows the producer; how a float is rounded and a text is trimmed is the
demo's independent word for it.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from decimal import Context, Decimal
from typing import Any

from foundation.once import once
from puente.demo.oracle.expected_rows import Row, Sae, byte_order, digits, number, trimmed, words
from tests.contracts.schema_docs import Field, fields, schema, without_null

MAIN = {
    "product_line": ("CLIN", "CVE_LIN"),
    "tax_scheme": ("IMPU", "CVE_ESQIMPU"),
    "currency": ("MONED", "NUM_MONED"),
    "product": ("INVE", "CVE_ART"),
    "customer": ("CLIE", "CLAVE"),
    "stock": ("MULT", "CVE_ART"),
}
"""Of each entity the table with a row for each event, and the column of its key."""
POINTS_BACK = {"PRECIO_X_PROD": ("CVE_ART",), "CVES_ALTER": ("CVE_ART",), "CLIE": ("PROSPECTO",)}
"""Columns that decide what belongs to an event, and are no field of it."""


class Documented:
    """The events that one company's tables make, by the documentation."""

    def __init__(self, sae: Sae) -> None:
        self._sae = sae

    def events(self, entity: str) -> dict[str, dict[str, Any]]:
        """Values by key; of stock by warehouse and key, as in `1/MART-16`."""
        table, key = MAIN[entity]
        rows = [row for row in self._rows(table) if row.get("PROSPECTO") != "S"]
        of = (lambda row: f"{row['CVE_ALM']}/{trimmed(row[key])}") if entity == "stock" else (lambda row: trimmed(str(row[key])))
        return {found: self._value(entity, row) for found, row in first(rows, of, key).items()}

    def _value(self, entity: str, row: Row) -> dict[str, Any]:
        return {field.name: self._field(entity, field, row) for field in fields(schema(entity)) if "." not in field.name}

    def _field(self, entity: str, field: Field, row: Row) -> Any:
        parts = {part.name.rpartition(".")[2]: part for part in fields(schema(entity)) if part.name.startswith(f"{field.name}.")}
        match field.name:
            case "taxes":
                return self._taxes(parts, row["CVE_ESQIMPU"])
            case "prices":
                return self._prices(parts, trimmed(row["CVE_ART"]))
            case "alternate_keys":
                return self._alternates(parts, trimmed(row["CVE_ART"]))
            case "ieps":
                return {name: plain(part, row) for name, part in parts.items()}
            case _:
                return plain(field, row)

    def _taxes(self, parts: Mapping[str, Field], scheme: int | None) -> list[dict[str, Any]]:
        found = [row for row in self._rows("IMPU") if row["CVE_ESQIMPU"] == scheme]
        pairs = zip(parts["percent"].columns, parts["base"].columns, strict=True)
        return [{"percent": number(row[percent] or 0), "base": row[base] or 0} for row in found for (_, percent), (_, base) in pairs]

    def _prices(self, parts: Mapping[str, Field], sku: str) -> list[dict[str, Any]]:
        lists = {row["CVE_PRECIO"]: row for row in self._rows("PRECIOS", "CVE_PRECIO")}
        rows = first(self._children("PRECIO_X_PROD").get(sku, ()), lambda row: row["CVE_PRECIO"], "CVE_ART")
        return [{name: plain(part, {**rows[place], **lists[place]}) for name, part in parts.items()} for place in sorted(rows)]

    def _alternates(self, parts: Mapping[str, Field], sku: str) -> list[dict[str, Any]]:
        rows = first(self._children("CVES_ALTER").get(sku, ()), lambda row: trimmed(row["CVE_ALTER"]), "CVE_ART", "CVE_ALTER")
        return [{name: plain(part, rows[key]) for name, part in parts.items()} for key in sorted(rows) if key]

    def _children(self, table: str) -> Mapping[str, list[Row]]:
        if table not in self._by_product:
            by_product = self._by_product[table] = defaultdict(list)
            for row in self._rows(table):
                by_product[trimmed(row["CVE_ART"])].append(row)
        return self._by_product[table]

    def _rows(self, table: str, *more: str) -> list[Row]:
        if table not in self._read:
            named = {column for entity in MAIN for field in fields(schema(entity)) for of, column in field.columns if of == table}
            self._read[table] = self._sae.rows(table, *named, *POINTS_BACK.get(table, ()), *more)
        return self._read[table]

    @once
    def _read(self) -> dict[str, list[Row]]:
        return {}

    @once
    def _by_product(self) -> dict[str, dict[str, list[Row]]]:
        return {}


def first(rows: Iterable[Row], key: Callable[[Row], Any], *raw: str) -> dict[Any, Row]:
    """Of rows whose keys are one when trimmed, the first in byte order of the raw ones."""
    found: dict[Any, Row] = {}
    for row in sorted(rows, key=lambda row: [byte_order(str(row[name])) for name in raw]):
        found.setdefault(key(row), row)
    return found


def plain(field: Field, row: Row) -> Any:
    """One column's value by the field's type and meaning."""
    raw = row[field.columns[0][1]]
    nullable = isinstance(field.type, list)
    match without_null(field.type):
        case "string":
            return (trimmed(raw) or (None if nullable else "")) if "trimmed" in field.meaning else words(raw, None)
        case "boolean":
            letter = re.search(r"true for (\w)", field.meaning)
            assert letter is not None
            return raw == letter[1]
        case {"logicalType": "decimal", "scale": 6}:
            return number(raw if nullable else raw or 0)
        case {"logicalType": "decimal"}:
            exact = Decimal(str(digits(raw or 0))).quantize(Decimal("1e-18"), context=Context(prec=38))
            return None if exact == number(raw or 0) else exact
        case {"type": "enum", "symbols": symbols}:
            letters = {letter: word for letter, word in re.findall(r"\b([A-Z]) (\w+)", field.meaning) if word in symbols}
            assert sorted(letters.values()) == sorted(symbols)
            found = trimmed(raw)
            return letters[found.upper()] if found else symbols[0]
        case "int":
            return raw
        case unknown:
            raise AssertionError(f"no value for {unknown}")
