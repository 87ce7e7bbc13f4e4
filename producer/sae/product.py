"""A product's event: its row of INVE with its prices, its alternate keys and the taxes of its scheme.

A hot column (EXIST, dates, totals) is no part of it, so that the event changes only when the product does.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foundation.errors import PoisonError
from foundation.texts import text
from producer.packed import Grouped
from producer.sae.port import Rows
from producer.sae.tables import CvesAlter, Impu, Inve, Layout, Number, Precios, PrecioXProd
from producer.sae.values import NO, STATUS, YES, decimal, letter, meaning, taxes, words
from schemas.changes import Value
from schemas.keys import Key, byte_order, trim

_KIND = {"P": "product", "K": "kit", "G": "group", "S": "service", "": "product"}
_ALTERNATE_KIND = {"N": "none", "C": "customer", "P": "supplier", "": "none"}


@dataclass(frozen=True, slots=True)
class Scheme:
    """A tax scheme as its products need it; `error` where no event can hold its taxes."""

    taxes: list[dict[str, Any]]
    error: PoisonError | None = None


@dataclass(frozen=True, slots=True)
class Children:
    """What products hold of other tables, by the product's trimmed key: prices by list, the letters of alternate keys by these, trimmed."""

    layout: Layout
    schemes: Mapping[int, Scheme]
    lists: Mapping[int, bool]
    unclear: Mapping[int, str]
    """Price lists that do not say whether their prices include taxes, with what they say."""
    prices: Grouped[int, Number]
    alternates: Grouped[Key, str]
    lost: Mapping[Key, Collection[str]]
    """How the product's key is written in rows that lost to another one, which has the same list or alternate key."""

    def taxes_of(self, row: Inve) -> list[dict[str, Any]]:
        scheme = None if row.cve_esqimpu is None else self.schemes.get(row.cve_esqimpu)
        if scheme is None:
            return []
        if scheme.error is not None:
            raise PoisonError(scheme.error.text)
        return scheme.taxes

    def prices_of(self, sku: Key) -> list[dict[str, Any]]:
        tax_included = self.lists.get
        amounts = sorted(self.prices.of(sku))
        # A row without an amount is as none: no price is not a price of 0.
        if self.unclear and (number := next((number for number, _ in amounts if number in self.unclear), None)) is not None:
            raise PoisonError(
                text(
                    "prices.tax_included: CON_IMPU of price list {number} is {found}, neither S nor N",
                    number=number,
                    found=repr(self.unclear[number]),
                )
            )
        told = [(number, decimal(amount, "prices.amount")) for number, amount in amounts if amount is not None]
        return [{"list": number, "amount": amount, "tax_included": tax_included(number)} for number, amount in told]

    def alternates_of(self, sku: Key) -> list[dict[str, Any]]:
        found = sorted(self.alternates.of(sku))
        return [{"key": key, "kind": meaning(kind, "CVES_ALTER.TIPO", _ALTERNATE_KIND)} for key, kind in found]


def read_children(snapshot: Rows, schemes: Sequence[Impu]) -> Children:
    layout = snapshot.layout
    collisions = _Collisions()
    flags = {row.cve_precio: letter(row.con_impu) for row in snapshot.rows(Precios)} if layout.price_tax_flag else {}
    return Children(
        layout=layout,
        schemes={row.cve_esqimpu: _scheme(row, layout) for row in schemes},
        lists={number: flag == YES for number, flag in flags.items()},
        unclear={number: flag for number, flag in flags.items() if flag not in (YES, NO, "")},
        prices=_prices(snapshot.rows(PrecioXProd), collisions),
        alternates=_alternates(snapshot.rows(CvesAlter), collisions),
        lost=collisions.lost,
    )


def _prices(rows: Iterable[PrecioXProd], collisions: "_Collisions") -> Grouped[int, Number]:
    found = Grouped[int, Number]()
    for row in rows:
        sku, number = trim(row.cve_art), row.cve_precio
        is_taken = found.has(sku, number)
        if (sku == row.cve_art and not is_taken) or collisions.wins((sku, number), (sku,), (row.cve_art,), is_taken):
            found.set(sku, number, row.precio)
    return found


def _alternates(rows: Iterable[CvesAlter], collisions: "_Collisions") -> Grouped[Key, str]:
    found = Grouped[Key, str]()
    for row in rows:
        trimmed, raw = (trim(row.cve_art), trim(row.cve_alter)), (row.cve_art, row.cve_alter)
        sku, key = trimmed
        is_taken = found.has(sku, key)
        if key and ((trimmed == raw and not is_taken) or collisions.wins(trimmed, trimmed, raw, is_taken)):
            found.set(sku, key, letter(row.tipo))
    return found


class _Collisions:
    """Of raw keys that are equal once trimmed the first in byte order counts; remembers those that are not trimmed in SAE.

    The product's key comes first in a raw key. `lost` holds, by product, how it is written in rows that do not count.
    """

    def __init__(self) -> None:
        self._dirty: dict[tuple[Any, ...], tuple[str, ...]] = {}
        self.lost: dict[Key, set[str]] = defaultdict(set)

    def wins(self, place: tuple[Any, ...], trimmed: tuple[str, ...], raw: tuple[str, ...], is_taken: bool) -> bool:
        """Whether this row counts from now on; another one does where its place `is_taken`."""
        other = self._dirty.get(place, trimmed)
        if is_taken and other[0] != raw[0]:
            self.lost[Key(trimmed[0])].add(max(other, raw, key=_rank)[0])
        if is_taken and _rank(raw) >= _rank(other):
            return False
        self._dirty[place] = raw
        return True


def _rank(raw: Sequence[str]) -> list[tuple[bytes, str]]:
    return [byte_order(text) for text in raw]


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
        "kind": meaning(row.tipo_ele, "TIPO_ELE", _KIND),
        "unit_in": words(row.uni_med),
        "unit_out": words(row.uni_alt),
        "unit_factor": decimal(row.fac_conv, "unit_factor"),
        "tax_scheme": row.cve_esqimpu,
        "currency": row.num_mon,
        "taxes": children.taxes_of(row),
        "prices": children.prices_of(sku),
        "alternate_keys": children.alternates_of(sku),
        "average_cost": decimal(row.costo_prom, "average_cost"),
        "sat_product": words(row.cve_prodserv),
        "sat_unit": words(row.cve_unidad),
        "ieps": _ieps(row) if children.layout.ieps else None,
        "status": meaning(row.status, "STATUS", STATUS),
    }


def _ieps(row: Inve) -> dict[str, Any]:
    return {
        "applies": letter(row.man_ieps) == YES,
        "tax": row.apl_man_imp,
        "quota": decimal(row.cuota_ieps, "ieps.quota"),
        "mode": words(row.apl_man_ieps),
    }
