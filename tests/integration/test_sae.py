"""SAE through SQLAlchemy, on the embedded engine and on a server."""

import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import islice
from typing import Any

import pytest

from foundation.engines import create_database, open_database
from foundation.engines.database import Database
from foundation.errors import ConfigError, PuenteError
from foundation.eventlog.memory import MemoryLog
from producer.capture.compare import CompareCapture
from producer.index import LogIndex
from producer.poll import Producer
from producer.publish import Publisher
from producer.recognition import Recognition
from producer.sae.company import companies
from producer.sae.port import SqlSae
from producer.sae.tables import TABLES, Clie, Clin, CvesAlter, Impu, Inve, Layout, Mult, Precios, PrecioXProd, columns
from puente.demo.edits import apply_edit, edits
from puente.demo.retail import fill_sae
from puente.demo.statements import literal, load, run
from puente.reference import build_sae
from schemas.topics import Topics
from tests.engines import templates
from tests.engines.embedded import Engine
from tests.engines.users import as_reader, grant_sae


class Databases:
    """New databases of one engine, and connections to them."""

    def __init__(self, engine: Engine, stack: ExitStack) -> None:
        self._engine, self._stack = engine, stack

    def new(self) -> str:
        """The URL of a new, empty database."""
        url = self._engine.new_url("sae")
        create_database(url)
        return url

    def connect(self, url: str) -> Database:
        """As its owner."""
        return self._stack.enter_context(closing(open_database(url)))

    def read(self, url: str, company: str = "auto") -> SqlSae:
        """As the product's user, who may only read."""
        for found in companies(self.connect(url).catalogue()):
            grant_sae(url, found)
        return SqlSae(self.connect(as_reader(url)), company)


@pytest.fixture
def databases(engine: Engine) -> Iterator[Databases]:
    with ExitStack() as stack:
        yield Databases(engine, stack)


@pytest.fixture
def url(engine: Engine) -> str:
    """A database with the tables of company 01."""
    url = engine.new_url("sae")

    def make() -> None:
        create_database(url)
        with closing(open_database(url)) as database:
            build_sae(database)

    templates.databases([url], "company 01", make)
    return url


@pytest.fixture
def database(databases: Databases, url: str) -> Database:
    """Somebody else's connection."""
    return databases.connect(url)


@pytest.fixture
def sae(databases: Databases, url: str) -> SqlSae:
    return databases.read(url)


def execute(database: Database, *statements: str) -> None:
    """Each in a transaction of its own."""
    for statement in statements:
        with database.writing() as writer:
            run(writer, statement)


def read(sae: SqlSae, table: Any) -> list[Any]:
    with sae.snapshot() as snapshot:
        return list(snapshot.rows(table))


def refused(sae: SqlSae) -> str:
    with pytest.raises(ConfigError) as raised, sae.snapshot():
        pass
    return str(raised.value)


# the company


def test_the_only_company_is_found(databases: Databases) -> None:
    url = databases.new()
    build_sae(databases.connect(url), "07")
    sae = databases.read(url)
    sae.probe()
    assert (sae.company, sae.table_name(Inve)) == ("07", "INVE07")


def test_of_two_companies_one_must_be_named(databases: Databases, url: str, database: Database) -> None:
    build_sae(database, "02")
    assert "01, 02" in refused(databases.read(url))
    chosen = databases.read(url, "02")
    chosen.probe()
    assert chosen.company == "02"


def test_a_copy_of_the_products_table_alone_is_no_company(databases: Databases, url: str, database: Database) -> None:
    execute(database, "CREATE TABLE INVE99 (CVE_ART VARCHAR(16) NOT NULL PRIMARY KEY)", "CREATE TABLE CLIE99 (A INTEGER)")
    sae = databases.read(url)
    sae.probe()
    assert sae.company == "01"
    said = refused(databases.read(url, "99"))
    assert "01" in said
    execute(database, *(f"CREATE TABLE {name}99 (A INTEGER)" for name in TABLES.values() if name not in ("INVE", "CLIE")))
    assert "01, 99" in refused(SqlSae(databases.connect(url), "auto"))


