"""A transaction of two databases that was prepared and never ended: the table with its row waits, all else goes on."""

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from foundation.engines.errors import RowInLimbo
from foundation.eventlog.memory import MemoryLog
from producer.sae.tables import Clie
from tests.engines.embedded import EmbeddedDatabases
from tests.engines.firebird_server import FirebirdServer
from tests.engines.prepared import prepared
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
    with ExitStack() as stack:
        yield Site(url_of("sae"), stack)


@pytest.fixture
def refuses(request: pytest.FixtureRequest) -> bool:
    """Firebird 3 refuses to show a row in limbo, 5 shows it as it was."""
    return bool(request.node.callspec.params["url_of"] == "server")


def is_gone(published: dict[str, Any]) -> dict[str, bool]:
    return {key: value is None for key, value in published.items()}


NEW_LINE = "UPDATE CLIN01 SET DESC_LIN = 'new' WHERE CVE_LIN = 'L'"


@pytest.mark.parametrize("commits", [True, False])
def test_the_table_waits_and_what_was_decided_is_published(site: Site, url_of: UrlOf, commits: bool) -> None:
    with prepared(site.url, url_of("other"), "UPDATE CLIE01 SET NOMBRE = 'prepared'") as both:
        site.sql(NEW_LINE)
        assert list(site.published()) == ["product_line L"]
        with suppress(RowInLimbo), site.sae.snapshot() as snapshot:
            assert [row.nombre for row in snapshot.rows(Clie)] == ["old"]
        (both.commit if commits else both.rollback)()
    assert list(site.published()) == (["customer 7"] if commits else [])
    assert site.agrees()


@pytest.mark.parametrize("commits", [True, False])
def test_a_start_compares_all_but_what_rests_on_the_table(site: Site, url_of: UrlOf, commits: bool) -> None:
    with prepared(site.url, url_of("other"), "UPDATE INVE01 SET DESCR = 'prepared' WHERE CVE_ART = 'A'") as both:
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
    with ExitStack() as stack:
        site = Site(firebird_server.new_url("sae"), stack)
        with prepared(site.url, firebird_server.new_url("other"), "UPDATE INVE01 SET DESCR = 'prepared' WHERE CVE_ART = 'A'"):
            site.sql("UPDATE PRECIO_X_PROD01 SET PRECIO = 8 WHERE CVE_ART = 'A'", NEW_LINE)
            assert list(site.published()) == ["product_line L"]
            assert site.incomplete() == {"product"}
        assert [price["amount"] for price in site.published()["product A"]["prices"]] == [8]
        assert site.agrees()


def test_who_may_end_it_is_told_how(firebird_server: FirebirdServer) -> None:
    with ExitStack() as stack:
        site = Site(firebird_server.new_url("sae"), stack)
        with (
            prepared(site.url, firebird_server.new_url("other"), "UPDATE CLIE01 SET NOMBRE = 'prepared'"),
            pytest.raises(RowInLimbo, match=r"limbo.*gfix -rollback \d+ ends"),
            site.sae.snapshot() as snapshot,
        ):
            list(snapshot.rows(Clie))


# where stock stands

SETTINGS = {
    "PARAM_INVENTARIO": "UPDATE PARAM_INVENTARIO01 SET ALMACENPREDETER = 1",
    "ALMACENES": "UPDATE ALMACENES01 SET DESCR = 'prepared' WHERE CVE_ALM = 1",
}
OTHERS = (
    NEW_LINE,
    "DELETE FROM CLIE01",
    "UPDATE IMPU01 SET STATUS = 'B' WHERE CVE_ESQIMPU = 2",
    "INSERT INTO MONED01 (NUM_MONED, TCAMBIO, STATUS) VALUES (9, 20, 'A')",
    "UPDATE PRECIO_X_PROD01 SET PRECIO = 8 WHERE CVE_ART = 'A'",
)
OTHER_CHANGES = {"product_line L": False, "customer 7": True, "tax_scheme 2": False, "currency 9": False, "product A": False}
STOCK = ("UPDATE MULT01 SET EXIST = 4 WHERE CVE_ART = 'A'", "DELETE FROM MULT01 WHERE CVE_ART = 'B'")
STOCK_CHANGES = {"stock.1 A": False, "stock.1 B": True}


