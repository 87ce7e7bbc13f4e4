"""The mode `record-version`, rule by rule; what all of them are for stands in test_producer_histories."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from foundation.engines.errors import RowInLimbo
from foundation.errors import ConnectionLost
from foundation.eventlog.port import Record
from foundation.texts import text
from producer.capture.record_version import VersionCapture
from producer.index import LogIndex
from producer.sae.tables import KEYS, Almacenes, Clie, Clin, CvesAlter, Impu, Inve, Moned, Mult, ParamInventario, Precios, PrecioXProd
from schemas.entities import Entity, Subject
from schemas.headers import MODE
from tests.fakes.sae import row
from tests.unit.producing import TOPICS, Site, foreign

LINES, CUSTOMERS, PRODUCTS = Subject(Entity.PRODUCT_LINE), Subject(Entity.CUSTOMER), Subject(Entity.PRODUCT)
HUGE = 1e300
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
LARGE = (PrecioXProd, Inve, CvesAlter, Clie, Mult)
ROWS = (
    row(Clin, "L"),
    row(Impu, 1, impuesto1=16.0),
    row(Moned, 1, tcambio=1.0),
    row(Precios, 1, con_impu="N"),
    row(Inve, "A", cve_esqimpu=1),
    row(Inve, "B"),
    row(PrecioXProd, "A", 1, precio=5.0),
    row(PrecioXProd, "B", 2, precio=5.0),
    row(CvesAlter, "A", "750"),
    row(Clie, "  7"),
    row(Mult, "A", 1, exist=1.0),
    row(Almacenes, 1),
)


def exact_site(*rows: Any, **options: Any) -> Site:
    """After its first pass, which compares all."""
    site = Site(*(rows or ROWS), mode=VersionCapture, local=lambda: NOON, **options)
    site.run()
    assert site.agrees()
    return site


def found(site: Site) -> list[str]:
    """`subject key` of what the next pass publishes; a dagger is a tombstone. Nothing is left for a second one."""
    site.log.appended.clear()
    site.run()
    published = [shown(record) for record in site.published()]
    site.sae.begin()
    site.run()
    assert len(site.published()) == len(published)
    assert site.agrees()
    return published


def shown(record: Record) -> str:
    return f"{TOPICS.subject(record.topic)} {record.key.decode()}{'' if record.value else ' †'}"


def compared(site: Site) -> int:
    """How often all was compared."""
    return site.sae.reads["rows", Inve]


# what is read


def test_a_pass_that_finds_nothing_surveys_every_table_and_reads_none() -> None:
    site = exact_site()
    site.sae.reads.clear()
    site.sae.put()
    site.run()
    assert {table for how, table in site.sae.reads if how == "survey"} == KEYS.keys()
    assert {table for how, table in site.sae.reads if how in ("rows_where", "keys")} == set()
    assert {table for how, table in site.sae.reads if how == "rows"} == {Almacenes, ParamInventario}


def test_keys_are_read_only_where_the_count_says_that_a_row_is_gone() -> None:
    site = exact_site()
    site.sae.put(row(Inve, "C"), row(Inve, "A", descr="new"))
    site.run()
    assert site.sae.reads["keys", Inve] == 0
    site.sae.drop(Inve, "C")
    site.run()
    assert (site.sae.reads["keys", Inve], site.sae.reads["keys", Mult]) == (1, 0)
    site.sae.put()
    site.run()
    assert site.sae.reads["keys", Inve] == 1


def test_stock_is_no_part_of_what_is_surveyed_where_there_are_no_warehouses() -> None:
    site = exact_site(row(Inve, "A", exist=1.0), row(Mult, "A", 1, exist=2.0), row(ParamInventario, multialmacen="N"))
    site.sae.put(row(Mult, "A", 1, exist=3.0))
    assert found(site) == []
    assert site.sae.reads["survey", Mult] == 0
    site.sae.put(row(Inve, "A", exist=4.0))
    assert found(site) == ["stock.1 A"]


def test_events_tell_the_mode_that_found_them() -> None:
    site = exact_site()
    site.sae.put(row(Clin, "M"))
    site.run()
    modes = {event.key: event.header(MODE) for event in site.log.newest(TOPICS.of(LINES)).values()}
    assert modes == {b"L": b"compare", b"M": b"record-version"}


@pytest.mark.parametrize(
    ("gone", "published"),
    [
        (row(Clin, "L"), ["product_line L †"]),
        (row(Impu, 1), ["tax_scheme 1 †", "product A"]),
        (row(Moned, 1), ["currency 1 †"]),
        (row(Precios, 1), ["product A"]),
        (row(Inve, "B"), ["product B †"]),
        (row(PrecioXProd, "A", 1), ["product A"]),
        (row(CvesAlter, "A", "750"), ["product A"]),
        (row(Clie, "  7"), ["customer 7 †"]),
        (row(Mult, "A", 1), ["stock.1 A †"]),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, tuple) else "",
)
def test_a_row_that_is_gone_from_any_table_is_found_at_once(gone: Any, published: list[str]) -> None:
    site = exact_site()
    site.sae.drop(type(gone), *gone[: len(KEYS[type(gone)])])
    assert found(site) == published
    assert compared(site) == 1


# marks


def test_a_transaction_that_ran_during_the_first_pass_is_found_when_it_commits() -> None:
    site = Site(*ROWS, mode=VersionCapture, local=lambda: NOON)
    late = site.sae.begin()
    site.run()
    site.sae.write(late, row(Inve, "B", descr="late"))
    site.sae.commit(late)
    assert found(site) == ["product B"]


def test_a_version_that_goes_down_is_a_change() -> None:
    site = exact_site()
    older = site.sae.begin()
    site.sae.put(row(Clin, "L", desc_lin="newer"))
    assert found(site) == ["product_line L"]
    before = site.sae.versions[Clin, ("L",)]
    site.sae.write(older, row(Clin, "L", desc_lin="last"))
    site.sae.commit(older)
    assert site.sae.versions[Clin, ("L",)] < before
    assert found(site) == ["product_line L"]


def test_an_idle_writer_costs_keys_and_no_rows() -> None:
    site = exact_site()
    site.sae.begin()
    site.sae.put(*(row(Inve, f"{number}") for number in range(20)))
    assert len(found(site)) == 20
    site.sae.reads.clear()
    site.sae.put(row(Clin, "L", desc_lin="x"))
    assert found(site) == ["product_line L"]
    assert site.sae.reads["rows_where", Inve] == 0


def test_a_row_that_no_number_tells_is_found_by_the_count() -> None:
    """A row that an engine would show late, or a bug of ours, does not stay unseen."""
    site = exact_site()
    site.sae.tables[Clin].append(row(Clin, "M"))
    site.sae.put()
    assert found(site) == ["product_line M"]


def test_nothing_counts_before_all_of_it_is_in_the_log() -> None:
    site = exact_site()
    site.sae.put(row(Inve, "C"))
    site.sae.drop(Clie, "  7")
    index, capture = LogIndex(site.log, TOPICS), VersionCapture(site.sae, local=lambda: NOON)
    index.read()
    first = capture.changes(index, (), lambda: None)
    assert first is not None
    capture.keep(first)
    site.sae.put(row(Inve, "D"))
    site.sae.drop(Inve, "B")
    for _ in range(2):
        site.sae.put()
        captured = capture.changes(index, (), lambda: None)
        assert captured is not None
        assert {(str(found.subject), found.key, found.body is None) for found in captured.differences} == {
            ("product", b"D", False),
            ("product", b"B", True),
        }


# comparing all


def test_another_session_compares_all() -> None:
    site = exact_site()
    site.sae.connections += 1
    site.run()
    assert compared(site) == 2


def test_a_failure_compares_all() -> None:
    site = exact_site()
    site.sae.put(row(Inve, "C"))
    site.sae.fail[Mult] = ConnectionLost(text("gone"))
    with pytest.raises(ConnectionLost):
        site.run()
    assert found(site) == ["product C"]
    assert compared(site) == 2


@pytest.mark.parametrize("change", [{"multialmacen": "N"}, {"multialmacen": "N", "almacenpredeter": 4}], ids=str)
def test_all_is_compared_where_stock_stands_elsewhere_now(change: dict[str, Any]) -> None:
    site = exact_site(row(Inve, "A", exist=1.0), row(Mult, "A", 1, exist=2.0), row(Mult, "A", 2, exist=2.0))
    site.sae.put(row(ParamInventario, **change))
    warehouse = change.get("almacenpredeter", 1)
    assert f"stock.{warehouse} A" in found(site)
    assert compared(site) == 2
    site.sae.put(row(ParamInventario, multialmacen="S", almacenpredeter=9))
    found(site)
    assert compared(site) == 3
    site.sae.put(row(Mult, "A", 1, exist=7.0))
    assert found(site) == ["stock.1 A"]


def test_every_night_all_is_compared_and_finds_what_no_number_told() -> None:
    now = [datetime(2026, 5, 4, 2, 59, tzinfo=UTC)]
    site = Site(*ROWS, mode=VersionCapture, local=lambda: now[0])
    site.run()
    site.sae.tables[Clin] = [row(Clin, "L", desc_lin="unseen")]  # nobody wrote it
    now[0] += timedelta(seconds=59)
    assert not site.run().looked
    now[0] += timedelta(seconds=1)
    assert site.run().published == 1
    assert not site.run().looked
    now[0] += timedelta(hours=23, minutes=59)
    assert not site.run().looked
    now[0] += timedelta(minutes=1)
    assert site.run().looked
    assert compared(site) == 3


def test_at_night_all_is_compared_though_no_table_is_due() -> None:
    now = [NOON]
    site = Site(*ROWS, mode=VersionCapture, local=lambda: now[0], share=0.05)
    site.run()
    site.sae.on_read = lambda _how, _table: setattr(site.clock, "seconds", site.clock.seconds + 100)
    site.sae.put()
    site.run()
    site.clock.seconds -= 1000
    now[0] += timedelta(hours=15)
    assert site.run().looked
    assert compared(site) == 2


def test_a_table_that_is_not_exact_is_seen_by_comparing_all_every_so_often() -> None:
    site = Site(*ROWS, mode=VersionCapture, local=lambda: NOON, every_seconds=300.0)
    site.sae.exact -= {CvesAlter}
    site.run()
    site.sae.put(row(CvesAlter, "B", "751"), row(Clin, "M"))
    site.run()
    assert [shown(record) for record in site.published()][-1] == "product_line M"
    assert not site.agrees()
    site.clock.seconds += 300
    assert site.run().published == 1
    assert site.agrees()
    site.clock.seconds += 300
    assert not site.run().looked
    assert compared(site) == 2


def slow(site: Site, how: str, table: Any, seconds: float) -> None:
    """Each reading of the table takes so long; of several each does."""
    tables = table if isinstance(table, tuple) else (table,)

    def spend(asked: str, of: Any) -> None:
        site.clock.seconds += seconds if asked == how and of in tables else 0

    site.sae.on_read = spend


def test_comparing_all_takes_its_share_of_the_time_alone() -> None:
    site = Site(*ROWS, mode=VersionCapture, local=lambda: NOON, every_seconds=10.0, share=0.05)
    site.sae.exact -= {CvesAlter}
    slow(site, "rows", Inve, 20.0)
    site.run()
    site.sae.put(row(CvesAlter, "B", "751"))
    site.clock.seconds += 379
    site.run()
    assert compared(site) == 1
    site.clock.seconds += 1
    site.run()
    assert compared(site) == 2


# the gate and the pace


def test_nothing_is_read_where_no_transaction_began_or_ran() -> None:
    site = exact_site()
    assert not site.run().looked
    running = site.sae.begin()
    assert site.run().looked
    assert site.run().looked
    site.sae.end(running)
    assert site.run().looked
    assert not site.run().looked


def test_one_that_stays_open_is_read_around_twice_and_then_asked_for() -> None:
    """The first look cannot know who ran before it; the second one was told."""
    site = exact_site()
    writer = site.sae.begin()
    assert [site.run().looked for _ in range(5)] == [True, True, False, False, False]
    site.sae.write(writer, row(Clin, "L", desc_lin="late"))
    assert not site.run().looked
    site.sae.commit(writer)
    assert site.run().looked
    assert site.agrees()
    asked = site.sae.asked
    assert [site.run().looked for _ in range(3)] == [False] * 3
    assert site.sae.asked == asked


def test_another_one_that_begins_while_one_stays_open_is_looked_for() -> None:
    site = exact_site()
    site.sae.begin()
    assert [site.run().looked for _ in range(3)] == [True, True, False]
    site.sae.put(row(Clin, "M"))
    assert site.run().looked
    assert site.agrees()
    assert [site.run().looked for _ in range(2)] == [True, False]


def test_one_that_was_prepared_is_read_around_at_each_poll() -> None:
    """It runs no more, and nothing shows when it is decided."""
    site = exact_site()
    writer = site.sae.begin()
    site.sae.write(writer, row(Clin, "M"))
    site.sae.prepare(writer)
    assert [site.run().looked for _ in range(4)] == [True] * 4
    site.sae.commit(writer)
    assert site.run().looked
    assert site.agrees()


def test_it_is_asked_soon_and_then_less_and_less_often_whether_one_has_ended() -> None:
    site = exact_site()
    writer, asked = site.sae.begin(), []
    assert site.producer.has_news()
    assert [site.run().looked for _ in range(3)] == [True, True, False]
    began = site.clock.seconds
    for _ in range(100):
        site.clock.seconds += 0.1
        if site.producer.has_news():
            before = site.sae.asked
            assert not site.run().looked
            assert site.sae.asked == before + 1
            asked.append(round(site.clock.seconds - began, 1))
    assert asked == [0.1, 0.3, 0.7, 1.5, 3.1, 6.3]
    site.sae.commit(writer)
    site.clock.seconds += 10
    assert site.producer.has_news()
    assert site.run().looked
    # And where another begins it is soon again
    site.sae.begin()
    assert site.run().looked
    site.clock.seconds += 0.2
    assert site.producer.has_news()


def test_no_transaction_is_begun_to_learn_that_none_began() -> None:
    site = exact_site()
    before = site.sae.last_id
    for _ in range(5):
        assert not site.run().looked
    assert site.sae.last_id == before


def test_a_session_that_is_opened_to_ask_the_counter_opens_the_gate() -> None:
    site = exact_site()

    def opened(newest: int) -> int:
        site.sae.connections += 1
        return newest

    site.sae.shown = opened
    assert site.run().looked


def test_a_database_that_does_not_count_is_asked_by_a_snapshot_at_each_poll_and_read_once() -> None:
    """A read-only one."""
    site = exact_site()
    site.sae.shown = lambda _newest: None
    assert not site.run().looked
    site.sae.put(row(Clin, "L", desc_lin="new"))
    assert not site.producer.has_news()
    assert site.run().looked
    assert not site.run().looked


def test_there_are_news_once_a_transaction_began_and_a_table_may_be_looked_at() -> None:
    site = exact_site(share=0.05)
    assert not site.producer.has_news()

    def spend(asked: str, _of: Any) -> None:
        site.clock.seconds += 1.0 if asked == "survey" else 0

    site.sae.on_read = spend
    site.sae.put(row(Clin, "L", desc_lin="new"))
    assert site.producer.has_news()
    while site.run().goes_on:
        pass
    site.sae.put(row(Clin, "L", desc_lin="newer"))
    assert not site.producer.has_news()
    site.clock.seconds += 19
    assert site.producer.has_news()


def test_another_transaction_opens_the_gate_of_the_tables_that_were_not_looked_at_too() -> None:
    """What a slow table missed it finds later, though nobody began a transaction since the last pass."""
    site = exact_site(share=0.05)
    slow(site, "survey", Mult, 1.0)
    site.sae.put(row(Mult, "A", 1, exist=2.0), row(Clin, "L", desc_lin="new"))
    site.run()
    site.sae.put(row(Mult, "A", 1, exist=3.0), row(Clin, "L", desc_lin="newer"))
    site.log.appended.clear()
    site.run()
    assert [shown(record) for record in site.published()] == ["product_line L"]
    for seconds, published in ((18, []), (1, ["stock.1 A"]), (100, [])):
        site.clock.seconds += seconds
        site.log.appended.clear()
        site.run()
        assert [shown(record) for record in site.published()] == published
    assert site.agrees()


def change(site: Site, turn: int) -> None:
    """A price, a customer and a stock, in one transaction."""
    site.sae.put(row(PrecioXProd, "A", 1, precio=turn), row(Clie, "C", nombre=f"C {turn}"), row(Mult, "A", 1, exist=-turn))


def one_pass(site: Site) -> tuple[bool, list[str]]:
    """Whether the look goes on, and what was published."""
    site.log.appended.clear()
    return site.run().goes_on, [shown(record) for record in site.published()]


def test_what_a_look_found_once_it_took_long_is_published_before_it_goes_on_with_other_tables() -> None:
    """Prices first, and each table once."""
    site = exact_site()
    slow(site, "survey", LARGE, 0.3)
    change(site, 1)
    site.sae.reads.clear()
    assert [one_pass(site) for _ in range(3)] == [(True, ["product A"]), (True, ["customer C"]), (False, ["stock.1 A"])]
    assert {site.sae.reads["survey", table] for table in LARGE} == {1}
    assert not site.run().looked
    assert site.agrees()


def test_a_quick_look_is_one_pass() -> None:
    site = exact_site()
    slow(site, "survey", LARGE, 0.04)
    change(site, 1)
    assert one_pass(site) == (False, ["product A", "customer C", "stock.1 A"])


def test_no_table_waits_for_ever_beside_others_that_change_all_the_time() -> None:
    """Also where one that was left open lets any have changed."""
    site = exact_site()
    site.sae.begin()
    slow(site, "survey", LARGE, 0.3)
    found = []
    for turn in range(9):
        change(site, turn)
        found.append(one_pass(site))
    assert found == 3 * [(True, ["product A"]), (True, ["customer C"]), (False, ["stock.1 A"])]


def spell_anew(site: Site) -> None:
    """Another blank before a product's key, and its price in the same transaction."""
    number = site.sae.begin()
    site.sae.erase(number, Inve, "A")
    site.sae.write(number, row(Inve, " A", cve_esqimpu=1), row(PrecioXProd, "A", 1, precio=77.0))
    site.sae.commit(number)


