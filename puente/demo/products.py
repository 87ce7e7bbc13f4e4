"""Products of the demo's SAE, each with its rows in the other tables."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from puente.demo.catalogues import PRICE_LISTS, WAREHOUSES
from puente.demo.rows import Chance, Row
from puente.demo.words import BRANDS, FAMILIES, QUOTED, Family

DIRT = ("{}\t", "{}\r\n", "\t{}", "{}\xa0", "\n{}")
"""What integrators' imports left around keys."""
DIRTY_FIRST = 3
KEY_LENGTH = 16
NOISE = (9.999999980436769e-05, 0.10000000149011612, 12.299999999999999, 1249.9900000000002)
KINDS = ("P",) * 93 + ("K",) * 4 + ("G", "S", "S")
TWIN_AT = 11
"""The place of a product whose key differs from its neighbour's by a TAB alone."""


@dataclass(slots=True)
class Product:
    """One row of INVE and the rows that hang on it."""

    key: str
    inve: Row
    prices: list[Row] = field(default_factory=list)
    alternates: list[Row] = field(default_factory=list)
    stock: list[Row] = field(default_factory=list)
    kit: list[Row] = field(default_factory=list)
    movements: list[Row] = field(default_factory=list)
    free_fields: list[Row] = field(default_factory=list)


def products(chance: Chance, count: int) -> Iterator[Product]:
    """The products in the order they were entered; the first few of every thousand have dirty keys."""
    earlier: deque[str] = deque(maxlen=200)
    for number in range(count):
        family = FAMILIES[number % len(FAMILIES)]
        twin = number == TWIN_AT and bool(earlier)
        key = "\t" + earlier[-1] if twin else _key(chance, family, number)
        product = _product(chance, family, key, number)
        if number % 1000 == DIRTY_FIRST:
            _clean_children(product)
        if number in (TWIN_AT, TWIN_AT - 1):
            _fill_as_twins_do(product)
        if product.inve["TIPO_ELE"] == "K" and len(earlier) > 3:
            product.kit = _kit(chance, key, earlier)
        earlier.append(key)
        yield product


def _key(chance: Chance, family: Family, number: int) -> str:
    shape = number % 5
    if shape == 0:
        key = f"750{1000000000 + number * 7919 % 999999999}"
    elif shape == 1:
        key = f"{number:06d}"
    else:
        key = f"{family.line}-{number:05d}" if shape < 4 else f"{family.line} {number}/{family.unit}"
    dirty = 0 < number % 1000 <= DIRTY_FIRST or chance.happens(0.002)
    dirty = dirty and len(key) <= KEY_LENGTH - 2
    return chance.pick(DIRT).format(key) if dirty else key


def _description(chance: Chance, family: Family) -> str:
    brand = chance.pick(QUOTED) if chance.happens(0.06) else chance.pick(BRANDS)
    detail = "imp. € " + str(chance.between(2, 90)) if chance.happens(0.02) else chance.pick(family.details)
    words = (chance.pick(family.nouns), brand, detail) if chance.happens(0.7) else (chance.pick(family.nouns), detail)
    description = " ".join(words)[:40]
    if chance.happens(0.01):
        return description[:38] + chance.pick(("\r\n", "\t", "\xa0", "  "))
    return description


