"""Whether a CAJA holds what SAE's rows and its own policies say it must: every field of every row."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from foundation.engines.catalogue import Catalogue
from foundation.errors import ConfigError
from foundation.texts import text
from puente.demo.oracle import expected_rows
from puente.demo.oracle.caja_rows import Caja
from puente.demo.oracle.expected_rows import Row, Rows, Sae, digits, number

CATALOGUES = {
    "product_line": ("CATLINEA", "LINEA"),
    "tax_scheme": ("ESQIMP", "CLAVE"),
    "currency": ("CATMONED", "MONEDA"),
    "product": ("CATINVEN", "PRODUCTO"),
    "customer": ("CATCLIEN", "CLAVESAE"),
}
"""Entity, its table in CAJA, and the column that finds a row."""

Key = str | int | tuple[str, int]
WHOLE_ROW = "*"


@dataclass(frozen=True, kw_only=True)
class Policies:
    """What a site has set for one CAJA."""

    name: str = ""
    entities: Collection[str] = tuple(CATALOGUES)
    stock: str = "guarded"
    inactivate_missing_products: bool = False
    inactivate_missing_customers: bool = True
    soft_deleted: str = "inactivate"
    stores: Collection[int] | None = None
    prices: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that is not as it must be. `WHOLE_ROW`: the row is missing (`found` None) or too much (`expected` None)."""

    caja: str
    table: str
    key: Key
    column: str
    expected: Any
    found: Any


@dataclass(slots=True)
class Comparison:
    """The outcome: what differs, and how much of CAJA was read and compared."""

    caja: str
    differences: list[Difference] = field(default_factory=list)
    rows: int = 0
    fields: int = 0

    def check(self, table_name: str, key: Key, name: str, expected: Any, found: Any) -> None:
        """Compares one field; what must be a decimal is compared at six places, a float at 15 digits."""
        self.fields += 1
        value = number(found) if isinstance(expected, Decimal) else digits(found) if isinstance(expected, float) else found
        if value != expected:
            self.differences.append(Difference(self.caja, table_name, key, name, expected, found))

    def whole(self, table_name: str, key: Key, expected: Row | None, found: Row | None) -> None:
        self.differences.append(Difference(self.caja, table_name, key, WHOLE_ROW, expected, found))


def compare(sae: Sae, caja: Caja, policies: Policies) -> Comparison:
    """Compares every row of CAJA's catalogues and stock."""
    comparison = Comparison(policies.name)
    _Compared(sae, caja, policies, comparison).run()
    return comparison


def company_of(catalogue: Catalogue) -> str:
    """The one whose tables SAE's database holds."""
    found = [name[4:] for name in catalogue if re.fullmatch(r"INVE\d\d", name)]
    if len(found) != 1:
        raise ConfigError(text("SAE holds {count} companies: say which one is meant", count=len(found)))
    return found[0]


@dataclass(frozen=True)
class _Compared:
    """One comparison under way."""

    sae: Sae
    caja: Caja
    policies: Policies
    comparison: Comparison

    def run(self) -> None:
        for entity, (name, key) in CATALOGUES.items():
            if entity in self.policies.entities:
                found = self.caja.rows(name)
                self.comparison.rows += len(found)
                expected = self._expected(entity, self.caja.widths(name))
                self._catalogue(entity, name, expected, {row[key]: row for row in found if row[key] not in (None, "")})
        if self._stock_is_written():
            self._stock()

    def _expected(self, entity: str, widths: Mapping[str, int | None]) -> Rows:
        match entity:
            case "product_line":
                return expected_rows.lines(self.sae, widths)
            case "tax_scheme":
                return expected_rows.schemes(self.sae, widths)
            case "currency":
                return expected_rows.currencies(self.sae, widths)
            case "product":
                return expected_rows.products(self.sae, widths, self.policies.prices)
            case _:
                return expected_rows.customers(self.sae, widths)

    def _catalogue(self, entity: str, name: str, expected: Rows, found: Rows) -> None:
        for key, row in expected.items():
            baja = entity in ("product", "customer") and row["ALTA"] == "F"
            if baja and self.policies.soft_deleted == "ignore":
                continue
            if key in found:
                self._fields(name, key, row, found[key])
            elif not baja:
                self.comparison.whole(name, key, row, None)
        for key in found.keys() - expected.keys():
            if self._must_be_inactive(entity) and found[key]["ALTA"] != "F":
                self.comparison.check(name, key, "ALTA", "F", found[key]["ALTA"])

    def _fields(self, name: str, key: Key, expected: Row, found: Row) -> None:
        for one, value in expected.items():
            self.comparison.check(name, key, one, value, found[one])

    def _must_be_inactive(self, entity: str) -> bool:
        """Whether a row that SAE does not have must be."""
        match entity:
            case "product":
                return self.policies.inactivate_missing_products
            case "customer":
                return self.policies.inactivate_missing_customers
            case _:
                return True

    def _stock_is_written(self) -> bool:
        return self.policies.stock == "overwrite" or (self.policies.stock == "guarded" and self.caja.is_on("CAMBIOEXIS"))

    def _stock(self) -> None:
        held = self.caja.unposted() if self.policies.stock == "guarded" else set()
        products = {row["PRODUCTO"]: row for row in self.caja.rows("CATINVEN")}
        every = {(row["PRODUCTO"], row["TIENDA"]): row for row in self.caja.rows("EXIST")}
        self.comparison.rows += len(every)
        in_sae = expected_rows.stock(self.sae)
        for store, warehouse in self._stores():
            found = {product: row for (product, of_store), row in every.items() if of_store == store and (product, store) not in held}
            quantities = {key: value for key, value in in_sae.get(warehouse, {}).items() if (key, store) not in held}
            self._store(store, quantities, found, products)
        self._totals(products, every)

    def _stores(self) -> Iterator[tuple[int, int]]:
        for row in self.caja.rows("TIENDAS"):
            chosen = self.policies.stores is None or row["TIENDA"] in self.policies.stores
            if chosen and row["ALMSAE"] is not None:
                yield row["TIENDA"], row["ALMSAE"]

    def _store(self, store: int, expected: Mapping[str, Decimal], found: Mapping[str, Row], products: Collection[str]) -> None:
        for product, quantity in expected.items():
            key, row = (product, store), found.get(product)
            if product not in products:
                if row is not None:
                    self.comparison.whole("EXIST", key, None, row)
            elif row is None:
                self.comparison.whole("EXIST", key, {"EXISTIENDA": quantity}, None)
            else:
                self.comparison.check("EXIST", key, "EXISTIENDA", quantity, row["EXISTIENDA"])
        for product in found.keys() - expected.keys():
            self.comparison.check("EXIST", (product, store), "EXISTIENDA", Decimal(0), found[product]["EXISTIENDA"] or 0)

    def _totals(self, products: Rows, stock: Mapping[tuple[str, int], Row]) -> None:
        """CATINVEN.EXISTENCIA against the sum of all stores' rows, those of CAJA's other stores included."""
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for (product, _), row in stock.items():
            sums[product] += Decimal(repr(float(row["EXISTIENDA"] or 0)))
        for key, row in products.items():
            expected = sums[key].quantize(expected_rows.SIX_PLACES)
            self.comparison.check("CATINVEN", key, "EXISTENCIA", expected, row["EXISTENCIA"] or 0)


def by_table(differences: Collection[Difference]) -> Mapping[str, int]:
    """How many differences each table has."""
    return Counter(one.table for one in differences)