def test_a_product_that_is_spelt_anew_is_not_taken_for_gone_before_its_own_table_is_looked_at() -> None:
    site = exact_site()
    slow(site, "survey", LARGE, 0.3)
    spell_anew(site)
    assert [one_pass(site) for _ in range(3)] == [(True, []), (True, ["product A"]), (False, [])]
    assert site.agrees()


def test_nor_while_its_own_table_rests() -> None:
    site = exact_site(share=0.05)
    slow(site, "survey", Inve, 1.0)
    site.sae.put(row(Clin, "L", desc_lin="new"))
    while site.run().goes_on:
        pass
    spell_anew(site)
    assert one_pass(site) == (False, [])
    site.clock.seconds += 20
    assert one_pass(site) == (False, ["product A"])
    assert site.agrees()


def test_what_another_producer_wrote_of_a_key_is_looked_at_again_once_the_keys_own_table_was() -> None:
    site = exact_site(share=0.05)
    slow(site, "survey", Clie, 1.0)
    site.sae.put(row(Clin, "L", desc_lin="new"))
    while site.run().goes_on:
        pass
    site.sae.put(row(Clie, " 8", nombre="N"))
    for key in "89":
        site.log.append([foreign(CUSTOMERS, key, site.events(CUSTOMERS)["7"])])
    assert one_pass(site) == (False, [])
    site.clock.seconds += 20
    assert sorted(one_pass(site)[1]) == ["customer 8", "customer 9 †"]
    assert not site.run().published
    assert site.agrees()


