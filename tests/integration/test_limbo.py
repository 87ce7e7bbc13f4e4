"""A transaction of two databases that was prepared and never ended: the table with its row waits, all else goes on."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import Any

import pytest
from firebird.driver import DistributedTransactionManager

from foundation.engines import create_database, open_database
from foundation.engines.errors import RowInLimbo
from producer.sae.tables import Clie
from tests.engines.embedded import EmbeddedDatabases
from tests.engines.firebird_server import FirebirdServer
from tests.integration.exact_site import Site

UrlOf = Any


@pytest.fixture(params=["embedded", "server"])
def url_of(request: pytest.FixtureRequest) -> UrlOf:
    if request.param == "server":
        server: FirebirdServer = request.getfixturevalue("firebird_server")
        return server.new_url
    embedded: EmbeddedDatabases = request.getfixturevalue("embedded")
    return embedded.url


@pytest.fixture
def site(url_of: UrlOf) -> Iterator[Site]:
    url = url_of("sae")
    create_database(url)
    with ExitStack() as stack:
        yield Site(url, stack)


@contextmanager
def prepared(site: Site, other: str, statement: str) -> Iterator[DistributedTransactionManager]:
    """SAE and another database in one transaction, which wrote to SAE."""
    create_database(other)
    with closing(open_database(other)) as second:
        databases = [site.connect(), second]
        for database in databases:
            with database.reading():
                pass
        opened = [database._opened for database in databases]  # type: ignore[attr-defined]  # the product needs no such transaction
        both = DistributedTransactionManager(opened)
        both.begin()
        with closing(both.cursor(opened[0])) as cursor:
            cursor.execute(statement)
        both.prepare()
        try:
            yield both
        finally:
            if both.is_active():
                both.rollback()
            both.close()


def is_gone(published: dict[str, Any]) -> dict[str, bool]:
    return {key: value is None for key, value in published.items()}


NEW_LINE = "UPDATE CLIN01 SET DESC_LIN = 'new' WHERE CVE_LIN = 'L'"


@pytest.mark.parametrize("commits", [True, False])
def test_the_table_waits_and_what_was_decided_is_published(site: Site, url_of: UrlOf, commits: bool) -> None:
    with prepared(site, url_of("other"), "UPDATE CLIE01 SET NOMBRE = 'prepared'") as both:
        site.sql(NEW_LINE)
        assert list(site.published()) == ["product_line L"]
        with suppress(RowInLimbo), site.sae.snapshot() as snapshot:  # Firebird 3 refuses to show the row, 5 shows it as it was
            assert [row.nombre for row in snapshot.rows(Clie)] == ["old"]
        (both.commit if commits else both.rollback)()
    assert list(site.published()) == (["customer 7"] if commits else [])
    assert site.agrees()


@pytest.mark.parametrize("commits", [True, False])
def test_a_start_compares_all_but_what_rests_on_the_table(site: Site, url_of: UrlOf, commits: bool) -> None:
    with prepared(site, url_of("other"), "UPDATE INVE01 SET DESCR = 'prepared' WHERE CVE_ART = 'A'") as both:
        site.sql(NEW_LINE, "DELETE FROM INVE01 WHERE CVE_ART = 'C'", "DELETE FROM CLIE01")
        site.producer.forget()
        published, waits = is_gone(site.published("compare")), site.incomplete()
        late = {"product C": True}
        #  Firebird 5 shows the row as it was, and so the whole table.
        assert published == {"product_line L": False, "customer 7": True, **({} if waits else late)}
        assert waits <= {"product"}
        (both.commit if commits else both.rollback)()
    decided = {"product A": False} if commits else {}
    assert is_gone(site.published("compare" if waits else "record-version")) == {**decided, **(late if waits else {})}
    assert site.agrees()
    assert site.incomplete() == set()


def test_the_table_waits_on_a_server_that_refuses_the_row(firebird_server: FirebirdServer) -> None:
    url = firebird_server.new_url("sae")
    create_database(url)
    with ExitStack() as stack:
        site = Site(url, stack)
        with prepared(site, firebird_server.new_url("other"), "UPDATE INVE01 SET DESCR = 'prepared' WHERE CVE_ART = 'A'"):
            site.sql("UPDATE PRECIO_X_PROD01 SET PRECIO = 8 WHERE CVE_ART = 'A'", NEW_LINE)
            assert list(site.published()) == ["product_line L"]
            assert site.incomplete() == {"product"}
        assert [price["amount"] for price in site.published()["product A"]["prices"]] == [8]
        assert site.agrees()


def test_who_may_end_it_is_told_how(firebird_server: FirebirdServer) -> None:
    url = firebird_server.new_url("sae")
    create_database(url)
    with ExitStack() as stack:
        site = Site(url, stack)
        with (
            prepared(site, firebird_server.new_url("other"), "UPDATE CLIE01 SET NOMBRE = 'prepared'"),
            pytest.raises(RowInLimbo, match=r"limbo.*gfix -rollback"),
            site.sae.snapshot() as snapshot,
        ):
            list(snapshot.rows(Clie))
