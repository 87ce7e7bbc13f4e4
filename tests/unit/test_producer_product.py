"""The product: an aggregate of five tables."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.sae.tables import CvesAlter, Impu, Inve, Layout, Precios, PrecioXProd
from schemas.entities import Entity
from schemas.keys import byte_order
from tests.fakes.sae import FakeSae, row
from tests.unit.mapped import TAXES, only, tax, values

PRODUCT = row(
    Inve,
    " CLAVO\t",
    descr="Clavo de 3” ",
    lin_prod=" FE ",
    tipo_ele="P",
    uni_med="kg",
    uni_alt="pz",
    fac_conv=120.0,
    cve_esqimpu=3,
    num_mon=1,
    costo_prom=-0.0450952380952,
    exist=99.0,
    status="A",
    cve_prodserv="31162800",
    cve_unidad="H87",
    man_ieps="S",
    apl_man_imp=1,
    cuota_ieps=0.35,
    apl_man_ieps="C",
)


def full_sae() -> FakeSae:
    return FakeSae(
        PRODUCT,
        row(Impu, 3, **TAXES),
        row(Precios, 1, con_impu="S"),
        row(Precios, 2, con_impu="N"),
        row(PrecioXProd, "CLAVO", 2, precio=45.5),
        row(PrecioXProd, " CLAVO\t", 1, precio=50.0),
        row(PrecioXProd, "CLAVO", 9, precio=None),
        row(CvesAlter, "CLAVO", " 750 ", tipo="N"),
        row(CvesAlter, "CLAVO", "123", tipo="P"),
        row(CvesAlter, "CLAVO", "C1", tipo="C"),
        row(CvesAlter, "CLAVO", "X", tipo=None),
        row(CvesAlter, "CLAVO", " ", tipo="N"),
    )


def test_a_product_with_its_prices_alternate_keys_and_taxes() -> None:
    assert values(full_sae(), Entity.PRODUCT) == {
        "CLAVO": {
            "sku": "CLAVO",
            "description": "Clavo de 3”",
            "line": "FE",
            "kind": "product",
            "unit_in": "kg",
            "unit_out": "pz",
            "unit_factor": Decimal(120),
            "tax_scheme": 3,
            "currency": 1,
            "taxes": [tax(place, place + 1) for place in range(1, 9)],
            "prices": [
                {"list": 1, "amount": Decimal(50), "tax_included": True},
                {"list": 2, "amount": Decimal("45.5"), "tax_included": False},
            ],
            "alternate_keys": [
                {"key": "123", "kind": "supplier"},
                {"key": "750", "kind": "none"},
                {"key": "C1", "kind": "customer"},
                {"key": "X", "kind": "none"},
            ],
            "average_cost": Decimal("-0.045095"),
            "sat_product": "31162800",
            "sat_unit": "H87",
            "ieps": {"applies": True, "tax": 1, "quota": Decimal("0.35"), "mode": "C"},
            "status": "active",
        }
    }


def test_a_product_of_which_nothing_is_known() -> None:
    product = only(FakeSae(row(Inve, "A", tipo_ele=None, status=None)), Entity.PRODUCT)
    known = {name: value for name, value in product.items() if value not in (None, [])}
    nothing = {"applies": False, "tax": None, "quota": None, "mode": None}
    assert known == {"sku": "A", "kind": "product", "ieps": nothing, "status": "active"}


@pytest.mark.parametrize(
    ("raw", "kind"),
    [("P", "product"), ("K", "kit"), ("G", "group"), ("S", "service"), ("s", "service"), (" ", "product")],
)
def test_every_kind_of_product_travels(raw: str, kind: str) -> None:
    assert only(FakeSae(row(Inve, "A", tipo_ele=raw)), Entity.PRODUCT)["kind"] == kind


@pytest.mark.parametrize("nothing", [None, "", "   "])
def test_a_product_may_have_no_line(nothing: str | None) -> None:
    assert only(FakeSae(row(Inve, "A", lin_prod=nothing)), Entity.PRODUCT)["line"] is None


def test_a_product_whose_scheme_is_missing_has_no_taxes() -> None:
    product = only(FakeSae(row(Inve, "A", cve_esqimpu=8), row(Impu, 3, **TAXES)), Entity.PRODUCT)
    assert (product["tax_scheme"], product["taxes"]) == (8, [])


def test_an_older_sae_has_four_taxes_no_flag_of_price_lists_and_no_ieps() -> None:
    sae = full_sae()
    sae.layout = Layout(taxes=4, price_tax_flag=False, ieps=False)
    product = only(sae, Entity.PRODUCT)
    assert product["taxes"] == [tax(place, place + 1) for place in range(1, 5)]
    assert [price["tax_included"] for price in product["prices"]] == [None, None]
    assert product["ieps"] is None


def test_hot_columns_are_no_part_of_a_product() -> None:
    sold = full_sae()
    sold.put(PRODUCT._replace(exist=12345.0))
    assert values(sold, Entity.PRODUCT) == values(full_sae(), Entity.PRODUCT)


@pytest.mark.parametrize("field", sorted(set(Inve._fields) - {"cve_art", "exist"}))
def test_every_other_column_that_is_read_shows_in_the_product(field: str) -> None:
    changed = full_sae()
    other: Any = {str: "K" if field == "tipo_ele" else "B", float: 77.0, int: 8}[type(getattr(PRODUCT, field))]
    changed.put(PRODUCT._replace(**{field: other}))
    assert values(changed, Entity.PRODUCT) != values(full_sae(), Entity.PRODUCT)


def test_of_prices_under_raw_keys_that_are_equal_once_trimmed_the_first_in_byte_order_counts() -> None:
    sae = FakeSae(row(Inve, "A"), row(PrecioXProd, "A", 1, precio=1.0), row(PrecioXProd, "\tA", 1, precio=2.0))
    assert [price["amount"] for price in only(sae, Entity.PRODUCT)["prices"]] == [2]


def test_of_alternate_keys_that_are_equal_once_trimmed_the_first_in_byte_order_counts() -> None:
    sae = FakeSae(row(Inve, "A"), row(CvesAlter, "A", "X", tipo="P"), row(CvesAlter, "A", " X", tipo="C"))
    assert only(sae, Entity.PRODUCT)["alternate_keys"] == [{"key": "X", "kind": "customer"}]


SPELLINGS = ("A", " A", "A ", "\tA", "A\xa0")
RAW_PRICES = st.lists(st.tuples(st.sampled_from(SPELLINGS), st.sampled_from((1, 2))), unique=True, max_size=8)
RAW_ALTERNATES = st.lists(st.tuples(st.sampled_from(SPELLINGS), st.sampled_from(SPELLINGS)), unique=True, max_size=8)


@given(RAW_PRICES)
def test_whatever_the_order_of_prices_that_collide_the_first_in_byte_order_counts(raws: list[tuple[str, int]]) -> None:
    sae = FakeSae(row(Inve, "A"), *(row(PrecioXProd, sku, number, precio=SPELLINGS.index(sku) + 1.0) for sku, number in raws))
    first = {number: min((sku for sku, other in raws if other == number), key=byte_order) for _, number in raws}
    found = {price["list"]: price["amount"] for price in only(sae, Entity.PRODUCT)["prices"]}
    assert found == {number: SPELLINGS.index(sku) + 1 for number, sku in first.items()}


@given(RAW_ALTERNATES)
def test_whatever_the_order_of_alternate_keys_that_collide_the_first_in_byte_order_counts(raws: list[tuple[str, str]]) -> None:
    kinds = {raw: "CPN"[place % 3] for place, raw in enumerate(raws)}
    sae = FakeSae(row(Inve, "A"), *(row(CvesAlter, *raw, tipo=kind) for raw, kind in kinds.items()))
    first = sorted(raws, key=lambda raw: (byte_order(raw[0]), byte_order(raw[1])))[:1]
    expected = [{"key": "A", "kind": {"C": "customer", "P": "supplier", "N": "none"}[kinds[raw]]} for raw in first]
    assert only(sae, Entity.PRODUCT)["alternate_keys"] == expected


def test_the_order_of_rows_in_sae_makes_no_difference() -> None:
    turned = full_sae()
    for table, found in turned.tables.items():
        turned.tables[table] = found[::-1]
    assert values(turned, Entity.PRODUCT) == values(full_sae(), Entity.PRODUCT)
