"""What waits: when it is tried again, what it must not hold up, and what the consumer itself waits for."""

import copy
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar

import pytest

from consumer.apply import HEARTBEAT_SECONDS
from consumer.caja.port import Holder
from consumer.ledger.parked import Parked, ParkedChanges, Reason
from consumer.ledger.state import State
from consumer.policies import Policies
from consumer.retries import SECONDS, Retries
from foundation.engines.writing import Refusal, RowError, RowWrite, Written
from foundation.errors import ConfigError
from foundation.eventlog.memory import MemoryLog
from foundation.eventlog.port import Offset, Record, Topic
from foundation.texts import text
from schemas.entities import Entity, Subject
from schemas.keys import Key
from tests.fakes.caja import MemoryCaja, MemoryTransaction
from tests.fakes.slow_caja import SlowCaja
from tests.unit.consuming import MAPPERS, TOPICS, Site

PRODUCT = Subject(Entity.PRODUCT)
STOCK = Subject(Entity.STOCK, 1)
ALL = (Subject(Entity.PRODUCT_LINE), PRODUCT, STOCK, Subject(Entity.STOCK, 2))
THERE = Holder(host="there", process=3, started=2)


class ListeningLog(MemoryLog):
    """Keeps what it was asked to wait for, and never waits."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Mapping[Topic, Offset]] = []

    def wait(self, positions: Mapping[Topic, Offset], timeout: float) -> bool:
        self.asked.append(positions)
        return super().wait(positions, 0)


def parked(subject: Subject, key: str, reason: Reason) -> Parked:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Parked(subject=subject, key=Key(key), reason=reason, detail="", value=b"", content_hash="h", since=now)


def state(*items: Parked) -> State:
    return State(progress={}, hashes={}, parked=ParkedChanges(items))


# When it is tried again


def test_everything_is_tried_after_a_start_in_order_of_dependency() -> None:
    items = [parked(Subject(Entity.STOCK, n), k, Reason.PARENT) for n, k in ((2, "A"), (1, "B"), (1, "A"))]
    items += [parked(PRODUCT, "Z", Reason.REJECTED), parked(Subject(Entity.PRODUCT_LINE), "L", Reason.LOCKED)]
    assert [(i.subject, i.key) for i in Retries().take(state(*items), ALL, 0.0)] == [
        (Subject(Entity.PRODUCT_LINE), "L"),
        (PRODUCT, "Z"),
        (Subject(Entity.STOCK, 1), "A"),
        (Subject(Entity.STOCK, 1), "B"),
        (Subject(Entity.STOCK, 2), "A"),
    ]


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_has_its_own_time(reason: Reason) -> None:
    retries, known = Retries(), state(parked(STOCK, "P1", reason))
    assert retries.take(known, ALL, 1000.0)
    assert not retries.take(known, ALL, 1000.0 + SECONDS[reason] - 0.01)
    assert retries.take(known, ALL, 1000.0 + SECONDS[reason])


def test_what_begins_to_wait_is_tried_once_at_the_next_chance() -> None:
    retries = Retries()
    assert not retries.take(state(), ALL, 1000.0)
    assert retries.take(state(parked(PRODUCT, "P1", Reason.LOCKED)), ALL, 1000.1)


def test_a_product_that_was_written_frees_its_stock_alone_and_once() -> None:
    retries = Retries()
    known = state(*(parked(STOCK, key, Reason.KEPT_OUT) for key in ("P1", "P2")), parked(PRODUCT, "P1", Reason.REJECTED))
    retries.take(known, ALL, 0.0)
    retries.free(known, [Key("P1")])
    assert [(item.subject, item.key) for item in retries.take(known, ALL, 1.0)] == [(STOCK, "P1")]
    assert not retries.take(known, ALL, 2.0)


def test_what_cannot_be_tried_yet_does_not_count_as_tried() -> None:
    retries = Retries()
    known = state(*(parked(STOCK, key, Reason.KEPT_OUT) for key in ("P1", "P2")))
    assert not retries.take(known, [PRODUCT], 1000.0)
    assert len(retries.take(known, [PRODUCT, STOCK], 1000.1)) == 2
    retries.free(known, [Key("P1")])
    assert not retries.take(known, [PRODUCT], 1001.0)
    assert [item.key for item in retries.take(known, [PRODUCT, STOCK], 1002.0)] == ["P1"]
    assert not retries.take(known, [PRODUCT, STOCK], 1003.0)


def test_stock_goes_in_with_a_product_that_a_resync_adds() -> None:
    # Given stock that waits, for its product is one that SAE no longer sells
    site = Site()
    site.product("P1", status="inactive")
    site.stock("P1", Decimal(4))
    site.step()
    assert site.parked() == {"P1": "kept-out"}
    # When the product is sold again, and the next process finds that all products must be compared
    site.caja.content.progress.pop(TOPICS.of(PRODUCT))
    site.product("P1")
    site.consumer.release()
    site.consumer = site.another()
    site.step()
    # Then the stock went in with it
    assert site.parked() == {}
    assert (site.row("EXIST", "P1", 1) or {})["EXISTIENDA"] == 4.0


def test_a_busy_catalogue_does_not_put_off_stock_of_other_products() -> None:
    # Given two products whose stock waits for sales to be posted
    site = Site()
    for key in ("P1", "P2"):
        site.product(key)
        site.caja.sales.add((1, Key(key)))
        site.stock(key, Decimal(4))
    site.step()
    assert site.parked() == {"P1": "unposted-sales", "P2": "unposted-sales"}
    # When the second one's are, while the first one's product changes every second
    site.caja.sales.discard((1, Key("P2")))
    for n in range(int(SECONDS[Reason.UNPOSTED_SALES]) + 1):
        site.clock.now += 1
        site.product("P1", description=str(n))
        site.step()
    # Then the second one's stock went in
    assert site.parked() == {"P1": "unposted-sales"}


def test_what_is_tried_again_goes_in_transactions_as_short_as_the_others() -> None:
    # Given more stock held by sales than fits into a transaction of a slow CAJA
    caja = SlowCaja(MAPPERS, seconds_to_write=0.05)
    site = Site(caja=caja, clock=caja.clock)
    for n in range(50):
        site.product(f"P{n}")
        site.stock(f"P{n}", Decimal(n))
        caja.sales.add((1, Key(f"P{n}")))
    site.step()
    while len(site.parked()) < 50:
        site.step()
    # When the sales are posted
    caja.sales.clear()
    caja.left.clear()
    site.consumer.pace.limit = 20
    caja.clock.now += SECONDS[Reason.UNPOSTED_SALES]
    site.step()
    # Then it goes in part by part
    assert caja.left == sorted(caja.left, reverse=True)
    assert len(caja.left) >= 3
    assert caja.left[-1] == 0


# What it must not hold up


@pytest.mark.parametrize("restarted", [True, False])
def test_many_that_were_rejected_one_by_one_do_not_stop_the_consumer_when_they_are_tried_again(restarted: bool) -> None:
    # Given more rejected changes than one batch may have, which came over weeks
    site = Site()
    for n in range(30):
        site.append(PRODUCT, b"BAD%d" % n, b"garbage")
        site.step()
    # When all of them are tried again, after a start or in time
    if restarted:
        site.consumer.release()
        site.consumer = site.another()
    else:
        site.clock.now += SECONDS[Reason.REJECTED]
    # Then they wait as before, and others go in
    site.product("P1")
    assert site.step() is not None
    assert len(site.parked()) == 30
    assert site.row("CATINVEN", "P1") is not None


def test_many_new_ones_stop_it_even_if_others_were_rejected_before() -> None:
    site = Site()
    for n in range(11):
        site.append(PRODUCT, b"BAD%d" % n, b"garbage")
        site.step()
    for n in range(11):
        site.append(PRODUCT, b"BAD%d" % n, b"other garbage")
    with pytest.raises(ConfigError, match="11 of 11"):
        site.step()


# What the consumer itself waits for


def listening() -> tuple[Site, ListeningLog]:
    log = ListeningLog()
    return Site(log=log), log


def test_it_waits_for_the_next_event_of_what_it_reads() -> None:
    site, log = listening()
    site.product("P1")
    site.step()
    site.consumer.wait(1.0)
    assert log.asked[-1][TOPICS.of(PRODUCT)] == 1
    assert log.wait(log.asked[-1], 0) is False
    site.product("P2")
    assert log.wait(log.asked[-2], 0) is True


def test_a_standby_is_not_woken_by_the_heartbeat_of_the_producer() -> None:
    site, log = listening()
    site.step()
    site.log.append([Record(topic=TOPICS.control, key=b"word", value=b"x")])
    standby = site.another(THERE)
    assert standby.step() is None
    standby.wait(1.0)
    assert log.asked[-1] == {}


def test_stock_that_waits_is_not_tried_again_while_cambio_a_existencias_is_off() -> None:
    # Given stock that waits for its product, and then «Cambio a existencias» switched off
    site = Site()
    site.stock("P1", Decimal(1))
    site.step()
    assert list(site.parked().values()) == [Reason.PARENT]
    site.caja.parameters = replace(site.caja.parameters, stock_changes=False)
    site.clock.now += HEARTBEAT_SECONDS
    # When the product comes
    site.product("P1")
    site.step()
    # Then the stock goes on waiting
    assert site.row("EXIST", "P1", 1) is None
    assert list(site.parked().values()) == [Reason.PARENT]
    # Until it is switched on
    site.caja.parameters = replace(site.caja.parameters, stock_changes=True)
    site.clock.now += HEARTBEAT_SECONDS
    site.step()
    assert site.row("EXIST", "P1", 1) is not None
    assert site.parked() == {}


def test_stock_that_is_left_unread_does_not_wake_it() -> None:
    # Given stock that was read, and then «Cambio a existencias» switched off
    site, log = listening()
    site.product("P1")
    site.stock("P1", Decimal(1))
    site.step()
    site.caja.parameters = replace(site.caja.parameters, stock_changes=False)
    site.clock.now += HEARTBEAT_SECONDS
    # When more of it comes
    site.stock("P1", Decimal(2))
    step = site.step()
    site.consumer.wait(1.0)
    # Then it is not waited for
    assert step is not None
    assert step.at_end
    assert TOPICS.of(STOCK) not in log.asked[-1]
    assert TOPICS.of(PRODUCT) in log.asked[-1]


def test_an_entity_that_is_no_longer_ticked_does_not_wake_it() -> None:
    site, log = listening()
    site.product("P1")
    site.step()
    site.consumer.release()
    other = Site(Policies(entities=(Entity.CUSTOMER,)), caja=site.caja, log=log)
    site.product("P2")
    other.step()
    other.consumer.wait(1.0)
    assert TOPICS.of(PRODUCT) not in log.asked[-1]


class Refusing(MemoryTransaction):
    """One that answers every row of a product as told."""

    answer: ClassVar[RowError]

    def write(self, entity: Entity, rows: Sequence[RowWrite]) -> Written:
        if entity is not Entity.PRODUCT:
            return super().write(entity, rows)
        return Written(0, [replace(self.answer, index=index) for index in range(len(rows))])


@dataclass
class RefusingCaja(MemoryCaja):
    """A CAJA whose products stand in somebody's way."""

    def begin(self) -> MemoryTransaction:
        return Refusing(self, copy.deepcopy(self.content))


