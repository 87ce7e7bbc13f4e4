"""Rows of SAE → changes. Pure: what an event holds depends on the rows alone.

Decimals are rounded half-even to six places from the shortest text of SAE's binary float, texts lose trailing blanks, an empty text is
none. A hot column (EXIST of INVE, dates, totals) is no part of a product, so that its event only changes when the product does.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any, NamedTuple

from producer.sae import Snapshot
from producer.tables import Almacenes, Clie, Clin, CvesAlter, Impu, Inve, Layout, Moned, Mult, Number, ParamInventario, Precios, PrecioXProd
from puente.errors import PoisonError
from puente.texts import text
from schemas.changes import BLANKS, SCALE, Entity, Key, Subject, Value, trim

YES = "S"
PROSPECT = "S"
DEFAULT_WAREHOUSE = 1
_STATUS = {"B": "inactive"}
_CUSTOMER_STATUS = {"B": "inactive", "M": "delinquent", "S": "suspended"}
_KIND = {"K": "kit", "G": "group", "S": "service"}
_ALTERNATE_KIND = {"C": "customer", "P": "supplier"}


class Mapped(NamedTuple):
    """One row's change: `raw` is SAE's own key, which decides between rows that collide once trimmed."""

    subject: Subject
    key: Key
    raw: str
    value: Value


def decimal(number: Number) -> Decimal | None:
    """A number of SAE at scale 6; raises `PoisonError` for one that no decimal holds (infinity, NaN, too large)."""
    if number is None:
        return None
    try:
        return Decimal(repr(number)).quantize(SCALE, ROUND_HALF_EVEN) + 0  # + 0: no negative zero
    except InvalidOperation as error:
        raise PoisonError(text("{number} cannot be a decimal with six places", number=number)) from error


def words(raw: str | None) -> str | None:
    """A text of SAE without trailing blanks; none where nothing is left."""
    return (raw.rstrip(BLANKS) or None) if raw else None


def _letter(raw: str | None) -> str:
    return (raw or "").strip(BLANKS).upper()


def product_line(row: Clin) -> Value:
    return {
        "line": trim(row.cve_lin),
        "description": words(row.desc_lin),
        "is_group": _letter(row.esungpo) == YES,
        "status": _STATUS.get(_letter(row.status), "active"),
    }


def taxes(row: Impu, layout: Layout) -> list[dict[str, Any]]:
    """The taxes of a scheme in order; an empty percentage is 0, an empty base code 0 (the price)."""
    percents = (row.impuesto1, row.impuesto2, row.impuesto3, row.impuesto4, row.impuesto5, row.impuesto6, row.impuesto7, row.impuesto8)
    bases = (row.imp1aplica, row.imp2aplica, row.imp3aplica, row.imp4aplica, row.imp5aplica, row.imp6aplica, row.imp7aplica, row.imp8aplica)
    pairs = list(zip(percents, bases, strict=True))[: layout.taxes]
    return [{"percent": decimal(percent or 0), "base": base or 0} for percent, base in pairs]


def tax_scheme(row: Impu, layout: Layout) -> Value:
    return {
        "scheme": row.cve_esqimpu,
        "description": words(row.descripesq),
        "taxes": taxes(row, layout),
        "status": _STATUS.get(_letter(row.status), "active"),
    }


def currency(row: Moned) -> Value:
    return {
        "currency": row.num_moned,
        "description": words(row.descr),
        "symbol": words(row.simbolo),
        "rate": decimal(row.tcambio or 0),
        "sat_code": words(row.cve_moned),
        "status": _STATUS.get(_letter(row.status), "active"),
    }


def customer(row: Clie) -> Value:
    return {
        "customer": trim(row.clave),
        "name": words(row.nombre),
        "rfc": words(row.rfc),
        "street": words(row.calle),
        "outer_number": words(row.numext),
        "inner_number": words(row.numint),
        "neighbourhood": words(row.colonia),
        "postal_code": words(row.codigo),
        "municipality": words(row.municipio),
        "state": words(row.estado),
        "country": words(row.pais),
        "telephone": words(row.telefono),
        "email": words(row.emailpred),
        "cfdi_use": words(row.uso_cfdi),
        "tax_regime": words(row.reg_fisc),
        "price_list": row.lista_prec,
        "discount": decimal(row.descuento),
        "has_credit": _letter(row.con_credito) == YES,
        "credit_days": row.diascred,
        "credit_limit": decimal(row.limcred),
        "status": _CUSTOMER_STATUS.get(_letter(row.status), "active"),
    }


def stock(sku: Key, warehouse: int, quantity: Number) -> Value:
    return {"sku": sku, "warehouse": warehouse, "quantity": decimal(quantity or 0)}


@dataclass
class Children:
    """What a product's event holds of other tables, by trimmed key."""

    layout: Layout
    taxes: Mapping[int, list[dict[str, Any]]]
    lists: Mapping[int, bool]
    prices: Mapping[Key, Sequence[PrecioXProd]]
    alternates: Mapping[Key, Sequence[CvesAlter]]

    def prices_of(self, sku: Key) -> list[dict[str, Any]]:
        """By list; of two raw products that collide once trimmed the first in byte order gives the price."""
        found: dict[int, PrecioXProd] = {}
        for row in sorted(self.prices.get(sku, ()), key=lambda row: byte_order(row.cve_art)):
            found.setdefault(row.cve_precio, row)
        return [
            {"list": number, "amount": decimal(found[number].precio or 0), "tax_included": self.lists.get(number)}
            for number in sorted(found)
        ]

    def alternates_of(self, sku: Key) -> list[dict[str, Any]]:
        found: dict[str, str] = {}
        for row in sorted(self.alternates.get(sku, ()), key=lambda row: (byte_order(row.cve_art), byte_order(row.cve_alter))):
            found.setdefault(trim(row.cve_alter), _ALTERNATE_KIND.get(_letter(row.tipo), "none"))
        return [{"key": key, "kind": found[key]} for key in sorted(found) if key]


