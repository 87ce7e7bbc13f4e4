"""Profiles: what comes with Puente, a site's own, and what a database must have before anything is written."""

from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from consumer.mapping import profile as profiles
from consumer.mapping.mapper import mappers
from consumer.mapping.profile import check, load
from foundation.engines.catalogue import Catalogue, Kind
from foundation.errors import ConfigError
from schemas.entities import CATALOGUES, Entity
from schemas.keys import Key
from tests.fakes.caja import reference_catalogue
from tests.unit.consuming import PROFILE, product

SOURCE = (files("consumer.profiles") / "caja50.toml").read_text(encoding="utf-8")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "nuestra.toml"


def edited(path: Path, old: str, new: str) -> str:
    """A site's own profile: the bundled one with one thing changed."""
    assert SOURCE.count(old) >= 1, old
    path.write_text(SOURCE.replace(old, new, 1), encoding="utf-8")
    return str(path)


def changed(table: str, column: str, **what: Any) -> Catalogue:
    """The reference CAJA with one column of another kind, length or character set."""
    catalogue = dict(reference_catalogue())
    columns = dict(catalogue[table].columns)
    columns[column] = replace(columns[column], **what)
    return {**catalogue, table: replace(catalogue[table], columns=columns)}


def without(table: str, column: str | None = None) -> Catalogue:
    catalogue = dict(reference_catalogue())
    found = catalogue.pop(table)
    columns = {name: kept for name, kept in found.columns.items() if name != column}
    return catalogue if column is None else {**catalogue, table: replace(found, columns=columns)}


def refused(catalogue: Catalogue) -> str:
    with pytest.raises(ConfigError) as raised:
        check(PROFILE, catalogue, "centro")
    assert str(raised.value).startswith("centro does not fit the profile caja50")
    return str(raised.value)


# Against a database


def test_the_reference_fits_and_short_texts_are_warned_of() -> None:
    assert [str(warning).split(" holds")[0] for warning in check(PROFILE, reference_catalogue(), "centro")] == [
        "CATCLIEN.NOMBRE",
        "CATCLIEN.EMAIL",
    ]


TABLES = ["CATLINEA", "ESQIMP", "CATMONED", "CATINVEN", "CATCLIEN", "EXIST", "PARAMS", "TIENDAS", "VVENTAS", "DVENTAS"]


@pytest.mark.parametrize("table", TABLES)
def test_a_missing_table_is_named(table: str) -> None:
    assert f"the table {table} is missing" in refused(without(table))


@pytest.mark.parametrize(
    ("table", "column"),
    [(table, column) for table, columns in sorted(profiles.needed(PROFILE).items()) for column in sorted(columns)],
)
def test_every_column_that_the_profile_names_is_asked_for(table: str, column: str) -> None:
    assert f"the column {table}.{column} is missing" in refused(without(table, column))


def test_all_that_is_missing_is_told_at_once() -> None:
    said = refused({name: table for name, table in without("CATCLIEN", "RFC").items() if name != "EXIST"})
    assert "CATCLIEN.RFC" in said
    assert "the table EXIST" in said


@pytest.mark.parametrize(
    ("table", "key"), [("CATINVEN", "PRODUCTO"), ("CATCLIEN", "CLAVESAE"), ("CATCLIEN", "CLIENTE"), ("EXIST", "TIENDA")]
)
def test_a_table_without_a_key_to_find_its_rows_by_is_refused(table: str, key: str) -> None:
    found = reference_catalogue()[table]
    left = [columns for columns in found.keys if key not in columns]
    said = refused({**reference_catalogue(), table: replace(found, keys=left)})
    assert f"{table} has no primary or unique key on" in said
    assert key in said


@pytest.mark.parametrize(
    ("table", "column", "what", "said"),
    [
        ("CATINVEN", "PRECIOP", {"kind": Kind.TEXT, "length": 10}, "CATINVEN.PRECIOP is text, not float"),
        ("CATINVEN", "DESCRIPCIO", {"kind": Kind.INTEGER, "length": None}, "CATINVEN.DESCRIPCIO is integer, not text"),
        ("CATINVEN", "DESCRIPCIO", {"kind": Kind.OTHER, "length": None}, "CATINVEN.DESCRIPCIO is other, not text"),
        ("CATINVEN", "ESQIMP", {"kind": Kind.TIMESTAMP}, "CATINVEN.ESQIMP is timestamp, not integer"),
        ("CATINVEN", "DESCRIPCIO", {"charset": "DOS850"}, "character set DOS850"),
        ("CATINVEN", "PRODUCTO", {"length": 15}, "CATINVEN.PRODUCTO holds 15 characters, SAE's keys have up to 16"),
        ("EXIST", "PRODUCTO", {"length": 15}, "EXIST.PRODUCTO holds 15 characters"),
        ("CATCLIEN", "CLAVESAE", {"length": 9}, "CATCLIEN.CLAVESAE holds 9 characters"),
        ("CATLINEA", "LINEA", {"length": 4}, "CATLINEA.LINEA holds 4 characters"),
    ],
)
def test_a_column_of_another_kind_is_refused(table: str, column: str, what: Mapping[str, Any], said: str) -> None:
    assert said in refused(changed(table, column, **what))


