"""Which SAE the log holds: another one, or one much older, waits until somebody says that it is meant."""

import logging
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import ConnectionLost, ExitCode
from foundation.eventlog.port import Record
from foundation.texts import text
from producer.recognition import (
    FEWEST_MARKS,
    FEWEST_PRODUCTS,
    MUCH_OLDER,
    READ_AGAIN_SECONDS,
    AnotherSae,
    age,
    difference,
    is_recognised,
    refuse_much_older,
    refuse_strange_products,
    remembered,
)
from producer.sae.identity import hashed_rfc, hashed_uuid
from producer.sae.tables import Clin, Inve
from schemas.codec import UnknownSchemaError
from schemas.control import SAE, SaeIdentity, record
from tests.fakes.sae import row
from tests.unit.producing import MODES, TOPICS, Mode, Site

MARKS = ("m1", "m2", "m3", "m4")
NEWEST = datetime(2026, 6, 1, 12)  # noqa: DTZ001 - as SAE has it
OURS = SaeIdentity(rfc="ours", marks=MARKS, newest=NEWEST, place="here")
THEIRS = SaeIdentity(rfc="theirs", marks=("t1", "t2", "t3"), newest=NEWEST, place="there")
PRODUCTS = [row(Inve, f"P{n}", descr="ours") for n in range(FEWEST_PRODUCTS)]

identities = st.builds(
    SaeIdentity,
    rfc=st.none() | st.sampled_from(["a", "b"]),
    marks=st.sets(st.sampled_from("abcdefgh")).map(lambda found: tuple(sorted(found))),
    newest=st.none() | st.integers(-400, 400).map(lambda days: NEWEST + timedelta(days=days)),
    place=st.sampled_from(["here", "there"]),
)


# the judgement


@given(identities, identities)
def test_either_tells_the_same_of_the_other(one: SaeIdentity, other: SaeIdentity) -> None:
    assert (difference(one, other) is None) == (difference(other, one) is None)
    assert is_recognised(one, other) == is_recognised(other, one)


@given(identities)
def test_an_sae_is_never_another_than_itself_wherever_it_is_read(one: SaeIdentity) -> None:
    assert difference(one, replace(one, place="elsewhere")) is None
    assert age(one, replace(one, place="elsewhere")) == timedelta()


@given(identities, identities)
def test_what_one_side_does_not_know_tells_nothing(one: SaeIdentity, other: SaeIdentity) -> None:
    assert difference(one, SaeIdentity()) is None
    assert not is_recognised(one, SaeIdentity())
    assert difference(replace(one, rfc=None, marks=()), other) is None


@given(identities, identities)
def test_another_rfc_is_another_sae(one: SaeIdentity, other: SaeIdentity) -> None:
    assert difference(replace(one, rfc="a"), replace(other, rfc="b")) is not None


