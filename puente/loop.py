"""Running: one thread per worker, signals, back-off. Waiting lives here, never in a step.

A worker that fails waits and goes on; another CAJA's trouble is not its own. What cannot be mended by waiting (`ConfigError`) is told once
and looked at again every half minute, for somebody may mend it.
"""

import logging
import random
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import FrameType

from puente.errors import ConfigError, ExitCode, PuenteError, RetryableError

CONFIG_WAIT_SECONDS = 30.0
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.5, 30.0

log = logging.getLogger("puente.loop")


class Stop:
    """Asked for by a signal, a failed worker or the program itself; remembers the signal."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.exit_code: ExitCode | None = None

    def ask(self, code: ExitCode | None = None) -> None:
        if not self.event.is_set():
            self.exit_code = code
        self.event.set()

    @property
    def asked(self) -> bool:
        return self.event.is_set()

    def sleep(self, seconds: float) -> None:
        self.event.wait(seconds)


def stop_on_signals(stop: Stop) -> None:
    """SIGINT and SIGTERM (and the console's Ctrl-Break on Windows) ask for a clean stop; a second one ends the process at once."""
    codes = {signal.SIGINT: ExitCode.INTERRUPTED, signal.SIGTERM: ExitCode.TERMINATED}
    if hasattr(signal, "SIGBREAK"):
        codes[signal.SIGBREAK] = ExitCode.INTERRUPTED

    def ask(number: int, _frame: FrameType | None) -> None:
        if stop.asked:
            raise KeyboardInterrupt
        stop.ask(codes[signal.Signals(number)])

    for number in codes:
        signal.signal(number, ask)


@dataclass
class Worker:
    """`run` works until `Stop` is asked for, `release` is its clean end; `error` is its newest trouble."""

    name: str
    turn: Callable[[], float]
    """Does what is to be done now and returns after how many seconds it wants the next turn."""
    pause: Callable[[float], None]
    release: Callable[[], None] = lambda: None
    error: PuenteError | None = field(default=None)
    failures: int = 0

    def run(self, stop: Stop) -> None:
        while not stop.asked:
            seconds = self._attempt(self.turn, stop)
            if self.error is None and seconds > 0 and not stop.asked:
                seconds = self._attempt(partial(self._pause, seconds), stop)
            if self.error is not None and not stop.asked:
                stop.sleep(seconds)
        self._end()

    def _pause(self, seconds: float) -> float:
        """Waiting may fail, too: a log that is watched can go away."""
        self.pause(seconds)
        return 0.0

    def _attempt(self, action: Callable[[], float], stop: Stop) -> float:
        """What `action` returns, or after a failure the seconds to wait before the next."""
        try:
            seconds = action()
        except ConfigError as error:
            self._failed(error)
            return CONFIG_WAIT_SECONDS
        except RetryableError as error:
            self._failed(error)
            self.failures += 1
            longest = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** min(self.failures, 10))
            return random.uniform(longest / 2, longest)  # noqa: S311 - jitter, no secret
        except Exception:
            stop.ask(ExitCode.DIFFERENCES)
            raise
        if self.error is not None:
            log.info("Works again", extra={"action": "recovered", "worker": self.name})
        self.error, self.failures = None, 0
        return seconds

    def _failed(self, error: PuenteError) -> None:
        if self.error is None or str(self.error) != str(error):
            log.error("Waits and tries again", extra={"action": "failed", "worker": self.name, "reason": str(error)})
        self.error = error

    def _end(self) -> None:
        try:
            self.release()
        except PuenteError as error:
            log.warning("Could not end cleanly", extra={"action": "release", "worker": self.name, "reason": str(error)})


def run_all(workers: Sequence[Worker], stop: Stop) -> ExitCode:
    """Runs each worker in a thread of its own until `stop` is asked for; the code to exit with."""
    threads = [threading.Thread(target=worker.run, args=(stop,), name=worker.name) for worker in workers]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        for thread in threads:
            thread.join(0.2)  # short, so that Python runs signal handlers
    return stop.exit_code or ExitCode.OK