def told(site: Site) -> list[tuple[str, int | None, tuple[str, ...]]]:
    return [(one.table, one.transaction, one.entities) for one in site.heartbeat().stuck]


def in_limbo(site: Site) -> int:
    ((number,),) = site.rows("RDB$TRANSACTION_ID FROM RDB$TRANSACTIONS WHERE RDB$TRANSACTION_STATE = 1")
    return int(number)


@pytest.mark.parametrize("table", SETTINGS)
@pytest.mark.parametrize("commits", [True, False])
def test_stock_waits_deletes_too_where_it_is_not_known_where_it_stands(
    site: Site, url_of: UrlOf, table: str, commits: bool, refuses: bool
) -> None:
    with prepared(site.url, url_of("other"), SETTINGS[table]) as both:
        site.sql(*OTHERS, *STOCK)
        assert is_gone(site.published()) == {**OTHER_CHANGES, **({} if refuses else STOCK_CHANGES)}
        assert told(site) == ([(table, in_limbo(site), ("stock",))] if refuses else [])
        assert site.incomplete() == ({"stock.1"} if refuses else set())
        site.sql("UPDATE MULT01 SET EXIST = 5 WHERE CVE_ART = 'A'", "UPDATE CLIN01 SET DESC_LIN = 'newer' WHERE CVE_LIN = 'L'")
        assert is_gone(site.published()) == {"product_line L": False, **({} if refuses else {"stock.1 A": False})}
        (both.commit if commits else both.rollback)()
    assert is_gone(site.published()) == (STOCK_CHANGES if refuses else {})
    assert site.agrees()
    assert (told(site), site.incomplete(), site.heartbeat().compared) == ([], set(), True)


@pytest.mark.parametrize("table", SETTINGS)
@pytest.mark.parametrize("commits", [True, False])
def test_a_first_start_publishes_the_rest_where_it_is_not_known_where_stock_stands(
    site: Site, url_of: UrlOf, table: str, commits: bool, refuses: bool
) -> None:
    with prepared(site.url, url_of("other"), SETTINGS[table]) as both:
        site.begin(MemoryLog())
        published = site.published("compare")
        assert {key.partition(" ")[0] for key in published} == {
            "product_line", "tax_scheme", "product", "customer", *(["currency"] if site.rows("1 FROM MONED01") else []),
            *([] if refuses else ["stock.1"]),
        }  # fmt: skip
        assert told(site) == ([(table, in_limbo(site), ("stock",))] if refuses else [])
        assert site.heartbeat().complete is not refuses
        site.sql(*OTHERS, *STOCK)
        assert is_gone(site.published()) == {**OTHER_CHANGES, **({} if refuses else STOCK_CHANGES)}
        (both.commit if commits else both.rollback)()
    assert is_gone(site.published("compare" if refuses else "record-version")) == ({"stock.1 A": False} if refuses else {})
    assert site.agrees()
    assert site.heartbeat().complete


@pytest.mark.parametrize("commits", [True, False])
def test_a_switch_of_the_mode_that_is_prepared_counts_once_it_is_committed(site: Site, url_of: UrlOf, commits: bool, refuses: bool) -> None:
    with prepared(site.url, url_of("other"), "UPDATE PARAM_INVENTARIO01 SET MULTIALMACEN = 'N', ALMACENPREDETER = 1") as both:
        site.sql("UPDATE INVE01 SET EXIST = 8 WHERE CVE_ART = 'C'", NEW_LINE)
        assert list(site.published()) == ["product_line L"]
        (both.commit if commits else both.rollback)()
    switched = {"stock.1 A": 9, "stock.1 B": 9, "stock.1 C": 8}
    published = site.published("compare") if commits else site.published()
    assert {key: value["quantity"] for key, value in published.items()} == (switched if commits else {})
    assert site.agrees()
