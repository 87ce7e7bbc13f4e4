"""Event → row, column by column, and what does not fit."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from consumer.leftout import Cause, Note
from consumer.mapping.mapper import MappedRow, mappers
from foundation.engines.catalogue import Kind
from foundation.errors import ConfigError, PoisonError
from schemas.entities import CATALOGUES, Entity
from schemas.keys import Key
from tests.fakes.caja import reference_catalogue
from tests.unit.consuming import MAPPERS, PROFILE, customer, product

PRICED = [{"list": n, "amount": Decimal(n), "tax_included": None} for n in range(1, 5)]


def named(entity: Entity, row: MappedRow) -> dict[str, Any]:
    return dict(zip((column.name for column in MAPPERS[entity].plan.columns), row.values, strict=True))


def test_every_column_of_a_product() -> None:
    value = product(
        "P1",
        description="Cinta “doble” 1/2 €",
        line="HERR",
        kind="kit",
        unit_out="pza",
        tax_scheme=3,
        currency=1,
        prices=[{"list": n, "amount": Decimal(f"{n}.5"), "tax_included": False} for n in (1, 2, 4, 5)],
        alternate_keys=[{"key": k, "kind": kind} for k, kind in (("A", "none"), ("B", "customer"), ("C", "none"), ("D", "none"))],
        average_cost=Decimal("9.000001"),
        sat_product="27111700",
        sat_unit="H87",
    )
    assert named(Entity.PRODUCT, MAPPERS[Entity.PRODUCT].row(value, None)) == {
        "PRODUCTO": "P1",
        "DESCRIPCIO": "Cinta “doble” 1/2 €",
        "LINEA": "HERR",
        "USALIDA": "pza",
        "ESQIMP": 3,
        "MONEDA": 1,
        "TIPO": "K",
        "CLVALTER1": "A",
        "CLVALTER2": "C",
        "CLVALTER3": "D",
        "PRECIOP": Decimal("1.5"),
        "PRECIO2": Decimal("2.5"),
        "PRECIO3": None,
        "PRECIO4": Decimal("4.5"),
        "COSTOPROM": Decimal("9.000001"),
        "CVEPROSAT": "27111700",
        "CVEUNISAT": "H87",
        "ALTA": "T",
    }


def test_every_column_of_a_customer() -> None:
    value = customer(
        "188",
        name="Ferretería Ñandú",
        rfc="XAXX010101000",
        street="Calle",
        outer_number="1",
        inner_number="B",
        neighbourhood="Centro",
        postal_code="06000",
        municipality="Cuauhtémoc",
        state="CDMX",
        country="México",
        telephone="55",
        email="a@b.mx",
        cfdi_use="G03",
        tax_regime="601",
        price_list=2,
        discount=Decimal(5),
        has_credit=True,
        credit_days=30,
        credit_limit=Decimal(1000),
        status="delinquent",
    )
    assert named(Entity.CUSTOMER, MAPPERS[Entity.CUSTOMER].row(value, None)) == {
        "CLAVESAE": "188",
        "CLIENTE": "188",
        "NOMBRE": "Ferretería Ñandú",
        "RFC": "XAXX010101000",
        "CALLE": "Calle",
        "NUMEXT": "1",
        "NUMINT": "B",
        "COLONIA": "Centro",
        "CODIGO": "06000",
        "MUNICIPIO": "Cuauhtémoc",
        "ESTADO": "CDMX",
        "PAIS": "México",
        "TELEFONO": "55",
        "EMAIL": "a@b.mx",
        "USOCFDI": "G03",
        "REGFISC": "601",
        "LISTAPREC": 2,
        "DESCUENTO": Decimal(5),
        "CREDITO": "T",
        "DIASCRED": 30,
        "LIMCRED": Decimal(1000),
        "ESTATUS": "M",
        "ALTA": "T",
    }


@pytest.mark.parametrize(
    ("status", "letter", "active"), [("active", "A", "T"), ("inactive", "B", "F"), ("delinquent", "M", "T"), ("suspended", "S", "T")]
)
def test_only_baja_makes_a_customer_inactive(status: str, letter: str, active: str) -> None:
    row = named(Entity.CUSTOMER, MAPPERS[Entity.CUSTOMER].row(customer("1", status=status), None))
    assert (row["ESTATUS"], row["ALTA"]) == (letter, active)


def test_every_column_of_the_small_catalogues_and_of_stock() -> None:
    line = {"line": "HERR", "description": "Herramienta", "is_group": False, "status": "inactive"}
    assert named(Entity.PRODUCT_LINE, MAPPERS[Entity.PRODUCT_LINE].row(line, None)) == {
        "LINEA": "HERR",
        "DESCRIPCIO": "Herramienta",
        "ALTA": "F",
    }
    taxes = [{"percent": Decimal(n), "base": n} for n in range(8)]
    scheme = {"scheme": 2, "description": "IVA", "taxes": taxes, "status": "active"}
    row = MAPPERS[Entity.TAX_SCHEME].row(scheme, None)
    assert named(Entity.TAX_SCHEME, row) == {
        "CLAVE": 2,
        "DESCRIPCIO": "IVA",
        "ALTA": "T",
        **{f"PORCEN{n + 1}": Decimal(n) for n in range(4)},
        **{f"APLICA{n + 1}": n for n in range(4)},
    }
    assert row.notes == (Note(Cause.BEYOND, "taxes"),)
    currency = {
        "currency": 1,
        "description": "Peso",
        "symbol": "$",
        "rate": Decimal(1),
        "sat_code": "MXN",
        "status": "active",
        "exact_rate": None,
    }
    assert named(Entity.CURRENCY, MAPPERS[Entity.CURRENCY].row(currency, None)) == {
        "MONEDA": 1,
        "DESCRIPCIO": "Peso",
        "SIMBOLO": "$",
        "TCAMBIO": Decimal(1),
        "CVESAT": "MXN",
        "ALTA": "T",
    }
    stock = {"sku": "P1", "warehouse": 7, "quantity": Decimal("-2.5")}
    assert named(Entity.STOCK, MAPPERS[Entity.STOCK].row(stock, 3)) == {"PRODUCTO": "P1", "TIENDA": 3, "EXISTIENDA": Decimal("-2.5")}


def test_a_scheme_with_four_taxes_fills_four() -> None:
    scheme = {"scheme": 2, "description": None, "taxes": [{"percent": Decimal(16), "base": 0}] * 2, "status": "active"}
    row = MAPPERS[Entity.TAX_SCHEME].row(scheme, None)
    assert named(Entity.TAX_SCHEME, row)["PORCEN3"] is None
    assert row.notes == ()


def test_a_text_is_shortened_to_its_column_without_trailing_blanks_and_noted() -> None:
    row = MAPPERS[Entity.PRODUCT].row(product("P1", description="x" * 39 + " " + "y" * 10, prices=PRICED), None)
    assert named(Entity.PRODUCT, row)["DESCRIPCIO"] == "x" * 39
    assert row.notes == (Note(Cause.SHORTENED, "DESCRIPCIO"),)


def test_a_code_that_does_not_fit_is_left_out_and_noted() -> None:
    row = MAPPERS[Entity.PRODUCT].row(product("P1", alternate_keys=[{"key": "9" * 17, "kind": "none"}], prices=PRICED), None)
    assert named(Entity.PRODUCT, row)["CLVALTER1"] is None
    assert row.notes == (Note(Cause.LEFT_OUT, "CLVALTER1"),)


def test_bar_codes_beyond_three_are_noted() -> None:
    row = MAPPERS[Entity.PRODUCT].row(product("P1", alternate_keys=[{"key": k, "kind": "none"} for k in "abcd"], prices=PRICED), None)
    assert row.notes == (Note(Cause.BEYOND, "alternate_keys"),)


def test_a_product_in_use_without_a_price_in_a_list_that_feeds_one_is_noted() -> None:
    row = MAPPERS[Entity.PRODUCT].row
    lacking = product("P1", prices=PRICED[::2])
    assert row(lacking, None).notes == (Note(Cause.NO_PRICE, "PRECIO2"), Note(Cause.NO_PRICE, "PRECIO4"))
    assert row({**lacking, "status": "inactive"}, None).notes == ()
    assert row(product("P1", prices=PRICED), None).notes == ()


@pytest.mark.parametrize(
    ("addresses", "kept", "cause"),
    [
        ("a@x.mx;b@x.mx", "a@x.mx;b@x.mx", None),
        ("a" * 54 + "@x.mx; b@x.mx", "a" * 54 + "@x.mx", Cause.SHORTENED),
        ("a@x.mx, b@x.mx; " + "c" * 120 + "@x.mx", "a@x.mx, b@x.mx", Cause.SHORTENED),
        ("a" * 200 + "@x.mx", None, Cause.LEFT_OUT),
        ("a" * 200 + "@x.mx;b@x.mx", None, Cause.LEFT_OUT),
    ],
)
def test_a_list_of_addresses_that_is_too_long_is_cut_between_two_of_them(addresses: str, kept: str | None, cause: Cause | None) -> None:
    mapper = MAPPERS[Entity.CUSTOMER]
    row = mapper.row(customer("7", email=addresses), None)
    assert named(Entity.CUSTOMER, row)["EMAIL"] == kept
    assert row.notes == ((Note(cause, "EMAIL"),) if cause else ())


@pytest.mark.parametrize(("changed", "column"), [({"line": "LARGE6"}, "LINEA"), ({"sku": "P" * 17}, "PRODUCTO")])
def test_a_key_is_never_shortened(changed: dict[str, Any], column: str) -> None:
    with pytest.raises(PoisonError, match=column):
        MAPPERS[Entity.PRODUCT].row(product("P1") | changed, None)


def test_the_key_of_a_tombstone_finds_the_row() -> None:
    assert MAPPERS[Entity.TAX_SCHEME].match(Key("12"), None) == (12,)
    assert MAPPERS[Entity.STOCK].match(Key("P1"), 4) == ("P1", 4)
    assert MAPPERS[Entity.CUSTOMER].match(Key("188"), None) == ("188",)
    with pytest.raises(PoisonError, match="twelve"):
        MAPPERS[Entity.TAX_SCHEME].match(Key("twelve"), None)
    with pytest.raises(PoisonError, match="PRODUCTO"):
        MAPPERS[Entity.PRODUCT].match(Key("P" * 17), None)


def test_the_site_says_which_list_feeds_which_price() -> None:
    made = mappers(PROFILE, reference_catalogue(), {"PRECIOP": 5, "PRECIO2": 1}, CATALOGUES)[Entity.PRODUCT]
    prices = [{"list": n, "amount": Decimal(n), "tax_included": None} for n in range(1, 6)]
    row = dict(zip((c.name for c in made.plan.columns), made.row(product("P1", prices=prices), None).values, strict=True))
    assert [row[name] for name in ("PRECIOP", "PRECIO2", "PRECIO3", "PRECIO4")] == [5, 1, 3, 4]


def test_a_price_of_a_column_that_holds_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="COSTOPROM"):
        mappers(PROFILE, reference_catalogue(), {"COSTOPROM": 1}, CATALOGUES)


def test_stock_needs_its_product_only_where_products_are_ticked() -> None:
    made = mappers(PROFILE, reference_catalogue(), {}, [Entity.CUSTOMER])
    assert made[Entity.STOCK].plan.parents == ()
    assert [parent.table for parent in MAPPERS[Entity.STOCK].plan.parents] == ["CATINVEN"]


def test_equal_rows_have_equal_hashes_and_others_do_not() -> None:
    row = MAPPERS[Entity.PRODUCT].row
    assert row(product("P1", description="a"), None).hash == row(product("P1", description="a"), None).hash
    assert row(product("P1", description="a"), None).hash != row(product("P1", description="b"), None).hash


def test_columns_are_as_wide_as_cajas_own() -> None:
    widths = {column.name: column.width for column in MAPPERS[Entity.PRODUCT].plan.columns if column.kind is Kind.TEXT}
    assert widths["DESCRIPCIO"] == 40
    assert widths["PRODUCTO"] == 16
    assert widths["ALTA"] == 1


@pytest.mark.parametrize(
    ("cost", "kept", "notes"),
    [
        ("1.125", "1.12", ()),
        ("1.135", "1.14", ()),
        ("-0.005", "0", (Note(Cause.LEFT_OUT, "COSTOPROM"),)),
        ("0", "0", ()),
        ("1e30", "1e30", ()),
    ],
)
def test_a_number_is_rounded_to_the_decimals_of_its_column_and_noted_where_nothing_is_left(
    cost: str, kept: str, notes: tuple[Note, ...]
) -> None:
    catalogue = dict(reference_catalogue())
    columns = dict(catalogue["CATINVEN"].columns)
    columns["COSTOPROM"] = replace(columns["COSTOPROM"], scale=2)
    catalogue["CATINVEN"] = replace(catalogue["CATINVEN"], columns=columns)
    row = mappers(PROFILE, catalogue, {}, CATALOGUES)[Entity.PRODUCT].row(product("P1", prices=PRICED, average_cost=Decimal(cost)), None)
    assert named(Entity.PRODUCT, row)["COSTOPROM"] == Decimal(kept)
    assert row.notes == notes
