"""Which SAE a database is, read as Puente's reader reads it: what tells it, what survives gbak and a copy, and what it goes on without."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from foundation.engines import create_database, open_database
from producer.recognition import difference, is_recognised
from producer.sae.port import SqlSae
from puente.commands.grants import READER
from puente.demo.retail import fill_sae
from puente.reference import build_sae
from schemas.control import SaeIdentity
from tests.engines.embedded import EmbeddedDatabases, Engine
from tests.engines.firebird_server import FirebirdServer
from tests.engines.users import as_reader, execute, grant_sae
from tests.scenarios.trouble import copy_file, gbak_backup, gbak_restore

PRODUCTS = 30


def shop(url: str, *, seed: int = 1, company: str = "01", version: int = 9) -> str:
    """A SAE of one company; returns its URL."""
    create_database(url)
    with closing(open_database(url)) as database:
        build_sae(database, company, version=version)
        fill_sae(database, company=company, count=PRODUCTS, seed=seed)
    grant_sae(url, company)
    return url


@contextmanager
def opened(url: str, company: str = "auto") -> Iterator[SqlSae]:
    with closing(SqlSae(open_database(as_reader(url)), company)) as sae:
        sae.probe()
        yield sae


def identity(url: str, company: str = "auto") -> SaeIdentity:
    with opened(url, company) as sae:
        return sae.identity()


@pytest.fixture
def url(engine: Engine) -> str:
    return shop(engine.new_url("sae"))


def test_it_tells_its_rows_its_newest_stamp_and_where_it_stands(url: str) -> None:
    found = identity(url)
    assert len(found.marks) == 3 + 6 + 5 + 4  # currencies, schemes, price lists, warehouses
    assert found.rfc is None  # that of the public in general is nobody's
    assert found.newest is not None
    assert found.newest > datetime(2024, 8, 17)  # noqa: DTZ001 - SAE's local time
    assert found.place in as_reader(url) or found.place.endswith(".fdb")


def test_the_rfc_tells_it_and_the_companys_name_does_not(url: str) -> None:
    execute(url, ["UPDATE PARAM_DATOSEMP01 SET RFC = 'FER010203AB1'"])
    first = identity(url)
    execute(url, ["UPDATE PARAM_DATOSEMP01 SET RFC = 'fer-010203-ab1 ', NOMBRE_EMPRESA = 'Otra razón social'"])
    assert identity(url) == first
    execute(url, ["UPDATE PARAM_DATOSEMP01 SET RFC = 'OTR010203AB1'"])
    assert difference(first, identity(url)) is not None


def test_another_companys_database_differs_and_so_does_another_company_of_one_installation(engine: Engine, url: str) -> None:
    ours, another = identity(url), identity(shop(engine.new_url("another"), seed=2))
    assert difference(ours, another) is not None
    with closing(open_database(url)) as database:
        build_sae(database, "02")
        fill_sae(database, company="02", count=PRODUCTS, seed=3)
    grant_sae(url, "02")
    assert identity(url, "01") == ours
    assert difference(ours, identity(url, "02")) is not None


def test_a_working_day_makes_no_other_sae_of_it(url: str) -> None:
    before = identity(url)
    execute(
        url,
        [
            "UPDATE INVE01 SET VERSION_SINC = CURRENT_TIMESTAMP WHERE CVE_ART = (SELECT MAX(CVE_ART) FROM INVE01)",
            "INSERT INTO ALMACENES01 (CVE_ALM, DESCR, UUID) VALUES (9, 'Nuevo', 'NUEVO')",
            "DELETE FROM MONED01 WHERE NUM_MONED = 3",
            "UPDATE PRECIOS01 SET DESCRIPCION = 'Otra'",
        ],
    )
    after = identity(url)
    assert is_recognised(before, after)
    assert after.newest is not None
    assert abs(after.newest - datetime.now()) < timedelta(hours=1)  # noqa: DTZ005 - as SAE


def test_a_stamp_of_some_clocks_mistake_does_not_count(url: str) -> None:
    before = identity(url)
    execute(
        url,
        ["UPDATE INVE01 SET VERSION_SINC = '2099-01-01' WHERE CVE_ART = (SELECT MIN(CVE_ART) FROM INVE01 WHERE VERSION_SINC IS NOT NULL)"],
    )
    assert identity(url).newest == before.newest


def test_without_the_right_to_the_companys_data_the_rows_tell_it_and_nothing_is_refused(url: str) -> None:
    execute(url, ["UPDATE PARAM_DATOSEMP01 SET RFC = 'FER010203AB1'"])
    before = identity(url)
    execute(url, [f"REVOKE SELECT ON PARAM_DATOSEMP01 FROM USER {READER}"])
    with opened(url) as sae:
        found = sae.identity()
        assert sae.hides_company()
    assert (found.rfc, found.marks) == (None, before.marks)
    assert is_recognised(before, found)
    execute(url, ["GRANT SELECT ON PARAM_DATOSEMP01 TO PUBLIC"])
    with opened(url) as sae:
        assert sae.identity() == before
        assert not sae.hides_company()


WITHOUT = {
    "the table": ["DROP TABLE PARAM_DATOSEMP01"],
    "its column": ["ALTER TABLE PARAM_DATOSEMP01 DROP RFC"],
    "its row": ["DELETE FROM PARAM_DATOSEMP01"],
    "the RFC": ["UPDATE PARAM_DATOSEMP01 SET RFC = NULL"],
}


@pytest.mark.parametrize("lacking", WITHOUT)
def test_an_sae_without_its_companys_data_is_told_by_its_rows(url: str, lacking: str) -> None:
    before = identity(url)
    execute(url, WITHOUT[lacking])
    with opened(url) as sae:
        assert sae.identity() == before
        assert not sae.hides_company()


def test_an_sae_that_tells_nothing_of_itself_is_asked_without_an_error(url: str) -> None:
    execute(url, [f"UPDATE {table}01 SET UUID = NULL" for table in ("MONED", "IMPU")])
    execute(url, [f"ALTER TABLE {table}01 DROP UUID" for table in ("PRECIOS", "ALMACENES")])
    execute(url, ["UPDATE INVE01 SET VERSION_SINC = NULL", "DROP TABLE PARAM_DATOSEMP01"])
    found = identity(url)
    assert (found.rfc, found.marks, found.newest) == (None, (), None)


def test_sae_8_tells_as_much(engine: Engine) -> None:
    found = identity(shop(engine.new_url("sae"), version=8))
    assert len(found.marks) == 18
    assert found.newest is not None


def test_a_copy_of_the_file_is_the_same_sae(embedded: EmbeddedDatabases, tmp_path: Path) -> None:
    url, copy = shop(embedded.url("sae")), embedded.url("copy")
    before = identity(url)
    copy_file(url, Path(copy.removeprefix("firebird+firebird:///")))
    assert identity(copy).marks == before.marks
    assert is_recognised(before, identity(copy))


def test_what_gbak_restores_is_the_same_sae(firebird_server: FirebirdServer, tmp_path: Path) -> None:
    url = shop(firebird_server.new_url("sae"))
    execute(url, ["UPDATE PARAM_DATOSEMP01 SET RFC = 'FER010203AB1'"])
    before = identity(url)
    gbak_backup(url, tmp_path / "sae.fbk")
    execute(url, ["UPDATE PARAM_DATOSEMP01 SET RFC = 'OTR010203AB1'"])
    gbak_restore(tmp_path / "sae.fbk", url)
    assert identity(url) == before


def test_a_session_that_ended_is_no_trouble(url: str) -> None:
    with ExitStack() as stack:
        sae = stack.enter_context(opened(url))
        before = sae.identity()
        sae.close()
        assert sae.identity() == before
        assert sae.connections == 2
