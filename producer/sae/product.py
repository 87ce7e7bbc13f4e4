"""A product's event: its row of INVE with its prices, its alternate keys and the taxes of its scheme.

A hot column (EXIST, dates, totals) is no part of it, so that the event changes only when the product does.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any

from foundation.errors import PoisonError
from foundation.packed import PackedKeys
from foundation.texts import text
from producer.sae.grouped import Grouped
from producer.sae.port import Rows
from producer.sae.tables import CvesAlter, Impu, Inve, Layout, Number, Precios, PrecioXProd
from producer.sae.values import (
    NO,
    STATUS,
    YES,
    amount,
    amount_or_null,
    code_or_null,
    letter,
    meaning,
    tax_pairs,
    words_or_null,
)
from schemas.codec import UNFIT, unfit
from schemas.entities import Entity
from schemas.fields import FALSE, TRUE, Field, array, integer, integer_or_null, record, something, string, symbols
from schemas.keys import Key, byte_order, trim
from schemas.writer import END, NULL, REMEMBERED, VALUE

_FIRST = itemgetter(0)
_KIND = {"P": "product", "K": "kit", "G": "group", "S": "service", "": "product"}
_ALTERNATE_KIND = {"N": "none", "C": "customer", "P": "supplier", "": "none"}


@dataclass(frozen=True, slots=True)
class Scheme:
    """A tax scheme as its products need it; `error` where no event can hold its taxes."""

    taxes: Field
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Children:
    """What products hold of other tables, by the product's trimmed key: prices by list, the letters of alternate keys by these, trimmed."""

    layout: Layout
    schemes: Mapping[int, Scheme]
    lists: Mapping[int, Field]
    """Whether their prices include taxes."""
    unclear: Mapping[int, str]
    """Price lists that do not say whether their prices include taxes, with what they say."""
    prices: Grouped[int, Number]
    alternates: Grouped[Key, str]
    lost: Mapping[Key, Collection[str]]
    """How the product's key is written in rows that lost to another one, which has the same list or alternate key."""

    def taxes_of(self, row: Inve) -> Field:
        scheme = None if row.cve_esqimpu is None else self.schemes.get(row.cve_esqimpu)
        if scheme is None:
            return END
        match scheme.error:
            case None:
                return scheme.taxes
            case PoisonError() as error:
                raise PoisonError(error.text)
            case error:
                raise unfit(Entity.PRODUCT.value, error)

    def prices_of(self, sku: Key) -> Field:
        amounts = sorted(self.prices.of(sku), key=_FIRST)
        # A row without an amount is as none: no price is not a price of 0.
        if self.unclear and (number := next((number for number, _ in amounts if number in self.unclear), None)) is not None:
            raise PoisonError(
                text(
                    "prices.tax_included: CON_IMPU of price list {number} is {found}, neither S nor N",
                    number=number,
                    found=repr(self.unclear[number]),
                )
            )
        join, tax_included = record("product", "prices"), self.lists.get
        return array(
            [
                join(list=integer(number), amount=amount(price, "prices.amount"), tax_included=tax_included(number, NULL))
                for number, price in amounts
                if price is not None
            ]
        )

    def alternates_of(self, sku: Key) -> Field:
        found, join = sorted(self.alternates.of(sku)), record("product", "alternate_keys")
        return array([join(key=string(key), kind=_alternate_kind(kind)) for key, kind in found])


def read_children(snapshot: Rows, schemes: Sequence[Impu]) -> Children:
    layout = snapshot.layout
    collisions, products = _Collisions(), PackedKeys()
    flags = {row.cve_precio: letter(row.con_impu) for row in snapshot.rows(Precios)} if layout.price_tax_flag else {}
    return Children(
        layout=layout,
        schemes={row.cve_esqimpu: _scheme(row, layout) for row in schemes},
        lists={number: VALUE + (TRUE if flag == YES else FALSE) for number, flag in flags.items()},
        unclear={number: flag for number, flag in flags.items() if flag not in (YES, NO, "")},
        prices=_prices(snapshot.rows(PrecioXProd), collisions, products),
        alternates=_alternates(snapshot.rows(CvesAlter), collisions, products),
        lost=collisions.lost,
    )


