"""Whose turn it is to write a log that several machines reach: told by the heartbeats in it."""

from dataclasses import dataclass, field

import pytest

from foundation.errors import ConnectionLost
from foundation.eventlog.memory import MemoryLog
from foundation.silence import SILENCE_SECONDS
from foundation.texts import text
from puente.wiring.turns import HeartbeatTurn
from tests.unit.producing import TOPICS, Clock, Site


class Closable(MemoryLog):
    """Tells whether it is open."""

    is_open = True

    def close(self) -> None:
        self.is_open = False


@dataclass
class Waiting:
    """A process that wants the log of a site, with a clock of its own."""

    site: Site
    own: set[str] = field(default_factory=set)
    clock: Clock = field(default_factory=Clock)
    opened: list[Closable] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.turn = HeartbeatTurn(self.open, lambda: TOPICS.control, self.own, self.clock)

    def open(self) -> Closable:
        self.opened.append(Closable(self.site.log.store))
        return self.opened[-1]

    def takes(self, seconds: float = 0.0) -> bool:
        self.clock.seconds += seconds
        return self.turn.take(None)

    @property
    def holds_open(self) -> int:
        return sum(log.is_open for log in self.opened)


def test_a_log_where_nobody_spoke_is_ours_at_once_and_the_handle_for_listening_is_closed() -> None:
    waiting = Waiting(Site())
    assert waiting.takes()
    assert waiting.turn.is_ours
    assert waiting.holds_open == 0


def test_a_holder_who_is_silent_may_be_gone_and_one_who_speaks_is_known_to_live() -> None:
    site = Site()
    site.run()
    waiting = Waiting(site)
    assert not waiting.takes()
    assert not waiting.turn.is_theirs()
    assert not waiting.takes(SILENCE_SECONDS - 1)
    site.clock.seconds += 10
    site.run()
    assert not waiting.takes(SILENCE_SECONDS - 1)
    assert waiting.turn.is_theirs()
    assert waiting.holds_open == 1
    assert waiting.takes(SILENCE_SECONDS)
    assert not waiting.turn.is_theirs()


def test_a_log_that_was_released_is_ours_at_once() -> None:
    site = Site()
    site.run()
    waiting = Waiting(site)
    assert not waiting.takes()
    site.producer.release()
    assert waiting.takes()


def test_with_a_claim_it_is_taken_from_whoever_has_it() -> None:
    site = Site()
    site.run()
    waiting = Waiting(site)
    assert waiting.turn.take(lambda: None)
    assert waiting.turn.is_ours


def test_what_failed_is_taken_again_by_the_same_process_without_waiting() -> None:
    site = Site()
    site.run()
    mine = Waiting(site, own={"run1"})
    assert mine.takes()
    mine.turn.interrupt()
    assert not mine.turn.is_ours
    assert mine.takes()
    mine.turn.give_up()
    assert not Waiting(site).takes()


def test_one_who_lets_go_takes_it_again_without_waiting_unless_somebody_claimed_it() -> None:
    site = Site()
    site.run()
    mine = Waiting(site, own={"run1"})
    assert mine.takes()
    mine.turn.let_go()
    assert not mine.turn.is_ours
    assert mine.holds_open == 0
    assert mine.takes()
    mine.turn.let_go()
    site.restart()
    site.run()
    assert not mine.takes()


def test_one_who_is_displaced_listens_anew() -> None:
    site = Site()
    site.run()
    mine = Waiting(site, own={"run1"})
    assert mine.takes()
    site.restart()
    site.run()
    mine.turn.give_up()
    assert not mine.takes()
    assert mine.takes(SILENCE_SECONDS)


def test_a_log_that_cannot_be_listened_to_is_told_and_the_next_look_begins_anew() -> None:
    site = Site()
    site.run()
    waiting = Waiting(site)
    assert not waiting.takes()
    broken = waiting.opened[-1]

    def fail(*_: object) -> None:
        raise ConnectionLost(text("gone"))

    broken.state = fail  # type: ignore[assignment, method-assign]  # this handle alone
    with pytest.raises(ConnectionLost):
        waiting.takes()
    waiting.turn.interrupt()
    assert not broken.is_open
    assert not waiting.takes()