def test_a_company_that_is_not_there_is_refused_naming_those_that_are(databases: Databases, url: str) -> None:
    said = refused(databases.read(url, "03"))
    assert "03" in said
    assert "01" in said


def test_a_database_that_is_no_sae_is_refused(databases: Databases) -> None:
    database = databases.connect(databases.new())
    execute(database, "CREATE TABLE INVENTARIO (A INTEGER)", "CREATE TABLE INVEXX (A INTEGER)")
    assert "INVE" in refused(SqlSae(database, "auto"))


# the tables


@pytest.mark.parametrize("table", ["CLIN01", "MULT01", "PARAM_INVENTARIO01"])
def test_a_missing_table_is_named(sae: SqlSae, database: Database, table: str) -> None:
    execute(database, f"DROP TABLE {table}")
    assert table in refused(sae)


def test_missing_columns_are_named(sae: SqlSae, database: Database) -> None:
    execute(database, "ALTER TABLE CLIE01 DROP RFC, DROP CALLE")
    said = refused(sae)
    assert "CLIE01" in said
    assert "CALLE, RFC" in said


@pytest.mark.parametrize("table", TABLES, ids=lambda table: str(TABLES[table]))
def test_every_column_is_read_into_its_place(sae: SqlSae, database: Database, table: Any) -> None:
    kinds = database.catalogue([sae_name := f"{TABLES[table]}01"])[sae_name].columns
    row = tuple(
        {"text": "TXT"[: kinds[name].length], "integer": place, "float": place + 0.25}[kinds[name].kind.value]
        for place, name in enumerate(columns(table))
    )
    required = [name for name, column in kinds.items() if not column.nullable and name not in columns(table)]
    names = ", ".join([*columns(table), *required])
    values = ", ".join([*map(literal, row), *("7" for _ in required)])
    execute(database, f"DELETE FROM {sae_name}", f"INSERT INTO {sae_name} ({names}) VALUES ({values})")
    assert read(sae, table) == [row]
    assert type(read(sae, table)[0]) is table


def test_nulls_are_none(sae: SqlSae, database: Database) -> None:
    execute(database, "INSERT INTO INVE01 (CVE_ART) VALUES ('A')")
    (row,) = read(sae, Inve)
    usual = {"man_ieps": "N", "apl_man_imp": 1, "cuota_ieps": 0.0, "apl_man_ieps": "C"}
    assert {name: value for name, value in row._asdict().items() if value is not None} == {"cve_art": "A", **usual}


def test_sae_9_has_everything(sae: SqlSae) -> None:
    sae.probe()
    assert sae.layout == Layout(taxes=8, price_tax_flag=True, ieps=True)


def test_columns_that_sae_8_lacks_are_none(databases: Databases) -> None:
    url = databases.new()
    database = databases.connect(url)
    build_sae(database, version=8)
    sae = databases.read(url)
    execute(
        database,
        "INSERT INTO IMPU01 (CVE_ESQIMPU, IMPUESTO4, IMP4APLICA, STATUS) VALUES (1, 16, 0, 'A')",
        "INSERT INTO PRECIOS01 (CVE_PRECIO, DESCRIPCION) VALUES (1, 'Público')",
        "INSERT INTO CLIE01 (CLAVE, STATUS, PROSPECTO, USO_CFDI) VALUES ('1', 'A', 'N', 'G03')",
    )
    assert read(sae, Precios) == [(1, None)]
    (scheme,), (customer,) = read(sae, Impu), read(sae, Clie)
    assert (scheme.impuesto4, scheme.imp4aplica, scheme.status) == (16, 0, "A")
    assert (scheme.impuesto5, scheme.imp8aplica) == (None, None)
    assert (customer.prospecto, customer.uso_cfdi, customer.reg_fisc) == ("N", "G03", None)
    assert sae.layout == Layout(taxes=4, price_tax_flag=False, ieps=True)


