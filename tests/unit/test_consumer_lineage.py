"""A log with a broken lineage may hold older values than CAJA shows: nothing of it goes in before the producer held it against SAE."""

from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest

from consumer.follow import PROVE_SECONDS
from consumer.ledger.state import PositionState
from consumer.policies import Policies
from foundation.errors import ConnectionLost
from foundation.eventlog.memory import StoredTopic
from foundation.texts import text
from schemas.entities import Entity, Subject
from tests.unit.consuming import TOPICS, Site, customer
from tests.unit.test_consumer_parked import ListeningLog
from tests.unit.test_consumer_resync import cut, price, shown

PRODUCT, CUSTOMER, STOCK = Subject(Entity.PRODUCT), Subject(Entity.CUSTOMER), Subject(Entity.STOCK, 1)
TOPIC = TOPICS.of(PRODUCT)


def ahead(**options: Any) -> Site:
    """A CAJA that shows 11, whose log lost that and ends with 10."""
    site = Site(**options)
    price(site, "P1", 10)
    price(site, "P1", 11)
    site.step()
    cut(site, 1)
    site.step()
    assert site.consumer.listening == [PRODUCT]
    return site


def test_a_lost_end_is_read_once_the_producer_has_published_it_again() -> None:
    site = ahead()
    assert shown(site, "P1") == 11.0
    price(site, "P1", 12)
    site.step()
    assert shown(site, "P1") == 11.0
    site.say()
    site.step()
    assert shown(site, "P1") == 12.0
    assert site.consumer.listening == []
    assert PRODUCT in site.consumer.reports


def test_a_heartbeat_of_before_does_not_count() -> None:
    site = Site()
    price(site, "P1", 10)
    price(site, "P1", 11)
    site.step()
    site.say(end_of={PRODUCT: 1})
    cut(site, 1)
    for _ in range(3):
        site.step()
    assert shown(site, "P1") == 11.0


@pytest.mark.parametrize(
    "heartbeat", [{"lacking": [PRODUCT], "compared": False}, {"end_of": {PRODUCT: 2}}], ids=["starting", "of another end"]
)
def test_a_heartbeat_that_does_not_say_so_does_not_count(heartbeat: dict[str, Any]) -> None:
    site = ahead()
    site.say(**heartbeat)
    site.step()
    assert shown(site, "P1") == 11.0
    assert site.consumer.listening == [PRODUCT]


def test_a_heartbeat_about_another_topic_of_that_name_does_not_count() -> None:
    site = ahead()
    site.say()
    site.log.store.topics[TOPIC] = StoredTopic()
    price(site, "P1", 9)
    site.step()
    assert shown(site, "P1") == 11.0


def test_rows_that_no_event_can_hold_do_not_keep_the_others_waiting() -> None:
    site = ahead()
    price(site, "P1", 12)
    site.say(lacking=[PRODUCT])
    site.step()
    assert shown(site, "P1") == 12.0


def test_where_the_control_topic_is_made_again_a_heartbeat_in_the_new_one_counts() -> None:
    site = ahead()
    site.log.store.topics[TOPICS.control] = StoredTopic()
    site.step()
    site.say()
    site.step()
    assert site.consumer.listening == []


def test_everything_else_goes_on_meanwhile_and_its_end_is_waited_for() -> None:
    log = ListeningLog()
    site = ahead(log=log)
    site.publish(CUSTOMER, "C1", customer("C1", name="Ana"))
    site.stock("P1", Decimal(3))
    step = site.step()
    assert step is not None
    assert step.at_end
    assert site.row("CATCLIEN", "C1") is not None
    assert site.row("EXIST", "P1", 1) is not None
    log.asked.clear()
    site.consumer.wait(1)
    assert TOPIC not in log.asked[0]
    assert TOPICS.of(CUSTOMER) in log.asked[0]


def test_the_next_process_waits_for_a_heartbeat_of_its_own() -> None:
    site = ahead()
    site.say()
    site.consumer.release()
    site.consumer = site.another()
    site.step()
    assert shown(site, "P1") == 11.0
    site.say()
    site.step()
    assert PRODUCT in site.consumer.reports


def test_somebody_who_asks_for_a_resync_waits_for_the_heartbeat_too() -> None:
    site = ahead()
    assert site.consumer.take_over(by_force=True)
    site.consumer.ask_for_resync([Entity.PRODUCT])
    site.step()
    assert shown(site, "P1") == 11.0
    assert site.consumer.listening == [PRODUCT]


def test_where_a_resync_was_killed_and_its_log_cut_at_once_it_shows() -> None:
    # Given a CAJA that took over half of what a resync had read, in transactions as small as they get
    site = Site()
    for amount in (10, 11):
        for n in range(6):
            price(site, f"P{n}", amount)
    site.consumer.pace.limit = 2
    while shown(site, "P0") != 11.0:
        site.consumer.step()
    assert site.caja.content.progress[TOPIC].state is PositionState.RESYNC_UNFINISHED
    # When its process dies, and the log loses what was read
    cut(site, 6)
    site.consumer.release()
    site.consumer = site.another()
    site.step()
    # Then the older price does not come back
    assert shown(site, "P0") == 11.0
    assert site.consumer.listening == [PRODUCT]


