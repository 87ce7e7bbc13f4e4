"""The small tables of the demo's SAE: lines, tax schemes, currencies, price lists and warehouses."""

from collections.abc import Iterator
from dataclasses import dataclass

from puente.demo.rows import UPGRADE, Chance, Row
from puente.demo.words import FAMILIES, GROUPS


@dataclass(frozen=True, slots=True)
class Warehouse:
    """An «almacén»; `joined` is the share of products that have a row in MULT for it."""

    number: int
    name: str
    joined: float


WAREHOUSES = (
    Warehouse(1, "Matriz Centro", 0.9),
    Warehouse(2, "Sucursal Tlaquepaque", 0.6),
    Warehouse(3, "Sucursal León", 0.5),
    Warehouse(4, "Bodega Peñón", 0.25),
)

PRICE_LISTS = (
    (1, "Precio público", "S"),
    (2, "Medio mayoreo", "N"),
    (3, "Mayoreo", "N"),
    (4, "Distribuidor", "N"),
    (5, "Precio mínimo", "N"),
)

PRICE, ACCUMULATED_1, EXEMPT, NOT_APPLICABLE, ACCUMULATED_4 = 0, 1, 4, 6, 7
"""Some of the codes of `IMPnAPLICA`: what a tax is computed on."""

SCHEMES = {
    1: ("IVA 16 %", "A", {4: (16.0, PRICE)}),
    2: ("IVA tasa 0 %", "A", {4: (0.0, PRICE)}),
    3: ("Exento de IVA", "A", {4: (0.0, EXEMPT)}),
    4: ("IEPS 8 % + IVA 16 %", "A", {1: (7.999999999999998, PRICE), 4: (16.0, ACCUMULATED_1), 5: (3.0, ACCUMULATED_4)}),
    5: ("IVA 8 % región fronteriza", "A", {4: (8.0, PRICE)}),
    6: ("IVA 15 % (hasta 2009)", "B", {4: (15.0, PRICE)}),
}
"""Description, status, and of each tax in use its percent and base."""

CURRENCIES = ((1, "Pesos", "$", 1.0, "MXN"), (2, "Dólares", "US$", 17.234500000000001, "USD"), (3, "Euros", "€", 18.8721, "EUR"))


def lines() -> Iterator[Row]:
    for key, name in GROUPS:
        yield {"CVE_LIN": key, "DESC_LIN": name, "ESUNGPO": "S", "CUENTA_COI": "", "STATUS": "A"}
    for family in FAMILIES:
        status = "B" if family.line == "LIBR" else "A"
        yield {"CVE_LIN": family.line, "DESC_LIN": family.name, "ESUNGPO": "N", "CUENTA_COI": "", "STATUS": status}


def schemes(chance: Chance) -> Iterator[Row]:
    for key, (description, status, used) in SCHEMES.items():
        taxes: dict[str, float] = {}
        for number in range(1, 9):
            taxes[f"IMPUESTO{number}"], taxes[f"IMP{number}APLICA"] = used.get(number, (0.0, NOT_APPLICABLE))
        yield {"CVE_ESQIMPU": key, "DESCRIPESQ": description, **taxes, "STATUS": status, **chance.stamped()}


def currencies(chance: Chance) -> Iterator[Row]:
    for number, name, symbol, rate, sat_code in CURRENCIES:
        yield {
            "NUM_MONED": number, "DESCR": name, "SIMBOLO": symbol, "TCAMBIO": rate, "FULTCAMB": UPGRADE, "STATUS": "A",
            "CVE_MONED": sat_code, **chance.stamped(),
        }  # fmt: skip


def price_lists(chance: Chance) -> Iterator[Row]:
    for number, name, tax_included in PRICE_LISTS:
        yield {"CVE_PRECIO": number, "DESCRIPCION": name, "CVE_BITA": 0, "STATUS": "A", "CON_IMPU": tax_included, **chance.stamped()}


def warehouses(chance: Chance) -> Iterator[Row]:
    for warehouse in WAREHOUSES:
        yield {"CVE_ALM": warehouse.number, "DESCR": warehouse.name, "LISTA_PREC": 1, "STATUS": "A", **chance.stamped()}


def controls(products: int, customers: int) -> Iterator[Row]:
    """SAE's counters of folios."""
    yield {"ID_TABLA": 1, "ULT_CVE": customers}
    yield {"ID_TABLA": 44, "ULT_CVE": products // 10}
