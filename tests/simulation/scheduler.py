"""One life of a program under a scheduler: every port call goes through `call`, where it may be stopped, and later resumed or killed.

A turn that nobody interrupts runs where it is asked for. One that is to be stopped after some calls runs in its own thread, which
holds the baton until then: exactly one of all threads runs at any time, so a history is the same whenever it is run.
"""

from collections.abc import Callable
from threading import Lock, Thread


class Killed(BaseException):
    """The process is dead: nothing that it still does has effects, `finally` blocks included."""


class Process:
    """`turn` is the real code of one turn; it and all that it calls know nothing of this."""

    def __init__(self, turn: Callable[[], None]) -> None:
        self.dead = False
        self.stopped = False
        """Whether it stands in the middle of a turn."""
        self._turn = turn
        self._left: int | None = None
        self._thread: Thread | None = None
        self._go, self._back = _taken(), _taken()
        self._error: BaseException | None = None

    def call(self) -> None:
        """Before each effect of a port; raises `Killed` from a process that is dead."""
        while self._left is not None and not self.dead:
            self._left -= 1
            if self._left >= 0:
                break
            self._back.release()
            self._go.acquire()
        if self.dead:
            raise Killed

    def run(self, calls: int | None = None) -> bool:
        """One turn or the rest of one, up to `calls` port calls (None: all); whether it ended. Raises what the turn raises."""
        self._left = calls
        if not self.stopped and calls is None:
            self._turn()
            return True
        if self._thread is None:
            self._thread = Thread(target=self._body, daemon=True)
            self._thread.start()
        self.stopped = True
        self._go.release()
        self._back.acquire()
        error, self._error = self._error, None
        if error is not None:
            raise error
        return not self.stopped

    def kill(self) -> None:
        """At once, wherever it stands."""
        self.dead = True
        if self._thread is not None:
            self._go.release()
            self._thread.join()
            self._thread = None
        self.stopped = False

    def _body(self) -> None:
        self._go.acquire()
        while not self.dead:
            try:
                self._turn()
            except Killed:
                return
            except BaseException as error:  # noqa: BLE001 - whoever ran the turn gets it
                self._error = error
            if not self.dead:
                self.stopped = False
                self._back.release()
                self._go.acquire()


def _taken() -> Lock:
    lock = Lock()
    lock.acquire()
    return lock