def test_a_slow_table_is_looked_at_for_its_share_of_the_time_and_the_others_at_every_poll() -> None:
    site = exact_site(share=0.05)
    slow(site, "survey", Mult, 1.0)
    site.sae.reads.clear()
    for _ in range(40):
        site.sae.put()
        site.run()
        site.clock.seconds += 1
    assert site.sae.reads["survey", Mult] == 3
    assert site.sae.reads["survey", Inve] == 40


def test_after_a_delete_a_table_whose_keys_take_long_to_read_is_looked_at_as_before() -> None:
    """Only the next delete in it waits, and is not forgotten where SAE falls quiet meanwhile."""
    site = exact_site(share=0.05)
    slow(site, "keys", Inve, 1.0)

    def after(seconds: float) -> list[str]:
        site.clock.seconds += seconds
        site.log.appended.clear()
        site.run()
        return sorted(shown(record) for record in site.published())

    site.sae.put(row(Inve, "C"), row(Inve, "D"))
    assert after(0) == ["product C", "product D"]
    site.sae.drop(Inve, "B")
    assert after(0) == ["product B †"]
    site.sae.put(row(Inve, "A", descr="cheaper"))
    assert after(0) == ["product A"]
    site.sae.drop(Inve, "C")
    assert after(1) == []
    site.sae.drop(Inve, "D")
    site.sae.put(row(Inve, "A", descr="dearer"), row(Inve, "E"))
    assert after(1) == ["product A", "product E"]
    assert after(16.9) == []
    assert after(0.2) == ["product C †", "product D †"]
    assert site.sae.reads["keys", Inve] == 2
    assert site.agrees()
    assert not site.run().looked


