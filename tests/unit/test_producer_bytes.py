"""Products and stock become bytes at once: those that the codec writes of their values, for whatever stands in SAE."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from foundation.errors import PoisonError
from producer.sae.tables import CvesAlter, Impu, Inve, Layout, Mult, Precios, PrecioXProd
from producer.sae.values import amount, decimal, letter, meaning, words
from schemas.codec import encode
from schemas.entities import Entity
from schemas.fields import record, string
from schemas.writer import compile_writer
from tests.fakes.sae import FakeSae, row
from tests.unit.mapped import rows

STATUS = {"A": "active", "B": "inactive", "": "active"}
KIND = {"P": "product", "K": "kit", "G": "group", "S": "service", "": "product"}
ALTERNATE = {"N": "none", "C": "customer", "P": "supplier", "": "none"}
INCLUDED = {1: True, 2: False}

TEXT = st.none() | st.text("aB9 ñ”€\t", max_size=6) | st.just("x" * 1200)
NUMBER = (
    st.none()
    | st.integers(-(10**19), 10**19)
    | st.floats(-1e6, 1e6)
    | st.floats()
    | st.decimals(-1000, 1000, places=2)
    | st.integers(-(10**10), 10**10).map(lambda units: units / 1e6)
    | st.integers(-(10**7), 10**7).map(lambda halves: halves / 2e6)
)
INTEGER = st.none() | st.integers(-200, 200) | st.integers(-(2**33), 2**33)


def outcome(make: Callable[[], bytes]) -> bytes | None:
    """None where no event can hold it."""
    try:
        return make()
    except PoisonError:
        return None


@given(NUMBER.filter(lambda number: number is not None))
@example(0.0000005)
@example(0.0000015)
@example(999999.9999995)
@example(-0.0)
def test_a_number_is_the_bytes_of_its_decimal(number: Any) -> None:
    write = compile_writer({"type": "bytes", "logicalType": "decimal", "precision": 24, "scale": 6})
    assert outcome(lambda: amount(number, "rate")) == outcome(lambda: write(decimal(number, "rate")))


@given(st.data())
def test_a_product_is_the_bytes_of_its_value(data: st.DataObject) -> None:
    letters = st.sampled_from([None, "", "S", "A", "P", " k", "X", "N", "b"])
    found = row(
        Inve,
        "A",
        descr=data.draw(TEXT),
        lin_prod=data.draw(TEXT),
        tipo_ele=data.draw(letters),
        uni_med=data.draw(TEXT),
        uni_alt=data.draw(TEXT),
        fac_conv=data.draw(NUMBER),
        cve_esqimpu=data.draw(st.sampled_from([None, 1, 2, 3]) | INTEGER),
        num_mon=data.draw(INTEGER),
        costo_prom=data.draw(NUMBER),
        status=data.draw(letters),
        cve_prodserv=data.draw(TEXT),
        cve_unidad=data.draw(TEXT),
        man_ieps=data.draw(letters),
        apl_man_imp=data.draw(INTEGER),
        cuota_ieps=data.draw(NUMBER),
        apl_man_ieps=data.draw(TEXT),
    )
    prices = data.draw(st.dictionaries(st.integers(1, 3), NUMBER, max_size=3))
    codes = data.draw(st.dictionaries(st.text("aB9ñ", min_size=1, max_size=3), letters, max_size=3))
    taxes = {number: data.draw(NUMBER) for number in (1, 2)}
    sae = FakeSae(found, row(Precios, 1, con_impu="S"), row(Precios, 2, con_impu="N"))
    sae.layout = Layout(taxes=data.draw(st.sampled_from([4, 8])), ieps=data.draw(st.booleans()))
    sae.put(*(row(PrecioXProd, "A", number, precio=price) for number, price in prices.items()))
    sae.put(*(row(CvesAlter, "A", code, tipo=kind) for code, kind in codes.items()))
    sae.put(*(row(Impu, number, impuesto1=percent, imp1aplica=number) for number, percent in taxes.items()))
    (made,) = rows(sae, Entity.PRODUCT)
    assert outcome(made.body) == outcome(lambda: encode("product", value(found, prices, codes, taxes, sae.layout)))


def value(of: Inve, prices: Mapping[int, Any], codes: Mapping[str, str | None], taxes: Mapping[int, Any], layout: Layout) -> dict[str, Any]:
    """Field by field, as `mapping.csv` has it."""
    scheme = of.cve_esqimpu
    percents = [] if scheme is None or scheme not in taxes else [taxes[scheme], *[0] * (layout.taxes - 1)]
    return {
        "sku": "A",
        "description": words(of.descr),
        "line": (of.lin_prod or "").strip(" \t") or None,
        "kind": meaning(of.tipo_ele, "TIPO_ELE", KIND),
        "unit_in": words(of.uni_med),
        "unit_out": words(of.uni_alt),
        "unit_factor": decimal(of.fac_conv, "unit_factor"),
        "tax_scheme": scheme,
        "currency": of.num_mon,
        "taxes": [{"percent": decimal(percent or 0, "percent"), "base": 0 if place else scheme} for place, percent in enumerate(percents)],
        "prices": [
            {"list": number, "amount": decimal(price, "amount"), "tax_included": INCLUDED.get(number)}
            for number, price in sorted(prices.items(), key=lambda item: item[0])
            if price is not None
        ],
        "alternate_keys": [{"key": code, "kind": meaning(kind, "TIPO", ALTERNATE)} for code, kind in sorted(codes.items())],
        "average_cost": decimal(of.costo_prom, "average_cost"),
        "sat_product": words(of.cve_prodserv),
        "sat_unit": words(of.cve_unidad),
        "ieps": ieps(of) if layout.ieps else None,
        "status": meaning(of.status, "STATUS", STATUS),
    }


def ieps(of: Inve) -> dict[str, Any]:
    return {
        "applies": letter(of.man_ieps) == "S",
        "tax": of.apl_man_imp,
        "quota": decimal(of.cuota_ieps, "ieps.quota"),
        "mode": words(of.apl_man_ieps),
    }


@given(st.text("aB9ñ”", min_size=1, max_size=5), st.integers(1, 2**32), NUMBER)
def test_stock_is_the_bytes_of_its_value(sku: str, warehouse: int, quantity: Any) -> None:
    (made,) = rows(FakeSae(row(Mult, sku, warehouse, exist=quantity)), Entity.STOCK)
    expected = outcome(lambda: encode("stock", {"sku": sku, "warehouse": warehouse, "quantity": decimal(quantity or 0, "quantity")}))
    assert outcome(made.body) == expected


def test_a_text_that_is_none_of_unicode_is_no_event() -> None:
    (made,) = rows(FakeSae(row(Inve, "A", descr="\ud800")), Entity.PRODUCT)
    with pytest.raises(PoisonError, match=r"The product does not fit its schema \(UnicodeEncodeError"):
        made.body()


def test_fields_are_joined_in_the_schemas_order_and_none_may_lack() -> None:
    assert record("stock")(quantity=b"3", sku=string("A"), warehouse=b"2") == b"\2A23"
    with pytest.raises(TypeError, match="quantity"):
        record("stock")(sku=string("A"), warehouse=b"2")
    with pytest.raises(TypeError, match="colour"):
        record("stock")(sku=b"", warehouse=b"", quantity=b"", colour=b"")


def test_zero_has_one_form() -> None:
    assert amount(-0.0, "x") == amount(0, "x") == amount(Decimal("-0.0000001"), "x")  # type: ignore[arg-type]  # what a NUMERIC column gives
