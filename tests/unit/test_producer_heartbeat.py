"""The producer's heartbeat, and what a failure at any effect leaves behind."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from foundation.errors import ConnectionLost, RetryableError
from foundation.eventlog.port import Offset, Record
from foundation.texts import text
from producer.capture.port import NAMED
from producer.poll import HEARTBEAT_SECONDS
from producer.publish import APPENDED_AT_ONCE, WHOLE_EVERY
from producer.sae.tables import Almacenes, Clie, Clin, CvesAlter, Impu, Inve, Moned, Mult, Precios, PrecioXProd
from puente.commands.heartbeat import NEWEST_HEARTBEATS, last_heartbeat
from schemas.codec import Decoder
from schemas.control import KEY, SHORT, Heartbeat, parse, release
from schemas.entities import CATALOGUES, Entity, Subject
from tests.fakes.failing_log import How
from tests.fakes.sae import row
from tests.unit.producing import MODES, TOPICS, Mode, Site


def told(heartbeat: Heartbeat) -> dict[str, tuple[int, bool]]:
    return {str(TOPICS.subject(topic.topic)): (topic.end, topic.complete) for topic in heartbeat.topics}


def test_every_start_says_incomplete_and_the_first_compare_complete() -> None:
    site = Site(row(Clin, "L"), row(Mult, "A", 1, exist=1.0))
    site.run()
    first, last = site.heartbeats()
    assert told(first) == {entity.value: (0, False) for entity in CATALOGUES}
    ends = {entity.value: (0, True) for entity in CATALOGUES}
    assert told(last) == {**ends, "product_line": (1, True), "stock.1": (1, True)}
    site.restart()
    site.run()
    assert [heartbeat.complete for heartbeat in site.heartbeats()] == [False, True, False, True]


def test_an_empty_sae_is_complete_too() -> None:
    site = Site()
    site.run()
    assert [heartbeat.complete for heartbeat in site.heartbeats()] == [False, True]


def test_the_heartbeat_tells_the_run_the_time_and_the_topic_ids() -> None:
    site = Site()
    site.run()
    heartbeat = site.heartbeats()[-1]
    assert (heartbeat.run, heartbeat.time.tzname()) == ("run1", "UTC")
    assert {topic.topic: topic.topic_id for topic in heartbeat.topics} == {
        topic: site.log.store.topics[topic].topic_id for topic in map(TOPICS.of, map(Subject, CATALOGUES))
    }


def test_a_pass_that_wrote_says_so_and_one_that_did_not_is_silent() -> None:
    site = Site()
    site.run()
    site.run()
    assert len(site.heartbeats()) == 2
    site.sae.put(row(Clin, "L"))
    site.run()
    assert told(site.heartbeats()[-1])["product_line"] == (1, True)


def test_the_heartbeat_repeats_the_heartbeat() -> None:
    site = Site()
    site.run()
    for _ in range(3):
        site.clock.seconds += HEARTBEAT_SECONDS
        site.run()
        site.run()
    assert [heartbeat.complete for heartbeat in site.heartbeats()] == [False, True, True, True, True]


def spoken(site: Site) -> list[tuple[bytes, int]]:
    """Key and size of each event of the control topic."""
    return [(event.key, len(event.value or b"")) for event in site.log.store.topics[TOPICS.control].events]


def beats(site: Site, count: int) -> None:
    for _ in range(count):
        site.clock.seconds += HEARTBEAT_SECONDS
        site.run()


def test_what_did_not_change_is_not_said_in_full_again() -> None:
    site = Site(*(row(Almacenes, number) for number in range(1, 100)))
    site.run()
    beats(site, 3)
    site.sae.put(row(Clin, "L"))
    site.run()
    beats(site, 2)
    site.restart()
    site.run()
    assert [key for key, _ in spoken(site)] == [KEY] * 2 + [SHORT] * 3 + [KEY] + [SHORT] * 2 + [KEY] * 2
    assert max(size for key, size in spoken(site) if key == SHORT) < 50
    assert spoken(site)[1][1] > 4000


def test_a_late_heartbeat_of_an_earlier_producer_is_covered_by_a_whole_one() -> None:
    """It is the newest of its key, and compaction may take the one below it."""
    site = Site()
    site.run()
    late = site.log.store.topics[TOPICS.control].events[0]
    site.restart()
    site.run()
    site.log.slip_in(Record(topic=TOPICS.control, key=KEY, value=late.value, headers=late.headers))
    beats(site, 2)
    assert [key for key, _ in spoken(site)[-3:]] == [KEY, KEY, SHORT]
    assert (site.heartbeats()[-1].run, site.heartbeats()[-1].complete) == ("run2", True)


def test_now_and_then_a_heartbeat_is_said_in_full_for_those_who_know_no_short_ones() -> None:
    site = Site()
    site.run()
    beats(site, WHOLE_EVERY + 2)
    assert [key for key, _ in spoken(site)] == [KEY] * 2 + [SHORT] * WHOLE_EVERY + [KEY, SHORT]


def test_the_last_heartbeat_is_found_by_its_newest_repetition() -> None:
    site = Site(row(Clin, "L"))
    site.run()
    beats(site, NEWEST_HEARTBEATS + 5)
    heartbeat = last_heartbeat(site.log, TOPICS)
    assert heartbeat is not None
    assert heartbeat == site.heartbeats()[-1]
    assert heartbeat.complete
    assert heartbeat.time > site.heartbeats()[1].time
    site.log.store.compact()
    assert last_heartbeat(site.log, TOPICS) == heartbeat
    site.log.slip_in(release(TOPICS.control, "run1"))
    site.log.store.compact()
    assert last_heartbeat(site.log, TOPICS) is None


def test_a_log_without_heartbeats_has_no_last_one() -> None:
    assert last_heartbeat(Site().log, TOPICS) is None


def test_a_long_pass_has_a_heartbeat_too() -> None:
    """It does not say complete before it is."""
    site = Site()
    site.sae.tables[Clin] = [row(Clin, f"{number:05d}") for number in range(3 * APPENDED_AT_ONCE)]
    append = site.log.append

    def slow(records: Iterable[Record]) -> list[Offset]:
        site.clock.seconds += HEARTBEAT_SECONDS / 2
        return append(records)

    site.log.append = slow  # type: ignore[method-assign]
    site.run()
    assert [heartbeat.complete for heartbeat in site.heartbeats()] == [False, False, True]


def test_an_entity_with_a_row_that_no_event_holds_is_not_complete() -> None:
    """CAJA may have such a row from before; a sweep must not take what SAE has."""
    site = Site(row(Moned, 1, tcambio=1.0), row(Moned, 2, tcambio=1e300))
    site.settled()
    ends = {entity.value: (0, True) for entity in CATALOGUES}
    assert told(site.heartbeats()[-1]) == {**ends, "currency": (1, False)}
    site.sae.put(row(Moned, 2, tcambio=2.0))
    site.settled()
    assert site.heartbeats()[-1].complete


def test_the_heartbeat_names_the_first_rows_that_no_event_holds_and_counts_them_all() -> None:
    rows = [row(Inve, f"P{number:02d}", costo_prom=1e30) for number in range(25)]
    site = Site(row(Moned, 2, tcambio=2.0), *rows)
    site.run()
    site.sae.put(row(Moned, 2, tcambio=1e300))
    site.run()
    heartbeat = site.heartbeats()[-1]
    assert heartbeat.unpublished_count == 26
    assert [(one.entity, one.key) for one in heartbeat.unpublished] == [("product", f"P{number:02d}") for number in range(NAMED)]
    assert "average_cost" in heartbeat.unpublished[0].reason
    assert "1e+30" in heartbeat.unpublished[0].reason
    assert heartbeat.unpublished_of(Subject(Entity.PRODUCT)) == frozenset()  # not all of them


@pytest.mark.parametrize("mode", MODES)
def test_the_heartbeat_names_the_rows_whose_keys_are_those_of_others_once_trimmed(mode: Mode) -> None:
    site = Site(row(Clin, "L"), row(Clin, "\tL"), row(Inve, "A"), row(Inve, " A"), mode=mode)
    site.run()
    heartbeat = site.heartbeats()[-1]
    assert [(one.entity, one.key) for one in heartbeat.duplicates] == [("product", "A"), ("product_line", "L")]
    assert heartbeat.duplicate_count == 2
    assert heartbeat.complete
    assert heartbeat.unpublished_count == 0
    site.sae.drop(Clin, "\tL")
    site.settled()
    assert [(one.entity, one.key) for one in site.heartbeats()[-1].duplicates] == [("product", "A")]
    site.sae.put(*(row(Clin, f"\tL{number:02d}") for number in range(25)), *(row(Clin, f"L{number:02d}") for number in range(25)))
    site.settled()
    heartbeat = site.heartbeats()[-1]
    assert heartbeat.duplicate_count == 26
    assert len(heartbeat.duplicates) == NAMED


@pytest.mark.parametrize("mode", MODES)
def test_a_price_or_an_alternate_key_that_lost_to_another_spelling_of_the_product_is_named(mode: Mode) -> None:
    site = Site(row(Inve, "A"), row(Inve, "B"), row(PrecioXProd, "A", 1, precio=1.0), row(CvesAlter, " B", "X"), mode=mode)
    site.run()
    assert site.heartbeats()[-1].duplicates == ()
    site.sae.put(row(PrecioXProd, " A", 1, precio=2.0))
    site.settled()
    assert [(one.entity, one.key) for one in site.heartbeats()[-1].duplicates] == [("product", "A")]
    site.sae.put(row(CvesAlter, "B", "X"), row(CvesAlter, "B", " Y"))
    site.settled()
    assert [(one.entity, one.key) for one in site.heartbeats()[-1].duplicates] == [("product", "A"), ("product", "B")]
    site.sae.drop(PrecioXProd, " A", 1)
    site.settled()
    assert [(one.entity, one.key) for one in site.heartbeats()[-1].duplicates] == [("product", "B")]
    assert site.heartbeats()[-1].duplicate_count == 1


def test_what_lacks_is_named_before_what_has_an_older_event() -> None:
    site = Site(row(Clin, "A"), row(Moned, 1, tcambio=1.0), row(Moned, 2, tcambio=1e300))
    site.run()
    site.sae.put(row(Moned, 1, tcambio=1e300))
    site.run()
    assert [(one.entity, one.key) for one in site.heartbeats()[-1].unpublished] == [("currency", "2"), ("currency", "1")]
    assert site.heartbeats()[-1].unpublished_of(Subject(Entity.CURRENCY)) == {"1", "2"}
    assert site.heartbeats()[-1].unpublished_of(Subject(Entity.PRODUCT)) == frozenset()


@pytest.mark.parametrize("mode", MODES)
def test_the_heartbeat_tells_the_numbers_of_the_price_lists_as_soon_as_they_change(mode: Mode) -> None:
    site = Site(row(Precios, 5), row(Precios, 1), mode=mode)
    site.run()
    assert [heartbeat.price_lists for heartbeat in site.heartbeats()] == [None, (1, 5)]
    site.sae.put(row(Precios, 2))
    site.run()
    site.sae.drop(Precios, 5)
    site.run()
    site.run()
    assert [heartbeat.price_lists for heartbeat in site.heartbeats()[2:]] == [(1, 2, 5), (1, 2)]


def test_a_heartbeat_of_an_older_release_names_nothing() -> None:
    """So one that calls a topic incomplete says no more than that."""
    golden = json.loads((Path(__file__).parents[1] / "golden" / "word.8.json").read_text(encoding="utf-8"))
    decoder = Decoder()
    decoder.learn({8: json.dumps(golden["schema"])})
    heartbeat = parse(decoder, bytes.fromhex(golden["events"][0]["framed"]))
    assert (heartbeat.price_lists, heartbeat.unpublished, heartbeat.unpublished_count) == (None, (), 0)
    assert heartbeat.unpublished_of(Subject(Entity.STOCK, 1)) == frozenset()


def test_an_entity_is_complete_where_the_row_has_an_older_event() -> None:
    site = Site(row(Moned, 2, tcambio=2.0))
    site.run()
    site.sae.put(row(Moned, 2, tcambio=1e300))
    site.settled()
    assert site.heartbeats()[-1].complete


# failures

EVERYTHING = (
    row(Clin, "L"),
    row(Impu, 1, impuesto1=16.0),
    row(Moned, 1, tcambio=1.0),
    row(Inve, "A", cve_esqimpu=1),
    row(PrecioXProd, "A", 1, precio=5.0),
    row(Clie, "1"),
    row(Mult, "A", 1, exist=2.0),
    row(Almacenes, 2),
)
MOST_CALLS = 60


def edited(site: Site) -> None:
    site.sae.put(row(Clin, "L", desc_lin="new"), row(Inve, "B"), row(Mult, "B", 3, exist=1.0))
    site.sae.drop(Clie, "1")


def reaches(site: Site, at: int, how: How) -> bool:
    """Runs one pass that fails at the call; whether it came to that."""
    site.log.plan(at, how)
    try:
        site.run()
    except RetryableError:
        site.log.plan(0)
        return True
    site.log.plan(0)
    return False


def never_twice(site: Site) -> None:
    """No event repeats the one before it of the same key."""
    for topic, stored in site.log.store.topics.items():
        newest: dict[bytes, bytes | None] = {}
        for event in stored.events:
            if TOPICS.subject(topic) is not None:
                assert newest.get(event.key) != event.value, (topic, event)
                newest[event.key] = event.value


@pytest.mark.parametrize("how", ["before", "after", "half"])
@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("start", [True, False])
def test_a_log_that_fails_at_any_call_loses_nothing(how: How, restarts: bool, start: bool) -> None:
    """At a start or later; the process goes on or is a new one; the call did nothing, all, or half."""
    failed = 0
    for at in range(1, MOST_CALLS):
        site = Site(*EVERYTHING)
        if not start:
            site.run()
            edited(site)
        failed += reaches(site, at, how)
        if restarts:
            site.restart()
        site.settled()
        assert site.agrees()
        assert site.heartbeats()[-1].complete
        never_twice(site)
    assert (2 if how == "half" else 15) <= failed < MOST_CALLS - 1


@pytest.mark.parametrize("place", ["snapshot", Clin, Impu, Moned, Inve, PrecioXProd, Clie, Mult, Almacenes])
@pytest.mark.parametrize("start", [True, False])
def test_a_sae_that_fails_anywhere_loses_nothing_and_nothing_is_published(place: object, start: bool) -> None:
    site = Site(*EVERYTHING)
    if not start:
        site.run()
        edited(site)
        if place is Clie:
            site.sae.put(row(Clie, "2"))
    site.log.appended.clear()
    site.sae.fail[place] = ConnectionLost(text("gone"))
    with pytest.raises(ConnectionLost):
        site.run()
    assert site.published() == []
    site.settled()
    assert site.agrees()
    never_twice(site)


def test_after_a_failure_the_heartbeat_is_incomplete_until_all_was_compared() -> None:
    site = Site(*EVERYTHING)
    site.run()
    edited(site)
    site.sae.fail["snapshot"] = ConnectionLost(text("gone"))
    with pytest.raises(ConnectionLost):
        site.run()
    site.sae.fail["snapshot"] = ConnectionLost(text("still gone"))
    with pytest.raises(ConnectionLost):
        site.run()
    assert [heartbeat.complete for heartbeat in site.heartbeats()] == [False, True, False]


STOPS: dict[str, Callable[[], BaseException]] = {"a bug": lambda: ZeroDivisionError("bug"), "Ctrl-C": KeyboardInterrupt}


@pytest.mark.parametrize("stop", STOPS)
def test_whatever_ends_a_pass_the_next_one_starts_over(stop: str) -> None:
    site = Site(*EVERYTHING)
    site.run()
    edited(site)
    error = STOPS[stop]()
    site.log.plan(12, "after", error)
    with pytest.raises(type(error)):
        site.run()
    site.log.plan(0)
    site.settled()
    assert site.agrees()
    never_twice(site)
