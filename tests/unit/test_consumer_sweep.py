"""The sweep after a resync: what it takes, and on whose heartbeat; and when CAJA is ready to sell."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import Any

import pytest

from consumer.caja.port import Switches
from consumer.ledger.parked import Reason
from consumer.policies import Policies, StockPolicy
from consumer.settle import HELD_SECONDS
from foundation.errors import ConnectionLost
from foundation.eventlog.memory import StoredTopic
from foundation.eventlog.port import Offset, Record
from foundation.texts import text
from schemas.control import KEY, SHORT, Heartbeat, StuckTable, record, short
from schemas.entities import CATALOGUES, Entity, Subject
from schemas.keys import Key
from tests.fakes.caja import MemoryCaja, MemoryTransaction
from tests.unit.consuming import MAPPERS, NOW, TOPICS, Site, customer

PRODUCT, CUSTOMER, LINE = Subject(Entity.PRODUCT), Subject(Entity.CUSTOMER), Subject(Entity.PRODUCT_LINE)
STOCK = Subject(Entity.STOCK, 1)
ALL = Policies(inactivate_missing_products=True)


def own(site: Site, key: str, table: str = "CATINVEN", column: str = "PRODUCTO") -> None:
    """A row that CAJA has and SAE never had."""
    site.caja.content.table(table)[(key,)] = {column: key, "CLIENTE": key, "ALTA": "T"}


def is_active(site: Site, table: str, *key: Any) -> bool:
    row = site.row(table, *key)
    assert row is not None
    return bool(row["ALTA"] == "T")


def swept(**options: Any) -> Site:
    """A CAJA with a product of SAE and one of its own, resynced, its sweep due."""
    site = Site(options.pop("policies", ALL), **options)
    site.product("P1")
    own(site, "X1")
    site.step()
    return site


def test_without_a_heartbeat_nothing_is_swept_and_a_later_complete_one_allows_it() -> None:
    site = swept()
    assert is_active(site, "CATINVEN", "X1")
    assert set(site.consumer.sweeping) == {Subject(entity) for entity in Entity if entity is not Entity.STOCK}
    site.say()
    site.step()
    assert not is_active(site, "CATINVEN", "X1")
    assert is_active(site, "CATINVEN", "P1")
    assert site.consumer.sweeping == []
    assert site.consumer.reports[PRODUCT].inactivated == 1


def test_a_heartbeat_given_before_the_resync_had_read_allows_nothing() -> None:
    site = Site(ALL)
    site.product("P1")
    own(site, "X1")
    site.say()
    for _ in range(3):
        site.step()
    assert is_active(site, "CATINVEN", "X1")


def test_an_incomplete_heartbeat_allows_nothing_about_the_topic_that_lacks_something() -> None:
    site = swept()
    own(site, "L9", "CATLINEA", "LINEA")
    site.say(lacking=[PRODUCT])
    site.step()
    assert is_active(site, "CATINVEN", "X1")
    assert not is_active(site, "CATLINEA", "L9")


def test_a_row_of_sae_that_no_event_can_hold_is_spared_and_all_else_is_swept() -> None:
    """SAE has it, so CAJA keeps selling what it knows of it; and waiting for it would be for ever."""
    site = swept()
    own(site, "BAD")
    site.say(lacking=[PRODUCT], unpublished=[(PRODUCT, "BAD"), (LINE, "X1")])
    site.step()
    assert is_active(site, "CATINVEN", "BAD")
    assert not is_active(site, "CATINVEN", "X1")
    assert site.caja.content.lease.ready_at is not None


def test_where_not_every_row_that_no_event_can_hold_is_named_nothing_is_swept_and_caja_is_ready_all_the_same() -> None:
    site = swept()
    site.say(lacking=[PRODUCT], unpublished=[(PRODUCT, "BAD")], unpublished_count=2)
    site.step()
    assert is_active(site, "CATINVEN", "X1")
    assert site.consumer.sweeping == [PRODUCT]
    assert site.caja.content.lease.ready_at is not None


def test_a_topic_that_was_not_compared_since_the_resync_keeps_caja_from_being_ready() -> None:
    site = swept()
    site.say(lacking=[PRODUCT], compared=False, unpublished=[(PRODUCT, "BAD")])
    site.step()
    assert is_active(site, "CATINVEN", "X1")
    assert site.caja.content.lease.ready_at is None


def test_a_heartbeat_whose_end_is_not_reached_yet_allows_nothing() -> None:
    site = swept()
    site.say(end_of={PRODUCT: 2})
    site.step()
    assert is_active(site, "CATINVEN", "X1")
    site.product("P2")
    site.step()
    assert not is_active(site, "CATINVEN", "X1")


def test_a_heartbeat_about_another_topic_id_of_the_topic_allows_nothing() -> None:
    site = swept()
    site.say()
    # The consumer learns of the new topic only after it judged
    heartbeats = site.log.store.topics[TOPICS.control]
    site.log.store.topics[TOPICS.of(PRODUCT)] = StoredTopic()
    site.product("P1")
    site.step()
    assert is_active(site, "CATINVEN", "X1")
    assert heartbeats.end == 1
    site.hear()
    assert is_active(site, "CATINVEN", "X1")
    site.say()
    site.step()
    assert not is_active(site, "CATINVEN", "X1")


def say_again(site: Site, place: int, run: str = "r") -> None:
    """The heartbeat at a place of the control topic, in short."""
    heartbeat = short(Heartbeat(run=run, time=NOW, topics=(), compared=False), Offset(place), NOW)
    site.log.append([record(TOPICS.control, heartbeat)])


def test_a_short_heartbeat_allows_what_the_whole_one_did_that_it_repeats() -> None:
    """One that was given before there was anything to wait for."""
    site = Site(ALL)
    site.product("P1")
    own(site, "X1")
    site.say()
    site.step()
    assert is_active(site, "CATINVEN", "X1")
    say_again(site, 0)
    site.step()
    assert not is_active(site, "CATINVEN", "X1")


def test_a_short_heartbeat_that_repeats_an_incomplete_one_allows_nothing() -> None:
    site = Site(ALL)
    own(site, "X1")
    site.product("P1")
    site.say(lacking=[PRODUCT])
    site.step()
    say_again(site, 0)
    site.step()
    assert is_active(site, "CATINVEN", "X1")


NO_REPETITION: dict[str, Callable[[Site], None]] = {
    "of another run than the word": lambda site: say_again(site, 0, "other"),
    "of a word that is not there": lambda site: say_again(site, 9),
    "of itself": lambda site: say_again(site, 1),
    "that cannot be read": lambda site: site.append_heartbeat(SHORT, b"garbage"),
    "that repeats nothing": lambda site: site.append_heartbeat(SHORT, site.log.store.topics[TOPICS.control].events[0].value),
}


@pytest.mark.parametrize("which", NO_REPETITION)
def test_a_short_heartbeat_allows_nothing(which: str) -> None:
    site = Site(ALL)
    site.product("P1")
    own(site, "X1")
    site.say()
    site.step()
    NO_REPETITION[which](site)
    site.step()
    assert is_active(site, "CATINVEN", "X1")


def test_a_short_heartbeat_of_one_who_was_followed_or_has_ended_allows_nothing() -> None:
    site = Site(ALL)
    site.product("P1")
    own(site, "X1")
    site.say()
    site.step()
    site.say(lacking=[PRODUCT])
    say_again(site, 0)
    site.step()
    assert is_active(site, "CATINVEN", "X1")
    site.append_heartbeat(KEY, None)
    say_again(site, 0)
    site.step()
    assert is_active(site, "CATINVEN", "X1")
    site.say()
    site.step()
    assert not is_active(site, "CATINVEN", "X1")


def test_a_short_heartbeat_of_a_newer_heartbeat_than_the_one_that_was_heard_counts() -> None:
    """A late one of somebody who was followed came first."""
    site = Site(ALL)
    site.product("P1")
    own(site, "X1")
    site.say(lacking=[PRODUCT])
    site.say()
    site.step()
    say_again(site, 0)
    site.step()
    assert is_active(site, "CATINVEN", "X1")
    say_again(site, 1)
    site.step()
    assert not is_active(site, "CATINVEN", "X1")


def test_a_heartbeat_that_was_taken_back_allows_nothing() -> None:
    site = swept()
    site.say()
    site.log.append([Record(topic=TOPICS.control, key=KEY, value=None)])
    site.step()
    assert is_active(site, "CATINVEN", "X1")
    site.say()
    site.step()
    assert not is_active(site, "CATINVEN", "X1")


def test_a_heartbeat_that_cannot_be_read_allows_nothing_and_stops_nobody() -> None:
    site = swept()
    site.log.append([Record(topic=TOPICS.control, key=KEY, value=b"garbage")])
    site.step()
    assert is_active(site, "CATINVEN", "X1")


def test_another_control_topic_means_waiting_for_a_heartbeat_from_now_on() -> None:
    site = swept()
    site.log.store.topics[TOPICS.control] = StoredTopic()
    site.say()
    site.step()
    assert is_active(site, "CATINVEN", "X1")
    site.say()
    site.step()
    assert not is_active(site, "CATINVEN", "X1")


def test_a_key_that_cannot_be_read_forbids_the_sweep() -> None:
    site = Site(ALL)
    site.product("P1")
    site.append(PRODUCT, b"\xff\xfe", None)
    own(site, "X1")
    site.step()
    site.say()
    for _ in range(3):
        site.step()
    assert is_active(site, "CATINVEN", "X1")


def test_policies_decide_what_is_swept() -> None:
    site = Site(Policies(inactivate_missing_customers=False))
    own(site, "X1")
    own(site, "C9", "CATCLIEN", "CLAVESAE")
    own(site, "L9", "CATLINEA", "LINEA")
    site.caja.content.table("CATMONED")[(9,)] = {"MONEDA": 9, "ALTA": "T"}
    site.step()
    site.say()
    site.step()
    assert is_active(site, "CATINVEN", "X1")
    assert is_active(site, "CATCLIEN", "C9")
    assert not is_active(site, "CATLINEA", "L9")
    assert not is_active(site, "CATMONED", 9)


def test_a_customer_without_a_key_of_sae_is_never_swept() -> None:
    site = Site()
    site.publish(CUSTOMER, "C1", customer("C1"))
    site.caja.content.table("CATCLIEN")[(None,)] = {"CLIENTE": "7", "CLAVESAE": None, "ALTA": "T"}
    own(site, "C9", "CATCLIEN", "CLAVESAE")
    site.step()
    site.say()
    site.step()
    assert is_active(site, "CATCLIEN", None)
    assert not is_active(site, "CATCLIEN", "C9")
    assert is_active(site, "CATCLIEN", "C1")


def test_what_waits_is_not_swept() -> None:
    # Given a product of SAE whose newest event a till keeps from going in
    site = Site(ALL)
    own(site, "P1")
    site.caja.locked.add(("CATINVEN", ("P1",)))
    site.product("P1")
    site.step()
    assert site.parked() == {"P1": Reason.LOCKED}
    # When the sweep comes, then it stays
    site.say()
    site.step()
    assert is_active(site, "CATINVEN", "P1")


def test_a_row_that_a_till_keeps_is_swept_once_it_is_free() -> None:
    site = swept()
    site.caja.locked.add(("CATINVEN", ("X1",)))
    site.say()
    site.step()
    assert is_active(site, "CATINVEN", "X1")
    assert site.parked() == {"X1": Reason.LOCKED}
    site.caja.locked.clear()
    site.clock.now += 5
    site.step()
    assert not is_active(site, "CATINVEN", "X1")


def test_only_stock_that_the_ledger_knows_and_the_log_does_not_becomes_zero() -> None:
    site = Site()
    for key in ("P1", "P2", "X1"):
        site.product(key)
    site.stock("P1", Decimal(5))
    site.stock("P2", Decimal(6))
    site.step()
    site.caja.content.table("EXIST")[("X1", 1)] = {"PRODUCTO": "X1", "TIENDA": 1, "EXISTIENDA": 9.0}
    site.log.store.topics.pop(TOPICS.of(STOCK))
    site.stock("P2", Decimal(6))
    site.hear()
    assert (site.row("EXIST", "P1", 1) or {})["EXISTIENDA"] == 5.0
    site.say()
    site.step()
    found = {key: (site.row("EXIST", key, 1) or {})["EXISTIENDA"] for key in ("P1", "P2", "X1")}
    assert found == {"P1": 0, "P2": 6.0, "X1": 9.0}


def test_stock_that_went_long_ago_counts_for_no_cap() -> None:
    # Given more stock that SAE took back than may go unasked, each by a tombstone that was applied and is gone from the log
    site = Site()
    for n in range(60):
        site.product(f"P{n}")
        site.stock(f"P{n}", Decimal(0))
        site.publish(STOCK, f"P{n}", None)
    site.product("P60")
    site.stock("P60", Decimal(6))
    site.step()
    site.log.store.topics.pop(TOPICS.of(STOCK))
    site.stock("P61", Decimal(1))
    site.hear()
    site.say()
    site.step()
    assert site.consumer.reports[STOCK].held is None
    assert (site.row("EXIST", "P60", 1) or {})["EXISTIENDA"] == 0


def test_stock_with_unposted_sales_is_swept_once_they_are_posted() -> None:
    site = Site()
    site.product("P1")
    site.stock("P1", Decimal(5))
    site.step()
    site.caja.sales.add((1, Key("P1")))
    site.log.store.topics.pop(TOPICS.of(STOCK))
    site.stock("P2", Decimal(0))
    site.hear()
    site.say()
    site.step()
    assert (site.row("EXIST", "P1", 1) or {})["EXISTIENDA"] == 5.0
    site.caja.sales.clear()
    site.clock.now += 10
    site.step()
    assert (site.row("EXIST", "P1", 1) or {})["EXISTIENDA"] == 0


def many(count: int, **options: Any) -> Site:
    site = Site(ALL, **options)
    site.product("P1")
    for n in range(count):
        own(site, f"X{n}")
    site.step()
    site.say()
    site.step()
    return site


def active_ones(site: Site) -> int:
    return sum(row["ALTA"] == "T" for row in site.caja.content.table("CATINVEN").values())


def test_more_than_the_cap_is_held_and_told_and_fifty_are_not() -> None:
    assert active_ones(many(50)) == 1
    site = many(51)
    assert active_ones(site) == 52
    assert site.consumer.reports[PRODUCT].held == 51
    progress = site.caja.content.progress[TOPICS.of(PRODUCT)]
    assert progress.sweep is not None
    assert progress.sweep.held == 51
    assert PRODUCT not in site.consumer.sweeping


def test_five_per_cent_of_a_large_catalogue_may_go() -> None:
    site = Site(ALL)
    for n in range(1200):
        site.product(f"P{n}")
    for n in range(60):
        own(site, f"X{n}")
    site.step()
    site.say()
    site.step()
    assert active_ones(site) == 1200


def test_a_held_sweep_goes_on_where_a_person_allowed_as_many() -> None:
    site = many(60)
    site.consumer.release()
    for allowed, left in ((59, 61), (60, 1)):
        site.allow_deletes = allowed
        site.consumer = site.another()
        site.step()
        site.say()
        site.step()
        assert active_ones(site) == left
        site.consumer.release()


def test_a_held_sweep_goes_on_by_itself_once_it_is_small_enough() -> None:
    site = many(60)
    for n in range(20):
        site.caja.content.table("CATINVEN")[(f"X{n}",)]["ALTA"] = "F"
    site.step()
    assert active_ones(site) == 41
    site.clock.now += HELD_SECONDS
    site.step()
    assert active_ones(site) == 1


class DyingCaja(MemoryCaja):
    """The connection breaks after so many commits."""

    commits = 1000

    @contextmanager
    def transaction(self, token: str, known: Switches | None = None) -> Iterator[MemoryTransaction]:
        with super().transaction(token, known) as transaction:
            yield transaction
        self.commits -= 1
        if self.commits == 0:
            raise ConnectionLost(text("gone"))


@pytest.mark.parametrize("commits", range(1, 9))
def test_a_sweep_that_was_killed_after_any_of_its_commits_goes_on(commits: int) -> None:
    caja = DyingCaja(MAPPERS)
    site = Site(ALL, caja=caja)
    site.product("P1")
    for n in range(40):
        own(site, f"X{n}")
    site.step()
    site.consumer.pace.limit = 15
    site.say()
    caja.commits = commits
    with suppress(ConnectionLost):
        site.consumer.step()
    site.clock.now += 30
    site.consumer = site.another()
    site.step()
    assert active_ones(site) == 1
    assert is_active(site, "CATINVEN", "P1")


# Ready to sell


def test_ready_to_sell_is_said_once_everything_was_resynced_and_swept() -> None:
    site = Site(ALL)
    site.product("P1")
    site.stock("P1", Decimal(1))
    site.step()
    assert site.caja.state().ready_at is None
    site.say()
    site.step()
    site.step()
    at = site.caja.state().ready_at
    assert at is not None
    site.clock.now += 100
    site.step()
    assert site.caja.content.lease.ready_at == at


@pytest.mark.parametrize(
    "policies", [Policies(entities=(Entity.PRODUCT, Entity.CUSTOMER)), Policies(entities=(Entity.PRODUCT,), stock=StockPolicy.OFF)]
)
def test_with_a_box_left_out_it_is_never_said(policies: Policies) -> None:
    site = Site(policies)
    site.product("P1")
    site.step()
    site.say()
    for _ in range(3):
        site.step()
    assert site.caja.content.lease.ready_at is None


def test_a_held_sweep_keeps_it_from_being_said() -> None:
    site = many(60)
    site.step()
    assert site.caja.content.lease.ready_at is None


WAITS = StuckTable(table="PARAM_INVENTARIO", transaction=31, entities=("stock",))


def without_stock() -> Site:
    """SAE's stock has no topic."""
    site = Site(ALL)
    site.product("P1")
    site.step()
    return site


def is_ready(site: Site) -> bool:
    site.step()
    site.step()
    return site.caja.content.lease.ready_at is not None


def test_a_store_whose_warehouse_sae_lacks_keeps_no_caja_from_being_ready() -> None:
    site = without_stock()
    site.say()
    assert is_ready(site)


def test_a_caja_is_not_ready_while_nobody_knows_where_stock_stands() -> None:
    """All else may be there by then, and the topic of its warehouse is not made yet."""
    site = without_stock()
    site.say(compared=False, stuck=[WAITS])
    assert not is_ready(site)
    site.append_heartbeat(KEY, None)  # the producer ends, another consumer begins, and another producer
    site.consumer = site.another()
    assert not is_ready(site)
    site.say(compared=False, lacking=[Subject(entity) for entity in CATALOGUES])
    assert not is_ready(site)
    site.stock("P1", Decimal(1))
    assert not is_ready(site)
    site.say()
    assert is_ready(site)
