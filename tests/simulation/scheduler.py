"""One life of a program under a scheduler: every port call goes through `call`, where it may be stopped, and later resumed or killed.

A turn that nobody interrupts runs where it is asked for. One that is to be stopped after some calls runs in a thread of its own and holds
the baton until then: exactly one of all threads runs at any time, so a history is the same whenever it is run.
"""

from collections.abc import Callable
from threading import Lock, Thread


class Killed(BaseException):
    """The process is dead: nothing that it still does has effects, `finally` blocks included."""


class Process:
    """`turn` is the real code of one turn; it and all that it calls know nothing of this."""

    def __init__(self, turn: Callable[[], None]) -> None:
        self.dead = False
        self._turn = turn
        self._left: int | None = None
        self._thread: Thread | None = None
        self._go, self._back = _taken(), _taken()
        self._ended = False
        self._error: BaseException | None = None

    @property
    def stopped(self) -> bool:
        """Whether it stands in the middle of a turn."""
        return self._thread is not None

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
        if self._thread is None and calls is None:
            self._left = None
            self._turn()
            return True
        self._left = calls
        if self._thread is None:
            self._ended, self._error = False, None
            self._thread = Thread(target=self._body, daemon=True)
            self._thread.start()
        else:
            self._go.release()
        self._back.acquire()
        if not self._ended:
            return False
        self._thread.join()
        self._thread = None
        if self._error is not None:
            raise self._error
        return True

    def kill(self) -> None:
        """At once, wherever it stands."""
        self.dead = True
        if self._thread is not None:
            self.run()

    def _body(self) -> None:
        try:
            self._turn()
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001 - whoever ran the turn gets it
            self._error = error
        self._ended = True
        self._back.release()


def _taken() -> Lock:
    lock = Lock()
    lock.acquire()
    return lock
