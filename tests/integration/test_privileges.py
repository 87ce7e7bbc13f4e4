"""What `puente check` says of the users' rights, on the embedded engine (which asks for no password, but for rights) and on a server."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest
import sqlalchemy as sa

from consumer.ledger import tables
from foundation.engines import create_database, open_database
from foundation.errors import ConfigError, ExitCode
from producer.sae.port import SqlSae
from producer.sae.tables import Clin
from puente.commands.grants import READER, WRITER
from puente.commands.privileges import check_caja, check_sae
from puente.config import CajaSettings
from puente.demo.statements import run
from puente.findings import Finding, Level
from puente.reference import build_caja, build_sae
from tests.engines.embedded import EmbeddedDatabases
from tests.engines.users import as_reader, as_writer, execute, grant_caja, grant_sae


@dataclass(frozen=True)
class Databases:
    """The owner's URLs of a SAE and a CAJA in which both users have what they need, without a ledger."""

    sae: str
    caja: str

    def check_sae(self, url: str | None = None) -> Finding:
        address = url or as_reader(self.sae)
        with closing(SqlSae(open_database(address), "auto")) as sae:
            sae.probe()
            return check_sae(sae, address)

    def check_caja(self, url: str | None = None) -> list[Finding]:
        return list(check_caja(CajaSettings.model_validate({"name": "centro", "url": url or as_writer(self.caja)})))

    @property
    def is_2_5(self) -> bool:
        with closing(open_database(self.sae)) as database, database.reading() as reader:
            ((version,),) = reader.rows(sa.text("SELECT RDB$GET_CONTEXT('SYSTEM', 'ENGINE_VERSION') FROM RDB$DATABASE"))
            return str(version).startswith("2.")


@pytest.fixture(scope="module", params=["embedded", "server"])
def databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Databases:
    if request.param == "embedded":
        embedded = EmbeddedDatabases(tmp_path_factory.mktemp("privileges"))
        found = Databases(embedded.url("sae"), embedded.url("caja"))
    else:
        server = request.getfixturevalue("firebird_server")
        found = Databases(server.new_url("sae"), server.new_url("caja"))
    for url in (found.sae, found.caja):
        create_database(url)
    with closing(open_database(found.sae)) as sae, closing(open_database(found.caja)) as caja:
        build_sae(sae)
        build_caja(caja)
    grant_sae(found.sae)
    grant_caja(found.caja)
    return found


@pytest.fixture
def with_ledger(databases: Databases) -> Iterator[Databases]:
    """The ledger that the writer made."""
    with closing(open_database(as_writer(databases.caja))) as caja:
        caja.create_tables(tables.metadata)
        yield databases
        caja.drop_tables(tables.metadata)


def test_users_who_have_what_they_need_are_told_to_have_it(with_ledger: Databases) -> None:
    assert with_ledger.check_sae().level is Level.OK
    assert [finding.level for finding in with_ledger.check_caja()] == [Level.OK]


def test_the_writer_may_make_the_ledger_himself(databases: Databases) -> None:
    assert [finding.level for finding in databases.check_caja()] == [Level.OK]


@pytest.mark.parametrize("table", ["CLIN01", "PARAM_INVENTARIO01"])
def test_a_table_of_sae_that_may_not_be_read_is_named(databases: Databases, table: str) -> None:
    execute(databases.sae, [f"REVOKE SELECT ON {table} FROM USER {READER}"])
    found = databases.check_sae()
    grant_sae(databases.sae)
    assert (found.level, found.code) == (Level.ERROR, ExitCode.CONFIG)
    assert f"{READER} lacks SELECT on {table}: puente grants sae" in str(found.text)
    assert databases.check_sae().level is Level.OK


@pytest.mark.parametrize(
    ("privilege", "table"),
    [
        ("SELECT", "PARAMS"),
        ("SELECT", "DVENTAS"),
        ("SELECT", "CATINVEN"),
        ("INSERT", "CATINVEN"),
        ("UPDATE", "CATINVEN"),
        ("INSERT", "EXIST"),
        ("UPDATE", "CATCLIEN"),
    ],
)
def test_a_right_that_is_missing_in_caja_is_named_with_its_table(databases: Databases, privilege: str, table: str) -> None:
    execute(databases.caja, [f"REVOKE {privilege} ON {table} FROM USER {WRITER}"])
    found = databases.check_caja()
    grant_caja(databases.caja)
    assert [(finding.level, finding.code) for finding in found] == [(Level.ERROR, ExitCode.CONFIG)]
    assert f"{WRITER} lacks {privilege} on {table}: puente grants caja --caja centro" in str(found[0].text)


def test_a_writer_who_may_not_end_its_own_connections_is_told_what_follows(with_ledger: Databases) -> None:
    if with_ledger.is_2_5:  # where everybody may
        return
    execute(with_ledger.caja, [f"REVOKE DELETE ON MON$ATTACHMENTS FROM USER {WRITER}"])
    found = with_ledger.check_caja()
    grant_caja(with_ledger.caja)
    assert [finding.level for finding in found] == [Level.WARNING, Level.OK]
    assert f"{WRITER} may not end a connection of its own that stands still" in str(found[0].text)
    assert "puente grants caja --caja centro" in str(found[0].text)


