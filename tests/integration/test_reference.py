"""The reference databases, the demo's rows and edits in them, and the comparison that judges a CAJA."""

import shutil
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import column, select, table

from foundation.engines import create_database, open_database
from foundation.engines.database import Database
from foundation.errors import ConfigError
from puente.demo.edits import Edit, apply_edit, edits
from puente.demo.oracle import expected, expected_rows
from puente.demo.oracle.caja_rows import Caja
from puente.demo.oracle.expected import CATALOGUES, WHOLE_ROW, Comparison, Policies, company_of
from puente.demo.retail import fill_sae
from puente.demo.statements import load, run
from puente.reference import Store, build_caja, build_sae
from schemas.entities import Entity

STORES = (Store(1, "Centro", 1), Store(2, "Tlaquepaque", 2, 2))
PRODUCTS = 160
NEW = "NUEVO-001"
"""The product that an edit adds: its stock is asked for once its row is there."""
Open = Callable[[str], Database]


def compare(sae: Database, caja: Database, policies: Policies, company: str | None = None) -> Comparison:
    catalogue, of_caja = sae.catalogue(), caja.catalogue()
    with sae.reading() as of_sae, caja.reading() as reader:
        rows = expected_rows.Sae(of_sae, catalogue, company or company_of(catalogue))
        return expected.compare(rows, Caja(reader, of_caja), policies)


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Open]:
    """Opens the database of a name in the test's folder; makes it where it is not there."""
    with ExitStack() as stack:

        def opened(name: str) -> Database:
            path = tmp_path / f"{name}.fdb"
            if not path.exists():
                create_database(f"firebird+firebird:///{path}")
            return stack.enter_context(closing(open_database(f"firebird+firebird:///{path}")))

        yield opened


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a SAE and a CAJA that equals it."""
    folder = tmp_path_factory.mktemp("loaded")
    for name in ("sae", "caja"):
        create_database(f"firebird+firebird:///{folder / name}.fdb")
    with (
        closing(open_database(f"firebird+firebird:///{folder / 'sae.fdb'}")) as sae,
        closing(open_database(f"firebird+firebird:///{folder / 'caja.fdb'}")) as caja,
    ):
        build_sae(sae)
        fill_sae(sae, count=PRODUCTS)
        build_caja(caja, STORES)
        first_load(sae, caja)
    return folder


@pytest.fixture
def sae(loaded: Path, tmp_path: Path, new: Open) -> Database:
    shutil.copy(loaded / "sae.fdb", tmp_path)
    return new("sae")


@pytest.fixture
def caja(loaded: Path, tmp_path: Path, new: Open) -> Database:
    shutil.copy(loaded / "caja.fdb", tmp_path)
    return new("caja")


def first_load(sae: Database, caja: Database) -> None:
    """Does what a consumer does, out of the expected rows themselves."""
    columns = {name: tuple(found.columns) for name, found in caja.catalogue().items()}
    widths = {name: {one.name: one.length for one in found.columns.values()} for name, found in caja.catalogue().items()}
    catalogue = sae.catalogue()
    with sae.reading() as reader, caja.writing() as writer:
        rows = expected_rows.Sae(reader, catalogue, "01")
        products = {key: row for key, row in expected_rows.products(rows, widths["CATINVEN"], {}).items() if row["ALTA"] == "T"}
        expected = expected_rows.customers(rows, widths["CATCLIEN"])
        customers = [{**row, "CLIENTE": key} for key, row in expected.items() if row["ALTA"] == "T"]
        in_sae = expected_rows.stock(rows)
        stock: list[dict[str, Any]] = [
            {"PRODUCTO": key, "TIENDA": store.number, "EXISTIENDA": quantity}
            for store in STORES
            for key, quantity in in_sae[store.warehouse or 0].items()
            if key in products
        ]
        totals: dict[str, Decimal] = defaultdict(Decimal)
        for row in stock:
            totals[row["PRODUCTO"]] += row["EXISTIENDA"]
        load(writer, "CATLINEA", columns["CATLINEA"], expected_rows.lines(rows, widths["CATLINEA"]).values())
        load(writer, "ESQIMP", columns["ESQIMP"], expected_rows.schemes(rows, widths["ESQIMP"]).values())
        load(writer, "CATMONED", columns["CATMONED"], expected_rows.currencies(rows, widths["CATMONED"]).values())
        load(writer, "CATINVEN", columns["CATINVEN"], ({**row, "EXISTENCIA": totals[key]} for key, row in products.items()))
        load(writer, "CATCLIEN", columns["CATCLIEN"], customers)
        load(writer, "EXIST", columns["EXIST"], stock)


def execute(database: Database, *statements: str) -> None:
    with database.writing() as writer:
        for statement in statements:
            assert run(writer, statement) != 0, statement


def fetch(database: Database, name: str, *columns: str) -> list[tuple[Any, ...]]:
    with database.reading() as reader:
        query: Any = select(*map(column, columns)).select_from(table(name))
        return [tuple(row) for row in reader.rows(query)]


def seen(comparison: Comparison) -> set[tuple[str, Any, str]]:
    return {(one.table, one.key, one.column) for one in comparison.differences}


# the reference databases


@pytest.mark.parametrize(
    ("version", "widths"),
    [
        (9, {"INVE": 74, "CLIE": 95, "IMPU": 21, "MULT": 11, "PRECIOS": 7}),
        (8, {"INVE": 50, "CLIE": 86, "IMPU": 13, "MULT": 10, "PRECIOS": 6}),
    ],
)
def test_SAE_has_the_columns_of_its_version(new: Open, version: int, widths: Mapping[str, int]) -> None:
    database = new("sae")
    created = build_sae(database, "07", version=version)
    catalogue = database.catalogue()
    assert len(created) == len(catalogue) == 19
    assert {name: len(catalogue[name + "07"].columns) for name in widths} == widths
    assert ("REG_FISC" in catalogue["CLIE07"].columns) is (version == 9)
    assert fetch(database, "PARAM_INVENTARIO07", "NUM_EMP", "MULTIALMACEN", "NUMDECIMALES", "ALMACENPREDETER") == [(7, "S", 2, 1)]


def test_SAE_has_the_keys_and_defaults_of_its_list(new: Open) -> None:
    database = new("sae")
    build_sae(database)
    assert frozenset({"CVE_ART", "CVE_PRECIO"}) in database.catalogue()["PRECIO_X_PROD01"].keys
    execute(database, "INSERT INTO INVE01 (CVE_ART) VALUES ('A')")
    assert fetch(database, "INVE01", "MAN_IEPS", "APL_MAN_IMP", "CUOTA_IEPS") == [("N", 1, 0.0)]


@pytest.mark.parametrize("company", ["1", "001", "x1", "", "1;"])
def test_a_company_that_is_not_two_digits_is_refused(new: Open, company: str) -> None:
    with pytest.raises(ConfigError):
        build_sae(new("sae"), company)


def test_CAJA_has_its_stores_and_parameters(new: Open) -> None:
    database = new("caja")
    build_caja(database, STORES, stock_changes=False)
    assert fetch(database, "TIENDAS", "TIENDA", "DESCRIPCIO", "ALMSAE", "PRECIODEF") == [(1, "Centro", 1, 1), (2, "Tlaquepaque", 2, 2)]
    assert dict(fetch(database, "PARAMS", "PARAMETRO", "VALOR")) == {"INTERFAZSAE": "T", "CAMBIOEXIS": "F", "PRECIOIMP": "F"}


def test_customers_born_in_CAJA_need_no_key_of_SAE_and_others_share_none(new: Open) -> None:
    database = new("caja")
    build_caja(database)
    execute(database, *(f"INSERT INTO CATCLIEN (CLIENTE, ALTA) VALUES ('{number}', 'T')" for number in range(2)))
    assert frozenset({"CLAVESAE"}) in database.catalogue()["CATCLIEN"].keys


def test_building_again_changes_nothing(new: Open) -> None:
    database = new("both")
    build_caja(database, STORES)
    build_sae(database)
    assert build_caja(database, STORES) == build_sae(database) == []


# the demo's rows and edits


def test_what_was_written_as_literals_reads_back(sae: Database) -> None:
    assert any(row[0] == pytest.approx(9.999999980436769e-05, rel=1e-15) for row in fetch(sae, "PRECIO_X_PROD01", "PRECIO"))
    assert "€" in {row[0] for row in fetch(sae, "MONED01", "SIMBOLO")}
    assert any("“" in row[0] for row in fetch(sae, "INVE01", "DESCR"))
    assert any(row[0].startswith("\t") for row in fetch(sae, "INVE01", "CVE_ART"))
    assert {row[0] for row in fetch(sae, "INVE01", "LIN_PROD")} > {"", None}


def test_the_same_rows_go_into_the_narrower_tables_of_SAE_8(new: Open) -> None:
    database = new("sae8")
    build_sae(database, "12", version=8)
    counts = fill_sae(database, company="12", count=40)
    assert counts["INVE"] == len(fetch(database, "INVE12", "CVE_ART")) == 40
    empty = new("caja")
    build_caja(empty, STORES)
    differences = compare(database, empty, Policies()).differences
    assert {one.column for one in differences} == {WHOLE_ROW}
    assert {one.expected["REGFISC"] for one in differences if one.table == "CATCLIEN"} == {None}


def test_every_edit_shows_where_it_says_and_nowhere_else(sae: Database, caja: Database) -> None:
    policies = Policies(inactivate_missing_products=True)
    before = seen(compare(sae, caja, policies))
    assert not before
    for edit in edits(sae):
        assert apply_edit(sae, edit) > 0
        after = seen(compare(sae, caja, policies))
        shown = {(name, key) for name, key, _ in after - before}
        assert shown == places_of(edit, without_stock=(NEW,) if ("CATINVEN", NEW) in shown else ()), edit.name
        before = after


def places_of(edit: Edit, without_stock: Collection[str]) -> set[tuple[str, Any]]:
    """Tables and keys of CAJA that the edit's looks stand for; stores 1 and 2 have the warehouses of the same numbers."""
    places: set[tuple[str, Any]] = set()
    for look in edit.looks:
        entity, warehouse = look.subject.entity, look.subject.warehouse
        for key in look.keys:
            if entity in (Entity.TAX_SCHEME, Entity.CURRENCY):
                places.add((CATALOGUES[entity][0], int(key)))
            elif entity is not Entity.STOCK:
                places.add((CATALOGUES[entity][0], key))
            elif warehouse in (1, 2) and key not in without_stock:
                places.add(("EXIST", (key, warehouse)))
    return places


