"""One writer per CAJA: who may take the guard row, and when."""

import os
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from consumer.apply import HEARTBEAT_SECONDS
from consumer.caja import Holder
from consumer.guard import SILENCE_SECONDS, GuardKeeper, is_gone, this_process
from consumer.ledger import State
from schemas.changes import Entity, Key, Subject
from tests.fakes.caja import MemoryCaja
from tests.unit.consuming import MAPPERS, Clock, Site

THERE = Holder(host="there", process=1, started=1)


def keepers(site: Site) -> tuple[GuardKeeper, GuardKeeper]:
    me = this_process()
    return GuardKeeper(site.caja, me, site.clock), GuardKeeper(site.caja, THERE, site.clock)


def beat(site: Site) -> None:
    with site.caja.transaction(site.caja.content.guard.token or ""):
        pass


def test_a_free_row_is_taken_at_once() -> None:
    one, _ = keepers(Site())
    assert one.claim()
    assert one.token


def test_a_second_process_stands_by_while_the_heart_beats_and_takes_over_ten_seconds_after_it_stops() -> None:
    site = Site()
    one, two = keepers(site)
    assert one.claim()
    for _ in range(5):
        assert not two.claim()
        site.clock.now += SILENCE_SECONDS - 1
        beat(site)
    assert not two.claim()
    site.clock.now += SILENCE_SECONDS - 0.1
    assert not two.claim()
    site.clock.now += 0.1
    assert two.claim()
    assert site.caja.content.guard.token == two.token


def test_a_holder_of_this_host_that_is_gone_is_followed_at_once() -> None:
    site = Site()
    gone = Holder(host=this_process().host, process=2**22 - 1, started=5)
    assert not psutil.pid_exists(gone.process)
    assert GuardKeeper(site.caja, gone, site.clock).claim()
    assert GuardKeeper(site.caja, this_process(), site.clock).claim()


def test_a_process_number_used_again_is_not_taken_for_the_holder() -> None:
    site = Site()
    me = this_process()
    earlier = Holder(host=me.host, process=os.getpid(), started=me.started - 100)
    assert GuardKeeper(site.caja, earlier, site.clock).claim()
    assert is_gone(site.caja.read_guard(), me)
    assert not is_gone(site.caja.read_guard(), THERE)


def test_a_row_that_was_given_back_is_taken_at_once() -> None:
    site = Site()
    one, two = keepers(site)
    one.claim()
    one.release()
    assert two.claim()


def test_a_process_takes_its_own_row_again_after_its_connection_broke() -> None:
    site = Site()
    one, _ = keepers(site)
    one.claim()
    assert GuardKeeper(site.caja, THERE, site.clock, one.token).claim()


def test_an_idle_holder_lives_on_by_an_empty_transaction_every_two_seconds() -> None:
    site = Site()
    site.step()
    beats = []
    for _ in range(9):
        site.clock.now += HEARTBEAT_SECONDS / 4
        site.step()
        beats.append(site.caja.content.guard.beat)
    assert len(set(beats)) == 3


def test_a_holder_that_lost_the_row_stops_writing_and_stands_by() -> None:
    site = Site()
    site.step()
    other = GuardKeeper(site.caja, THERE, Clock())
    assert not other.claim()
    other._clock = lambda: 1e9
    assert other.claim()
    site.product("P1")
    assert site.step() is None
    assert site.row("CATINVEN", "P1") is None
    assert site.step() is None
    other.release()
    assert site.step() is not None
    assert site.row("CATINVEN", "P1") is not None


@dataclass
class LargeLedger(MemoryCaja):
    """What was applied of many warehouses; `meanwhile` is called between two of them."""

    meanwhile: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.content.hashes = {Subject(Entity.STOCK, warehouse): {Key("P1"): "hash"} for warehouse in range(30)}

    def state(self, beat: Callable[[], None] | None = None) -> State:
        def between() -> None:
            self.meanwhile()
            assert beat is not None
            beat()

        return super().state(beat and between)


def test_who_reads_a_large_ledger_is_not_taken_for_silent() -> None:
    """Else two of them would take the row from each other for ever, each in the middle of its reading."""
    caja = LargeLedger(MAPPERS)
    site = Site(caja=caja)
    _, other = keepers(site)
    others: list[bool] = []

    def meanwhile() -> None:
        site.clock.now += 1
        others.append(other.claim())

    caja.meanwhile = meanwhile
    assert site.step() is not None
    assert others == [False] * 30
    assert site.consumer.state is not None
    assert site.consumer.state.hashes == caja.content.hashes


def test_who_loses_the_row_while_he_reads_the_ledger_knows_nothing_of_it() -> None:
    caja = LargeLedger(MAPPERS)
    site = Site(caja=caja)
    _, other = keepers(site)

    def meanwhile() -> None:
        site.clock.now += HEARTBEAT_SECONDS
        other.claim(by_force=True)

    caja.meanwhile = meanwhile
    assert site.consumer.step() is None
    assert not site.consumer.take_over(by_force=True)
    assert site.consumer.state is None
    caja.meanwhile = lambda: None
    other.release()
    site.product("P1")
    assert site.step() is not None
    assert site.row("CATINVEN", "P1") is not None