def test_all_that_is_missing_is_told_at_once(databases: Databases) -> None:
    execute(databases.caja, [f"REVOKE INSERT, UPDATE ON {table} FROM USER {WRITER}" for table in ("CATLINEA", "CATMONED")])
    execute(databases.caja, [f"REVOKE SELECT ON TIENDAS FROM USER {WRITER}"])
    found = databases.check_caja()
    grant_caja(databases.caja)
    assert "lacks INSERT, UPDATE on CATLINEA, CATMONED; SELECT on TIENDAS: " in str(found[0].text)


def test_a_right_to_some_columns_only_is_enough_where_those_are_written(databases: Databases) -> None:
    columns = "LINEA, DESCRIPCIO, ALTA"
    try:
        execute(
            databases.caja, [f"REVOKE UPDATE ON CATLINEA FROM USER {WRITER}", f"GRANT UPDATE (DESCRIPCIO) ON CATLINEA TO USER {WRITER}"]
        )
        assert "UPDATE on CATLINEA" in str(databases.check_caja()[0].text)
        execute(databases.caja, [f"GRANT UPDATE ({columns}) ON CATLINEA TO USER {WRITER}"])
        assert databases.check_caja()[0].level is Level.OK
    finally:
        execute(databases.caja, [f"REVOKE UPDATE ({columns}) ON CATLINEA FROM USER {WRITER}"])
        grant_caja(databases.caja)


def test_what_everybody_may_do_counts(databases: Databases) -> None:
    execute(databases.sae, [f"REVOKE SELECT ON CLIN01 FROM USER {READER}", "GRANT SELECT ON CLIN01 TO PUBLIC"])
    found = databases.check_sae()
    execute(databases.sae, ["REVOKE SELECT ON CLIN01 FROM PUBLIC"])
    grant_sae(databases.sae)
    assert found.level is Level.OK


def test_a_writer_who_may_not_create_tables_cannot_make_the_ledger_but_can_use_one(databases: Databases) -> None:
    if databases.is_2_5:
        assert [finding.level for finding in databases.check_caja()] == [Level.OK]  # there everybody may
        return
    execute(databases.caja, [f"REVOKE CREATE TABLE FROM USER {WRITER}"])
    try:
        found = databases.check_caja()
        assert [finding.level for finding in found] == [Level.ERROR]
        assert "create the ledger's tables" in str(found[0].text)
        with closing(open_database(as_writer(databases.caja))) as caja, pytest.raises(ConfigError, match="permission"):
            caja.create_tables(tables.metadata)
        with closing(open_database(databases.caja)) as caja:
            caja.create_tables(tables.metadata)
        said = str(databases.check_caja()[0].text)
        assert "SELECT, INSERT, UPDATE, DELETE on PUENTE_LEASE, PUENTE_POSITIONS, PUENTE_ROWS, PUENTE_PARKED, PUENTE_LEFT_OUT" in said
        grant_caja(databases.caja)
        assert [finding.level for finding in databases.check_caja()] == [Level.OK]
    finally:
        with closing(open_database(databases.caja)) as caja:
            caja.drop_tables(tables.metadata)
        grant_caja(databases.caja)


def test_a_user_who_may_do_everything_is_told_that_this_is_more_than_is_needed(databases: Databases) -> None:
    sae, caja = databases.check_sae(databases.sae), databases.check_caja(databases.caja)
    assert (sae.level, [finding.level for finding in caja]) == (Level.NOTE, [Level.NOTE])
    assert "SYSDBA may write to SAE" in str(sae.text)
    assert "SYSDBA may do more in CAJA" in str(caja[0].text)


def test_neither_user_can_do_what_puente_never_does(databases: Databases) -> None:
    for statement in (
        "DELETE FROM CLIN01",
        "UPDATE CLIN01 SET DESC_LIN = 'x'",
        "INSERT INTO CLIN01 (CVE_LIN) VALUES ('x')",
        "DROP TABLE CLIN01",
    ):
        with pytest.raises(ConfigError, match="permission"):
            execute(as_reader(databases.sae), [statement])
    for statement in ("DELETE FROM CATINVEN", "UPDATE PARAMS SET VALOR = 'F'", "DELETE FROM VVENTAS", "DROP TABLE CATINVEN"):
        with pytest.raises(ConfigError, match="permission"):
            execute(as_writer(databases.caja), [statement])


def test_looking_at_rights_changes_nothing(databases: Databases) -> None:
    with closing(open_database(databases.sae)) as database, database.writing() as writer:
        run(writer, "INSERT INTO CLIN01 (CVE_LIN, DESC_LIN) VALUES ('A', 'uno')")
    databases.check_sae(databases.sae)
    with closing(SqlSae(open_database(as_reader(databases.sae)), "auto")) as sae, sae.snapshot() as snapshot:
        assert [row.desc_lin for row in snapshot.rows(Clin)] == ["uno"]
