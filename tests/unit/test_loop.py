"""Workers: back-off, recovery, a clean end, and what a bug does."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from time import sleep

import pytest

from foundation.errors import ConfigError, ExitCode, InvariantError, RetryableError
from foundation.retry import ONCE, Policy, retrying
from foundation.texts import text
from puente.loop import BUG_WAIT_SECONDS, CONFIG_WAIT_SECONDS, LONGEST_WAIT_SECONDS, Stop, Worker, attended, run_all


class RecordingStop(Stop):
    """Does not sleep; remembers for how long it was asked to, and stops after so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.slept: list[float] = []
        self._times = times

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) >= self._times:
            self.ask()


def worker(turn: Callable[[], float], stop: Stop) -> Worker:
    return Worker(name="one", turn=turn, pause=stop.sleep)


def failing(error: BaseException) -> Callable[[], float]:
    def turn() -> float:
        raise error

    return turn


def test_a_worker_that_fails_waits_longer_each_time_up_to_a_limit() -> None:
    stop = RecordingStop(12)
    worker(failing(RetryableError(text("down"))), stop).run(stop)
    assert stop.slept[0] <= 1.0
    assert max(stop.slept) <= LONGEST_WAIT_SECONDS
    assert stop.slept[-1] >= LONGEST_WAIT_SECONDS / 2


def test_a_worker_whose_settings_are_wrong_looks_again_every_half_minute() -> None:
    stop = RecordingStop(3)
    worker(failing(ConfigError(text("wrong"))), stop).run(stop)
    assert stop.slept == [CONFIG_WAIT_SECONDS] * 3


def test_a_worker_that_recovers_forgets_its_failures() -> None:
    turns: Iterator[float | RetryableError] = iter([RetryableError(text("down")), RetryableError(text("down")), 0.25, 0.25])

    def turn() -> float:
        value = next(turns)
        if isinstance(value, Exception):
            raise value
        return value

    stop = RecordingStop(4)
    one = worker(turn, stop)
    one.run(stop)
    assert stop.slept[2:] == [0.25, 0.25]
    assert one.error is None


def test_a_worker_whose_waiting_fails_waits_and_goes_on() -> None:
    stop = RecordingStop(3)
    turns = []

    def turn() -> float:
        turns.append(1)
        return 1.0

    def pause(_seconds: float) -> None:
        raise RetryableError(text("the log is gone"))

    Worker(name="one", turn=turn, pause=pause).run(stop)
    assert len(turns) == len(stop.slept) == 3


def test_a_worker_releases_what_it_holds_when_it_is_stopped() -> None:
    released = []
    stop = Stop()
    stop.ask()
    Worker(name="one", turn=lambda: 1.0, pause=stop.sleep, release=lambda: released.append(1)).run(stop)
    assert released == [1]


def test_a_bug_in_one_worker_is_told_with_its_traceback_and_tried_again_after_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    stop = RecordingStop(3)
    worker(failing(ZeroDivisionError("planted")), stop).run(stop)
    assert stop.slept == [BUG_WAIT_SECONDS] * 3
    (told,) = caplog.records
    assert told.exc_info is not None
    assert isinstance(told.exc_info[1], ZeroDivisionError)


@pytest.mark.parametrize("bug", [ZeroDivisionError("planted"), InvariantError(text("planted")), SystemExit(7)])
def test_a_bug_of_one_worker_leaves_the_others_alone_and_is_told_by_the_exit_code(bug: BaseException) -> None:
    stop, buggy = Stop(), threading.Event()
    turns = []

    def fails() -> float:
        buggy.set()
        raise bug

    def works() -> float:
        buggy.wait()
        turns.append(1)
        if len(turns) == 3:
            stop.ask(ExitCode.TERMINATED)
        return 0.001

    assert run_all([worker(fails, stop), worker(works, stop)], stop) == ExitCode.DIFFERENCES
    assert len(turns) == 3


def test_a_bug_that_was_over_before_the_end_does_not_count() -> None:
    stop = RecordingStop(3)
    turns: Iterator[float | ZeroDivisionError] = iter([ZeroDivisionError("planted"), 0.001])

    def turn() -> float:
        value = next(turns)
        if isinstance(value, ZeroDivisionError):
            raise value
        stop.ask(ExitCode.TERMINATED)
        return value

    assert run_all([worker(turn, stop)], stop) == ExitCode.TERMINATED