def test_any_optional_column_may_be_missing(sae: SqlSae, database: Database) -> None:
    execute(
        database,
        "ALTER TABLE INVE01 DROP MAN_IEPS, DROP APL_MAN_IMP, DROP CUOTA_IEPS, DROP APL_MAN_IEPS, DROP CVE_PRODSERV",
        "INSERT INTO INVE01 (CVE_ART, CVE_UNIDAD) VALUES ('A', 'H87')",
    )
    (row,) = read(sae, Inve)
    assert (row.cve_art, row.cve_prodserv, row.cve_unidad, row.man_ieps) == ("A", None, "H87", None)
    assert not sae.layout.ieps


def test_a_new_connection_looks_at_the_columns_again(databases: Databases, url: str, database: Database) -> None:
    """SAE may have been upgraded in between."""
    grant_sae(url)
    reading = databases.connect(as_reader(url))
    sae = SqlSae(reading, "auto")
    execute(database, "INSERT INTO PRECIOS01 (CVE_PRECIO, DESCRIPCION, CON_IMPU) VALUES (1, 'P', 'S')")
    assert read(sae, Precios) == [(1, "S")]
    before = sae.connections
    reading.close()
    execute(database, "ALTER TABLE PRECIOS01 DROP CON_IMPU")
    assert read(sae, Precios) == [(1, None)]
    assert not sae.layout.price_tax_flag
    assert sae.connections > before


# texts


def test_texts_of_cp1252_are_read_as_they_were_meant(sae: SqlSae, database: Database) -> None:
    description = "Piñata “El Niño” – 20 € … ™ šž"
    execute(database, f"INSERT INTO INVE01 (CVE_ART, DESCR) VALUES ('Ñ-1', '{description}')")
    (row,) = read(sae, Inve)
    assert (row.cve_art, row.descr) == ("Ñ-1", description)


RAW_KEYS = ["       188", "      0001", "\tA\r\n", "\xa0B\xa0", "C  ", "D"]


def test_raw_keys_are_read_with_their_blanks(sae: SqlSae, database: Database) -> None:
    execute(database, *(f"INSERT INTO CLIE01 (CLAVE, STATUS) VALUES ('{key}', 'A')" for key in RAW_KEYS))
    assert [row.clave for row in read(sae, Clie)] == RAW_KEYS


# the snapshot


def test_a_snapshot_never_sees_half_of_a_commit(sae: SqlSae, database: Database) -> None:
    execute(database, "INSERT INTO CLIN01 (CVE_LIN) VALUES ('A')")
    with sae.snapshot() as snapshot:
        assert len(list(snapshot.rows(Clin))) == 1
        with database.writing() as writer:
            run(writer, "INSERT INTO CLIN01 (CVE_LIN) VALUES ('B')")
            run(writer, "INSERT INTO CLIE01 (CLAVE, STATUS) VALUES ('1', 'A')")
        assert len(list(snapshot.rows(Clin))) == 1
        assert list(snapshot.rows(Clie)) == []
    with sae.snapshot() as snapshot:
        assert len(list(snapshot.rows(Clin))) == 2
        assert len(list(snapshot.rows(Clie))) == 1


def test_a_row_that_is_being_read_can_be_changed_and_deleted(sae: SqlSae, database: Database) -> None:
    execute(database, *(f"INSERT INTO CLIN01 (CVE_LIN, DESC_LIN) VALUES ('{key}', 'old')" for key in "AB"))
    with sae.snapshot() as snapshot:
        rows = snapshot.rows(Clin)
        assert next(rows).desc_lin == "old"
        execute(database, "UPDATE CLIN01 SET DESC_LIN = 'new'", "DELETE FROM CLIN01 WHERE CVE_LIN = 'B'")
        assert [row.desc_lin for row in rows] == ["old"]
    assert [row.desc_lin for row in read(sae, Clin)] == ["new"]


