"""`puente resync` takes a CAJA from a process that is writing at that very moment."""

from collections.abc import Iterator
from itertools import chain, repeat

import pytest

from foundation.errors import Occupied
from puente.commands import resync
from puente.loop import Stop


class Busy:
    """A CAJA whose holder was faster for a number of attempts."""

    def __init__(self, answers: Iterator[bool]) -> None:
        self.answers, self.attempts = answers, 0

    def take_over(self, *, by_force: bool = False) -> bool:
        assert by_force
        self.attempts += 1
        return next(self.answers)


class Unhurried(Stop):
    """Does not really sleep."""

    slept = 0.0

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


def test_a_holder_who_writes_in_between_is_tried_again() -> None:
    consumer, stop = Busy(chain([False, False, True])), Unhurried()
    resync.take(consumer, stop, "norte", lambda: stop.slept)
    assert consumer.attempts == 3


def test_a_caja_that_cannot_be_had_is_told() -> None:
    consumer, stop = Busy(repeat(False)), Unhurried()
    with pytest.raises(Occupied, match="norte"):
        resync.take(consumer, stop, "norte", lambda: stop.slept)
    assert stop.slept == pytest.approx(resync.TAKE_SECONDS, abs=1)


def test_asked_to_stop_it_stops_trying() -> None:
    consumer, stop = Busy(repeat(False)), Unhurried()
    stop.ask()
    with pytest.raises(Occupied):
        resync.take(consumer, stop, "norte", lambda: stop.slept)
    assert consumer.attempts == 1
