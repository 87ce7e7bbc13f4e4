"""What SAE's tables tell in the mode `record-version`, on real engines: who wrote a row, and the rows that are asked for."""

from contextlib import ExitStack

import pytest
from firebird.driver import DbAccessMode
from sqlalchemy.engine import make_url

from foundation.engines.database import ActiveTransactions
from producer.sae.tables import KEYS, Clie, Clin, CvesAlter, Impu, Inve, Mult, PrecioXProd, Row
from puente.demo.statements import load
from tests.engines.services import known_to_the_driver, services
from tests.integration.exact_site import Site


def test_a_survey_counts_all_rows_and_names_those_that_were_written_since(site: Site) -> None:
    with site.sae.snapshot() as snapshot:
        assert snapshot.ids is not None
        mark = snapshot.ids.own
        assert snapshot.survey(Inve, mark).written == []
        assert snapshot.survey(Inve, mark).rows == 3
    site.sql("UPDATE INVE01 SET DESCR = 'new' WHERE CVE_ART = 'B'", "DELETE FROM PRECIO_X_PROD01 WHERE CVE_ART = 'A'")
    with site.sae.snapshot() as snapshot:
        survey = snapshot.survey(Inve, mark)
        assert (survey.rows, [raw for raw, _ in survey.written]) == (3, [("B",)])
        assert snapshot.ids is not None
        assert mark < survey.written[0][1] < snapshot.ids.own
        assert snapshot.survey(PrecioXProd, mark).rows == 1
        assert {raw for raw, _ in snapshot.survey(PrecioXProd, 1).written} == {("B", 1)}


def test_keys_are_those_of_all_rows(site: Site) -> None:
    with site.sae.snapshot() as snapshot:
        assert set(snapshot.keys(Mult)) == {("A", 1), ("B", 1)}
        assert list(snapshot.keys(Clie)) == [("         7",)]
        assert set(snapshot.keys(Impu)) == {(1,), (2,)}


def test_keys_of_many_rows_are_read_as_they_stand(site: Site) -> None:
    """More than one text of the packed reading holds, with the blanks and characters that real keys have."""
    wanted = [f"{number}{tail}" for number in range(4000) for tail in ("", " x", "\t", "Ñ“€")]
    with site.database.writing() as writer:
        load(writer, "CVES_ALTER01", ["CVE_ART", "CVE_ALTER"], ({"CVE_ART": key, "CVE_ALTER": key[::-1]} for key in wanted))
    with site.sae.snapshot() as snapshot:
        assert set(snapshot.keys(CvesAlter)) == {("A", "750"), *((key, key[::-1]) for key in wanted)}


@pytest.mark.parametrize("key", ["A\x1eB", "A\x1fB", "\x1e", ""], ids=repr)
def test_a_key_that_holds_what_stands_between_packed_ones_is_read_as_well(site: Site, key: str) -> None:
    site.sql(
        f"INSERT INTO CVES_ALTER01 (CVE_ART, CVE_ALTER) VALUES ('B', '{key}')",
        f"INSERT INTO CLIE01 (CLAVE, STATUS) VALUES ('{key}', 'A')",
    )
    with site.sae.snapshot() as snapshot:
        assert set(snapshot.keys(CvesAlter)) == {("A", "750"), ("B", key)}
        assert set(snapshot.keys(Clie)) == {("         7",), (key,)}


@pytest.mark.parametrize("many", [0, 499, 5000], ids=["few", "a list", "more than it is worth asking for"])
def test_rows_are_found_by_the_values_of_a_column(site: Site, many: int) -> None:
    others = {f"X{number}" for number in range(many)}
    with site.sae.snapshot() as snapshot:
        assert {row.cve_art for row in snapshot.rows_where(Inve, "cve_art", {"A", "C", *others})} == {"A", "C"}
        assert [row.descr for row in snapshot.rows_where(Inve, "cve_art", {"B", "b", "B ", *others})] == ["old"]
        assert {row.cve_art for row in snapshot.rows_where(Inve, "cve_esqimpu", {1, 7})} == {"A", "B", "C"}
        assert list(snapshot.rows_where(Clie, "clave", {"7", *others})) == []
        assert list(snapshot.rows_where(CvesAlter, "cve_art", set())) == []


