"""Rows that changed → the keys whose events may change, and the rows that make those up. Pure but for the snapshot."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from producer.capture.comparison import Keys, LogKey
from producer.capture.known import Seen
from producer.sae.contents import StockSource
from producer.sae.port import RowsOf, Some
from producer.sae.tables import OF_PRODUCTS, AnyRow, Clie, Clin, CvesAlter, Impu, Inve, Moned, Mult, Precios, PrecioXProd, RawKey, Row
from schemas.entities import Entity, Subject
from schemas.keys import Key, trim

_ENTITY: dict[type[Row], Entity] = {
    Clin: Entity.PRODUCT_LINE,
    Impu: Entity.TAX_SCHEME,
    Moned: Entity.CURRENCY,
    Inve: Entity.PRODUCT,
    PrecioXProd: Entity.PRODUCT,
    CvesAlter: Entity.PRODUCT,
    Clie: Entity.CUSTOMER,
}
"""Whose key a table's raw key begins with."""


def own_table(entity: Entity, stock: StockSource | None) -> type[Row] | None:
    """Whose rows the entity's events are, where they are found by how SAE spells their keys; None where all of a table is read."""
    match entity:
        case Entity.PRODUCT:
            return Inve
        case Entity.CUSTOMER:
            return Clie
        case Entity.STOCK:
            return None if stock is None else Mult if stock[0] else Inve
        case _:
            return None


def affected(snapshot: Some, seen: Mapping[type[Row], Seen], stock: StockSource | None, check: Iterable[LogKey]) -> Keys:
    """The keys whose rows, or rows they depend on, were written or deleted; and those of `check`.

    Rows tell no key of stock where nobody knows where it stands.
    """
    found: dict[Subject, set[bytes]] = defaultdict(set)
    for subject, key in check:
        found[subject].add(key)
    for table, one in seen.items():
        for raw in one.touched:
            for subject in _subjects(table, raw, stock):
                found[subject].add(trim(str(raw[0])).encode())
    found[Subject(Entity.PRODUCT)].update(key.encode() for key in _dependent(snapshot, seen))
    return {subject: keys for subject, keys in found.items() if keys}


def _subjects(table: type[Row], raw: RawKey, stock: StockSource | None) -> Iterator[Subject]:
    if table in _ENTITY:
        yield Subject(_ENTITY[table])
    if stock is None:
        return
    per_warehouse, default = stock
    if table is Inve and not per_warehouse:
        yield Subject(Entity.STOCK, default)
    if table is Mult and per_warehouse:
        yield Subject(Entity.STOCK, raw[1])


def _dependent(snapshot: Some, seen: Mapping[type[Row], Seen]) -> Iterator[Key]:
    """The products of schemes and price lists that changed."""
    schemes, lists = ({raw[0] for raw in seen[table].touched} if table in seen else set[int]() for table in (Impu, Precios))
    if schemes:
        yield from (trim(row.cve_art) for row in snapshot.rows_where(Inve, "cve_esqimpu", schemes))
    if lists:
        yield from (trim(row.cve_art) for row in snapshot.rows_where(PrecioXProd, "cve_precio", lists))


@dataclass(slots=True)
class Spellings:
    """How SAE writes the keys of products and customers that are not trimmed there; may hold some that are gone."""

    _products: dict[Key, tuple[str, ...]] = field(default_factory=dict)
    _customers: dict[Key, tuple[str, ...]] = field(default_factory=dict)

    def learn(self, table: type[Row], raws: Iterable[str]) -> None:
        """Of a table of products or customers how its raw keys begin; those of others are left alone."""
        into = self._products if table in OF_PRODUCTS else self._customers if table is Clie else None
        if into is None:
            return
        for raw in raws:
            key = trim(raw)
            known = into.get(key, ())
            if key != raw and raw not in known:
                into[key] = (*known, raw)

    def products(self, keys: Iterable[Key]) -> set[str]:
        """Every raw key that may stand for one of the keys."""
        return _spelt(self._products, keys)

    def customers(self, keys: Iterable[Key]) -> set[str]:
        return _spelt(self._customers, keys)


def _spelt(raws: Mapping[Key, Collection[str]], keys: Iterable[Key]) -> set[str]:
    found: set[str] = set()
    for key in keys:
        found.add(key)
        found.update(raws.get(key, ()))
    return found


class Narrowed(RowsOf[Some]):
    """The rows that make up certain keys, and the few that all keys share; may give some more."""

    def __init__(self, snapshot: Some, keys: Keys, spellings: Spellings, stock: StockSource | None) -> None:
        super().__init__(snapshot)
        wanted: dict[Entity, set[Key]] = defaultdict(set)
        for subject, some in keys.items():
            wanted[subject.entity].update(_texts(some))
        products, stocked = wanted[Entity.PRODUCT], wanted[Entity.STOCK]
        per_warehouse, _ = stock or (True, None)
        self._columns: dict[type[Row], tuple[str, set[str]]] = {
            Inve: ("cve_art", spellings.products(products if per_warehouse else products | stocked)),
            PrecioXProd: ("cve_art", spellings.products(products)),
            CvesAlter: ("cve_art", spellings.products(products)),
            Mult: ("cve_art", spellings.products(stocked)),
            Clie: ("clave", spellings.customers(wanted[Entity.CUSTOMER])),
        }
        self._whole: set[type[Row]] = {Clin} if wanted[Entity.PRODUCT_LINE] else set()
        self._whole |= {Moned} if wanted[Entity.CURRENCY] else set()
        self._whole |= {Impu} if wanted[Entity.TAX_SCHEME] or products else set()
        self._whole |= {Precios} if products else set()

    def rows(self, table: type[AnyRow]) -> Iterator[AnyRow]:
        named: Any = table
        if named in self._whole:
            return super().rows(table)
        column, values = self._columns.get(named, ("", set()))
        return self.inner.rows_where(table, column, values) if values else iter(())


def _texts(keys: Iterable[bytes]) -> Iterator[Key]:
    """Those that a row of SAE may have: no text of its is written otherwise."""
    for key in keys:
        try:
            yield Key(key.decode())
        except UnicodeDecodeError:
            continue
