"""A SAE as sites have it: other character sets, keys that nobody would choose, tables that are altered or kept while Puente reads."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta

import pytest
from firebird.driver import TPB, Isolation, TableAccessMode, TableShareMode, TraAccessMode

from foundation.engines.firebird.connection import FirebirdDatabase
from foundation.errors import ConfigError, RetryableError
from foundation.eventlog.memory import MemoryLog
from producer.capture.compare import CompareCapture
from producer.capture.record_version import VersionCapture
from producer.index import LogIndex
from producer.poll import Producer
from producer.publish import Publisher
from producer.recognition import Recognition
from puente.demo.statements import literal
from schemas.keys import trim
from tests.integration.exact_site import TOPICS, Site

ODD_KEYS = [
    "\tTAB",
    "IN\tSIDE",
    "\xa0NBSP\xa0",
    "IN\xa0SIDE",
    "LINE\r\n",
    "TWO\r\nLINES",
    "CTRL\x01\x1f",
    "\x7fDEL",
    "Ñandú €",
    "“q” … ™",
    "       188",
    "O'Brien",
    "a",
    "100%_",
    "x|y,z;w",
    "ÿ" * 16,
]


@pytest.fixture(params=["ISO8859_1", "WIN1252", "NONE"])
def dirty(exact_url: str, request: pytest.FixtureRequest) -> Iterator[Site]:
    """A SAE in that character set, with every odd key in the tables that have one."""
    with ExitStack() as stack:
        site = Site(exact_url, stack, charset=request.param)
        keys = [literal(key) for key in ODD_KEYS]
        site.sql(
            *(f"INSERT INTO INVE01 (CVE_ART, DESCR, CVE_ESQIMPU, STATUS) VALUES ({key}, '<' || {key} || '>', 1, 'A')" for key in keys),
            *(f"INSERT INTO PRECIO_X_PROD01 (CVE_ART, CVE_PRECIO, PRECIO) VALUES ({key}, 1, 5)" for key in keys),
            *(f"INSERT INTO CVES_ALTER01 (CVE_ART, CVE_ALTER, TIPO) VALUES ({key}, {key}, 'N')" for key in keys),
            *(f"INSERT INTO MULT01 (CVE_ART, CVE_ALM, EXIST) VALUES ({key}, 1, 3)" for key in keys),
            *(f"INSERT INTO CLIE01 (CLAVE, STATUS, NOMBRE) VALUES ({key}, 'A', {key})" for key in keys if len(key) <= len("eslongitud")),
        )
        yield site


def test_rows_with_odd_keys_are_found_when_they_come_change_and_go_each_alone(dirty: Site) -> None:
    found = dirty.published()
    for key in ODD_KEYS:
        assert found[f"product {trim(key)}"]["description"] == f"<{key}>"
        assert found[f"product {trim(key)}"]["prices"][0]["amount"] == 5
        assert found[f"product {trim(key)}"]["alternate_keys"][0]["key"] == trim(key)
        assert found[f"stock.1 {trim(key)}"]["quantity"] == 3
    assert dirty.agrees()
    for key in ODD_KEYS:
        dirty.sql(f"UPDATE PRECIO_X_PROD01 SET PRECIO = 6 WHERE CVE_ART = {literal(key)}")
        assert list(dirty.published()) == [f"product {trim(key)}"]
        dirty.sql(f"UPDATE MULT01 SET EXIST = 4 WHERE CVE_ART = {literal(key)}")
        assert list(dirty.published()) == [f"stock.1 {trim(key)}"]
    dirty.sql(f"UPDATE CLIE01 SET NOMBRE = 'x' WHERE CLAVE = {literal(ODD_KEYS[0])}")
    assert list(dirty.published()) == ["customer TAB"]
    for key in ODD_KEYS:
        dirty.sql(f"DELETE FROM INVE01 WHERE CVE_ART = {literal(key)}")
        assert dirty.published() == {f"product {trim(key)}": None}
    assert dirty.agrees()


def test_a_producer_that_starts_over_finds_nothing_new_under_odd_keys(dirty: Site) -> None:
    dirty.published()
    dirty.begin()
    assert dirty.run().published == 0
    assert dirty.agrees()


# tables that are altered under way


def test_a_column_that_may_lack_is_dropped_and_the_next_but_one_pass_goes_on_without_it(site: Site) -> None:
    site.sql("UPDATE INVE01 SET CVE_PRODSERV = '50202306'")
    assert site.published()["product A"]["sat_product"] == "50202306"
    site.sql("ALTER TABLE INVE01 DROP CVE_PRODSERV")
    site.sql("UPDATE INVE01 SET DESCR = 'new' WHERE CVE_ART = 'A'")
    with pytest.raises(RetryableError, match="were altered"):
        site.run()
    site.run()
    assert site.agrees()


def test_a_column_that_must_be_there_is_dropped_and_named_until_it_is_back(site: Site) -> None:
    site.sql("ALTER TABLE INVE01 DROP UNI_ALT", "UPDATE CLIN01 SET DESC_LIN = 'new'")
    site.sql("UPDATE INVE01 SET DESCR = 'new'")
    with pytest.raises(RetryableError, match="were altered"):
        site.run()
    for _ in range(2):
        with pytest.raises(ConfigError, match="INVE01 lacks UNI_ALT"):
            site.run()
    site.sql("ALTER TABLE INVE01 ADD UNI_ALT VARCHAR(10)")
    site.run()
    assert site.agrees()


class Night:
    """The time of the place, which the test sets."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 2, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.mark.parametrize("mode", [VersionCapture, CompareCapture])