def test_edits_take_rows_of_their_own_and_always_the_same(sae: Database) -> None:
    first = edits(sae)
    assert first == edits(sae)
    products = [key for edit in first for look in edit.looks for key in look.keys if look.subject.entity is Entity.PRODUCT]
    assert len(products) == len(set(products)) >= 11


def test_edits_refuse_a_SAE_that_is_too_small(new: Open) -> None:
    database = new("small")
    build_sae(database)
    fill_sae(database, count=8)
    with pytest.raises(ConfigError, match="too few active"):
        edits(database)


# the comparison


def test_an_equal_CAJA_shows_no_difference_and_everything_was_read(sae: Database, caja: Database) -> None:
    comparison = compare(sae, caja, Policies(name="centro"))
    assert comparison.differences == []
    assert comparison.caja == "centro"
    tables = {
        "CATLINEA": "LINEA",
        "ESQIMP": "CLAVE",
        "CATMONED": "MONEDA",
        "CATINVEN": "PRODUCTO",
        "CATCLIEN": "CLIENTE",
        "EXIST": "TIENDA",
    }
    assert comparison.rows == sum(len(fetch(caja, name, key)) for name, key in tables.items()) > 200
    assert comparison.fields > 2000


KEY = "(SELECT FIRST 1 PRODUCTO FROM EXIST WHERE TIENDA = 1 ORDER BY PRODUCTO)"
PLANTED = {
    "price": (f"UPDATE CATINVEN SET PRECIOP = PRECIOP + 0.000002 WHERE PRODUCTO = {KEY}", "CATINVEN", "PRECIOP"),
    "text": (f"UPDATE CATINVEN SET DESCRIPCIO = DESCRIPCIO || ' ' WHERE PRODUCTO = {KEY}", "CATINVEN", "DESCRIPCIO"),
    "line": (f"UPDATE CATINVEN SET LINEA = 'OTRA' WHERE PRODUCTO = {KEY}", "CATINVEN", "LINEA"),
    "bar code": (f"UPDATE CATINVEN SET CLVALTER3 = '1' WHERE PRODUCTO = {KEY}", "CATINVEN", "CLVALTER3"),
    "active flag": (f"UPDATE CATINVEN SET ALTA = 'F' WHERE PRODUCTO = {KEY}", "CATINVEN", "ALTA"),
    "total": (f"UPDATE CATINVEN SET EXISTENCIA = EXISTENCIA + 1 WHERE PRODUCTO = {KEY}", "CATINVEN", "EXISTENCIA"),
    "missing product": ("DELETE FROM CATINVEN WHERE PRODUCTO = '000001'", "CATINVEN", WHOLE_ROW),
    "stock": (f"UPDATE EXIST SET EXISTIENDA = 0.5, TIENDA = 1 WHERE TIENDA = 1 AND PRODUCTO = {KEY}", "EXIST", "EXISTIENDA"),
    "missing stock": (f"DELETE FROM EXIST WHERE TIENDA = 1 AND PRODUCTO = {KEY}", "EXIST", WHOLE_ROW),
    "percent": ("UPDATE ESQIMP SET PORCEN1 = 8.1 WHERE CLAVE = 4", "ESQIMP", "PORCEN1"),
    "base": ("UPDATE ESQIMP SET APLICA4 = 0 WHERE CLAVE = 3", "ESQIMP", "APLICA4"),
    "scheme that SAE lacks": ("INSERT INTO ESQIMP (CLAVE, ALTA) VALUES (99, 'T')", "ESQIMP", "ALTA"),
    "rate": ("UPDATE CATMONED SET TCAMBIO = NULL WHERE MONEDA = 2", "CATMONED", "TCAMBIO"),
    "missing currency": ("DELETE FROM CATMONED WHERE MONEDA = 3", "CATMONED", WHOLE_ROW),
    "line's name": ("UPDATE CATLINEA SET DESCRIPCIO = NULL WHERE LINEA = 'TORN'", "CATLINEA", "DESCRIPCIO"),
    "line that SAE lacks": ("INSERT INTO CATLINEA (LINEA, ALTA) VALUES ('CAJA', 'T')", "CATLINEA", "ALTA"),
    "customer's name": ("UPDATE CATCLIEN SET NOMBRE = 'otro' WHERE CLAVESAE = '0001'", "CATCLIEN", "NOMBRE"),
    "customer's status": ("UPDATE CATCLIEN SET ESTATUS = 'S' WHERE CLAVESAE = '0001'", "CATCLIEN", "ESTATUS"),
    "customer's mail, empty instead of NULL": ("UPDATE CATCLIEN SET EMAIL = '' WHERE CLAVESAE = '0001'", "CATCLIEN", "EMAIL"),
    "missing customer": ("DELETE FROM CATCLIEN WHERE CLAVESAE = '0001'", "CATCLIEN", WHOLE_ROW),
    "customer who is linked to none of SAE's": ("UPDATE CATCLIEN SET CLAVESAE = NULL WHERE CLAVESAE = '0001'", "CATCLIEN", WHOLE_ROW),
    "customer that SAE lacks": ("INSERT INTO CATCLIEN (CLIENTE, CLAVESAE, ALTA) VALUES ('X', 'X', 'T')", "CATCLIEN", "ALTA"),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_difference_is_found(sae: Database, caja: Database, planted: str) -> None:
    statement, in_table, in_column = PLANTED[planted]
    execute(caja, statement)
    assert (in_table, in_column) in {(one.table, one.column) for one in compare(sae, caja, Policies(name="centro")).differences}


def test_the_difference_names_the_field_and_both_values(sae: Database, caja: Database) -> None:
    execute(caja, "UPDATE CATMONED SET TCAMBIO = 20 WHERE MONEDA = 2")
    (one,) = compare(sae, caja, Policies(name="centro")).differences
    assert (one.caja, one.table, one.key, one.column, one.expected, one.found) == (
        "centro",
        "CATMONED",
        2,
        "TCAMBIO",
        17.2345,
        20.0,
    )


QUIET = {
    "an image is CAJA's own": ("UPDATE CATINVEN SET IMAGEN = 'a.jpg'", Policies()),
    "noise below six places": ("UPDATE CATINVEN SET PRECIOP = PRECIOP + 0.0000001", Policies()),
    "a product made in CAJA": ("INSERT INTO CATINVEN (PRODUCTO, ALTA) VALUES ('X', 'T')", Policies()),
    "a product made in CAJA, inactive": (
        "INSERT INTO CATINVEN (PRODUCTO, ALTA) VALUES ('X', 'F')",
        Policies(inactivate_missing_products=True),
    ),
    "a customer born in CAJA": ("INSERT INTO CATCLIEN (CLIENTE, ALTA) VALUES ('X', 'T')", Policies()),
    "a customer that SAE lost, kept": (
        "INSERT INTO CATCLIEN (CLIENTE, CLAVESAE, ALTA) VALUES ('X', 'X', 'T')",
        Policies(inactivate_missing_customers=False),
    ),
    "an entity that is not ticked": ("UPDATE CATMONED SET TCAMBIO = 1", Policies(entities=("product", "customer"))),
    "stock that is not carried": ("UPDATE EXIST SET EXISTIENDA = 1", Policies(stock="off")),
    "stock of a store that is not served": ("UPDATE EXIST SET TIENDA = 9 WHERE TIENDA = 2", Policies(stores=(1,))),
}


@pytest.mark.parametrize("case", QUIET)
def test_what_policy_leaves_to_CAJA_is_no_difference(sae: Database, caja: Database, case: str) -> None:
    statement, policies = QUIET[case]
    execute(caja, statement)
    assert compare(sae, caja, policies).differences == []


def test_products_and_customers_that_SAE_lost_are_named_only_where_policy_inactivates_them(sae: Database, caja: Database) -> None:
    execute(caja, "INSERT INTO CATINVEN (PRODUCTO, ALTA) VALUES ('X', 'T')")
    assert seen(compare(sae, caja, Policies(inactivate_missing_products=True))) == {("CATINVEN", "X", "ALTA")}


def test_stock_is_CAJAs_own_where_changes_are_off_or_a_sale_is_not_posted_yet(sae: Database, caja: Database) -> None:
    sold = f"UPDATE EXIST SET EXISTIENDA = EXISTIENDA - 1 WHERE TIENDA = 1 AND PRODUCTO = {KEY}"
    total = f"UPDATE CATINVEN SET EXISTENCIA = EXISTENCIA - 1 WHERE PRODUCTO = {KEY}"
    execute(caja, sold, total)
    assert len(compare(sae, caja, Policies()).differences) == 1
    execute(
        caja,
        "INSERT INTO VVENTAS (NOTA, TIENDA, STATUS, ENVSAE) VALUES ('1', 1, 'N', 'F')",
        f"INSERT INTO DVENTAS (NOTA, PARTIDA, PRODUCTO, CANTIDAD) VALUES ('1', 1, {KEY}, 1)",
    )
    assert compare(sae, caja, Policies()).differences == []
    assert len(compare(sae, caja, Policies(stock="overwrite")).differences) == 1
    execute(caja, "UPDATE VVENTAS SET ENVSAE = 'T'")
    assert len(compare(sae, caja, Policies()).differences) == 1
    execute(caja, "UPDATE PARAMS SET VALOR = 'F' WHERE PARAMETRO = 'CAMBIOEXIS'")
    assert compare(sae, caja, Policies()).differences == []


def test_a_baja_may_be_absent_or_inactive_with_its_content_but_never_active(sae: Database, caja: Database) -> None:
    key = min(set(fetch(sae, "INVE01", "CVE_ART")) & set(fetch(caja, "CATINVEN", "PRODUCTO")))[0]
    of_key = f"WHERE PRODUCTO = '{key}'"
    execute(sae, f"UPDATE INVE01 SET STATUS = 'B' WHERE CVE_ART = '{key}'")
    assert seen(compare(sae, caja, Policies())) == {("CATINVEN", key, "ALTA")}
    assert compare(sae, caja, Policies(soft_deleted="ignore")).differences == []
    execute(caja, f"UPDATE CATINVEN SET ALTA = 'F', PRECIOP = 7.77 {of_key}")
    assert seen(compare(sae, caja, Policies())) == {("CATINVEN", key, "PRECIOP")}
    with caja.writing() as writer:
        run(writer, f"DELETE FROM EXIST {of_key}")
    execute(caja, f"DELETE FROM CATINVEN {of_key}")
    assert compare(sae, caja, Policies()).differences == []


def test_the_lists_that_feed_the_prices_are_the_sites_choice(sae: Database, caja: Database) -> None:
    found = compare(sae, caja, Policies(prices={"PRECIO4": 5})).differences
    assert {one.column for one in found} == {"PRECIO4"}


RULES = (
    """INSERT INTO IMPU01 (CVE_ESQIMPU, DESCRIPESQ, IMPUESTO1, IMP1APLICA, IMPUESTO4, IMP4APLICA, STATUS)
VALUES (1, 'IVA ', 8, 0, 16, 1, 'B')""",
    "INSERT INTO CLIN01 (CVE_LIN, DESC_LIN, STATUS) VALUES ('L1', '  Clavos  ', 'A')",
    """INSERT INTO INVE01 (CVE_ART, DESCR, LIN_PROD, UNI_MED, UNI_ALT, NUM_MON, EXIST, COSTO_PROM, TIPO_ELE, CVE_ESQIMPU, STATUS)
VALUES ('A\t', 'Clavo de\u00a0', ' L1', 'kg', '', NULL, 5, 9.999999980436769e-05, 'K', 1, 'A')""",
    "INSERT INTO INVE01 (CVE_ART, DESCR, TIPO_ELE, STATUS) VALUES ('A\r', 'loses: CR comes after TAB', 'P', 'A')",
    "INSERT INTO PRECIO_X_PROD01 (CVE_ART, CVE_PRECIO, PRECIO) VALUES ('A', 2, 0.1234565e0)",
    "INSERT INTO CVES_ALTER01 (CVE_ART, CVE_ALTER, TIPO) VALUES ('A', ' 9', 'N')",
    "INSERT INTO CVES_ALTER01 (CVE_ART, CVE_ALTER, TIPO) VALUES ('A', 'a', '')",
    "INSERT INTO CVES_ALTER01 (CVE_ART, CVE_ALTER, TIPO) VALUES ('A', 'Z', NULL)",
    "INSERT INTO CVES_ALTER01 (CVE_ART, CVE_ALTER, TIPO) VALUES ('A', 'zz', 'N')",
    "INSERT INTO CVES_ALTER01 (CVE_ART, CVE_ALTER, TIPO) VALUES ('A', '1', 'C')",
    "INSERT INTO MULT01 (CVE_ART, CVE_ALM, EXIST) VALUES ('A', 1, NULL)",
    "INSERT INTO MULT01 (CVE_ART, CVE_ALM, EXIST) VALUES ('B', 1, 3)",
    "INSERT INTO CLIE01 (CLAVE, STATUS, NOMBRE, CON_CREDITO) VALUES ('       188', 'M', '" + "ñ" * 119 + " x', 'S')",
    "INSERT INTO CLIE01 (CLAVE, STATUS, PROSPECTO) VALUES ('       189', 'A', 'S')",
)
HOLDS = (
    """INSERT INTO ESQIMP (CLAVE, DESCRIPCIO, PORCEN1, PORCEN2, PORCEN3, PORCEN4, APLICA1, APLICA2, APLICA3, APLICA4, ALTA)
VALUES (1, 'IVA', 8, 0, 0, 16, 0, 0, 0, 1, 'F')""",
    "INSERT INTO CATLINEA (LINEA, DESCRIPCIO, ALTA) VALUES ('L1', '  Clavos', 'T')",
    """INSERT INTO CATINVEN (PRODUCTO, DESCRIPCIO, LINEA, ESQIMP, TIPO, CLVALTER1, CLVALTER2, CLVALTER3, PRECIO2, COSTOPROM, EXISTENCIA,
ALTA) VALUES ('A', 'Clavo de', 'L1', 1, 'K', '9', 'Z', 'a', 0.123456, 0.0001, 0, 'T')""",
    "INSERT INTO EXIST (PRODUCTO, TIENDA, EXISTIENDA) VALUES ('A', 1, 0)",
    "INSERT INTO CATCLIEN (CLIENTE, CLAVESAE, NOMBRE, CREDITO, ESTATUS, ALTA) VALUES ('188', '188', '" + "ñ" * 119 + "', 'T', 'M', 'T')",
)


@pytest.fixture
def by_hand(new: Open) -> tuple[Database, Database]:
    """A SAE and the CAJA that it must lead to, both written by hand from the rules."""
    sae, caja = new("sae"), new("caja")
    build_sae(sae)
    build_caja(caja, STORES)
    execute(sae, *RULES)
    execute(caja, *HOLDS)
    return sae, caja


def test_a_CAJA_written_by_hand_from_the_rules_is_what_is_expected(by_hand: tuple[Database, Database]) -> None:
    assert compare(*by_hand, Policies()).differences == []


def test_without_warehouses_the_products_own_stock_belongs_to_the_default_one(by_hand: tuple[Database, Database]) -> None:
    sae, caja = by_hand
    execute(sae, "UPDATE PARAM_INVENTARIO01 SET MULTIALMACEN = 'N', ALMACENPREDETER = 2")
    found = {(one.table, one.key, one.column, one.found is None) for one in compare(sae, caja, Policies()).differences}
    assert found == {("EXIST", ("A", 2), WHOLE_ROW, True)}


def test_stock_of_a_product_that_CAJA_does_not_have_is_too_much(by_hand: tuple[Database, Database]) -> None:
    sae, caja = by_hand
    execute(caja, "INSERT INTO EXIST (PRODUCTO, TIENDA, EXISTIENDA) VALUES ('B', 1, 3)")
    (one,) = compare(sae, caja, Policies()).differences
    assert (one.key, one.column, one.expected) == (("B", 1), WHOLE_ROW, None)


def test_two_companies_in_one_database_must_be_told_apart(by_hand: tuple[Database, Database]) -> None:
    sae, caja = by_hand
    build_sae(sae, "02")
    with pytest.raises(ConfigError, match="2 companies"):
        compare(sae, caja, Policies())
    assert compare(sae, caja, Policies(), "01").differences == []