def _product(chance: Chance, family: Family, key: str, number: int) -> Product:
    kind = "S" if family.line == "SERV" else chance.pick(KINDS)
    price = chance.amount(*family.prices)
    stock = [] if kind in "SG" else list(_stock(chance, key))
    product = Product(key, _inve(chance, family, key, kind, price, sum(row["EXIST"] for row in stock)), stock=stock)
    product.prices = list(_prices(chance, key, price))
    product.alternates = list(_alternates(chance, key, number))
    if number % 10 == 5:
        product.movements = [_movement(chance, product, number // 10 + 1)]
        product.free_fields = [{"CVE_PROD": key, "CAMPLIB1": f"Pasillo {chance.between(1, 9)}", "CAMPLIB4": chance.between(1, 40)}]
    return product


def _inve(chance: Chance, family: Family, key: str, kind: str, price: float, stock: float) -> Row:
    fifth = chance.happens(0.2)
    cost = chance.pick((price * 0.72, price / 1.38, round(price * 0.65, 2), -0.0450952380952))
    return {
        "CVE_ART": key, "DESCR": _description(chance, family), "LIN_PROD": chance.pick(("", None)) if fifth else family.line,
        "CON_SERIE": "N", "UNI_MED": family.unit, "UNI_EMP": 1.0, "CTRL_ALM": "", "TIEM_SURT": 0, "STOCK_MIN": 0.0, "STOCK_MAX": 0.0,
        "TIP_COSTEO": "P", "NUM_MON": chance.pick((1, 1, 1, 1, 1, 1, 1, 2, 2, 3)), "FCH_ULTCOM": chance.day(), "FCH_ULTVTA": chance.day(),
        "COMP_X_REC": 0.0, "PEND_SURT": 0.0, "EXIST": stock, "COSTO_PROM": None if kind == "S" else cost, "ULT_COSTO": cost, "CVE_OBS": 0,
        "TIPO_ELE": kind, "UNI_ALT": "" if chance.happens(0.05) else family.unit, "FAC_CONV": 1.0, "APART": 0.0, "CON_LOTE": "N",
        "CON_PEDIMENTO": "N", "PESO": 0.0, "VOLUMEN": 0.0, "CVE_ESQIMPU": None if chance.happens(0.01) else family.scheme, "CVE_BITA": 0,
        "VTAS_ANL_C": 0.0, "VTAS_ANL_M": chance.amount(1, 90000), "COMP_ANL_C": 0.0, "COMP_ANL_M": 0.0, "CUENT_CONT": "", "CVE_IMAGEN": "",
        "BLK_CST_EXT": "N", "STATUS": "B" if chance.happens(0.46) else "A", "CVE_PRODSERV": family.sat_product,
        "CVE_UNIDAD": family.sat_unit, "EDO_PUBL_ML": "N", **chance.stamped(),
    }  # fmt: skip


def _prices(chance: Chance, key: str, price: float) -> Iterator[Row]:
    for number, _, _ in PRICE_LISTS:
        if chance.happens((0.99, 0.93, 0.9, 0.7, 0.5)[number - 1]):
            amount = chance.pick(NOISE) if chance.happens(0.01) else price * (1 - 0.05 * (number - 1))
            yield {"CVE_ART": key, "CVE_PRECIO": number, "PRECIO": amount, **chance.stamped()}


def _alternates(chance: Chance, key: str, number: int) -> Iterator[Row]:
    """Bar codes for most; a tenth has more than CAJA takes, and some keys are a customer's or a supplier's."""
    count = chance.pick((0, 0, 1, 1, 1, 1, 1, 2, 3, 5))
    for place in range(count):
        kind = chance.pick(("N",) * 8 + ("", None))
        yield {"CVE_ART": key, "CVE_ALTER": f"75{chance.between(10, 99)}{number:07d}{place}", "TIPO": kind, "CVE_CLPV": ""}
    if chance.happens(0.06):
        kind = chance.pick("CP")
        yield {"CVE_ART": key, "CVE_ALTER": f"{kind}-{number:05d}", "TIPO": kind, "CVE_CLPV": f"{chance.between(1, 300):>10}"}


def _stock(chance: Chance, key: str) -> Iterator[Row]:
    for warehouse in WAREHOUSES:
        if chance.happens(warehouse.joined):
            quantity = float(chance.between(0, 240)) if chance.happens(0.7) else chance.amount(0.05, 90)
            yield {
                "CVE_ART": key, "CVE_ALM": warehouse.number, "STATUS": "A", "CTRL_ALM": "", "STOCK_MIN": 0.0, "STOCK_MAX": 0.0,
                "EXIST": -quantity if chance.happens(0.03) else quantity, "COMP_X_REC": 0.0, "PEND_SURT": 0.0, **chance.stamped(),
            }  # fmt: skip


def _kit(chance: Chance, key: str, earlier: Sequence[str]) -> list[Row]:
    parts = {chance.pick(earlier) for _ in range(chance.between(2, 3))}
    return [{"CVE_ART": key, "CVE_PROD": part, "PORCEN": 100 / len(parts), "CANTIDAD": 1.0} for part in sorted(parts)]


def _movement(chance: Chance, product: Product, number: int) -> Row:
    day = chance.day()
    return {
        "CVE_ART": product.key, "ALMACEN": 1, "NUM_MOV": number, "CVE_CPTO": 1, "FECHA_DOCU": day, "TIPO_DOC": "M", "REFER": f"ENT{number}",
        "CANT": float(chance.between(1, 50)), "COSTO": product.inve["ULT_COSTO"], "UNI_VENTA": product.inve["UNI_MED"], "TIPO_PROD": "P",
        "FACTOR_CON": 1.0, "FECHAELAB": day, "SIGNO": 1, "COSTEADO": "S",
    }  # fmt: skip


def _clean_children(product: Product) -> None:
    """An integrator wrote prices and stock under the key as it is meant."""
    key = product.key.strip("\t\r\n\xa0")
    product.prices = [{**row, "CVE_ART": key} for row in product.prices]
    product.stock = [{**row, "CVE_ART": key} for row in product.stock]


def _fill_as_twins_do(product: Product) -> None:
    """Two keys that are one when trimmed hold the same prices and warehouses, so that either is a whole product."""
    product.alternates = []
    product.prices = [{"CVE_ART": product.key, "CVE_PRECIO": 1, "PRECIO": 45.5 if product.key[0] == "\t" else 46.0}]
    product.stock = [{"CVE_ART": product.key, "CVE_ALM": 1, "STATUS": "A", "EXIST": 7.0 if product.key[0] == "\t" else 8.0}]
    product.inve = {**product.inve, "STATUS": "A", "TIPO_ELE": "P", "EXIST": product.stock[0]["EXIST"]}
