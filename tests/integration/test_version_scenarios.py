"""What people and programs do to a SAE on a real engine, each found by the next pass of the mode `record-version`, and nothing else."""

from decimal import Decimal

import pytest

from foundation.engines.database import TransactionIds
from foundation.errors import ConfigError
from producer.sae.port import Snapshot
from producer.sae.tables import Inve
from tests.integration.exact_site import TOPICS, Site

NEW = "UPDATE INVE01 SET DESCR = 'new' WHERE CVE_ART = 'A'"


def ids_of(snapshot: Snapshot) -> TransactionIds:
    assert snapshot.ids is not None
    return snapshot.ids


# transactions that overlap


def test_a_transaction_that_began_first_and_commits_last_is_found_and_a_naive_mark_would_lose_it(site: Site) -> None:
    with site.transaction() as late:
        late.sql(NEW)
        site.sql("UPDATE INVE01 SET DESCR = 'early' WHERE CVE_ART = 'B'")
        assert list(site.published()) == ["product B"]
        with site.sae.snapshot() as snapshot:
            ids = ids_of(snapshot)
            newest_committed = max(version for _, version in snapshot.survey(Inve, 1).written)
        late.commit()
    with site.sae.snapshot() as snapshot:
        for naive in (ids.own, newest_committed):
            assert snapshot.survey(Inve, naive).written in ([], [(("B",), newest_committed)])
        assert ("A",) in dict(snapshot.survey(Inve, ids.oldest_active).written)
    assert site.published()["product A"]["description"] == "new"


def test_a_version_that_goes_down_is_found_and_taking_only_greater_ones_would_lose_it(site: Site) -> None:
    with site.transaction() as older:
        older.sql("UPDATE CLIN01 SET DESC_LIN = 'x' WHERE CVE_LIN = 'L'")  # it has its number now
        site.sql(NEW)
        assert list(site.published()) == ["product A"]
        with site.sae.snapshot() as snapshot:
            before = dict(snapshot.survey(Inve, ids_of(snapshot).oldest_active).written)["A",]
        older.sql("UPDATE INVE01 SET DESCR = 'newer' WHERE CVE_ART = 'A'")
        older.commit()
    with site.sae.snapshot() as snapshot:
        assert dict(snapshot.survey(Inve, 1).written)["A",] < before
    published = site.published()
    assert list(published) == ["product_line L", "product A"]
    assert published["product A"]["description"] == "newer"


def test_an_idle_writer_pins_the_mark_and_what_others_write_is_published_once(site: Site) -> None:
    with site.transaction() as idle:
        idle.sql("UPDATE CLIN01 SET DESC_LIN = 'x' WHERE CVE_LIN = 'L'")
        for turn in range(3):
            site.sql(f"UPDATE INVE01 SET DESCR = 'turn {turn}' WHERE CVE_ART = 'A'")
            assert list(site.published()) == ["product A"]
        site.sql("DELETE FROM INVE01 WHERE CVE_ART = 'B'")
        assert list(site.published()) == ["product B"]
    assert site.published() == {}


def test_a_roll_back_is_seen_by_nobody(site: Site) -> None:
    with site.transaction() as undone:
        undone.sql(NEW, "DELETE FROM INVE01 WHERE CVE_ART = 'B'", "INSERT INTO INVE01 (CVE_ART, STATUS) VALUES ('D', 'A')")
        assert site.published() == {}
        undone.rollback()
    assert site.published() == {}
    site.sql(NEW)
    assert list(site.published()) == ["product A"]


# deletes


@pytest.mark.parametrize(
    ("statements", "key", "change"),
    [
        (["DELETE FROM INVE01 WHERE CVE_ART = 'C'"], "product C", None),
        (["DELETE FROM PRECIO_X_PROD01 WHERE CVE_ART = 'A'"], "product A", {"prices": []}),
        (["DELETE FROM CVES_ALTER01"], "product A", {"alternate_keys": []}),
        (["DELETE FROM CLIE01"], "customer 7", None),
        (["DELETE FROM MULT01 WHERE CVE_ART = 'B'"], "stock.1 B", None),
        (["DELETE FROM CLIN01"], "product_line L", None),
        (["DELETE FROM IMPU01 WHERE CVE_ESQIMPU = 2"], "tax_scheme 2", None),
    ],
    ids=["product", "price", "bar code", "customer", "stock", "line", "scheme"],
)
def test_a_row_that_is_deleted_is_known_at_the_next_poll(
    site: Site, statements: list[str], key: str, change: dict[str, object] | None
) -> None:
    site.sql(*statements)
    published = site.published()
    assert list(published) == [key]
    assert (published[key] is None) == (change is None)
    assert change is None or change.items() <= published[key].items()


def test_one_that_goes_while_another_comes_in_the_same_transaction_is_found(site: Site) -> None:
    """There are as many rows as before."""
    site.sql("DELETE FROM INVE01 WHERE CVE_ART = 'C'", "INSERT INTO INVE01 (CVE_ART, STATUS) VALUES ('D', 'A')")
    published = site.published()
    assert {key: value is not None for key, value in published.items()} == {"product D": True, "product C": False}


