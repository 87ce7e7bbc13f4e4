"""Fills an empty SAE with a Mexican hardware and grocery shop, the same rows for the same seed."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice

from foundation.engines.database import Database
from puente.demo import catalogues
from puente.demo.customers import customers, free_fields
from puente.demo.products import Product, products
from puente.demo.rows import UPGRADE, Chance, Row
from puente.demo.statements import load
from puente.reference import suffix

PRODUCTS = 2000
TOGETHER = 2000
"""Products to a transaction."""


def fill_sae(
    database: Database,
    *,
    company: str = "01",
    count: int = PRODUCTS,
    seed: int = 1,
    watch: Callable[[int], None] = lambda _products: None,
) -> Mapping[str, int]:
    """Adds `count` products, a quarter as many customers, and all they need. Returns the rows of each table.

    `watch` is told how many products there are so far.
    Columns that this version of SAE lacks are left out.
    """
    columns = {name: tuple(table.columns) for name, table in database.catalogue().items()}
    loaded: Counter[str] = Counter()
    for batch in batches(count, seed):
        with database.writing() as writer:
            for table, rows in batch.items():
                name = table + suffix(company)
                loaded[table] += load(writer, name, columns[name], rows)
        watch(loaded["INVE"])
    return loaded


def batches(count: int, seed: int) -> Iterator[Mapping[str, Iterable[Row]]]:
    """The rows by table, in parts that fit in memory."""
    chance = Chance(seed)
    buyers = list(customers(chance, max(1, count // 4)))
    yield _catalogues(chance, count, len(buyers))
    yield {"CLIE": buyers, "CLIE_CLIB": [free_fields(row) for row in buyers[::20]]}
    entered = products(chance, count)
    while batch := list(islice(entered, TOGETHER)):
        yield _tables_of(batch)


def _catalogues(chance: Chance, count: int, buyers: int) -> Mapping[str, Iterable[Row]]:
    return {
        "CLIN": catalogues.lines(),
        "IMPU": catalogues.schemes(chance),
        "MONED": catalogues.currencies(chance),
        "PRECIOS": catalogues.price_lists(chance),
        "ALMACENES": catalogues.warehouses(chance),
        "TBLCONTROL": catalogues.controls(count, buyers),
        "CTRL_ELIMINA": _deleted_long_ago(chance),
    }


def _deleted_long_ago(chance: Chance) -> Iterator[Row]:
    for table in ("INVE", "INVE", "CLIE"):
        gone = chance.stamped()["UUID"]
        yield {"TABLA": table, "UUID_REG": gone, "UUID": chance.stamped()["UUID"], "VERSION_SINC": UPGRADE}


def _tables_of(batch: Iterable[Product]) -> Mapping[str, Iterable[Row]]:
    return {
        "INVE": [product.inve for product in batch],
        "PRECIO_X_PROD": [row for product in batch for row in product.prices],
        "CVES_ALTER": [row for product in batch for row in product.alternates],
        "MULT": [row for product in batch for row in product.stock],
        "KITS": [row for product in batch for row in product.kit],
        "MINVE": [row for product in batch for row in product.movements],
        "INVE_CLIB": [row for product in batch for row in product.free_fields],
    }