def test_a_column_that_comes_while_puente_runs_is_read_from_the_next_night_on(
    site: Site, mode: type[VersionCapture | CompareCapture]
) -> None:
    site.sql("ALTER TABLE PRECIOS01 DROP CON_IMPU")
    site.begin()
    with pytest.raises(RetryableError):
        site.run()
    log, night = MemoryLog(), Night()
    producer = Producer(
        capture=mode(site.sae, local=night),
        publisher=Publisher(log, TOPICS),
        new_index=lambda claim: LogIndex(log, TOPICS, claim.take),
        recognition=Recognition(site.sae),
    )
    assert producer.run_pass().published > 0
    site.sql("ALTER TABLE PRECIOS01 ADD CON_IMPU VARCHAR(1)")
    site.sql("UPDATE PRECIOS01 SET CON_IMPU = 'S'")
    assert producer.run_pass().published == 0
    night.now += timedelta(days=1)
    assert producer.run_pass().published == 2  # the products with a price
    site.log = log
    assert site.agrees()


# tables that SAE keeps for itself


@pytest.mark.parametrize("share", [TableShareMode.PROTECTED, TableShareMode.SHARED])
def test_a_table_that_sae_reserves_is_read_as_it_stands(site: Site, share: TableShareMode) -> None:
    opened = site.connect()
    assert isinstance(opened, FirebirdDatabase)
    with opened.reading():
        pass
    assert opened._opened is not None
    tpb = TPB(isolation=Isolation.SNAPSHOT, access_mode=TraAccessMode.WRITE)
    tpb.reserve_table("INVE01", share, TableAccessMode.LOCK_WRITE)
    transaction = opened._opened.transaction_manager(tpb.get_buffer())
    transaction.begin()
    with closing(transaction.cursor()) as cursor:
        cursor.execute("UPDATE INVE01 SET DESCR = 'kept' WHERE CVE_ART = 'A'")
    site.sql("UPDATE CLIN01 SET DESC_LIN = 'new'")
    assert list(site.published()) == ["product_line L"]
    transaction.commit()
    assert site.published()["product A"]["description"] == "kept"


def test_an_index_that_is_made_or_switched_off_and_on_is_no_matter(site: Site) -> None:
    for number, statement in enumerate(
        ["CREATE INDEX BY_DESCR ON INVE01 (DESCR)", "ALTER INDEX BY_DESCR INACTIVE", "ALTER INDEX BY_DESCR ACTIVE", "DROP INDEX BY_DESCR"]
    ):
        site.sql(statement)
        site.sql(f"UPDATE INVE01 SET DESCR = 'turn {number}' WHERE CVE_ART = 'A'")
        assert site.published()["product A"]["description"] == f"turn {number}"
    site.sql("SET STATISTICS INDEX RDB$PRIMARY1")
    assert site.published() == {}
