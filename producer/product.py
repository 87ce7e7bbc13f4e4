"""A product's event: its row of INVE with its prices, its alternate keys and the taxes of its scheme.

A hot column (EXIST, dates, totals) is no part of it, so that the event changes only when the product does.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from producer.mapping import STATUS, YES, byte_order, decimal, letter, taxes, words
from producer.sae import Rows
from producer.tables import CvesAlter, Impu, Inve, Layout, Precios, PrecioXProd
from puente.errors import PoisonError
from schemas.changes import Key, Value, trim

_KIND = {"K": "kit", "G": "group", "S": "service"}
_ALTERNATE_KIND = {"C": "customer", "P": "supplier"}


@dataclass(frozen=True, slots=True)
class Scheme:
    """A tax scheme as its products need it; `error` where no event can hold its taxes."""

    taxes: list[dict[str, Any]]
    error: PoisonError | None = None


@dataclass(frozen=True, slots=True)
class Children:
    """What products hold of other tables; prices and alternate keys by the product's trimmed key."""

    layout: Layout
    schemes: Mapping[int, Scheme]
    lists: Mapping[int, bool]
    prices: Mapping[Key, Sequence[PrecioXProd]]
    alternates: Mapping[Key, Sequence[CvesAlter]]

    def taxes_of(self, row: Inve) -> list[dict[str, Any]]:
        scheme = None if row.cve_esqimpu is None else self.schemes.get(row.cve_esqimpu)
        if scheme is None:
            return []
        if scheme.error is not None:
            raise PoisonError(scheme.error.text)
        return scheme.taxes

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
        """By key; of two raw ones that collide once trimmed the first in byte order gives the kind."""
        found: dict[str, str] = {}
        rows = self.alternates.get(sku, ())
        for row in sorted(rows, key=lambda row: (byte_order(row.cve_art), byte_order(row.cve_alter))):
            found.setdefault(trim(row.cve_alter), _ALTERNATE_KIND.get(letter(row.tipo), "none"))
        return [{"key": key, "kind": found[key]} for key in sorted(found) if key]


def read_children(snapshot: Rows, schemes: Sequence[Impu]) -> Children:
    layout = snapshot.layout
    prices: dict[Key, list[PrecioXProd]] = defaultdict(list)
    for price in snapshot.rows(PrecioXProd):
        prices[trim(price.cve_art)].append(price)
    alternates: dict[Key, list[CvesAlter]] = defaultdict(list)
    for alternate in snapshot.rows(CvesAlter):
        alternates[trim(alternate.cve_art)].append(alternate)
    lists = {row.cve_precio: letter(row.con_impu) == YES for row in snapshot.rows(Precios)}
    return Children(
        layout=layout,
        schemes={row.cve_esqimpu: _scheme(row, layout) for row in schemes},
        lists=lists if layout.price_tax_flag else {},
        prices=prices,
        alternates=alternates,
    )


def _scheme(row: Impu, layout: Layout) -> Scheme:
    try:
        return Scheme(taxes(row, layout))
    except PoisonError as error:
        return Scheme([], error)


def product(row: Inve, children: Children) -> Value:
    sku = trim(row.cve_art)
    return {
        "sku": sku,
        "description": words(row.descr),
        "line": (trim(row.lin_prod) or None) if row.lin_prod else None,
        "kind": _KIND.get(letter(row.tipo_ele), "product"),
        "unit_in": words(row.uni_med),
        "unit_out": words(row.uni_alt),
        "unit_factor": decimal(row.fac_conv),
        "tax_scheme": row.cve_esqimpu,
        "currency": row.num_mon,
        "taxes": children.taxes_of(row),
        "prices": children.prices_of(sku),
        "alternate_keys": children.alternates_of(sku),
        "average_cost": decimal(row.costo_prom),
        "sat_product": words(row.cve_prodserv),
        "sat_unit": words(row.cve_unidad),
        "ieps": _ieps(row) if children.layout.ieps else None,
        "status": STATUS.get(letter(row.status), "active"),
    }


def _ieps(row: Inve) -> dict[str, Any]:
    return {
        "applies": letter(row.man_ieps) == YES,
        "tax": row.apl_man_imp,
        "quota": decimal(row.cuota_ieps),
        "mode": words(row.apl_man_ieps),
    }
