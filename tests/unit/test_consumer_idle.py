"""A consumer to whom nothing happens: what it looks at, how often, and what wakes it up."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from consumer.apply import HEARTBEAT_SECONDS
from consumer.batch_writer import Step
from consumer.caja.port import Store, Switches
from consumer.ledger.state import State
from consumer.switches import InterfaceOff
from schemas.entities import Entity, Subject
from schemas.keys import Key
from tests.fakes.caja import MemoryCaja, MemoryTransaction
from tests.unit.consuming import MAPPERS, Site

TURN_SECONDS = 0.5


@dataclass
class CountedCaja(MemoryCaja):
    """Counts what it is asked."""

    transactions: int = 0
    looks: int = 0
    ledgers: int = 0

    def switches(self) -> Switches:
        self.looks += 1
        return super().switches()

    def state(self, beat: Callable[[], None] | None = None) -> State:
        self.ledgers += 1
        return super().state(beat)

    @contextmanager
    def transaction(self, token: str, known: Switches | None = None) -> Iterator[MemoryTransaction]:
        self.transactions += 1
        with super().transaction(token, known) as transaction:
            yield transaction

    def forget_counts(self) -> None:
        self.transactions = self.looks = self.ledgers = 0


def loaded(*, stores: bool = False) -> tuple[Site, CountedCaja]:
    """A site that has all that there is, swept; its consumer is made for CAJA's `stores`, or told of none."""
    caja = CountedCaja(MAPPERS)
    site = Site(caja=caja, stores=tuple(caja.known_stores) if stores else None)
    site.product("P1")
    site.stock("P1", Decimal(5))
    site.step()
    site.say()
    site.step()
    assert site.consumer.is_idle
    caja.forget_counts()
    return site, caja


def turns(site: Site, seconds: float) -> Iterator[Step | None]:
    """As the worker has them: it waits for the log, and steps unless the consumer is idle."""
    until = site.clock.now + seconds
    while site.clock.now < until:
        site.clock.now += TURN_SECONDS
        site.consumer.wait(0)
        if not site.consumer.is_idle:
            yield site.consumer.step()


def test_an_idle_caja_costs_one_short_transaction_in_three_seconds() -> None:
    site, caja = loaded()
    assert all(step == Step(at_end=True) for step in turns(site, 60))
    assert caja.transactions == pytest.approx(60 / HEARTBEAT_SECONDS, abs=1)
    assert (caja.looks, caja.ledgers) == (0, 0)


def test_what_comes_into_the_log_is_applied_in_the_next_turn() -> None:
    site, _ = loaded()
    site.stock("P1", Decimal(6))
    (step,) = turns(site, TURN_SECONDS)
    assert step is not None
    assert step.applied == 1
    assert (site.row("EXIST", "P1", 1) or {})["EXISTIENDA"] == 6


def test_what_a_till_holds_is_tried_again_after_a_second_however_idle_the_log_is() -> None:
    site, caja = loaded()
    caja.locked.add(("EXIST", ("P1", 1)))
    site.stock("P1", Decimal(6))
    list(turns(site, TURN_SECONDS))
    assert site.parked() == {"P1": "locked"}
    caja.locked.clear()
    list(turns(site, 2.0))
    assert site.parked() == {}


def test_changes_to_stock_switched_on_are_noticed_within_seconds() -> None:
    site, caja = loaded()
    caja.parameters = replace(caja.parameters, stock_changes=False)
    list(turns(site, HEARTBEAT_SECONDS))
    site.stock("P1", Decimal(7))
    list(turns(site, 60))
    assert (site.row("EXIST", "P1", 1) or {})["EXISTIENDA"] == 5
    caja.parameters = replace(caja.parameters, stock_changes=True)
    list(turns(site, HEARTBEAT_SECONDS + TURN_SECONDS))
    assert (site.row("EXIST", "P1", 1) or {})["EXISTIENDA"] == 7


def test_a_topic_that_appears_is_noticed_within_seconds() -> None:
    site, _ = loaded()
    site.stock("P1", Decimal(3), warehouse=2)
    list(turns(site, 2 * HEARTBEAT_SECONDS))
    assert (site.row("EXIST", "P1", 2) or {})["EXISTIENDA"] == 3