@pytest.mark.parametrize("table", [Inve, PrecioXProd, CvesAlter, Mult], ids=lambda table: str(table.__name__))
def test_a_few_rows_are_found_by_the_index(site: Site, table: type[Inve | PrecioXProd | CvesAlter | Mult]) -> None:
    """Else one changed price would cost a scan of several tables."""
    with site.sae.snapshot() as snapshot:
        before = sequential_reads(site, table)
        assert len(list(snapshot.rows_where(table, "cve_art", {"A", "Ñ"}))) == 1
        assert sequential_reads(site, table) == before
        list(snapshot.rows(table))
        assert sequential_reads(site, table) > before


def sequential_reads(site: Site, table: type[Row]) -> int:
    """How many rows of the table this connection has read without an index."""
    connection = site.sae._database._opened  # type: ignore[attr-defined]  # only the driver counts reads
    ((number,),) = site.rows(f"RDB$RELATION_ID FROM RDB$RELATIONS WHERE RDB$RELATION_NAME = '{site.sae.table_name(table)}'")
    found = [stats.sequential or 0 for stats in connection.info.get_table_access_stats() if stats.table_id == number]
    return int(sum(found))


def test_a_value_that_is_longer_than_the_column_is_in_no_row(site: Site) -> None:
    """Firebird would refuse to compare it."""
    with site.sae.snapshot() as snapshot:
        assert [row.cve_art for row in snapshot.rows_where(Inve, "cve_art", {"A", "A" * 17, "€" * 500})] == ["A"]


def test_a_key_with_characters_of_cp1252_is_found(site: Site) -> None:
    site.sql("INSERT INTO INVE01 (CVE_ART, STATUS) VALUES ('Ñ“1”', 'A')")
    with site.sae.snapshot() as snapshot:
        assert [row.cve_art for row in snapshot.rows_where(Inve, "cve_art", {"Ñ“1”"})] == ["Ñ“1”"]
    assert list(site.published()) == ["product Ñ“1”"]


def test_a_table_without_a_key_of_its_own_is_not_exact(site: Site) -> None:
    """Two of its rows may have one raw key, so that counting them proves nothing."""
    ((name,),) = site.rows(
        "TRIM(RDB$CONSTRAINT_NAME) FROM RDB$RELATION_CONSTRAINTS"
        " WHERE RDB$RELATION_NAME = 'CVES_ALTER01' AND RDB$CONSTRAINT_TYPE = 'PRIMARY KEY'"
    )
    site.sae.close()
    site.sql(f"ALTER TABLE CVES_ALTER01 DROP CONSTRAINT {name}")
    site.sae.probe()
    assert site.sae.exact == KEYS.keys() - {CvesAlter}


def test_a_view_is_not_exact(site: Site) -> None:
    site.sae.close()
    site.sql("ALTER TABLE CLIN01 ADD X INTEGER", "CREATE TABLE LINES (CVE_LIN VARCHAR(5) NOT NULL PRIMARY KEY)", "DROP TABLE CLIN01")
    site.sql("CREATE VIEW CLIN01 AS SELECT CVE_LIN, 'x' AS DESC_LIN, 'N' AS ESUNGPO, 'A' AS STATUS FROM LINES")
    site.sae.probe()
    assert site.sae.exact == KEYS.keys() - {Clin}


def test_tables_that_are_surveyed_together_tell_what_each_tells_alone(site: Site) -> None:
    site.sql("DELETE FROM CVES_ALTER01")  # of no row there is no newest
    tables = (Clin, Inve, PrecioXProd, CvesAlter, Clie)
    with site.sae.snapshot() as snapshot:
        alone = [snapshot.survey(table, 0) for table in tables]
    with site.sae.snapshot() as snapshot:
        snapshot.survey_together(tables)
        assert [snapshot.survey(table, 0) for table in tables] == alone
    assert [one.rows for one in alone].count(0) == 1