def test_a_row_that_somebody_is_writing_can_be_read(sae: SqlSae, database: Database) -> None:
    execute(database, "INSERT INTO CLIN01 (CVE_LIN, DESC_LIN) VALUES ('A', 'old')")
    with database.writing() as writer:
        run(writer, "UPDATE CLIN01 SET DESC_LIN = 'new'")
        assert [row.desc_lin for row in read(sae, Clin)] == ["old"]


def test_a_snapshot_cannot_write_whatever_its_user_may_do(databases: Databases, url: str, database: Database) -> None:
    sae = SqlSae(databases.connect(url), "auto")
    execute(database, "INSERT INTO CLIN01 (CVE_LIN) VALUES ('A')")
    for statement in ("DELETE FROM CLIN01", "UPDATE CLIN01 SET STATUS = 'B'", "DROP TABLE CLIN01"):
        with pytest.raises(PuenteError), sae.snapshot() as snapshot:
            snapshot._reader.plain(statement)  # type: ignore[attr-defined]
    assert len(read(sae, Clin)) == 1


def test_transactions_are_numbered_one_after_the_other(sae: SqlSae) -> None:
    numbers = []
    for _ in range(3):
        with sae.snapshot() as snapshot:
            assert snapshot.ids is not None
            assert snapshot.ids.oldest_active == snapshot.ids.own
            numbers.append(snapshot.ids.own)
    assert [number - numbers[0] for number in numbers] == [0, 1, 2]


def test_a_transaction_that_runs_is_the_oldest_active_one(sae: SqlSae, database: Database) -> None:
    sae.probe()
    with database.writing() as writer:
        run(writer, "INSERT INTO CLIN01 (CVE_LIN) VALUES ('A')")
        for _ in range(2):
            with sae.snapshot() as snapshot:
                assert snapshot.ids is not None
                assert snapshot.ids.oldest_active < snapshot.ids.own


MANY, WIDE = 20_000, 40


def test_a_big_table_is_read_in_a_stream(sae: SqlSae, database: Database) -> None:
    with database.writing() as writer:
        rows = ({"CVE_ART": f"{number:016d}", "DESCR": f"{number:040d}"} for number in range(MANY))
        load(writer, "INVE01", ["CVE_ART", "DESCR"], rows)
    with sae.snapshot() as snapshot:
        assert [row.cve_art for row in islice(snapshot.rows(Inve), 3)] == [f"{number:016d}" for number in range(3)]
    tracemalloc.start()
    try:
        with sae.snapshot() as snapshot:
            assert sum(1 for _ in snapshot.rows(Inve)) == MANY
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MANY * 100  # a row as a tuple takes 400 bytes and more


# all of it


def test_what_people_do_in_sae_is_published_and_nothing_else(sae: SqlSae, database: Database) -> None:
    fill_sae(database, count=120)
    log, topics = MemoryLog(), Topics("puente", "01")
    producer = Producer(
        capture=CompareCapture(sae),
        publisher=Publisher(log, topics),
        new_index=lambda claim: LogIndex(log, topics, claim.take),
        recognition=Recognition(sae),
    )
    counted = {table: len(read(sae, table)) for table in (Clin, Inve, Mult, PrecioXProd, CvesAlter)}
    first = producer.run_pass()
    assert first.published > counted[Clin] + counted[Inve] - 2
    assert producer.run_pass().published == 0
    for edit in edits(database):
        ends = {topic: state.end for topic, state in log.topics().items()}
        apply_edit(database, edit)
        producer.run_pass()
        published = {
            (topic, event.key.decode()) for topic, end in ends.items() if topics.subject(topic) for event in log.read(topic, end).events
        }
        wanted = {(topics.of(look.subject), key) for look in edit.looks for key in look.keys}
        assert wanted <= published, str(edit.name)
        assert producer.run_pass().published == 0, str(edit.name)