def test_days_with_the_interface_off_cost_one_small_transaction_a_look_and_the_ledger_is_not_read() -> None:
    site, caja = loaded()
    caja.parameters = replace(caja.parameters, interface=False)
    looks = 0
    site.clock.now += HEARTBEAT_SECONDS
    for _ in range(200):
        site.clock.now += HEARTBEAT_SECONDS
        assert not site.consumer.is_idle
        with pytest.raises(InterfaceOff):
            site.consumer.step()
        looks += 1
    assert (caja.transactions, caja.looks, caja.ledgers) == (looks, 0, 0)
    site.product("P2")
    caja.parameters = replace(caja.parameters, interface=True)
    site.clock.now += HEARTBEAT_SECONDS
    step = site.consumer.step()
    assert step is not None
    assert step.applied == 1
    assert caja.ledgers == 0


def test_a_store_that_is_added_or_has_another_warehouse_makes_the_consumer_outdated() -> None:
    for changed in ([Store(number=1, warehouse=1)], [Store(number=1, warehouse=1), Store(number=2, warehouse=9)]):
        site, caja = loaded(stores=True)
        list(turns(site, 2 * HEARTBEAT_SECONDS))
        assert not site.consumer.is_outdated
        caja.known_stores = changed
        list(turns(site, 2 * HEARTBEAT_SECONDS))
        assert site.consumer.is_outdated


def test_a_store_whose_warehouse_changed_keeps_nothing_of_the_old_one() -> None:
    caja = MemoryCaja(MAPPERS)
    before = Site(caja=caja)
    for product, quantity in (("P1", 5), ("P2", 6)):
        before.product(product)
        before.stock(product, Decimal(quantity), warehouse=1)
    before.stock("P1", Decimal(3), warehouse=7)
    before.step()
    before.say()
    before.step()
    assert (before.row("EXIST", "P2", 1) or {})["EXISTIENDA"] == 6
    before.consumer.release()
    # When store 1 has the warehouse 7, where SAE has nothing of P2
    after = Site(caja=caja, log=before.log, fingerprint="print 2", warehouses={7: 1})
    after.step()
    after.say()
    after.step()
    assert (after.row("EXIST", "P1", 1) or {})["EXISTIENDA"] == 3
    assert (after.row("EXIST", "P2", 1) or {})["EXISTIENDA"] == 0
    assert caja.content.hashes[Subject(Entity.STOCK, 7)][Key("P2")] == ""


def test_stock_that_caja_counts_by_itself_stays_as_long_as_the_warehouses_do() -> None:
    site, caja = loaded()
    caja.content.table("EXIST")["P9", 1] = {"PRODUCTO": "P9", "TIENDA": 1, "EXISTIENDA": 4.0}
    site.fingerprint = "print 2"
    site.consumer.release()
    site.consumer = site.another()
    site.step()
    site.say()
    site.step()
    assert (site.row("EXIST", "P9", 1) or {})["EXISTIENDA"] == 4


def test_stock_that_waits_for_a_warehouse_that_is_not_read_keeps_nobody_busy() -> None:
    site, caja = loaded()
    site.stock("P2", Decimal(1))
    site.step()
    assert site.parked() == {"P2": "parent"}
    caja.parameters = replace(caja.parameters, stock_changes=False)
    list(turns(site, HEARTBEAT_SECONDS))
    site.product("P2")
    list(turns(site, HEARTBEAT_SECONDS))
    caja.forget_counts()
    list(turns(site, 60))
    assert caja.transactions == pytest.approx(60 / HEARTBEAT_SECONDS, abs=1)
    caja.parameters = replace(caja.parameters, stock_changes=True)
    list(turns(site, 2 * HEARTBEAT_SECONDS))
    assert (site.row("EXIST", "P2", 1) or {})["EXISTIENDA"] == 1


def test_a_busy_caja_is_looked_at_as_often_as_an_idle_one() -> None:
    site, caja = loaded(stores=True)
    caja.known_stores = [Store(number=1, warehouse=1)]
    for n in range(8):
        site.product("P1", description=f"Vuelta {n}")
        list(turns(site, TURN_SECONDS))
    assert site.consumer.is_outdated
