"""The reference CAJA, empty: its tables, its parameters and its stores."""

from collections.abc import Sequence
from dataclasses import dataclass

from foundation.engines.database import Database
from puente.reference.columns import caja_metadata


@dataclass(frozen=True, slots=True)
class Store:
    """A row of TIENDAS: the store's «Almacén en SAE» and its «Precio por omisión» (1 to 4)."""

    number: int
    name: str
    warehouse: int | None
    price: int = 1


def build_caja(
    database: Database,
    stores: Sequence[Store] = (),
    *,
    sae_interface: bool = True,
    stock_changes: bool = True,
    tax_included: bool = False,
) -> list[str]:
    """Creates the tables of CAJA that are missing, and fills TIENDAS and PARAMS where it made them; returns the tables' names."""
    tables = caja_metadata()
    created = database.create_tables(tables)
    rows: dict[str, list[dict[str, object]]] = {
        "PARAMS": _parameters(INTERFAZSAE=sae_interface, CAMBIOEXIS=stock_changes, PRECIOIMP=tax_included),
        "TIENDAS": [
            {"TIENDA": store.number, "DESCRIPCIO": store.name, "ALMSAE": store.warehouse, "PRECIODEF": store.price} for store in stores
        ],
    }
    for name, of_table in rows.items():
        if of_table and name in created:
            with database.writing() as writer:
                writer.execute(tables.tables[name].insert(), of_table)
    return created


def _parameters(**values: bool) -> list[dict[str, object]]:
    return [{"PARAMETRO": name, "VALOR": "T" if value else "F"} for name, value in values.items()]