def test_sae_is_not_even_asked_where_no_table_is_due() -> None:
    site = exact_site(share=0.05)
    site.sae.on_read = lambda _how, _table: setattr(site.clock, "seconds", site.clock.seconds + 1)
    site.sae.put()
    site.run()
    site.sae.put()
    snapshots = len(site.sae.snapshots)
    assert not site.run().looked
    assert len(site.sae.snapshots) == snapshots


def test_keys_to_check_are_read_though_nothing_is_due_and_no_table_is_surveyed() -> None:
    site = exact_site()
    site.sae.reads.clear()
    site.log.slip_in(
        foreign(CUSTOMERS, "7", None), foreign(LINES, "Z", {"line": "Z", "description": None, "is_group": True, "status": "active"})
    )
    assert site.run().published == 2
    assert site.agrees()
    assert {table for how, table in site.sae.reads if how == "survey"} == set()
    assert not site.run().looked


@pytest.mark.parametrize("key", [b"\xff\xfe", b"", ("x" * 200).encode(), "Ω".encode()], ids=repr)
def test_a_key_to_check_that_sae_cannot_have_gets_a_tombstone(key: bytes) -> None:
    site = exact_site()
    for subject in (LINES, PRODUCTS, CUSTOMERS, Subject(Entity.TAX_SCHEME), Subject(Entity.STOCK, 1)):
        site.log.slip_in(Record(topic=TOPICS.of(subject), key=key, value=b"?"))
    assert site.run().tombstones == 5
    assert site.agrees()