@pytest.mark.parametrize(
    ("table", "column", "what"),
    [
        ("CATINVEN", "ESQIMP", {"kind": Kind.FLOAT}),
        ("CATINVEN", "DESCRIPCIO", {"charset": "NONE"}),
        ("CATINVEN", "DESCRIPCIO", {"charset": "WIN1252"}),
        ("CATINVEN", "DESCRIPCIO", {"charset": "UTF8"}),
        ("CATINVEN", "PRODUCTO", {"length": 20}),
    ],
)
def test_a_column_that_holds_the_same_in_another_way_is_taken(table: str, column: str, what: Mapping[str, Any]) -> None:
    check(PROFILE, changed(table, column, **what), "centro")


def test_a_shorter_text_is_a_warning() -> None:
    warnings = check(PROFILE, changed("CATINVEN", "DESCRIPCIO", length=20), "centro")
    assert "CATINVEN.DESCRIPCIO holds 20 characters, SAE's text up to 40" in str(warnings[0])


# A site's own


def test_a_site_copies_the_file_and_edits_names(own: Path) -> None:
    # Given a CAJA whose products have their description in another column
    columns = dict(reference_catalogue()["CATINVEN"].columns)
    columns["NOMBRE"] = replace(columns.pop("DESCRIPCIO"), name="NOMBRE", length=25)
    catalogue = {**reference_catalogue(), "CATINVEN": replace(reference_catalogue()["CATINVEN"], columns=columns)}
    assert "CATINVEN.DESCRIPCIO is missing" in refused(catalogue)
    # When the site says so
    line = 'DESCRIPCIO = { from = "description", as = "text", evidence = "seen" }\nLINEA'
    profile = load(edited(own, line, line.replace("DESCRIPCIO", "NOMBRE")))
    # Then it is filled
    check(profile, catalogue, "centro")
    mapper = mappers(profile, catalogue, {}, CATALOGUES)[Entity.PRODUCT]
    names = [column.name for column in mapper.plan.columns]
    assert mapper.row(product("P1", description="Cinta"), None).values[names.index("NOMBRE")] == "Cinta"


@pytest.mark.parametrize("name", ["nowhere.toml", "caja99", "", "."])
def test_a_profile_that_does_not_exist_is_told_with_those_that_do(name: str) -> None:
    with pytest.raises(ConfigError, match="caja50"):
        load(name)