def _prices(rows: Iterable[PrecioXProd], collisions: "_Collisions", products: PackedKeys) -> Grouped[int, Number]:
    found = Grouped[int, Number](products)
    for raw, some in groupby(rows, _FIRST):
        sku, run = trim(raw), list(some)
        if sku == raw and found.begin(sku, tuple([row[1] for row in run]), tuple([row[2] for row in run])):
            continue
        for row in run:
            number = row.cve_precio
            is_taken = found.has(sku, number)
            if (sku == raw and not is_taken) or collisions.wins((sku, number), (sku,), (raw,), is_taken):
                found.set(sku, number, row.precio)
    return found


def _alternates(rows: Iterable[CvesAlter], collisions: "_Collisions", products: PackedKeys) -> Grouped[Key, str]:
    found = Grouped[Key, str](products)
    for raw, some in groupby(rows, _FIRST):
        sku, run = trim(raw), list(some)
        keys = tuple([trim(row[1]) for row in run])
        if sku == raw and all(map(_is_trimmed, keys, run)) and found.begin(sku, keys, tuple([letter(row[2]) for row in run])):
            continue
        for key, row in zip(keys, run, strict=True):
            trimmed, as_it_is = (sku, key), (raw, row.cve_alter)
            is_taken = found.has(sku, key)
            if key and ((trimmed == as_it_is and not is_taken) or collisions.wins(trimmed, trimmed, as_it_is, is_taken)):
                found.set(sku, key, letter(row.tipo))
    return found


def _is_trimmed(key: Key, row: CvesAlter) -> bool:
    return bool(key) and key == row[1]


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
    join = record("product", "taxes")
    try:
        made = [join(percent=amount(percent, "taxes.percent"), base=integer(base)) for percent, base in tax_pairs(row, layout)]
    except (PoisonError, *UNFIT) as error:
        return Scheme(END, error)
    return Scheme(array(made))


@lru_cache(REMEMBERED)
def _kind(raw: str | None) -> Field:
    return symbols("product", "kind")[meaning(raw, "TIPO_ELE", _KIND)]


@lru_cache(REMEMBERED)
def _status(raw: str | None) -> Field:
    return symbols("product", "status")[meaning(raw, "STATUS", STATUS)]


@lru_cache(REMEMBERED)
def _alternate_kind(raw: str | None) -> Field:
    return symbols("product", "kind", "alternate_keys")[meaning(raw, "CVES_ALTER.TIPO", _ALTERNATE_KIND)]


@lru_cache(REMEMBERED)
def _line(raw: str | None) -> Field:
    return something(found) if raw and (found := trim(raw)) else NULL


def product(row: Inve, children: Children) -> bytes:
    """The body of the event; raises `PoisonError`, or one of `UNFIT`, where none can hold the row."""
    sku = trim(row.cve_art)
    return record("product")(
        sku=string(sku),
        description=words_or_null(row.descr),
        line=_line(row.lin_prod),
        kind=_kind(row.tipo_ele),
        unit_in=code_or_null(row.uni_med),
        unit_out=code_or_null(row.uni_alt),
        unit_factor=amount_or_null(row.fac_conv, "unit_factor"),
        tax_scheme=integer_or_null(row.cve_esqimpu),
        currency=integer_or_null(row.num_mon),
        taxes=children.taxes_of(row),
        prices=children.prices_of(sku),
        alternate_keys=children.alternates_of(sku),
        average_cost=amount_or_null(row.costo_prom, "average_cost"),
        sat_product=code_or_null(row.cve_prodserv),
        sat_unit=code_or_null(row.cve_unidad),
        ieps=_ieps(row.man_ieps, row.apl_man_imp, row.cuota_ieps, row.apl_man_ieps) if children.layout.ieps else NULL,
        status=_status(row.status),
    )


@lru_cache(REMEMBERED, typed=True)
def _ieps(applies: str | None, tax: int | None, quota: Number, mode: str | None) -> Field:
    return VALUE + record("product", "ieps")(
        applies=TRUE if letter(applies) == YES else FALSE,
        tax=integer_or_null(tax),
        quota=amount_or_null(quota, "ieps.quota"),
        mode=words_or_null(mode),
    )
