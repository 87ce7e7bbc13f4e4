"""Running: one thread per worker, signals, back-off. Waiting lives here, never in a step.

A worker that fails waits and goes on; another CAJA's trouble is not its own, and a bug is no other trouble. What cannot be mended by
waiting (`ConfigError`) is told once and looked at again every half minute, for somebody may mend it.

The main thread only waits: a driver's call that hangs would keep Python from hearing a signal there.
"""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from time import monotonic
from types import FrameType
from typing import NoReturn, TypeVar

from foundation.errors import ConfigError, ExitCode, SwitchedOff, is_bug
from foundation.retry import Policy, retrying

CONFIG_WAIT_SECONDS, BUG_WAIT_SECONDS, SWITCHED_OFF_WAIT_SECONDS = 30.0, 60.0, 3.0
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 30.0
STOP_SECONDS = 30.0
"""How long what is under way may take after the first signal, unless the settings say otherwise."""
SIGNAL_SECONDS = 1.0
"""How late a signal may be heard where it does not end a wait (Windows)."""

Result = TypeVar("Result")
log = logging.getLogger("puente.loop")


class Stop:
    """Asked for by a signal or the program itself; remembers the signal. A second one wants the end at once."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.exit_code: ExitCode | None = None
        self.at_once = False
        self.is_clean = True
        """Unless something was ended in the midst of its work."""
        self.woken: SimpleQueue[None] = SimpleQueue()
        """Of the main thread: a handler of signals may put something into it in the midst of a wait, where an `Event` would lock up."""

    def ask(self, code: ExitCode | None = None) -> None:
        if not self.event.is_set():
            self.exit_code = code
        self.event.set()
        self.woken.put(None)

    def insist(self) -> None:
        self.at_once = True
        self.woken.put(None)

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
            stop.insist()
        else:
            stop.ask(codes[signal.Signals(number)])

    for number in codes:
        signal.signal(number, ask)


def _fixed_wait(error: BaseException) -> float | None:
    match error:
        case ConfigError():
            return CONFIG_WAIT_SECONDS
        case SwitchedOff():
            return SWITCHED_OFF_WAIT_SECONDS
        case _:
            return BUG_WAIT_SECONDS if is_bug(error) else None


FOREVER = Policy(
    first_seconds=FIRST_WAIT_SECONDS,
    longest_seconds=LONGEST_WAIT_SECONDS,
    total_seconds=None,
    is_worth_it=lambda error: isinstance(error, Exception),
    fixed=_fixed_wait,
)


@dataclass
class Worker:
    """`run` works until `Stop` is asked for, `release` is its clean end; `error` is its newest trouble."""

    name: str
    turn: Callable[[], float]
    """Does what is to be done now and returns after how many seconds it wants the next turn. What it stood on is gone where it fails."""
    pause: Callable[[float], None]
    release: Callable[[], None] = lambda: None
    error: BaseException | None = field(default=None)

    def run(self, stop: Stop) -> None:
        """Raises nothing: a thread that ended by an error would end unseen."""
        while not stop.asked:
            try:
                retrying(self._cycle, policy=FOREVER, stop=stop, on_retry=self._failed)
            except BaseException as error:  # noqa: BLE001 - it is told; mostly the last one before the stop
                self._failed(error)
                if not isinstance(error, Exception):
                    break
        try:
            self.release()
        except BaseException as error:
            self.error = error
            extra = {"action": "release", "worker": self.name, "reason": str(error)}
            log.exception("Could not end cleanly", exc_info=error if is_bug(error) else None, extra=extra)

    def _cycle(self) -> None:
        seconds = self.turn()
        if self.error is not None:
            log.info("Works again", extra={"action": "recovered", "worker": self.name})
        self.error = None
        if seconds > 0:
            self.pause(seconds)

    def _failed(self, error: BaseException) -> None:
        """Told once for as long as it stays the same."""
        known, self.error = self.error, error
        if known is not None and (type(known), str(known)) == (type(error), str(error)):
            return
        if is_bug(error):
            extra = {"action": "bug", "worker": self.name}
            log.error("A bug of Puente's: this one begins anew in a minute, the others go on", exc_info=error, extra=extra)
        else:
            extra = {"action": "failed", "worker": self.name, "reason": str(error)}
            log.error("Waits and tries again", extra=extra)


def run_all(workers: Sequence[Worker], stop: Stop, seconds: float = STOP_SECONDS) -> ExitCode:
    """Runs each worker in a thread of its own until `stop` is asked for; the code to exit with.

    A bug that was not over when the end came is raised by it, whatever asked for the end.
    """
    _attend([(worker.name, partial(worker.run, stop)) for worker in workers], stop, seconds)
    if any(worker.error is not None and is_bug(worker.error) for worker in workers):
        return ExitCode.DIFFERENCES
    return stop.exit_code or ExitCode.OK


def attended(action: Callable[[], Result], stop: Stop, seconds: float = STOP_SECONDS) -> Result | None:
    """What `action`, which ends soon once `stop` is asked for, returns or raises; None where it did not end in time."""
    returned: list[Result] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            returned.append(action())
        except BaseException as error:  # noqa: BLE001 - raised below, in the thread that waits
            raised.append(error)

    _attend([("work", run)], stop, seconds)
    for error in raised:
        raise error
    return next(iter(returned), None)


def _attend(actions: Sequence[tuple[str, Callable[[], None]]], stop: Stop, seconds: float) -> None:
    """Each in a thread of its own, until all have ended: after a stop for at most `seconds` more, and not at all once it is insisted on."""
    ended: list[threading.Thread] = []

    def run(action: Callable[[], None]) -> None:
        try:
            action()
        finally:
            ended.append(threading.current_thread())
            stop.woken.put(None)

    threads = [threading.Thread(target=run, args=(action,), name=name, daemon=True) for name, action in actions]
    for thread in threads:
        thread.start()
    until = float("inf")
    while len(ended) < len(threads) and not stop.at_once and (left := until - monotonic()) > 0:
        with suppress(Empty):
            stop.woken.get(timeout=min(SIGNAL_SECONDS, left))
        if stop.asked and until == float("inf"):
            until = monotonic() + seconds
            log.info("Stops; a second signal does not wait for what is under way", extra={"action": "stop", "seconds": seconds})
    for thread in threads:
        if thread in ended:
            thread.join()
        else:
            stop.is_clean = False
            log.warning("Is ended in the midst of its work", extra={"action": "cut off", "worker": thread.name})


def leave(code: int) -> NoReturn:
    """Ends the process, the last act of its main thread."""
    others = [thread for thread in threading.enumerate() if thread is not threading.current_thread() and thread.is_alive()]
    if not others:
        sys.exit(code)
    # A thread hangs in a driver. Python's own end would wait for it, or take away what it stands on: the client library frees its
    # connections at exit, and then waits for the one that hangs, or crashes. What was committed is committed; the lease ends by itself.
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(code)
