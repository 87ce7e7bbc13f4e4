"""Workers: back-off, recovery, a clean end, and what a bug does."""

from collections.abc import Callable, Iterator

import pytest

from puente.errors import ConfigError, ExitCode, RetryableError
from puente.loop import CONFIG_WAIT_SECONDS, LONGEST_WAIT_SECONDS, Stop, Worker, run_all
from puente.retry import retrying
from puente.texts import text


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


def failing(error: Exception) -> Callable[[], float]:
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
    assert one.failures == 0


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


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # the bug itself, which is meant to be seen
def test_a_bug_in_one_worker_stops_all_with_exit_1() -> None:
    stop = Stop()
    other = worker(lambda: 60.0, stop)
    code = run_all([worker(failing(ZeroDivisionError()), stop), other], stop)
    assert code == ExitCode.DIFFERENCES


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


def test_stop_remembers_who_asked_first() -> None:
    stop = Stop()
    stop.ask(ExitCode.INTERRUPTED)
    stop.ask(ExitCode.TERMINATED)
    assert stop.exit_code == ExitCode.INTERRUPTED
