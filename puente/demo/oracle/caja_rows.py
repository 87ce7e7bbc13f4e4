"""A CAJA's own rows, as plain SELECTs give them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import column, select, table

from foundation.engines.catalogue import Catalogue
from foundation.engines.database import Reader
from puente.demo.oracle.expected_rows import Row


@dataclass(frozen=True)
class Caja:
    reader: Reader
    catalogue: Catalogue

    def rows(self, name: str) -> list[Row]:
        names = list(self.catalogue[name].columns)
        query: Any = select(*(column(one) for one in names)).select_from(table(name))
        return [dict(zip(names, values, strict=True)) for values in self.reader.rows(query)]

    def widths(self, name: str) -> Mapping[str, int | None]:
        return {one.name: one.length for one in self.catalogue[name].columns.values()}

    def is_on(self, parameter: str) -> bool:
        return any(row["PARAMETRO"] == parameter and row["VALOR"] == "T" for row in self.rows("PARAMS"))

    def unposted(self) -> set[tuple[str, int]]:
        """Product and store of every sale that SAE does not have yet."""
        sales = {row["NOTA"]: row["TIENDA"] for row in self.rows("VVENTAS") if row["STATUS"] != "C" and row["ENVSAE"] != "T"}
        return {(row["PRODUCTO"], sales[row["NOTA"]]) for row in self.rows("DVENTAS") if row["NOTA"] in sales}