def test_where_a_read_was_killed_between_its_transactions_and_its_log_cut_at_once_it_shows() -> None:
    site = Site()
    price(site, "P9", 1)
    site.step()
    price(site, "P0", 10)
    for n in range(6):
        price(site, f"P{n}", 11)
    site.consumer.pace.limit = 2
    site.caja.crash_after.append(ConnectionLost(text("gone")))
    with suppress(ConnectionLost):
        site.step()
    assert shown(site, "P0") == 11.0
    cut(site, 6)
    site.caja.crash_after.clear()
    site.consumer = site.another()
    site.clock.now += 30 + PROVE_SECONDS
    site.step()
    assert shown(site, "P0") == 11.0
    assert site.consumer.listening == [PRODUCT]


# what CAJA knows to be gone


def with_a_lost_tombstone(**options: Any) -> Site:
    """A CAJA whose log lost that P1 was deleted in SAE, and ends with its price."""
    site = Site(policies=Policies(inactivate_missing_products=True), **options)
    price(site, "P1", 10)
    price(site, "P2", 20)
    site.step()
    site.publish(PRODUCT, "P1", None)
    site.step()
    assert is_active(site, "P1") is False
    cut(site, 1)
    site.step()
    site.run = "after the cut"
    return site


def is_active(site: Site, key: str) -> bool:
    found = site.row("CATINVEN", key)
    assert found is not None
    return bool(found["ALTA"] == "T")


def time_passes(site: Site) -> None:
    """Long enough for what waits to be tried again, twice: the first time the producer is only listened to."""
    for _ in range(2):
        site.clock.now += 10
        site.step()


def test_what_was_deleted_does_not_come_back_from_a_log_that_lost_it_while_its_delete_is_held() -> None:
    site = with_a_lost_tombstone()
    price(site, "P2", 21)
    site.say(held=[PRODUCT])
    site.step()
    assert (is_active(site, "P1"), shown(site, "P2")) == (False, 21.0)
    assert site.parked() == {"P1": "doubtful"}
    site.say(held=[PRODUCT])
    time_passes(site)
    assert site.parked() == {"P1": "doubtful"}


def test_once_somebody_lets_the_deletes_through_it_stays_gone_and_waits_no_longer() -> None:
    site = with_a_lost_tombstone()
    site.say(held=[PRODUCT])
    site.step()
    site.publish(PRODUCT, "P1", None)
    site.say()
    site.step()
    assert (is_active(site, "P1"), site.parked()) == (False, {})


def test_what_sae_has_again_comes_back_with_the_next_heartbeat() -> None:
    """Its content is that of the event in the log, so no other event will tell."""
    site = with_a_lost_tombstone()
    site.say(held=[PRODUCT])
    site.step()
    time_passes(site)
    site.say()
    time_passes(site)
    assert (is_active(site, "P1"), site.parked()) == (True, {})


def test_a_heartbeat_about_a_later_end_decides_nothing_yet() -> None:
    """What lets the key through or not may stand before that end."""
    site = with_a_lost_tombstone()
    site.say(held=[PRODUCT])
    site.step()
    time_passes(site)
    site.say(end_of={PRODUCT: 9})
    time_passes(site)
    assert site.parked() == {"P1": "doubtful"}


def test_what_the_producer_published_since_goes_in_and_an_older_value_of_what_caja_knows_waits() -> None:
    """The older one may be of a row whose delete is held, and then nothing newer will come until somebody has decided."""
    site = Site()
    for key in ("P1", "P2", "P3"):
        price(site, key, 10)
    for key in ("P1", "P2", "P3"):
        price(site, key, 11)
    site.step()
    cut(site, 3)
    site.step()
    site.run = "after the cut"
    price(site, "P1", 12)
    price(site, "P2", 11)
    site.say(held=[PRODUCT])
    site.step()
    assert [shown(site, key) for key in ("P1", "P2", "P3")] == [12.0, 11.0, 11.0]
    assert site.parked() == {"P3": "doubtful"}
    time_passes(site)
    site.say()
    time_passes(site)
    assert (shown(site, "P3"), site.parked()) == (10.0, {})


def test_where_nothing_is_held_nothing_waits() -> None:
    site = with_a_lost_tombstone()
    site.say()
    site.step()
    assert (is_active(site, "P1"), site.parked()) == (True, {})


def test_another_resync_leaves_what_is_held_and_newer_news_do_not_wait() -> None:
    site = with_a_lost_tombstone()
    site.say(held=[PRODUCT])
    site.step()
    site.consumer.ask_for_resync([Entity.PRODUCT])
    site.step()
    assert (is_active(site, "P1"), site.parked()) == (False, {"P1": "doubtful"})
    price(site, "P1", 12)
    site.step()
    assert (is_active(site, "P1"), shown(site, "P1"), site.parked()) == (True, 12.0, {})


def test_in_a_log_that_was_always_the_same_nothing_is_doubted() -> None:
    site = Site(policies=Policies(inactivate_missing_products=True))
    price(site, "P1", 10)
    site.step()
    site.publish(PRODUCT, "P1", None)
    site.step()
    price(site, "P1", 10)
    site.say(held=[PRODUCT])
    site.consumer.ask_for_resync([Entity.PRODUCT])
    site.step()
    assert (is_active(site, "P1"), site.parked()) == (True, {})