def test_a_bug_at_a_clean_end_is_told_too() -> None:
    stop = Stop()
    stop.ask()

    def release() -> None:
        raise ZeroDivisionError

    assert run_all([Worker(name="one", turn=lambda: 1.0, pause=stop.sleep, release=release)], stop) == ExitCode.DIFFERENCES


def test_a_worker_that_hangs_is_left_once_its_time_after_the_stop_is_over() -> None:
    stop, never = Stop(), threading.Event()

    def hangs() -> float:
        stop.ask(ExitCode.TERMINATED)
        never.wait()
        return 0.0

    assert run_all([worker(hangs, stop)], stop, seconds=0.05) == ExitCode.TERMINATED
    never.set()


def test_a_second_signal_does_not_wait_for_a_worker_that_hangs() -> None:
    stop, never = Stop(), threading.Event()

    def hangs() -> float:
        stop.ask(ExitCode.INTERRUPTED)
        stop.insist()
        never.wait()
        return 0.0

    assert run_all([worker(hangs, stop)], stop, seconds=3600) == ExitCode.INTERRUPTED
    never.set()


def test_what_is_attended_returns_or_raises_as_if_it_had_been_called() -> None:
    assert attended(lambda: 5, Stop()) == 5
    with pytest.raises(ConfigError, match="wrong"):
        attended(failing(ConfigError(text("wrong"))), Stop())


def test_trouble_of_one_worker_does_not_stop_another() -> None:
    stop = Stop()
    turns = []

    def works() -> float:
        turns.append(1)
        if len(turns) == 3:
            stop.ask()
        return 0.001

    code = run_all([worker(failing(RetryableError(text("down"))), stop), worker(works, stop)], stop)
    assert code == ExitCode.OK
    assert len(turns) == 3


def test_retrying_gives_the_result_once_the_trouble_is_over() -> None:
    left = [RetryableError(text("down")), RetryableError(text("down"))]

    def action() -> str:
        if left:
            raise left.pop()
        return "done"

    assert retrying(action, stop=RecordingStop(100)) == "done"


def test_retrying_ends_with_the_last_error_when_it_is_stopped() -> None:
    stop = RecordingStop(2)
    with pytest.raises(RetryableError, match="down"):
        retrying(failing(RetryableError(text("down"))), stop=stop)
    assert len(stop.slept) == 2


def test_retrying_lets_other_errors_out_at_once() -> None:
    stop = RecordingStop(5)
    with pytest.raises(ConfigError):
        retrying(failing(ConfigError(text("wrong"))), stop=stop)
    assert stop.slept == []


def test_the_limit_of_retrying_counts_from_the_first_failure() -> None:
    """An attempt that took longer than the limit has its retries still."""
    turns: Iterator[str | RetryableError] = iter([RetryableError(text("a lock")), "done"])

    def action() -> str:
        value = next(turns)
        if isinstance(value, RetryableError):
            sleep(0.3)
            raise value
        return value

    assert retrying(action, policy=replace(ONCE, total_seconds=0.2), stop=RecordingStop(100)) == "done"


def test_retrying_ends_once_the_limit_is_over() -> None:
    policy = Policy(first_seconds=0.01, longest_seconds=0.01, total_seconds=0.05)
    with pytest.raises(RetryableError, match="down"):
        retrying(failing(RetryableError(text("down"))), policy=policy)


def test_waits_double_and_half_of_each_at_most_is_chance() -> None:
    policy = Policy(first_seconds=1, longest_seconds=8, total_seconds=None)
    for _ in range(100):
        stop = RecordingStop(6)
        with pytest.raises(RetryableError):
            retrying(failing(RetryableError(text("down"))), policy=policy, stop=stop)
        assert all(nominal / 2 <= wait <= nominal for wait, nominal in zip(stop.slept, [1, 2, 4, 8, 8, 8], strict=True))


def test_stop_remembers_who_asked_first() -> None:
    stop = Stop()
    stop.ask(ExitCode.INTERRUPTED)
    stop.ask(ExitCode.TERMINATED)
    assert stop.exit_code == ExitCode.INTERRUPTED