# what a pass costs SAE


def test_while_nobody_works_in_sae_no_transaction_of_ours_begins(site: Site) -> None:
    before = newest(site)
    for _ in range(20):
        assert not site.run().looked
    assert site.database.newest_transaction() == before


def newest(site: Site) -> int:
    """By a connection that stands: to open one begins a transaction. What began before is nothing new afterwards."""
    site.rows("1 FROM RDB$DATABASE")
    site.run()
    found = site.database.newest_transaction()
    assert found is not None
    return found


def test_the_counter_moves_with_every_transaction_that_begins_and_with_a_retaining_commit(site: Site) -> None:
    """A commit alone does not move it; so it is asked whether a transaction that ran still does."""
    newest = site.database.newest_transaction
    with site.transaction() as running:
        before = newest()
        assert before is not None
        assert newest() == before
        running.sql("UPDATE CLIN01 SET DESC_LIN = 'one' WHERE CVE_LIN = 'L'")
        running.commit(retaining=True)
        assert newest() == before + 1
        assert site.published()["product_line L"]["description"] == "one"
        running.sql("UPDATE CLIN01 SET DESC_LIN = 'two' WHERE CVE_LIN = 'L'")
        assert not site.run().looked
        between = newest()
        running.commit()
        assert newest() == between
    assert site.published()["product_line L"]["description"] == "two"
    assert not site.run().looked


def test_who_runs_is_told_and_to_ask_takes_one_number(site: Site) -> None:
    before = newest(site)
    assert site.database.active_transactions() == ActiveTransactions(before + 1, frozenset())
    with site.transaction() as running:
        running.sql("UPDATE CLIN01 SET DESC_LIN = 'one' WHERE CVE_LIN = 'L'")
        number = site.database.newest_transaction()
        assert number is not None
        assert site.database.active_transactions() == ActiveTransactions(number + 1, frozenset({number}))
    assert site.database.active_transactions() == ActiveTransactions(number + 2, frozenset())


def test_a_hundred_that_run_are_told(site: Site) -> None:
    """More than the driver's own function can."""
    with ExitStack() as stack:
        running = [stack.enter_context(site.transaction()) for _ in range(100)]
        asked = site.database.active_transactions()
        assert asked is not None
        assert len(asked.numbers) == len(running)


def test_one_that_stays_open_is_waited_for_without_reading_sae(site: Site) -> None:
    newest(site)
    with site.transaction() as idle:
        idle.sql("UPDATE CLIN01 SET DESC_LIN = 'late' WHERE CVE_LIN = 'L'")
        while site.run().looked:
            pass
        before = site.database.newest_transaction()
        assert before is not None
        for _ in range(5):
            assert not site.run().looked
        assert site.database.newest_transaction() == before + 5
        site.sql("UPDATE CLIE01 SET NOMBRE = 'meanwhile'")
        assert list(site.published()) == ["customer 7"]
        while site.run().looked:
            pass
        idle.commit()
        assert site.published()["product_line L"]["description"] == "late"
    assert site.agrees()


def test_a_read_only_copy_of_sae_is_read_once_and_not_asked_again_and_again(site: Site) -> None:
    """Transactions have numbers there, and the counter stands still."""
    site.sae.close()
    site.database.close()
    url = make_url(site.url)
    with services("" if url.host is None else known_to_the_driver(url.host, url.port or 0)) as manager:
        manager.database.set_access_mode(database=str(url.database), mode=DbAccessMode.READ_ONLY)
    assert site.database.newest_transaction() is None
    assert site.run().looked
    site.run()  # a start asks which SAE it is, by a transaction of its own
    for _ in range(5):
        assert not site.run().looked
        assert not site.producer.has_news()
    assert site.agrees()
