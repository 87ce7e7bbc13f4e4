"""Resync: why it begins, what it does to rows and ledger, and that a till never sees an older value on the way."""

from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from consumer.follow import PROVE_SECONDS
from consumer.ledger.parked import Reason
from consumer.ledger.state import UNSEEN
from consumer.policies import Policies
from foundation.errors import ConnectionLost
from foundation.eventlog.memory import MemoryLog
from foundation.eventlog.port import DAY_MS, Batch, Offset, Topic, TopicSettings
from foundation.texts import text
from schemas.entities import Entity, Subject
from schemas.keys import Key
from tests.fakes.caja import MemoryCaja
from tests.unit.consuming import MAPPERS, TOPICS, Site

PRODUCT, STOCK = Subject(Entity.PRODUCT), Subject(Entity.STOCK, 1)
TOPIC = TOPICS.of(PRODUCT)
LAST = TopicSettings().tombstones_last
A_DAY = TopicSettings(min_compaction_lag_ms=0, delete_retention_ms=DAY_MS)
"""What Kafka gives a topic of which nobody says anything."""


def price(site: Site, key: str, amount: int, **changed: Any) -> None:
    site.product(key, prices=[{"list": 1, "amount": Decimal(amount), "tax_included": None}], **changed)


def shown(site: Site, key: str) -> Any:
    return (site.row("CATINVEN", key) or {}).get("PRECIOP")


def cut(site: Site, count: int) -> None:
    """A power cut takes the last events of the product topic."""
    stored = site.log.store.topics[TOPIC]
    stored.end -= count
    stored.events = [event for event in stored.events if event.offset < stored.end]


