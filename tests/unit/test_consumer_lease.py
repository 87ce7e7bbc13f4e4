"""One writer per CAJA: who may take the lease, and when."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from consumer.apply import HEARTBEAT_SECONDS
from consumer.caja.port import Holder
from consumer.lease import Lease, _started, is_gone, this_process
from consumer.ledger.lease_row import LeaseRow
from consumer.ledger.state import State
from foundation.silence import SILENCE_SECONDS
from schemas.entities import Entity, Subject
from schemas.keys import Key
from tests.fakes.caja import MemoryCaja
from tests.unit.consuming import MAPPERS, Clock, Site

THERE = Holder(host="there", process=1, started=1)


def leases(site: Site) -> tuple[Lease, Lease]:
    me = this_process()
    return Lease(site.caja, me, site.clock), Lease(site.caja, THERE, site.clock)


def beat(site: Site) -> None:
    with site.caja.transaction(site.caja.content.lease.token or ""):
        pass


def test_a_free_row_is_taken_at_once() -> None:
    one, _ = leases(Site())
    assert one.claim()
    assert one.token


def test_a_second_process_stands_by_while_the_heart_beats_and_takes_over_ten_seconds_after_it_stops() -> None:
    site = Site()
    one, two = leases(site)
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
    assert site.caja.content.lease.token == two.token


def held_by(holder: Holder) -> LeaseRow:
    site = Site()
    assert Lease(site.caja, holder, site.clock).claim()
    return site.caja.read_lease()


@pytest.fixture
def ended() -> Holder:
    """A process of this machine, which has ended."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True)
    here = this_process()
    holder = replace(here, process=process.pid, started=_started(process.pid))
    assert not is_gone(held_by(holder), here)
    process.communicate("\n")
    return holder


def test_a_holder_of_this_machine_that_is_gone_is_followed_at_once(ended: Holder) -> None:
    site = Site()
    assert Lease(site.caja, ended, site.clock).claim()
    assert Lease(site.caja, this_process(), site.clock).claim()


def test_a_process_number_used_again_is_not_taken_for_the_holder() -> None:
    me = this_process()
    assert me.started is not None
    assert is_gone(held_by(replace(me, started=me.started - 100)), me)
    assert not is_gone(held_by(me), me)


def test_a_holder_of_another_machine_with_this_ones_name_may_live_whatever_its_number_is_here(ended: Holder) -> None:
    """Nor is one of an earlier boot, or of another container, followed before it has been silent for ten seconds."""
    there = replace(ended, boot=f"another {ended.boot}")
    assert there.host == this_process().host
    assert not is_gone(held_by(there), this_process())


def test_where_the_system_tells_no_boot_the_heartbeat_alone_decides() -> None:
    unknown = replace(this_process(), boot=None, started=None)
    gone = replace(unknown, process=2**30)
    assert not is_gone(held_by(gone), unknown)


def test_a_process_of_somebody_else_lives_though_nothing_of_it_may_be_seen() -> None:
    assert not is_gone(held_by(replace(this_process(), process=1, started=None)), this_process())


def test_two_hosts_of_one_name_never_take_a_caja_from_each_other_while_both_live() -> None:
    site = Site()
    me = this_process()
    one, two = (Lease(site.caja, replace(me, process=2**30 + number, boot=f"boot {number}"), site.clock) for number in (1, 2))
    assert one.claim()
    for _ in range(60):
        site.clock.now += 1
        beat(site)
        assert not two.claim()
    assert site.caja.content.lease.token == one.token


def test_a_row_that_was_given_back_is_taken_at_once() -> None:
    site = Site()
    one, two = leases(site)
    one.claim()
    one.release()
    assert two.claim()


def test_a_process_takes_its_own_row_again_after_its_connection_broke() -> None:
    site = Site()
    one, _ = leases(site)
    one.claim()
    assert Lease(site.caja, THERE, site.clock, one.token).claim()


def claims(lease: Lease, site: Site, seconds: float) -> bool:
    """Tries each second; whether it got the row in that time."""
    for _ in range(round(seconds)):
        if lease.claim():
            return True
        site.clock.now += 1
    return False


def test_who_stands_still_and_keeps_the_row_locked_is_ended_when_it_could_not_be_had_for_ten_seconds() -> None:
    site = Site()
    one, two = leases(site)
    assert one.claim()
    site.caja.locked_by = "idle"
    assert not claims(two, site, 2 * SILENCE_SECONDS)
    assert site.caja.locked_by == "idle"
    assert claims(two, site, 3)
    assert site.caja.locked_by is None


def test_what_a_process_left_open_on_a_line_that_was_cut_is_ended_too() -> None:
    site = Site()
    one, _ = leases(site)
    one.claim()
    site.caja.locked_by = "idle"
    again = Lease(site.caja, THERE, site.clock, one.token)
    assert not claims(again, site, SILENCE_SECONDS)
    assert claims(again, site, 3)


def said(caplog: pytest.LogCaptureFixture, words: str) -> int:
    return sum(words in record.getMessage() for record in caplog.records)


def test_who_is_at_work_or_cannot_be_seen_is_waited_for_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    site = Site()
    one, two = leases(site)
    one.claim()
    site.caja.locked_by = "busy"
    assert not claims(two, site, 60)
    assert said(caplog, "connected as another user") == 1
    site.caja.locked_by = None
    assert claims(two, site, 1)


def test_who_may_not_end_it_says_once_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    site = Site()
    one, two = leases(site)
    one.claim()
    site.caja.locked_by = "may not"
    assert not claims(two, site, 60)
    assert said(caplog, "puente grants caja") == 1


def test_an_idle_holder_lives_on_by_an_empty_transaction_every_three_seconds() -> None:
    site = Site()
    site.step()
    beats = []
    for _ in range(9):
        site.clock.now += HEARTBEAT_SECONDS / 4
        site.step()
        beats.append(site.caja.content.lease.beat)
    assert len(set(beats)) == 3


def test_a_holder_that_lost_the_row_stops_writing_and_stands_by() -> None:
    site = Site()
    site.step()
    other = Lease(site.caja, THERE, clock := Clock())
    assert not other.claim()
    clock.now += SILENCE_SECONDS
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
    _, other = leases(site)
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
    _, other = leases(site)

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