def product(row: Inve, children: Children) -> Value:
    sku = trim(row.cve_art)
    return {
        "sku": sku,
        "description": words(row.descr),
        "line": trim(row.lin_prod) or None if row.lin_prod else None,
        "kind": _KIND.get(_letter(row.tipo_ele), "product"),
        "unit_in": words(row.uni_med),
        "unit_out": words(row.uni_alt),
        "unit_factor": decimal(row.fac_conv),
        "tax_scheme": row.cve_esqimpu,
        "currency": row.num_mon,
        "taxes": children.taxes.get(row.cve_esqimpu, []) if row.cve_esqimpu is not None else [],
        "prices": children.prices_of(sku),
        "alternate_keys": children.alternates_of(sku),
        "average_cost": decimal(row.costo_prom),
        "sat_product": words(row.cve_prodserv),
        "sat_unit": words(row.cve_unidad),
        "ieps": _ieps(row) if children.layout.ieps else None,
        "status": _STATUS.get(_letter(row.status), "active"),
    }


def _ieps(row: Inve) -> dict[str, Any]:
    return {
        "applies": _letter(row.man_ieps) == YES,
        "tax": row.apl_man_imp,
        "quota": decimal(row.cuota_ieps),
        "mode": words(row.apl_man_ieps),
    }


def byte_order(raw: str) -> bytes:
    """Sorts raw keys as their bytes stand in SAE."""
    return raw.encode("cp1252", "replace")


@dataclass
class Unmappable:
    """A row that no event can hold: its key keeps what the log has."""

    subject: Subject
    key: Key
    raw: str
    error: PoisonError


def everything(snapshot: Snapshot) -> Iterator[Mapped | Unmappable]:
    """All that travels, entity by entity; prospects do not. The same key may come twice where raw keys collide."""
    schemes = list(snapshot.rows(Impu))
    yield from _mapped(Entity.PRODUCT_LINE, ((row.cve_lin, row) for row in snapshot.rows(Clin)), product_line)
    yield from _mapped(
        Entity.TAX_SCHEME, ((row.cve_esqimpu, row) for row in schemes), lambda row: tax_scheme(row, snapshot.layout)
    )
    yield from _mapped(Entity.CURRENCY, ((row.num_moned, row) for row in snapshot.rows(Moned)), currency)
    per_warehouse, default = stock_source(snapshot)
    yield from _products(snapshot, schemes, None if per_warehouse else default)
    customers = (row for row in snapshot.rows(Clie) if _letter(row.prospecto) != PROSPECT)
    yield from _mapped(Entity.CUSTOMER, ((row.clave, row) for row in customers), customer)
    if per_warehouse:
        for row in snapshot.rows(Mult):
            yield from _stock(row.cve_art, row.cve_alm, row.exist)


def stock_source(snapshot: Snapshot) -> tuple[bool, int]:
    """Whether stock stands in MULT per warehouse, and the warehouse that INVE.EXIST belongs to where it does not."""
    for row in snapshot.rows(ParamInventario):
        return _letter(row.multialmacen) == YES, row.almacenpredeter or DEFAULT_WAREHOUSE
    return False, DEFAULT_WAREHOUSE


def warehouses(snapshot: Snapshot) -> set[int]:
    """Every warehouse that may hold stock: each has its topic."""
    per_warehouse, default = stock_source(snapshot)
    return {row.cve_alm for row in snapshot.rows(Almacenes)} if per_warehouse else {default}


def _mapped(entity: Entity, keyed: Any, make: Any) -> Iterator[Mapped | Unmappable]:
    subject = Subject(entity)
    for raw_key, row in keyed:
        raw = str(raw_key)
        yield _attempt(subject, trim(raw), raw, make, row)


def _attempt(subject: Subject, key: Key, raw: str, make: Any, *arguments: Any) -> Mapped | Unmappable:
    try:
        return Mapped(subject, key, raw, make(*arguments))
    except PoisonError as error:
        return Unmappable(subject, key, raw, error)


def _products(snapshot: Snapshot, schemes: list[Impu], stock_in: int | None) -> Iterator[Mapped | Unmappable]:
    children = read_children(snapshot, schemes)
    subject = Subject(Entity.PRODUCT)
    for row in snapshot.rows(Inve):
        yield _attempt(subject, trim(row.cve_art), row.cve_art, product, row, children)
        if stock_in is not None:
            yield from _stock(row.cve_art, stock_in, row.exist)


def read_children(snapshot: Snapshot, schemes: list[Impu]) -> Children:
    prices: dict[Key, list[PrecioXProd]] = defaultdict(list)
    for price in snapshot.rows(PrecioXProd):
        prices[trim(price.cve_art)].append(price)
    alternates: dict[Key, list[CvesAlter]] = defaultdict(list)
    for alternate in snapshot.rows(CvesAlter):
        alternates[trim(alternate.cve_art)].append(alternate)
    layout = snapshot.layout
    return Children(
        layout=layout,
        taxes={row.cve_esqimpu: taxes(row, layout) for row in schemes},
        lists={row.cve_precio: _letter(row.con_impu) == YES for row in snapshot.rows(Precios)} if layout.price_tax_flag else {},
        prices=prices,
        alternates=alternates,
    )


def _stock(raw: str, warehouse: int, quantity: Number) -> Iterator[Mapped | Unmappable]:
    key = trim(raw)
    yield _attempt(Subject(Entity.STOCK, warehouse), key, raw, stock, key, warehouse, quantity)
