"""Rows of SAE → values: every field of every entity."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import ConfigError, PoisonError
from producer.sae.contents import everything, stock_source, warehouses
from producer.sae.tables import Almacenes, Clie, Clin, Impu, Inve, Layout, Moned, Mult, ParamInventario, Precios, PrecioXProd
from producer.sae.values import decimal, letter, words
from schemas.codec import encode
from schemas.entities import Entity, Subject
from schemas.keys import Key, byte_order
from tests.fakes.sae import FakeSae, row
from tests.unit.mapped import TAXES, only, rows, tax, value, values

# decimals

ROUNDED = {
    16.0: "16",
    0.1 + 0.2: "0.3",
    9.999999980436769e-05: "0.0001",
    -0.0450952380952: "-0.045095",
    1249.9900000000002: "1249.99",
    12.299999999999999: "12.3",
    0.0000005: "0",
    0.0000015: "0.000002",
    0.0000025: "0.000002",
    0.0000035: "0.000004",
    -0.0000005: "0",
    2.5e-7: "0",
    1e15: "1000000000000000",
    -123456789012.1234565: "-123456789012.12346",
}


@pytest.mark.parametrize(("number", "expected"), ROUNDED.items())
def test_a_number_is_rounded_half_even_at_six_places(number: float, expected: str) -> None:
    assert decimal(number, "rate") == Decimal(expected)


@pytest.mark.parametrize("number", [0.0, -0.0, -1e-9, 0, 1e-300])
def test_zero_is_never_negative(number: float) -> None:
    assert str(decimal(number, "rate")) == "0.000000"


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf"), 1e18, -1e18, 1.7e308])
def test_what_no_decimal_holds_is_poison(number: float) -> None:
    with pytest.raises(PoisonError):
        decimal(number, "rate")


def test_the_largest_number_that_passes_fits_the_schema() -> None:
    amount = decimal(999999999999999900.0, "rate")
    assert encode("stock", {"sku": "A", "warehouse": 1, "quantity": amount})


@given(st.floats(-1e12, 1e12))
def test_noise_of_a_binary_float_never_shows(number: float) -> None:
    found = decimal(number, "rate")
    assert found is not None
    assert found.as_tuple().exponent == -6
    assert abs(found - Decimal(str(number))) <= Decimal("0.0000005")
    assert decimal(float(found), "rate") == found or abs(number) > 1e9  # beyond, a float has fewer than six places


def test_null_is_no_number() -> None:
    assert decimal(None, "rate") is None


# texts


@pytest.mark.parametrize("nothing", [None, "", " ", "\t\r\n\xa0 "])
def test_an_empty_text_is_none(nothing: str | None) -> None:
    assert words(nothing) is None


def test_a_text_loses_trailing_blanks_alone() -> None:
    assert words("  Clavo\t de 3” \r\n\t\xa0 ") == "  Clavo\t de 3”"


@pytest.mark.parametrize(("raw", "expected"), [(None, ""), ("", ""), ("S", "S"), (" s ", "S"), ("\tb", "B")])
def test_a_letter_is_upper_case_without_blanks(raw: str | None, expected: str) -> None:
    assert letter(raw) == expected


def test_raw_keys_sort_as_their_bytes_in_sae_do() -> None:
    raw = ["A", "A\t", "Ñ", "\x81", "€", "“", " A", "\tA", "a"]
    in_sae = [b"\tA", b" A", b"A", b"A\t", b"a", b"\x80", b"\x81", b"\x93", b"\xd1"]
    assert [byte_order(key)[0] for key in sorted(raw, key=byte_order)] == in_sae


# entities


def test_a_product_line() -> None:
    sae = FakeSae(row(Clin, " FE\t", desc_lin="Ferretería ", esungpo="N", status="A"))
    assert values(sae, Entity.PRODUCT_LINE) == {"FE": {"line": "FE", "description": "Ferretería", "is_group": False, "status": "active"}}


def test_a_product_line_that_is_a_group_and_inactive() -> None:
    line = only(FakeSae(row(Clin, "G", esungpo="S", status="B")), Entity.PRODUCT_LINE)
    assert line == {"line": "G", "description": None, "is_group": True, "status": "inactive"}


def test_a_tax_scheme_with_eight_taxes() -> None:
    sae = FakeSae(row(Impu, 3, descripesq="IVA", status="B", **TAXES))
    assert values(sae, Entity.TAX_SCHEME) == {
        "3": {
            "scheme": 3,
            "description": "IVA",
            "taxes": [tax(place, place + 1) for place in range(1, 9)],
            "status": "inactive",
        }
    }


def test_a_tax_scheme_of_a_sae_with_four_taxes() -> None:
    sae = FakeSae(row(Impu, 3, **TAXES))
    sae.layout = Layout(taxes=4)
    assert only(sae, Entity.TAX_SCHEME)["taxes"] == [tax(place, place + 1) for place in range(1, 5)]


def test_an_empty_tax_is_zero_on_the_price() -> None:
    assert only(FakeSae(row(Impu, 3)), Entity.TAX_SCHEME)["taxes"] == [tax(0, 0)] * 8


def test_a_currency() -> None:
    sae = FakeSae(row(Moned, 2, descr="Dólar", simbolo="US$", tcambio=20.1234565, status="A", cve_moned="USD"))
    assert values(sae, Entity.CURRENCY) == {
        "2": {
            "currency": 2,
            "description": "Dólar",
            "symbol": "US$",
            "rate": Decimal("20.123456"),
            "exact_rate": Decimal("20.1234565"),
            "sat_code": "USD",
            "status": "active",
        }
    }


@pytest.mark.parametrize(
    ("rate", "exact"),
    [
        (0.00000041234, "0.00000041234"),
        (0.00452345678, "0.00452345678"),
        (-4e-18, "-0.000000000000000004"),
        (12345678.12345678, "12345678.1234568"),
        (17.0 + 1e-9, "17.000000001"),
        (18.123400000000002, None),
        (20.5, None),
        (0.0, None),
        (0, None),
        (None, None),
    ],
)
def test_a_rate_has_all_of_its_digits(rate: float | None, exact: str | None) -> None:
    currency = only(FakeSae(row(Moned, 2, tcambio=rate)), Entity.CURRENCY)
    assert currency["exact_rate"] == (None if exact is None else Decimal(exact))
    assert currency["rate"] == round(Decimal(exact or str(rate or 0)), 6)


def test_a_rate_that_would_become_zero_is_poison() -> None:
    with pytest.raises(PoisonError, match="rate: 4e-19"):
        only(FakeSae(row(Moned, 2, tcambio=4e-19)), Entity.CURRENCY)


@pytest.mark.parametrize("letter", [None, "", " ", "T", "X", "1", "SI"])
def test_where_stock_stands_is_never_guessed(letter: str | None) -> None:
    sae = FakeSae(row(Mult, "A", 1, exist=1.0))
    sae.put(row(ParamInventario, multialmacen=letter))
    with sae.snapshot() as snapshot, pytest.raises(ConfigError, match=f"MULTIALMACEN.*{letter!r}"):
        list(everything(snapshot))


@pytest.mark.parametrize(("letter", "expected"), [("S", True), (" s ", True), ("N", False), ("n", False)])
def test_either_letter_says_where_stock_stands(letter: str, expected: bool) -> None:
    sae = FakeSae()
    sae.put(row(ParamInventario, multialmacen=letter))
    with sae.snapshot() as snapshot:
        assert stock_source(snapshot) == (expected, 1)


def test_without_the_parameter_of_stock_nothing_is_read() -> None:
    sae = FakeSae()
    sae.drop(ParamInventario)
    with sae.snapshot() as snapshot, pytest.raises(ConfigError, match="PARAM_INVENTARIO has no row"):
        list(everything(snapshot))


def test_a_price_of_a_list_that_does_not_say_whether_it_is_gross_is_poison_and_other_products_go_on() -> None:
    prices = [row(PrecioXProd, "A", 1, precio=1.0), row(PrecioXProd, "B", 1, precio=1.0), row(PrecioXProd, "B", 2, precio=2.0)]
    sae = FakeSae(row(Inve, "A"), row(Inve, "B"), *prices, row(Precios, 1, con_impu="N"), row(Precios, 2, con_impu="T"))
    made = {one.key: one for one in rows(sae, Entity.PRODUCT)}
    assert value(made[Key("A")])["prices"] == [{"list": 1, "amount": 1, "tax_included": False}]
    with pytest.raises(PoisonError, match="CON_IMPU of price list 2 is 'T'"):
        value(made[Key("B")])


def test_a_currency_without_a_rate_has_rate_zero() -> None:
    currency = only(FakeSae(row(Moned, 2, status="B")), Entity.CURRENCY)
    assert (currency["rate"], currency["sat_code"], currency["status"]) == (0, None, "inactive")


CUSTOMER = row(
    Clie,
    "       188",
    status="M",
    nombre="Ñandú, S.A. de C.V. ",
    rfc="XAXX010101000",
    calle="Niños Héroes",
    numext="1847",
    numint="3",
    colonia="Centro",
    codigo="44100",
    municipio="Guadalajara",
    estado="Jalisco",
    pais="México",
    telefono="33 1847",
    emailpred="a@b.example",
    lista_prec=2,
    descuento=2.5,
    con_credito="S",
    diascred=30,
    limcred=25000.5,
    uso_cfdi="G03",
    reg_fisc="612",
)


def test_a_customer() -> None:
    assert values(FakeSae(CUSTOMER), Entity.CUSTOMER) == {
        "188": {
            "customer": "188",
            "name": "Ñandú, S.A. de C.V.",
            "rfc": "XAXX010101000",
            "street": "Niños Héroes",
            "outer_number": "1847",
            "inner_number": "3",
            "neighbourhood": "Centro",
            "postal_code": "44100",
            "municipality": "Guadalajara",
            "state": "Jalisco",
            "country": "México",
            "telephone": "33 1847",
            "email": "a@b.example",
            "cfdi_use": "G03",
            "tax_regime": "612",
            "price_list": 2,
            "discount": Decimal("2.5"),
            "has_credit": True,
            "credit_days": 30,
            "credit_limit": Decimal("25000.5"),
            "status": "delinquent",
        }
    }


def test_a_customer_of_whom_nothing_is_known() -> None:
    customer = only(FakeSae(row(Clie, "1")), Entity.CUSTOMER)
    known = {name: value for name, value in customer.items() if value is not None}
    assert known == {"customer": "1", "has_credit": False, "status": "active"}


@pytest.mark.parametrize(
    ("raw", "status"),
    [("A", "active"), ("B", "inactive"), ("M", "delinquent"), ("S", "suspended"), (" ", "active"), (None, "active")],
)
def test_the_status_of_a_customer(raw: str | None, status: str) -> None:
    assert only(FakeSae(row(Clie, "1", status=raw)), Entity.CUSTOMER)["status"] == status


def test_prospects_do_not_travel() -> None:
    sae = FakeSae(row(Clie, "1", prospecto="S"), row(Clie, "2", prospecto="N"), row(Clie, "3", prospecto=None))
    assert values(sae, Entity.CUSTOMER).keys() == {"2", "3"}


def test_keys_stay_text_and_lose_blanks_of_every_kind_at_both_ends() -> None:
    sae = FakeSae(*(row(Clie, raw) for raw in ("         1", "      0001", "\t\r\n\xa0A 1\xa0 ")))
    assert values(sae, Entity.CUSTOMER).keys() == {"1", "0001", "A 1"}


# stock and warehouses


def test_stock_stands_in_mult_where_there_are_warehouses() -> None:
    sae = FakeSae(row(Inve, "A", exist=10.0), row(Mult, "A\t", 2, exist=7.5), row(Mult, "A", 3, exist=None), row(Almacenes, 5))
    found = [(one.subject, one.key, value(one)) for one in rows(sae, Entity.STOCK)]
    assert found == [
        (Subject(Entity.STOCK, 2), "A", {"sku": "A", "warehouse": 2, "quantity": Decimal("7.5")}),
        (Subject(Entity.STOCK, 3), "A", {"sku": "A", "warehouse": 3, "quantity": Decimal(0)}),
    ]
    with sae.snapshot() as snapshot:
        assert warehouses(snapshot, stock_source(snapshot)) == {5}


@pytest.mark.parametrize(("default", "warehouse"), [(4, 4), (None, 1), (0, 1)])
def test_stock_is_the_products_own_where_there_are_no_warehouses(default: int | None, warehouse: int) -> None:
    sae = FakeSae(row(Inve, " A", exist=10.25), row(Mult, "A", 2, exist=7.5), row(Almacenes, 5))
    sae.put(row(ParamInventario, multialmacen="N", almacenpredeter=default))
    (found,) = rows(sae, Entity.STOCK)
    assert found.subject == Subject(Entity.STOCK, warehouse)
    assert value(found) == {"sku": "A", "warehouse": warehouse, "quantity": Decimal("10.25")}
    with sae.snapshot() as snapshot:
        assert warehouses(snapshot, stock_source(snapshot)) == {warehouse}
