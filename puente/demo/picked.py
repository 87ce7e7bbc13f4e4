"""Rows of SAE that an edit may take: active, whole, with clean keys, none given twice. The same SAE, the same rows."""

from collections import Counter
from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Select, column, func, select, table

from foundation.engines.database import Reader
from foundation.errors import ConfigError
from foundation.texts import text
from schemas.keys import trim

APART = 16
"""Rows are taken this many steps apart, so that they are not all of one family."""


class Picked:
    """What there is to take, read once in one snapshot."""

    def __init__(self, reader: Reader, suffix: str, warehouse: int) -> None:
        self.suffix, self.warehouse = suffix, warehouse
        self._reader = reader
        self._products = _apart(self._clean("INVE", "CVE_ART", *self._sellable()))
        self._customers = _apart(self._clean("CLIE", "CLAVE", column("STATUS") == "A", func.coalesce(column("PROSPECTO"), "N") == "N"))

    def products(self, count: int) -> tuple[str, ...]:
        taken, self._products = self._products[:count], self._products[count:]
        if len(taken) < count:
            raise ConfigError(text("This SAE has too few active products for every edit; give the demo more with --products"))
        return tuple(taken)

    def product(self) -> str:
        return self.products(1)[0]

    def warehouses(self, product: str) -> list[int]:
        """Where the product has stock."""
        query = self._select("MULT", "CVE_ALM").where(column("CVE_ART") == product)
        return [int(row[0]) for row in self._reader.rows(query)]

    def customer(self) -> str:
        """The raw key, padded as SAE stores it."""
        if not self._customers:
            raise ConfigError(text("This SAE has too few active customers for every edit; give the demo more with --products"))
        return self._customers.pop(0)

    def new_product(self) -> str:
        """A key that is free."""
        taken = {trim(key) for key in self._keys("INVE", "CVE_ART")}
        return next(key for number in range(1, len(taken) + 2) if (key := f"NUEVO-{number:03d}") not in taken)

    def new_bar_code(self) -> str:
        """One that no product has."""
        taken = {trim(key) for key in self._keys("CVES_ALTER", "CVE_ALTER")}
        return next(code for number in range(1, len(taken) + 2) if (code := f"75000000{number:05d}") not in taken)

    def line(self) -> str:
        return self._clean("CLIN", "CVE_LIN", column("STATUS") == "A", column("ESUNGPO") == "N")[0]

    def scheme(self) -> int:
        """The one with the highest first tax."""
        query = self._select("IMPU", "CVE_ESQIMPU").where(column("STATUS") == "A")
        return int(self._first(query.order_by(None).order_by(column("IMPUESTO1").desc(), column("CVE_ESQIMPU"))))

    def currency(self) -> int:
        """One that is not the base."""
        return int(self._first(self._select("MONED", "NUM_MONED").where(column("NUM_MONED") > 1)))

    def _sellable(self) -> Collection[ColumnElement[bool]]:
        """Active goods with a public price and stock in the warehouse, and room for one more bar code."""
        key: ColumnElement[str] = column("CVE_ART")
        priced = select(key).select_from(table("PRECIO_X_PROD" + self.suffix)).where(column("CVE_PRECIO") == 1)
        joined = select(key).select_from(table("MULT" + self.suffix)).where(column("CVE_ALM") == self.warehouse)
        crowded = select(key).select_from(table("CVES_ALTER" + self.suffix)).group_by(key).having(func.count() > 2)
        return (column("STATUS") == "A", column("TIPO_ELE") == "P", key.in_(priced), key.in_(joined), key.not_in(crowded))

    def _clean(self, name: str, key: str, *conditions: ColumnElement[bool]) -> list[str]:
        """Keys with nothing but SAE's own padding around them, which no other row shares once trimmed."""
        sharing = Counter(trim(one) for one in self._keys(name, key))
        return [one for one in self._keys(name, key, *conditions) if one.lstrip(" ") == trim(one) and sharing[trim(one)] == 1]

    def _keys(self, name: str, key: str, *conditions: ColumnElement[bool]) -> list[str]:
        return [str(row[0]) for row in self._reader.rows(self._select(name, key).where(*conditions))]

    def _first(self, query: Select[Any]) -> Any:
        found = list(self._reader.rows(query))  # to its end: a cursor left open complains
        if not found:
            raise ConfigError(text("This SAE has no second currency or no tax scheme; the edits need both"))
        return found[0][0]

    def _select(self, name: str, key: str) -> Select[Any]:
        return select(column(key)).select_from(table(name + self.suffix)).order_by(column(key))


def _apart(keys: list[str]) -> list[str]:
    """Every sixteenth first, then those after them, and so on."""
    return [key for start in range(APART) for key in keys[start::APART]]