# a row in limbo


def test_a_table_with_a_row_in_limbo_waits_the_others_go_on_and_nothing_of_it_is_missed(caplog: pytest.LogCaptureFixture) -> None:
    site = exact_site()
    site.sae.put(row(Clie, "  7", nombre="new"), row(Clin, "M"))
    site.sae.fail[Clie] = RowInLimbo(text("a transaction was prepared"))
    assert site.run().published == 1
    assert [record.__dict__["table"] for record in caplog.records if getattr(record, "action", "") == "in limbo"] == ["CLIE"]
    assert site.run().published == 1
    assert site.agrees()
    assert site.heartbeats()[-1].complete


# what is told


def problems(site: Site) -> int:
    return len(site.heartbeats()[-1].topics) - sum(topic.complete for topic in site.heartbeats()[-1].topics)


def test_a_row_that_no_event_holds_stays_known_until_it_is_mended() -> None:
    site = exact_site(*ROWS, row(Moned, 2, tcambio=HUGE))
    assert problems(site) == 1
    site.sae.put(row(Clin, "M"))
    site.run()
    assert problems(site) == 1
    site.sae.put(row(Moned, 2, tcambio=2.0), row(Moned, 3, tcambio=HUGE))
    site.run()
    assert problems(site) == 1
    site.sae.drop(Moned, 3)
    site.run()
    assert problems(site) == 0
    assert compared(site) == 1


