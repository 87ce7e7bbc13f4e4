"""Processes that are stopped, resumed and killed between two calls of their ports."""

from collections.abc import Callable

import pytest

from tests.simulation.scheduler import Process


class Counting:
    """A process that makes three calls per turn; `done` grows after each."""

    def __init__(self, at_end: Callable[[], None] = lambda: None) -> None:
        self.done: list[int] = []
        self.cleaned = False
        self.at_end = at_end
        self.process = Process(self.turn)

    def turn(self) -> None:
        try:
            for number in range(3):
                self.process.call()
                self.done.append(number)
        finally:
            self.cleaned = True
            self.at_end()


def test_a_turn_that_nobody_stops_runs_to_its_end() -> None:
    counting = Counting()
    assert counting.process.run()
    assert counting.done == [0, 1, 2]
    assert not counting.process.stopped


@pytest.mark.parametrize("calls", [0, 1, 2])
def test_a_turn_stops_before_a_call_and_goes_on_there(calls: int) -> None:
    counting = Counting()
    assert not counting.process.run(calls)
    assert counting.process.stopped
    assert counting.done == list(range(calls))
    assert counting.process.run()
    assert counting.done == [0, 1, 2]


def test_a_turn_may_be_stopped_again() -> None:
    counting = Counting()
    assert not counting.process.run(1)
    assert not counting.process.run(1)
    assert counting.done == [0, 1]
    assert counting.process.run(1)


def test_two_processes_take_turns() -> None:
    first, second = Counting(), Counting()
    first.process.run(1)
    second.process.run(2)
    assert (first.done, second.done) == ([0], [0, 1])
    first.process.run()
    second.process.run()
    assert first.done == second.done == [0, 1, 2]


def test_a_killed_process_does_nothing_more_but_unwinds() -> None:
    counting = Counting()
    counting.process.run(1)
    counting.process.kill()
    assert counting.done == [0]
    assert counting.cleaned
    assert not counting.process.stopped


def test_a_dead_process_cannot_call_its_ports_while_it_unwinds() -> None:
    reached: list[int] = []

    def clean_up() -> None:
        counting.process.call()
        reached.append(1)

    counting = Counting(clean_up)
    counting.process.run(1)
    counting.process.kill()
    assert not reached


@pytest.mark.parametrize("calls", [None, 10])
def test_what_a_turn_raises_comes_out_where_it_was_run(calls: int | None) -> None:
    def turn() -> None:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        Process(turn).run(calls)
