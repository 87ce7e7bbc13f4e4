"""What is read of SAE: a named tuple per table, its fields the columns' names in lower case.

Versions differ (INVE has 50, 70 or 74 columns, IMPU 4 taxes or 8), so columns are named, and the optional ones are probed: a row holds
None where the database has no such column.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

Number = float | int | None


class Clin(NamedTuple):
    """Product lines."""

    cve_lin: str
    desc_lin: str | None
    esungpo: str | None
    status: str | None


class Impu(NamedTuple):
    """Tax schemes."""

    cve_esqimpu: int
    descripesq: str | None
    impuesto1: Number
    imp1aplica: int | None
    impuesto2: Number
    imp2aplica: int | None
    impuesto3: Number
    imp3aplica: int | None
    impuesto4: Number
    imp4aplica: int | None
    status: str | None
    impuesto5: Number = None
    imp5aplica: int | None = None
    impuesto6: Number = None
    imp6aplica: int | None = None
    impuesto7: Number = None
    imp7aplica: int | None = None
    impuesto8: Number = None
    imp8aplica: int | None = None


class Moned(NamedTuple):
    """Currencies."""

    num_moned: int
    descr: str | None
    simbolo: str | None
    tcambio: Number
    status: str | None
    cve_moned: str | None = None


class Inve(NamedTuple):
    """Products. EXIST is read for sites without warehouses; it is no part of the product's event."""

    cve_art: str
    descr: str | None
    lin_prod: str | None
    tipo_ele: str | None
    uni_med: str | None
    uni_alt: str | None
    fac_conv: Number
    cve_esqimpu: int | None
    num_mon: int | None
    costo_prom: Number
    exist: Number
    status: str | None
    cve_prodserv: str | None = None
    cve_unidad: str | None = None
    man_ieps: str | None = None
    apl_man_imp: int | None = None
    cuota_ieps: Number = None
    apl_man_ieps: str | None = None


class PrecioXProd(NamedTuple):
    """Prices of products."""

    cve_art: str
    cve_precio: int
    precio: Number


class Precios(NamedTuple):
    """Price lists."""

    cve_precio: int
    con_impu: str | None = None


class CvesAlter(NamedTuple):
    """Alternate keys."""

    cve_art: str
    cve_alter: str
    tipo: str | None


class Clie(NamedTuple):
    """Customers."""

    clave: str
    status: str | None
    nombre: str | None
    rfc: str | None
    calle: str | None
    numext: str | None
    numint: str | None
    colonia: str | None
    codigo: str | None
    municipio: str | None
    estado: str | None
    pais: str | None
    telefono: str | None
    emailpred: str | None
    lista_prec: int | None
    descuento: Number
    con_credito: str | None
    diascred: int | None
    limcred: Number
    prospecto: str | None
    uso_cfdi: str | None = None
    reg_fisc: str | None = None


class Mult(NamedTuple):
    """Stock per warehouse."""

    cve_art: str
    cve_alm: int
    exist: Number


class Almacenes(NamedTuple):
    """Warehouses."""

    cve_alm: int


class ParamInventario(NamedTuple):
    """Parameters of the inventory."""

    multialmacen: str | None
    almacenpredeter: int | None = None


if TYPE_CHECKING:
    Row = NamedTuple
else:
    Row = tuple  # at run time NamedTuple is a function, and no type
"""Any of them."""
AnyRow = TypeVar("AnyRow", bound=Row)
TABLES: dict[type[Row], str] = {
    Clin: "CLIN",
    Impu: "IMPU",
    Moned: "MONED",
    Inve: "INVE",
    PrecioXProd: "PRECIO_X_PROD",
    Precios: "PRECIOS",
    CvesAlter: "CVES_ALTER",
    Clie: "CLIE",
    Mult: "MULT",
    Almacenes: "ALMACENES",
    ParamInventario: "PARAM_INVENTARIO",
}

KEYS: dict[type[Row], tuple[str, ...]] = {
    Clin: ("cve_lin",),
    Impu: ("cve_esqimpu",),
    Moned: ("num_moned",),
    Inve: ("cve_art",),
    PrecioXProd: ("cve_art", "cve_precio"),
    Precios: ("cve_precio",),
    CvesAlter: ("cve_art", "cve_alter"),
    Clie: ("clave",),
    Mult: ("cve_art", "cve_alm"),
}
"""The fields that make a row's raw key, which come first. ALMACENES and PARAM_INVENTARIO have a handful of rows, always read whole."""

OF_PRODUCTS: tuple[type[Row], ...] = (Inve, PrecioXProd, CvesAlter, Mult)
"""The tables whose raw keys begin with a product's."""

RawKey = tuple[Any, ...]
"""The values of a row's key fields as they stand in SAE."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """What this version of SAE has, as far as an event shows it."""

    taxes: int = 8
    price_tax_flag: bool = True
    ieps: bool = True


def columns(table: type[Row]) -> tuple[str, ...]:
    """The columns of a table in SAE's spelling."""
    return tuple(field.upper() for field in table._fields)


def optional(table: type[Row]) -> frozenset[str]:
    """Those that a version of SAE may lack."""
    return frozenset(field.upper() for field in table._field_defaults)
