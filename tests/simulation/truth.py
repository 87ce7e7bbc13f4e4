"""What SAE's few rows mean, what an event says and what a row of CAJA shows, all in small tuples: an oracle of its own.

It shares nothing with the producer's mapping and comparison: it is written from the facts alone (first raw key in byte order, prospects do
not travel, a product is an aggregate of its prices, bar codes and scheme).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from producer.sae.tables import KEYS, Almacenes, Clie, Clin, CvesAlter, Impu, Inve, Mult, ParamInventario, PrecioXProd, RawKey, Row
from schemas.codec import Decoder
from schemas.entities import Entity, Subject
from tests.fakes.sae import row

LINE, SCHEME, PRODUCT, CUSTOMER = map(Subject, (Entity.PRODUCT_LINE, Entity.TAX_SCHEME, Entity.PRODUCT, Entity.CUSTOMER))
STOCK = {1: Subject(Entity.STOCK, 1), 2: Subject(Entity.STOCK, 2)}
SUBJECTS = (LINE, SCHEME, PRODUCT, CUSTOMER, STOCK[1], STOCK[2])

SubjectKey = tuple[Subject, str]
Said = tuple[Any, ...]
"""What SAE or an event says of a key; the last part is whether it is active."""
UNFIT: Said = ("no event can hold it", True)
TOO_LARGE = 1e300

Tables = Mapping[type[Row], Mapping[RawKey, tuple[int, Any]]]

RAW: dict[type[Row], tuple[RawKey, ...]] = {
    Clin: (("L1",), ("L2",)),
    Clie: (("C1",), (" C1",), ("C2",), ("C3",)),
    Inve: (("P1",), (" P1",), ("P2",), ("P3",)),
    CvesAlter: (("P1", "751"), ("P1", "752"), ("P2", "753")),
    PrecioXProd: (("P1", 1), ("P2", 1)),
    Mult: (("P1", 1), ("P2", 1), ("P3", 1), ("P1", 2)),
    Impu: ((1,),),
}
"""The keys of SAE that anything happens to: few, so that what happens meets. Keys of CLIE and INVE collide once trimmed."""
TABLES = tuple(RAW)
PLACES: tuple[SubjectKey, ...] = (
    *((PRODUCT, key) for key in ("P1", "P2", "P3")),
    *((STOCK[1], key) for key in ("P1", "P2", "P3")),
    *((CUSTOMER, key) for key in ("C1", "C2", "C3")),
    *((LINE, key) for key in ("L1", "L2")),
    (SCHEME, "1"),
    (STOCK[2], "P1"),
)
"""The same once trimmed, as the log and CAJA know them."""


def first_rows() -> list[Row]:
    """What SAE holds from the start."""
    return [row(ParamInventario), row(Almacenes, 1)]


ANOTHERS = "of another company"


def anothers_rows() -> list[Row]:
    """What the SAE of another company holds, under the same keys."""
    one, other = (row(Inve, key, descr=ANOTHERS, status="A", cve_esqimpu=1) for key in ("P1", "P2"))
    return [*first_rows(), row(Clie, "C1", nombre=ANOTHERS, status="A", prospecto="N"), one, other]


def value(table: type[Row], raw: RawKey, n: int) -> Row:
    """A row whose content follows from `n`; small numbers are active."""
    number, status = n % 4, "B" if n % 7 == 6 else "A"
    made: Row
    if table is Clin:
        made = row(Clin, *raw, desc_lin=f"line {number}", status=status)
    elif table is Clie:
        made = row(Clie, *raw, nombre=f"name {number}", status=status, prospecto="S" if n % 11 == 10 else "N")
    elif table is Inve:
        cost = TOO_LARGE if n % 23 == 22 else 1.0
        made = row(Inve, *raw, descr=f"product {number}", lin_prod=(None, "L1", "L2")[n % 3], status=status, costo_prom=cost, cve_esqimpu=1)
    elif table is CvesAlter:
        made = row(CvesAlter, *raw, tipo="C" if n % 5 == 4 else "N")
    elif table is PrecioXProd:
        made = row(PrecioXProd, *raw, precio=float(number))
    elif table is Mult:
        made = row(Mult, *raw, exist=float(number + 5))
    else:
        made = row(Impu, *raw, impuesto1=float(number))
    return made


def in_sae(tables: Tables) -> dict[SubjectKey, Said]:
    """What each key of SAE says."""
    found: dict[SubjectKey, Said] = {}
    for subject, table in ((LINE, Clin), (SCHEME, Impu), (PRODUCT, Inve), (CUSTOMER, Clie)):
        for raw in sorted(tables[table], reverse=True):
            said = _said(tables, tables[table][raw][1])
            if said is not None:
                found[subject, str(raw[0]).strip()] = said
    for raw in sorted(tables[Mult], reverse=True):
        found[STOCK[raw[1]], raw[0].strip()] = (tables[Mult][raw][1].exist, True)
    return found


def _said(tables: Tables, one: Any) -> Said | None:
    active = getattr(one, "status", "A") != "B"
    match one:
        case Clin():
            return (one.desc_lin, active)
        case Impu():
            return (one.impuesto1, active)
        case Clie():
            return None if one.prospecto == "S" else (one.nombre, active)
        case _ if one.costo_prom == TOO_LARGE:
            return UNFIT
        case _:
            key = one.cve_art.strip()
            codes = sorted((raw[1], found.tipo) for raw, (_, found) in tables[CvesAlter].items() if raw[0].strip() == key)
            prices = [found.precio for raw, (_, found) in tables[PrecioXProd].items() if raw[0].strip() == key]
            taxes = [found.impuesto1 for _, found in tables[Impu].values()]
            return (one.descr, one.lin_prod, _first(prices), tuple(codes), _first(taxes), active)


def _first(values: Sequence[float]) -> float | None:
    return values[0] if values else None


_decoder = Decoder()
_known: dict[tuple[Entity, bytes], Said] = {}


def in_event(entity: Entity, framed: bytes) -> Said:
    """What an event says; raises what decoding raises."""
    known = _known.get((entity, framed))
    if known is None:
        known = _known[entity, framed] = _told(entity, _decoder.decode(entity.value, framed))
    return known


def _told(entity: Entity, told: Mapping[str, Any]) -> Said:
    active = told.get("status") != "inactive"
    match entity:
        case Entity.PRODUCT_LINE:
            return (told["description"], active)
        case Entity.TAX_SCHEME:
            return (float(told["taxes"][0]["percent"]), active)
        case Entity.CUSTOMER:
            return (told["name"], active)
        case Entity.STOCK:
            return (float(told["quantity"]), True)
        case _:
            codes = tuple((code["key"], "C" if code["kind"] == "customer" else "N") for code in told["alternate_keys"])
            prices = [float(price["amount"]) for price in told["prices"]]
            taxes = [float(tax["percent"]) for tax in told["taxes"]]
            return (told["description"], told["line"], _first(prices), codes, _first(taxes), active)


def lost(entity: Entity, old: Said, new: Said) -> set[str]:
    """What a till loses where a key that said so says something else; one that is inactive has nothing to lose."""
    if entity is Entity.STOCK or not old[-1]:
        return set()
    if not new[-1]:
        return {"inactive"}
    found: set[str] = set()
    if entity is Entity.PRODUCT:
        (price, codes, tax), (price_now, codes_now, tax_now) = old[2:5], new[2:5]
        if price and not price_now:
            found.add("price-gone")
        if price and price_now and max(price, price_now) > 2 * min(price, price_now):
            found.add("price-moved")
        if {code for code, _ in codes} - {code for code, _ in codes_now}:
            found.add("code-gone")
        if tax and not tax_now:
            found.add("tax-gone")
    if entity is Entity.TAX_SCHEME and old[0] and not new[0]:
        found.add("tax-gone")
    return found


Shown = tuple[Any, ...]
"""What a row of CAJA shows of what was said; the last part is whether it is active."""


def shown_for(entity: Entity, said: Said) -> Shown:
    """The row that CAJA should show: the codes of customers and the taxes of a product stand elsewhere or nowhere."""
    if entity is not Entity.PRODUCT:
        return said
    descr, line, price, codes, _, active = said
    return (descr, line, price, tuple(code for code, kind in codes if kind == "N"), active)


_CAJA = {
    Entity.PRODUCT_LINE: ("CATLINEA", ("DESCRIPCIO",)),
    Entity.TAX_SCHEME: ("ESQIMP", ("PORCEN1",)),
    Entity.CUSTOMER: ("CATCLIEN", ("NOMBRE",)),
    Entity.PRODUCT: ("CATINVEN", ("DESCRIPCIO", "LINEA", "PRECIOP")),
    Entity.STOCK: ("EXIST", ("EXISTIENDA",)),
}


def table_of(entity: Entity) -> str:
    """Entity → table of CAJA."""
    return _CAJA[entity][0]


def match_of(subject: Subject, key: str) -> tuple[Any, ...]:
    """What finds the row of a key; a store has the number of its warehouse here."""
    if subject.entity is Entity.TAX_SCHEME:
        return (int(key),)
    return (key,) if subject.warehouse is None else (key, subject.warehouse)


def shown(entity: Entity, found: Mapping[str, Any]) -> Shown:
    """What a row of CAJA shows."""
    values = tuple(found[name] for name in _CAJA[entity][1])
    if entity is Entity.PRODUCT:
        values = (*values, tuple(found[f"CLVALTER{n}"] for n in (1, 2, 3) if found[f"CLVALTER{n}"] is not None))
    return (*values, found.get("ALTA", "T") == "T")


def rows_of(tables: Mapping[str, Mapping[tuple[Any, ...], Mapping[str, Any]]]) -> Iterator[tuple[SubjectKey, Mapping[str, Any]]]:
    """Every row of CAJA that may be SAE's; a customer without «Clave en SAE» is none."""
    for entity, (table, _) in _CAJA.items():
        for match, found in tables.get(table, {}).items():
            if entity is Entity.CUSTOMER and found["CLAVESAE"] is None:
                continue
            subject = STOCK[match[1]] if entity is Entity.STOCK else Subject(entity)
            yield (subject, str(match[0])), found


assert set(RAW) <= set(KEYS)