@pytest.mark.parametrize(("code", "reason"), [(Refusal.PARENT, "parent"), (335544665, "rejected")])
def test_what_may_be_a_lock_is_tried_again_as_one_for_a_minute(code: int, reason: str) -> None:
    Refusing.answer = RowError(0, code, False, text("planted"), unsure=True)
    site = Site(caja=RefusingCaja(MAPPERS))
    for number in range(40):
        site.product(f"P{number}")
    site.step()
    assert set(site.parked().values()) == {"locked"}
    site.clock.now += 59
    site.step()
    assert set(site.parked().values()) == {"locked"}
    site.clock.now += 2
    site.step()
    assert set(site.parked().values()) == {reason}


def test_every_key_that_is_set_aside_is_in_the_log_once_with_its_reason(caplog: pytest.LogCaptureFixture) -> None:
    site = Site()
    caplog.set_level(logging.DEBUG, "puente.consumer")
    for number in range(150):
        site.stock(f"P{number}", Decimal(1))
    site.product("Q1")
    site.append(Subject(Entity.PRODUCT), b"BAD", b"garbage")
    site.caja.locked.add(("CATINVEN", ("Q1",)))
    for _ in range(3):
        site.step()
        site.clock.now += 61
    told = [vars(record) for record in caplog.records if vars(record).get("action") == "parked"]
    assert sorted(key for line in told for key in line["keys"].split(", ")) == sorted(["BAD", "Q1", *(f"P{n}" for n in range(150))])
    assert {(line["reason"], line["levelname"], line["count"]) for line in told} == {
        ("parent", "INFO", 100),
        ("parent", "INFO", 50),
        ("locked", "INFO", 1),
        ("rejected", "WARNING", 1),
    }
    assert all(line["detail"] for line in told)