def test_keys_that_no_longer_collide_are_forgotten() -> None:
    site = exact_site(*ROWS, row(Clin, "\tL"), row(Inve, " A"))
    index, capture = LogIndex(site.log, TOPICS), VersionCapture(site.sae, local=lambda: NOON)
    index.read()
    for lost in ([(LINES, "L"), (PRODUCTS, "A")], [(PRODUCTS, "A")]):
        captured = capture.changes(index, (), lambda: None)
        assert captured is not None
        assert sorted(captured.collisions, key=str) == sorted(lost, key=str)
        capture.keep(captured)
        site.sae.drop(Clin, "\tL")


def test_keys_that_collide_are_told_again_only_when_they_are_others(caplog: pytest.LogCaptureFixture) -> None:
    site = exact_site(*ROWS, row(Clin, "\tL"))

    def told() -> list[set[str]]:
        return [set(record.__dict__["keys"].split(", ")) for record in caplog.records if getattr(record, "action", "") == "collision"]

    assert told() == [{"product_line 'L'"}]
    site.sae.put(row(Clin, "M"), row(Inve, " A"))
    site.run()
    assert told()[1:] == [{"product_line 'L'", "product 'A'"}]
    site.sae.drop(Clin, "\tL")
    assert found(site) == []
    site.sae.put(row(Clin, " L"), row(Clin, "  L"))
    site.run()
    assert told()[2:] == [{"product 'A'", "product_line ' L'", "product_line 'L'"}]