class WatchedCaja(MemoryCaja):
    """Remembers every price that a commit showed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(MAPPERS, **options)
        self.shown: list[Any] = []

    @property
    def content(self) -> Any:
        return self._content

    @content.setter
    def content(self, new: Any) -> None:
        self._content = new
        row = new.table("CATINVEN").get(("P1",))
        if row is not None and hasattr(self, "shown"):
            self.shown.append(row["PRECIOP"])


def test_each_key_is_applied_once_so_that_no_till_sees_an_older_price() -> None:
    # Given a CAJA that shows the newest of many prices, and lost its ledger
    caja = WatchedCaja()
    site = Site(caja=caja)
    for n in range(60):
        price(site, "P1", n)
        price(site, f"F{n}", n)
    site.step()
    site.caja.content.progress.clear()
    # When everything is read again, in transactions as small as they get
    caja.shown.clear()
    site.consumer = site.another()
    site.consumer.pace.limit = 1
    site.step()
    # Then no other price was ever seen
    assert set(caja.shown) == {59.0}


def test_a_row_that_somebody_changed_is_written_again_and_an_equal_one_is_not() -> None:
    site = Site()
    price(site, "P1", 10)
    price(site, "P2", 20)
    site.step()
    (site.row("CATINVEN", "P1") or {})["PRECIOP"] = 1.0
    touched = site.caja.touched
    site.fingerprint = "print 2"
    site.consumer = site.another()
    site.step()
    assert shown(site, "P1") == 10.0
    assert site.caja.touched == touched + 1
    assert site.consumer.reports[PRODUCT].keys == 2
    assert site.consumer.reports[PRODUCT].written == 1


@pytest.mark.parametrize("cause", ["no ledger", "another identity", "cut", "regrown", "fingerprint", "age", "asked for"])
def test_every_cause_leads_to_a_resync(cause: str) -> None:
    site = Site()
    price(site, "P1", 10)
    price(site, "P2", 20)
    site.step()
    assert PRODUCT in site.consumer.reports
    site.consumer = site.another()
    match cause:
        case "no ledger":
            site.caja.content.progress.pop(TOPIC)
        case "another identity":
            site.log.store.topics.pop(TOPIC)
            price(site, "P2", 20)
            price(site, "P3", 30)
        case "cut":
            cut(site, 1)
        case "regrown":
            cut(site, 1)
            price(site, "P2", 21)
        case "fingerprint":
            site.fingerprint = "print 2"
            site.consumer = site.another()
        case "age":
            site.clock.now += (LAST + timedelta(seconds=1)).total_seconds()
        case _:
            assert site.consumer.take_over()
            site.consumer.ask_for_resync([Entity.PRODUCT])
    site.clock.now += 30  # a standby's patience; the first process is gone
    site.hear()
    assert PRODUCT in site.consumer.reports


def test_nothing_is_resynced_without_a_cause() -> None:
    site = Site()
    price(site, "P1", 10)
    site.step()
    site.clock.now += (LAST - timedelta(seconds=60)).total_seconds()
    site.consumer = site.another()
    price(site, "P1", 11)
    site.step()
    assert site.consumer.reports == {}
    assert shown(site, "P1") == 11.0


def keep(site: Site, settings: TopicSettings) -> None:
    site.log.store.topics[TOPIC].settings = settings


@pytest.mark.parametrize(
    ("settings", "away"),
    [
        (A_DAY, timedelta(days=1)),
        (TopicSettings(min_compaction_lag_ms=DAY_MS, delete_retention_ms=DAY_MS), timedelta(days=2)),
        (TopicSettings(min_compaction_lag_ms=0, delete_retention_ms=0), timedelta(hours=1)),  # told by check: no reader can be so quick
    ],
)
def test_a_caja_that_was_away_for_longer_than_its_topic_keeps_tombstones_is_resynced(settings: TopicSettings, away: timedelta) -> None:
    site = Site()
    price(site, "P1", 10)
    site.step()
    keep(site, settings)
    for seconds, resynced in ((-60, False), (60, True)):
        site.consumer = site.another()
        site.clock.now += (away + timedelta(seconds=seconds)).total_seconds()
        site.step()
        assert (PRODUCT in site.consumer.reports) is resynced


def test_the_time_is_the_topics_own_also_where_it_changes_while_the_consumer_works() -> None:
    site = Site()
    price(site, "P1", 10)
    site.step()
    site.consumer = site.another()
    for settings, resynced in ((TopicSettings(), False), (A_DAY, True)):
        keep(site, settings)
        site.clock.now += timedelta(days=30).total_seconds()
        site.step()
        assert (PRODUCT in site.consumer.reports) is resynced


class SecretiveLog(MemoryLog):
    """Does not tell how its topics are kept."""

    def settings(self, topic: Topic) -> TopicSettings | None:
        super().settings(topic)
        return None


def test_where_the_log_does_not_tell_how_long_it_keeps_tombstones_a_day_is_taken_for_it() -> None:
    site = Site(log=SecretiveLog())
    price(site, "P1", 10)
    site.step()
    for hours, resynced in ((23, False), (25, True)):
        site.consumer = site.another()
        site.clock.now += timedelta(hours=hours).total_seconds()
        site.step()
        assert (PRODUCT in site.consumer.reports) is resynced


class CountingLog(MemoryLog):
    """Counts how often somebody asks how a topic is kept."""

    asked = 0

    def settings(self, topic: Topic) -> TopicSettings | None:
        self.asked += 1
        return super().settings(topic)


def test_how_long_tombstones_are_kept_is_asked_seldom() -> None:
    log = CountingLog()
    site = Site(log=log)
    price(site, "P1", 10)
    site.step()
    for _ in range(200):
        site.clock.now += 60
        price(site, "P1", int(site.clock.now))
        site.step()
    assert log.asked == 0
    site.clock.now += timedelta(days=2).total_seconds()
    site.step()
    asked = log.asked
    for _ in range(10):
        site.step()
    assert asked == log.asked > 0


@pytest.mark.parametrize("settings", [TopicSettings(), A_DAY, TopicSettings(min_compaction_lag_ms=0, delete_retention_ms=0)])
def test_a_quiet_topic_that_is_watched_is_never_resynced_however_short_it_keeps_tombstones(settings: TopicSettings) -> None:
    site = Site()
    price(site, "P1", 10)
    site.step()
    keep(site, settings)
    site.consumer = site.another()
    for _ in range(200):
        site.clock.now += timedelta(minutes=20).total_seconds()
        site.step()
    assert site.consumer.reports == {}


def test_a_quiet_topic_is_followed_for_years_without_a_resync() -> None:
    site = Site()
    price(site, "P1", 10)
    site.step()
    site.consumer = site.another()
    for _ in range(100):
        site.clock.now += timedelta(days=7).total_seconds()
        site.step()
    assert site.consumer.reports == {}


class SlowLog(MemoryLog):
    """Gives few events at once."""

    def read(self, topic: Topic, offset: Offset, limit: int = 1000) -> Batch:
        return super().read(topic, offset, min(limit, 50))


@pytest.mark.parametrize("settings", [TopicSettings(), A_DAY])
def test_being_behind_for_long_is_found_while_behind(settings: TopicSettings) -> None:
    # Given a consumer that never reaches the end, for as long as tombstones are kept
    site = Site(log=SlowLog())
    for n in range(200):
        price(site, f"P{n}", n)
    site.step()
    site.consumer = site.another()
    for n in range(150):
        price(site, f"P{n}", n + 1000)
    site.consumer.step()
    assert site.consumer.reports == {}
    assert shown(site, "P48") == 1048.0
    assert shown(site, "P149") == 149.0
    # When that time is over
    keep(site, settings)
    site.clock.now += (settings.tombstones_last + timedelta(seconds=1)).total_seconds()
    site.step()
    # Then it starts over
    assert PRODUCT in site.consumer.reports
    assert shown(site, "P149") == 1149.0


def test_a_tail_that_was_lost_and_grew_again_to_the_same_length_is_noticed_in_time() -> None:
    site = Site()
    price(site, "P1", 10)
    price(site, "P1", 11)
    site.step()
    site.step()
    cut(site, 1)
    price(site, "P1", 12)
    site.clock.now += PROVE_SECONDS
    site.hear()
    assert shown(site, "P1") == 12.0


def test_what_waits_and_is_no_longer_in_the_log_waits_no_longer() -> None:
    site = Site()
    site.caja.sales.add((1, Key("P1")))
    price(site, "P1", 10)
    site.stock("P1", Decimal(3))
    site.step()
    assert site.parked() == {"P1": "unposted-sales"}
    site.log.store.topics.pop(TOPICS.of(STOCK))
    site.stock("P2", Decimal(1))
    site.hear()
    assert site.parked() == {"P2": "parent"}


def test_what_waits_of_a_broken_lineage_is_not_tried_before_the_resync_has_read_it() -> None:
    # Given a price that waits for a till
    caja = WatchedCaja()
    site = Site(caja=caja)
    price(site, "P1", 10)
    site.step()
    site.caja.locked.add(("CATINVEN", ("P1",)))
    price(site, "P1", 11)
    site.step()
    assert site.parked() == {"P1": Reason.LOCKED}
    # When the log is another one, which holds a newer price
    site.log.store.topics.pop(TOPIC)
    for n in range(30):
        price(site, f"F{n}", n)
    price(site, "P1", 12)
    site.caja.locked.clear()
    site.clock.now += 100
    caja.shown.clear()
    site.consumer.pace.limit = 5
    site.hear()
    # Then the one that waited was never shown
    assert set(caja.shown) <= {10.0, 12.0}
    assert shown(site, "P1") == 12.0


def test_ledger_rows_of_keys_that_the_log_does_not_hold_are_marked_and_a_later_event_is_applied() -> None:
    site = Site()
    price(site, "P1", 10)
    price(site, "P2", 20)
    site.step()
    site.log.store.topics.pop(TOPIC)
    price(site, "P1", 10)
    site.hear()
    assert site.caja.content.hashes[PRODUCT][Key("P2")] == UNSEEN
    price(site, "P2", 20)
    (site.row("CATINVEN", "P2") or {})["PRECIOP"] = 5.0
    site.step()
    assert shown(site, "P2") == 20.0


def test_a_resync_that_was_killed_starts_again_and_ends_equal() -> None:
    for kill_at in range(12):
        site = Site()
        for n in range(30):
            price(site, f"P{n}", n)
        site.consumer.pace.limit = 7
        with suppress(ConnectionLost):
            for n in range(40):
                if n == kill_at:
                    (site.caja.crash_before if n % 2 else site.caja.crash_after).append(ConnectionLost(text("gone")))
                site.consumer.step()
        site.caja.crash_before.clear()
        site.caja.crash_after.clear()
        site.consumer = site.another()
        site.step()
        assert [shown(site, f"P{n}") for n in range(30)] == [float(n) for n in range(30)]
        assert TOPIC in site.caja.content.progress


def test_a_topic_that_is_made_again_while_it_is_read_is_read_again() -> None:
    for after in range(1, 6):
        site = Site()
        for n in range(30):
            price(site, f"P{n}", n)
        site.consumer.pace.limit = 7
        for _ in range(after):
            site.consumer.step()
        site.log.store.topics.pop(TOPIC)
        price(site, "P1", 100)
        site.clock.now += PROVE_SECONDS
        site.hear()
        assert shown(site, "P1") == 100.0
        position = site.caja.content.progress[TOPIC].position
        assert (position.topic_id, position.next_offset) == (site.log.store.topics[TOPIC].topic_id, 1)


def test_what_comes_while_a_resync_runs_is_applied_after_it() -> None:
    site = Site()
    for n in range(30):
        price(site, f"P{n}", n)
    site.consumer.pace.limit = 7
    for n in range(4):
        site.consumer.step()
        price(site, f"P{n}", 1000 + n)
    site.step()
    assert [shown(site, f"P{n}") for n in range(5)] == [1000.0, 1001.0, 1002.0, 1003.0, 4.0]


def test_a_ledger_says_how_far_a_resync_is() -> None:
    site = Site()
    for n in range(30):
        price(site, f"P{n}", n)
    site.consumer.pace.limit = 7
    seen = []
    for _ in range(8):
        site.consumer.step()
        seen.append(site.consumer.resyncing.get(PRODUCT))
    assert seen[:2] == [(0, 60), (30, 60)]
    assert seen[-1] is None


def test_many_old_rejections_do_not_stop_a_resync() -> None:
    # Given a CAJA where many changes were rejected one by one
    site = Site()
    site.step()
    for n in range(14):
        site.append(PRODUCT, b"BAD%d" % n, b"garbage")
        site.step()
    assert len(site.parked()) == 14
    # When a resync meets all of them in one batch
    site.fingerprint = "print 2"
    site.consumer = site.another()
    site.step()
    assert len(site.parked()) == 14
    assert PRODUCT in site.consumer.reports


def test_superseded_events_are_neither_decoded_nor_written() -> None:
    site = Site()
    site.append(PRODUCT, b"P1", b"garbage, long superseded")
    for n in range(50):
        price(site, "P1", n)
    step = site.step()
    assert step is not None
    assert step.applied == 1
    assert site.parked() == {}


def test_policies_that_change_take_effect_by_themselves() -> None:
    site = Site()
    price(site, "P1", 10)
    site.publish(PRODUCT, "P1", None)
    site.step()
    price(site, "P2", 10)
    site.publish(PRODUCT, "P2", None)
    other = Site(Policies(inactivate_missing_products=True), caja=site.caja, log=site.log, fingerprint="print 2", clock=site.clock)
    site.caja.content.table("CATINVEN")[("P1",)] = {"PRODUCTO": "P1", "ALTA": "T"}
    site.consumer.release()
    other.step()
    assert (other.row("CATINVEN", "P1") or {})["ALTA"] == "F"


def test_a_log_that_went_away_and_came_back_is_another_one() -> None:
    site = Site()
    price(site, "P1", 10)
    site.step()
    site.consumer.release()
    site.log = MemoryLog()
    site.__post_init__()
    site.log.create({TOPIC: TopicSettings()})
    site.hear()
    assert site.caja.content.progress[TOPIC].position.next_offset == Offset(0)
    assert shown(site, "P1") == 10.0