@given(st.sets(st.integers(0, 40), min_size=FEWEST_MARKS), st.data())
def test_rows_that_come_and_go_make_no_other_sae_as_long_as_half_of_them_stay(marks: set[int], data: st.DataObject) -> None:
    kept = data.draw(st.sets(st.sampled_from(sorted(marks)), min_size=(len(marks) + 1) // 2))
    added = data.draw(st.sets(st.integers(100, 140), max_size=len(kept)))
    one, other = (SaeIdentity(marks=tuple(map(str, sorted(found)))) for found in (marks, kept | added))
    assert difference(one, other) is None


@given(st.sets(st.integers(0, 40), min_size=FEWEST_MARKS), st.sets(st.integers(100, 140), min_size=FEWEST_MARKS))
def test_none_of_the_rows_is_another_sae_also_under_the_same_rfc(ours: set[int], theirs: set[int]) -> None:
    one, other = (SaeIdentity(rfc="a", marks=tuple(map(str, found))) for found in (ours, theirs))
    assert difference(one, other) is not None


@given(identities, identities)
def test_what_sae_no_longer_tells_the_log_goes_on_to_know(known: SaeIdentity, found: SaeIdentity) -> None:
    kept = remembered(known, found)
    assert (kept.rfc, kept.marks, kept.newest) == (found.rfc or known.rfc, found.marks or known.marks, found.newest or known.newest)
    assert kept.place == found.place
    assert remembered(kept, found) == kept


@given(st.integers(0, 500), st.integers(0, 500), st.data())
def test_hardly_any_product_in_common_is_another_sae_where_both_have_some(in_log: int, in_sae: int, data: st.DataObject) -> None:
    shared = data.draw(st.integers(0, min(in_log, in_sae)))
    is_strange = min(in_log, in_sae) >= FEWEST_PRODUCTS and 10 * shared < min(in_log, in_sae)
    try:
        refuse_strange_products(OURS, OURS, in_log, in_sae, shared)
    except AnotherSae:
        assert is_strange
    else:
        assert not is_strange


@pytest.mark.parametrize(
    ("older", "changed", "is_refused"),
    [(MUCH_OLDER, 10, True), (MUCH_OLDER, 9, False), (MUCH_OLDER - timedelta(seconds=1), 100, False), (10 * MUCH_OLDER, 0, False)],
)
def test_much_older_is_what_is_older_and_would_take_much_back(older: timedelta, changed: int, is_refused: bool) -> None:
    found = replace(OURS, newest=NEWEST - older)
    if is_refused:
        with pytest.raises(AnotherSae, match=f"{older.days} days older.*{changed} of its 100 keys.*--accept-sae"):
            refuse_much_older(OURS, found, 100, changed)
    else:
        refuse_much_older(OURS, found, 100, changed)


def test_an_rfc_is_the_same_however_it_is_spelt_and_that_of_the_public_is_nobodys() -> None:
    assert hashed_rfc("abc-010203 AB1") == hashed_rfc("ABC010203AB1 ") != hashed_rfc("ABC010203AB2")
    assert hashed_rfc("ÑAÑ010203AB1") != hashed_rfc("AA010203AB1")
    assert [hashed_rfc(raw) for raw in ("", " - ", "XAXX010101000", "xexx-010101-000")] == [None] * 4


def test_neither_the_rfc_nor_a_uuid_can_be_read_in_the_identity() -> None:
    found = [hashed_rfc("ABC010203AB1"), hashed_uuid("MONED", "5C9E8F0A-0000-4000-8000-000000000001")]
    assert not [one for one in found if one is None or "ABC" in one or "5C9E" in one.upper()]
    assert hashed_uuid("MONED", " 5c9e ") == hashed_uuid("MONED", "5C9E") != hashed_uuid("IMPU", "5C9E")


# the producer


def site_of(mode: Mode, *rows: object) -> Site:
    """One whose log holds our SAE."""
    site = Site(*(rows or PRODUCTS), mode=mode)
    site.sae.which = OURS
    site.settled()
    site.log.appended.clear()
    return site


def said(site: Site) -> list[SaeIdentity]:
    """The SAE that the log held, one after the other."""
    return [heartbeat.sae for heartbeat in site.heartbeats() if heartbeat.sae is not None]


def refused(site: Site, match: str) -> None:
    """And nothing at all is written."""
    site.log.appended.clear()
    with pytest.raises(AnotherSae, match=match) as raised:
        site.run()
    assert raised.value.exit_code == ExitCode.CONFIG
    assert "puente produce --accept-sae" in str(raised.value)
    assert site.published() == []


@pytest.mark.parametrize("mode", MODES)
def test_the_first_pass_says_which_sae_it_is_before_it_publishes_and_the_next_ones_are_silent(mode: Mode) -> None:
    site = Site(*PRODUCTS, mode=mode)
    site.sae.which = OURS
    site.run()
    keys = [record.key for record in site.log.appended if record.topic in (TOPICS.control, site.published()[0].topic)]
    assert keys.index(SAE) < keys.index(b"P0")
    site.sae.put(row(Clin, "L"))
    site.settled()
    site.restart()
    site.settled()
    assert said(site) == [OURS]


@pytest.mark.parametrize("mode", MODES)
def test_another_sae_is_refused_before_anything_is_sent_and_the_first_one_goes_on(mode: Mode) -> None:
    site = site_of(mode)
    site.sae.which = THEIRS
    site.restart()
    site.log.appended.clear()
    refused(site, "there is not the SAE that the log holds, which was read from here: its company has another RFC")
    assert site.log.appended == []  # not even a claim
    site.sae.which = replace(THEIRS, rfc=None)
    refused(site, "currencies, tax schemes, price lists and warehouses are others")
    site.sae.which = OURS
    site.restart()
    site.sae.put(row(Clin, "L"))
    site.settled()
    assert site.agrees()


@pytest.mark.parametrize("mode", MODES)
def test_what_is_accepted_is_remembered_by_the_log(mode: Mode) -> None:
    site = site_of(mode)
    site.sae.which = THEIRS
    site.restart(accepts_sae=True)
    site.settled()
    site.restart()
    site.settled()
    assert said(site) == [OURS, THEIRS]
    site.sae.which = OURS
    site.restart()
    refused(site, "another RFC")


@pytest.mark.parametrize("mode", MODES)
def test_what_was_accepted_once_is_not_accepted_for_ever(mode: Mode) -> None:
    site = site_of(mode)
    site.restart(accepts_sae=True)
    site.settled()
    site.sae.which = THEIRS
    site.producer.forget()
    refused(site, "another RFC")


@pytest.mark.parametrize("mode", MODES)
def test_killed_right_after_it_was_accepted_it_is_accepted(mode: Mode) -> None:
    site = site_of(mode)
    site.sae.which = THEIRS
    site.sae.put(row(Inve, "P0", descr="theirs"))
    site.restart(accepts_sae=True)

    def dies(records: list[Record]) -> bool:
        return any(TOPICS.subject(one.topic) is not None for one in records)

    append = site.log.append
    site.log.append = lambda records: pytest.fail("killed") if dies(part := list(records)) else append(part)  # type: ignore[method-assign]
    with pytest.raises(pytest.fail.Exception, match="killed"):
        site.run()
    site.log.append = append  # type: ignore[method-assign]
    assert said(site) == [OURS, THEIRS]
    site.restart()
    site.settled()
    assert site.agrees()


@pytest.mark.parametrize("mode", MODES)
def test_it_survives_a_clean_end(mode: Mode) -> None:
    """Which takes the heartbeat back, so that compaction may remove it."""
    site = site_of(mode)
    site.producer.release()
    topic = site.log.store.topics[TOPICS.control]
    topic.events[:] = [event for event in topic.events if event.key == SAE]
    site.sae.which = THEIRS
    site.restart()
    refused(site, "another RFC")


@pytest.mark.parametrize("mode", MODES)
def test_a_log_of_an_earlier_release_takes_the_first_that_comes(mode: Mode) -> None:
    site = Site(*PRODUCTS, mode=mode)
    site.settled()
    assert said(site) == []
    site.sae.which = THEIRS
    site.restart()
    site.settled()
    assert said(site) == [THEIRS]


@pytest.mark.parametrize("mode", MODES)
def test_a_database_that_is_swapped_between_two_calls_is_recognised_before_anything_of_it_is_published(mode: Mode) -> None:
    """The engine connects again, and nobody notices."""
    site = site_of(mode)
    site.sae.put(row(Inve, "P0", descr="theirs"))
    site.sae.which, site.sae.connections = THEIRS, site.sae.connections + 1
    refused(site, "another RFC")


@pytest.mark.parametrize("mode", MODES)
def test_where_the_session_ends_while_it_is_asked_which_sae_it_is_everything_starts_over(mode: Mode) -> None:
    site = site_of(mode)
    site.sae.connections += 1
    site.sae.put(row(Clin, "L"))
    asked = site.sae.identity

    def ends() -> SaeIdentity:
        site.sae.connections += 1
        return asked()

    site.sae.identity = ends  # type: ignore[method-assign]
    with pytest.raises(ConnectionLost):
        site.run()
    site.sae.identity = asked  # type: ignore[method-assign]
    site.settled()
    assert site.agrees()


@pytest.mark.parametrize("mode", MODES)
def test_hardly_any_product_in_common_is_another_sae_whatever_it_says_of_itself(mode: Mode) -> None:
    site = site_of(mode)
    number = site.sae.begin()
    for one in PRODUCTS:
        site.sae.erase(number, Inve, one.cve_art)
    site.sae.write(number, *(row(Inve, f"Q{n}") for n in range(FEWEST_PRODUCTS)))
    site.sae.commit(number)
    site.restart()
    refused(site, f"of its {FEWEST_PRODUCTS} products the log has 0")


@pytest.mark.parametrize("mode", MODES)
def test_an_sae_that_lost_its_products_is_the_same_one(mode: Mode) -> None:
    """That is a mass change: those deletes are held, all else goes on."""
    site = site_of(mode)
    site.sae.drop(Inve)
    site.sae.put(row(Clin, "L"))
    site.restart()
    assert [record.key for record in site.settled()] == [b"L"]


@pytest.mark.parametrize("mode", MODES)
def test_a_backup_that_is_put_back_is_told_once_and_goes_on(mode: Mode, caplog: pytest.LogCaptureFixture) -> None:
    site = site_of(mode)
    site.sae.put(row(Inve, "P0", descr="older"))
    site.sae.which = replace(OURS, newest=NEWEST - timedelta(days=12))
    site.restart()
    with caplog.at_level(logging.WARNING):
        site.settled()
        site.restart()
        site.settled()
    assert [(line.getMessage(), vars(line)["days"]) for line in caplog.records] == [
        ("SAE is older than the log: a backup was put back, and every CAJA goes back with it", "12.0")
    ]
    assert site.agrees()


@pytest.mark.parametrize("mode", MODES)
def test_one_that_is_much_older_waits_until_it_is_accepted(mode: Mode) -> None:
    site = site_of(mode)
    for one in PRODUCTS:
        site.sae.put(one._replace(descr="older"))
    site.sae.which = replace(OURS, newest=NEWEST - timedelta(days=90))
    site.restart()
    refused(site, r"90 days older than the SAE that the log holds, and 20 of its \d+ keys")
    refused(site, "90 days older")
    site.restart(accepts_sae=True)
    site.settled()
    site.restart()
    site.settled()
    assert site.agrees()


@pytest.mark.parametrize("mode", MODES)
def test_how_far_sae_has_come_is_read_again_now_and_then(mode: Mode) -> None:
    """In one session it is one database, whatever its owner edits: another RFC, too."""
    site = site_of(mode)
    site.sae.which = later = replace(OURS, newest=NEWEST + timedelta(days=2), rfc="renamed")
    compares_again(site)
    assert said(site) == [OURS]
    site.clock.seconds += READ_AGAIN_SECONDS
    compares_again(site)
    assert said(site) == [OURS, later]


def compares_again(site: Site) -> None:
    """In the same session, as a capture does at night."""
    site.producer._capture.forget()
    site.run()


def test_an_identity_that_nobody_can_read_is_none() -> None:
    site = site_of(MODES[0])
    site.log.append([Record(topic=TOPICS.control, key=SAE, value=b"garbage", headers=())])
    site.sae.which = THEIRS
    site.restart()
    site.settled()
    assert said_in(site) == THEIRS


def test_an_identity_of_a_newer_release_whose_schema_nobody_knows_stops_the_producer() -> None:
    site = site_of(MODES[0])
    site.log.append([Record(topic=TOPICS.control, key=SAE, value=b"\x00\x00\x00\x99\x00later", headers=())])
    site.restart()
    with pytest.raises(UnknownSchemaError, match="upgrade"):
        site.run()


def said_in(site: Site) -> SaeIdentity | None:
    """By what the producer itself reads."""
    index = site.producer._index
    assert index is not None
    return index.sae()


def test_what_the_heartbeat_tells_is_read_back() -> None:
    site = site_of(MODES[0])
    assert said_in(site) == OURS
    heartbeat = replace(site.heartbeats()[-1], sae=replace(OURS, newest=None, rfc=None))
    site.log.append([record(TOPICS.control, heartbeat)])
    site.run()
    assert said_in(site) == replace(OURS, newest=None, rfc=None)


def test_where_nothing_tells_it_goes_on_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    site = site_of(MODES[0])
    site.sae.which = SaeIdentity(place="there")
    site.restart()
    with caplog.at_level(logging.INFO):
        site.settled()
    assert [line.getMessage() for line in caplog.records if vars(line)["action"] == "unrecognised"] == [
        "Nothing in SAE tells whether it is the one that the log holds; its products do"
    ]
    # And what the log knew it keeps
    assert said(site) == [OURS, replace(OURS, place="there")]


def test_a_failure_of_sae_while_it_is_asked_is_that_failure() -> None:
    site = site_of(MODES[0])
    site.restart()
    site.sae.fail["identity"] = ConnectionLost(text("planted"))
    with pytest.raises(ConnectionLost):
        site.run()
    site.settled()
    assert site.agrees()


def test_what_a_displaced_producer_wrote_over_it_is_put_right() -> None:
    """It had read a log that held no SAE, and went on with its pass after the other's claim."""
    site = site_of(MODES[0])
    displaced = site.heartbeats()[-1]
    site.restart()
    site.settled()
    site.log.append([record(TOPICS.control, replace(displaced, sae=THEIRS))])
    site.run()
    assert said_in(site) == THEIRS
    for line in ("L", "M"):
        site.sae.put(row(Clin, line))
        site.settled()
        assert said_in(site) == OURS


def test_one_that_was_told_to_take_sae_does_so_whatever_a_displaced_producer_wrote() -> None:
    site = site_of(MODES[0])
    displaced = site.heartbeats()[-1]
    site.sae.which = THEIRS
    site.restart(accepts_sae=True)
    site.producer.claim()
    site.log.append([record(TOPICS.control, replace(displaced, sae=OURS))])
    site.settled()
    assert said_in(site) == THEIRS
