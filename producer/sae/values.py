"""Rows of SAE → values of events; of stock, and of products in `product`, at once the bytes, for there are very many.

Pure: what an event holds depends on the rows alone.

Decimals are rounded half-even to six places from the shortest text of SAE's binary float, texts lose trailing blanks, an empty text is
none. A number that no decimal holds raises `PoisonError`.
"""

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from functools import lru_cache
from typing import TypeVar

from foundation.errors import PoisonError
from foundation.texts import text
from producer.sae.tables import Clie, Clin, Impu, Layout, Moned, Number
from schemas.changes import RATE_SCALE, SCALE, Value
from schemas.fields import Field, integer, record, something, string
from schemas.keys import BLANKS, Key, trim
from schemas.writer import NULL, PLACES, PRECISION, REMEMBERED, VALUE, unit_bytes

Meaning = TypeVar("Meaning")
YES, NO = "S", "N"
FLAG = {YES: True, NO: False, "": False}
STATUS = {"A": "active", "B": "inactive", "": "active"}
_CUSTOMER_STATUS = {**STATUS, "M": "delinquent", "S": "suspended"}
MILLION, CLEARLY = 1e6, 0.49
_FLOAT = Context(prec=15, rounding=ROUND_HALF_EVEN)
_RATE_CONTEXT = Context(prec=38, rounding=ROUND_HALF_EVEN)
_CONTEXT = Context(prec=PRECISION, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation])


@lru_cache(REMEMBERED, typed=True)
def decimal(number: Number, field: str) -> Decimal | None:
    """A number of SAE at scale 6; raises `PoisonError`, which names the field, for one that no decimal holds (infinity, NaN, too large)."""
    if number is None:
        return None
    try:
        rounded = Decimal(str(number)).quantize(SCALE, context=_CONTEXT)
    except InvalidOperation as error:
        raise PoisonError(text("{field}: {number} is too large for a decimal of an event", field=field, number=number)) from error
    if rounded.is_nan():
        raise PoisonError(text("{field}: {number} is no number", field=field, number=number))
    return rounded + 0  # no negative zero


def exact_rate(number: Number) -> Decimal | None:
    """A rate with the 15 digits that are no noise of a binary float; none where six places hold all of them.

    Raises `PoisonError` for one so small that it would become 0.
    """
    rounded = decimal(number, "rate")
    if rounded is None:
        return None
    exact = _RATE_CONTEXT.quantize(_FLOAT.create_decimal(str(number)), RATE_SCALE)
    if not exact and number:
        raise PoisonError(text("{field}: {number} is too small for a decimal of an event", field="rate", number=number))
    return None if exact == rounded else exact


def amount(number: Number, field: str) -> Field:
    """A number of SAE as an event holds it; raises what `decimal` does. None is none.

    A float's shortest text differs from it by less than one part in 10 ** 15: of one below a million that lies clearly nearer to one
    multiple of a millionth than to the next, both are rounded to that one.
    """
    if number.__class__ is float and -MILLION < number < MILLION:
        scaled = number * MILLION
        units = round(scaled)
        if -CLEARLY < scaled - units < CLEARLY:
            return unit_bytes(units)
    rounded = decimal(number, field)
    assert rounded is not None, "there is a number"
    return unit_bytes(int(rounded.scaleb(PLACES, _CONTEXT)))


def amount_or_null(number: Number, field: str) -> Field:
    return NULL if number is None else VALUE + amount(number, field)


def words_or_null(raw: str | None) -> Field:
    return something(found) if (found := words(raw)) else NULL


code_or_null = lru_cache(REMEMBERED)(words_or_null)
"""The same for columns of which many rows hold the same."""


def words(raw: str | None) -> str | None:
    """A text of SAE without trailing blanks; none where nothing is left."""
    return (raw.rstrip(BLANKS) or None) if raw else None


@lru_cache(REMEMBERED)
def letter(raw: str | None) -> str:
    """A one-letter code, upper case, empty where there is none."""
    return (raw or "").strip(BLANKS).upper()


def meaning(raw: str | None, column: str, meanings: Mapping[str, Meaning]) -> Meaning:
    """What a letter of SAE means, "" being none; raises `PoisonError`, which names it, for one that means nothing.

    Whatever it were taken for, a till might sell what it must not, or lose what it may; so it keeps what it has.
    """
    found = letter(raw)
    if found not in meanings:
        letters = ", ".join(filter(None, meanings))
        raise PoisonError(text("{column} is {found}, which is none of {letters}", column=column, found=repr(raw), letters=letters))
    return meanings[found]


def product_line(row: Clin) -> Value:
    return {
        "line": trim(row.cve_lin),
        "description": words(row.desc_lin),
        "is_group": letter(row.esungpo) == YES,  # no till knows groups, so any other letter is no
        "status": meaning(row.status, "STATUS", STATUS),
    }


def tax_pairs(row: Impu, layout: Layout) -> list[tuple[float | int, int]]:
    """The taxes of a scheme in order, percent and base; an empty percentage is 0, an empty base code 0 (the price)."""
    pairs = (
        (row.impuesto1, row.imp1aplica),
        (row.impuesto2, row.imp2aplica),
        (row.impuesto3, row.imp3aplica),
        (row.impuesto4, row.imp4aplica),
        (row.impuesto5, row.imp5aplica),
        (row.impuesto6, row.imp6aplica),
        (row.impuesto7, row.imp7aplica),
        (row.impuesto8, row.imp8aplica),
    )
    return [(percent or 0, base or 0) for percent, base in pairs[: layout.taxes]]


def tax_scheme(row: Impu, layout: Layout) -> Value:
    return {
        "scheme": row.cve_esqimpu,
        "description": words(row.descripesq),
        "taxes": [{"percent": decimal(percent, "taxes.percent"), "base": base} for percent, base in tax_pairs(row, layout)],
        "status": meaning(row.status, "STATUS", STATUS),
    }


def currency(row: Moned) -> Value:
    return {
        "currency": row.num_moned,
        "description": words(row.descr),
        "symbol": words(row.simbolo),
        "rate": decimal(row.tcambio or 0, "rate"),
        "sat_code": words(row.cve_moned),
        "status": meaning(row.status, "STATUS", STATUS),
        "exact_rate": exact_rate(row.tcambio),
    }


def customer(row: Clie) -> Value:
    meaning(row.prospecto, "PROSPECTO", FLAG)  # one that may be a prospect, or not, does not travel
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
        "discount": decimal(row.descuento, "discount"),
        "has_credit": meaning(row.con_credito, "CON_CREDITO", FLAG),
        "credit_days": row.diascred,
        "credit_limit": decimal(row.limcred, "credit_limit"),
        "status": meaning(row.status, "STATUS", _CUSTOMER_STATUS),
    }


def stock(sku: Key, warehouse: int, quantity: Number) -> bytes:
    return record("stock")(sku=string(sku), warehouse=integer(warehouse), quantity=amount(quantity or 0.0, "quantity"))