@pytest.mark.parametrize("content", [b"[product\n", b"\xff\xfe", b""])
def test_a_file_that_is_no_profile_is_refused_by_name(own: Path, content: bytes) -> None:
    own.write_bytes(content)
    with pytest.raises(ConfigError, match=r"nuestra\.toml"):
        load(str(own))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('match = "PRODUCTO"', 'match = "CODIGO"', "product: the key columns CODIGO are missing"),
        ('TIENDA = { from = "store", as = "integer", evidence = "seen" }', "", "stock: the key columns TIENDA are missing"),
        ('key = "CLIENTE"', 'key = "NUMERO"', "customer: the key columns NUMERO are missing"),
        ('from = "unit_out"', 'from = "unit_of_sale"', "product.USALIDA: an event of product has no field unit_of_sale"),
        ('from = "unit_out"', 'from = "prices"', "product.USALIDA: an event of product has no field prices"),
        ('from = "unit_out"', 'from = "store"', "product.USALIDA: an event of product has no field store"),
        ('from = "taxes.1.percent"', 'from = "taxes.0.percent"', "tax_scheme.PORCEN1: an event of tax_scheme has no field taxes.0.percent"),
        ('from = "rate"', 'from = "alternates.1"', "currency.TCAMBIO: an event of currency has no field alternates.1"),
        ('from = "price", list = 2,', 'from = "price",', "product.PRECIO2: a price needs the number of its list"),
        (', service = "S"', "", "product.TIPO: no letter for service"),
        ('true = "T", false = "F"', 'true = "T"', "customer.CREDITO: no letter for false"),
        ('from = "sku", as = "key"', 'from = "description", as = "key"', "product: no column takes sku"),
        ('from = "email", as = "list"', 'from = "email", as = "words"', "customer.columns.EMAIL.as"),
        ('as = "text", evidence = "seen" }', 'as = "text", evidence = "heard" }', "product.columns.DESCRIPCIO.evidence"),
        ('from = "telephone", as = "text"', 'from = "credit_days", as = "text"', "TELEFONO: credit_days cannot be taken as text"),
        (
            'from = "price_list", as = "integer"',
            'from = "postal_code", as = "integer"',
            "customer.LISTAPREC: postal_code cannot be taken as",
        ),
        (
            'from = "discount", as = "number"',
            'from = "discount", as = "integer"',
            "customer.DESCUENTO: discount cannot be taken as integer",
        ),
        (
            'from = "has_credit", as = { true = "T", false = "F" }',
            'from = "has_credit", as = "text"',
            "CREDITO: has_credit cannot be taken",
        ),
        ('from = "telephone", as = "text"', 'from = "telephone", as = { a = "A" }', "customer.TELEFONO: telephone cannot be taken as {"),
        ('from = "alternates.1", as = "code"', 'from = "alternates.1", as = "number"', "CLVALTER1: alternates.1 cannot be taken as number"),
        ('from = "store", as = "integer"', 'from = "store", as = "key"', "stock.TIENDA: store cannot be taken as key"),
        ('list = 2, as = "number"', 'list = 2, as = "integer"', "product.PRECIO2: price cannot be taken as integer, but as number"),
        ('name = "PRECIOIMP", yes = "T", no = "F"', 'name = "PRECIOIMP", yes = "T"', "parameters.tax_included.no: is missing"),
        ('name = "PRECIOIMP", yes = "T", no = "F"', 'name = "PRECIOIMP", yes = "T", no = "T"', "PRECIOIMP: yes and no are the same"),
        (
            "retire = { EXIS",
            'active = { column = "X", yes = "1", no = "0" }\nretire = { EXIS',
            "stock.active: an event of stock has no field status",
        ),
        ("added = {", "rows = 3\nadded = {", "product.rows: Extra inputs"),
        ('parents = ["product"]', 'parents = ["warehouse"]', "stock.parents.0"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_when_it_is_loaded(own: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigError, match=r"nuestra\.toml is wrong") as raised:
        load(edited(own, old, new))
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('service = "S"', 'service = "SERV"', "CATINVEN.TIPO is text (1), not text (4)"),
        ('yes = "T", no = "F"', 'yes = "SI", no = "N"', "CATLINEA.ALTA is text (1), not text (2)"),
        ("retire = { EXISTIENDA = 0 }", 'retire = { EXISTIENDA = "nada" }', "EXIST.EXISTIENDA is float, not text"),
        ("added = { EXISTENCIA = 0 }", "added = { DESCRIPCIO = 0 }", "CATINVEN.DESCRIPCIO is text, not float"),
    ],
)
def test_letters_that_are_longer_than_their_column_are_refused(own: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        check(load(edited(own, old, new)), reference_catalogue(), "centro")
    assert said in str(raised.value)


def test_letters_do_not_stand_in_a_column_of_numbers_but_digits_do(own: Path) -> None:
    catalogue = changed("CATLINEA", "ALTA", kind=Kind.INTEGER, length=None)
    assert "CATLINEA.ALTA is integer, not text (1)" in refused(catalogue)
    check(load(edited(own, 'yes = "T", no = "F"', 'yes = "1", no = "0"')), catalogue, "centro")


def test_a_parent_must_have_a_column_of_the_rows_own(own: Path) -> None:
    profile = load(edited(own, 'parents = ["product"]', 'parents = ["customer"]'))
    with pytest.raises(ConfigError, match="requires a customer of each stock"):
        mappers(profile, reference_catalogue(), {}, CATALOGUES)


def test_a_caja_without_a_table_of_stores_is_possible(own: Path) -> None:
    start, end = SOURCE.index("[stores]"), SOURCE.index("# A sale counts")
    own.write_text(SOURCE[:start] + SOURCE[end:], encoding="utf-8")
    profile = load(str(own))
    assert profile.stores is None
    check(profile, without("TIENDAS"), "centro")


def test_what_nobody_has_seen_is_listed() -> None:
    assert "CATCLIEN.CLAVESAE" in PROFILE.assumed
    assert "CATINVEN.PRODUCTO" not in PROFILE.assumed


def test_every_bundled_profile_loads_and_finds_rows_by_key() -> None:
    for name in profiles.BUNDLED:
        made = mappers(load(name), reference_catalogue(), {}, CATALOGUES)
        assert made[Entity.PRODUCT].match(Key("P1"), None) == ("P1",)