def test_a_price_that_goes_while_another_comes_is_found(site: Site) -> None:
    site.sql(
        "DELETE FROM PRECIO_X_PROD01 WHERE CVE_ART = 'A'",
        "INSERT INTO PRECIO_X_PROD01 (CVE_ART, CVE_PRECIO, PRECIO) VALUES ('C', 1, 7)",
    )
    published = site.published()
    assert {key: len(value["prices"]) for key, value in published.items()} == {"product A": 0, "product C": 1}


def test_a_row_that_is_deleted_and_comes_back_in_one_transaction_is_a_change(site: Site) -> None:
    site.sql("DELETE FROM CLIN01 WHERE CVE_LIN = 'L'", "INSERT INTO CLIN01 (CVE_LIN, DESC_LIN, STATUS) VALUES ('L', 'again', 'A')")
    assert site.published()["product_line L"]["description"] == "again"


def test_a_key_that_is_changed_is_one_that_goes_and_one_that_comes(site: Site) -> None:
    site.sql("UPDATE INVE01 SET CVE_ART = 'Z' WHERE CVE_ART = 'C'")
    assert {key: value is not None for key, value in site.published().items()} == {"product Z": True, "product C": False}


# keys that are equal once trimmed


def test_when_the_first_of_two_keys_that_collide_goes_the_second_takes_over(site: Site) -> None:
    site.sql("INSERT INTO INVE01 (CVE_ART, DESCR, STATUS) VALUES ('\tC', 'first', 'A')")
    assert site.published()["product C"]["description"] == "first"
    site.sql("UPDATE INVE01 SET DESCR = 'unseen' WHERE CVE_ART = 'C'")
    assert site.published() == {}
    site.sql("DELETE FROM INVE01 WHERE CVE_ART = '\tC'")
    assert site.published()["product C"]["description"] == "unseen"


# what leaves, and what hangs together


def test_a_customer_that_becomes_a_prospect_is_gone_and_comes_back(site: Site) -> None:
    site.sql("UPDATE CLIE01 SET PROSPECTO = 'S'")
    assert site.published() == {"customer 7": None}
    site.sql("UPDATE CLIE01 SET PROSPECTO = 'N'")
    assert site.published()["customer 7"]["name"] == "old"


def test_a_schemes_new_rate_is_in_its_products(site: Site) -> None:
    site.sql("UPDATE IMPU01 SET IMPUESTO1 = 8 WHERE CVE_ESQIMPU = 1")
    published = site.published()
    assert sorted(published) == ["product A", "product B", "product C", "tax_scheme 1"]
    assert published["product B"]["taxes"][0]["percent"] == 8


def test_a_lists_new_flag_is_in_the_products_that_have_a_price_in_it(site: Site) -> None:
    site.sql("UPDATE PRECIOS01 SET CON_IMPU = 'S'")
    published = site.published()
    assert sorted(published) == ["product A", "product B"]
    assert published["product A"]["prices"] == [{"list": 1, "amount": Decimal(5), "tax_included": True}]


def test_stock_moves_when_warehouses_are_switched_off_and_on(site: Site) -> None:
    site.sql("UPDATE PARAM_INVENTARIO01 SET MULTIALMACEN = 'N', ALMACENPREDETER = 1")
    site.run()  # by comparing all
    site.sql("UPDATE INVE01 SET EXIST = 4 WHERE CVE_ART = 'C'")
    assert site.published() == {"stock.1 C": {"sku": "C", "warehouse": 1, "quantity": Decimal(4)}}
    site.sql("UPDATE MULT01 SET EXIST = 77 WHERE CVE_ART = 'A'")
    assert site.published() == {}
    site.sql("UPDATE PARAM_INVENTARIO01 SET MULTIALMACEN = 'S'")
    site.run()
    site.sql("UPDATE MULT01 SET EXIST = 78 WHERE CVE_ART = 'A'")
    assert site.published() == {"stock.1 A": {"sku": "A", "warehouse": 1, "quantity": Decimal(78)}}


def test_a_new_warehouse_has_its_topic_and_its_stock(site: Site) -> None:
    site.sql(
        "INSERT INTO ALMACENES01 (CVE_ALM, DESCR) VALUES (2, 'dos')",
        "INSERT INTO MULT01 (CVE_ART, CVE_ALM, EXIST) VALUES ('A', 2, 6)",
    )
    assert list(site.published()) == ["stock.2 A"]


def test_where_sae_does_not_say_where_its_stock_stands_nothing_is_published_until_it_does(site: Site) -> None:
    site.sql("UPDATE PARAM_INVENTARIO01 SET MULTIALMACEN = 'T'", "UPDATE MULT01 SET EXIST = 8 WHERE CVE_ART = 'A'")
    ends = {topic: state for topic, state in site.log.topics().items() if TOPICS.subject(topic)}
    with pytest.raises(ConfigError, match="MULTIALMACEN of PARAM_INVENTARIO is 'T'"):
        site.run()
    assert {topic: state for topic, state in site.log.topics().items() if TOPICS.subject(topic)} == ends
    site.sql("UPDATE PARAM_INVENTARIO01 SET MULTIALMACEN = 'S'")
    assert site.run().published == 1
    assert site.agrees()
