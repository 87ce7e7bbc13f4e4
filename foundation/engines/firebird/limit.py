"""Ending a call that a server does not answer.

The client library waits without end, in native code. A connection whose call lasts too long is shut from another thread: the server is
asked to cancel what it does, the socket is closed, and the call fails as on any broken connection.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from weakref import WeakSet

SHORTEST_LOOK_SECONDS, LONGEST_LOOK_SECONDS = 0.05, 5.0


class CallLimit:
    """`end` is called, in another thread, once a call under `running` lasts longer than `seconds`; then `passed` is true for good."""

    def __init__(self, seconds: float, end: Callable[[], None]) -> None:
        self.seconds, self._end = seconds, end
        self._until: float | None = None
        self._lock = threading.Lock()
        self.passed = False
        _watch(self)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Returns only once nobody is ending the call: what it used may then be released."""
        before, self._until = self._until, monotonic() + self.seconds
        try:
            yield
        finally:
            with self._lock:
                self._until = before

    def forget(self) -> None:
        """The call has ended, and what it used is about to be released."""
        with self._lock:
            self._until = None

    def look(self, now: float) -> None:
        with self._lock:
            if self._until is not None and now >= self._until:
                self._until, self.passed = None, True
                self._end()


_watched: WeakSet[CallLimit] = WeakSet()
_starting = threading.Lock()
_watcher: threading.Thread | None = None


def _watch(limit: CallLimit) -> None:
    global _watcher  # noqa: PLW0603 - one thread for all connections of the process
    with _starting:
        _watched.add(limit)
        if _watcher is None or not _watcher.is_alive():
            _watcher = threading.Thread(target=_look, name="time limits", daemon=True)
            _watcher.start()


def _look() -> None:
    """As long as there is something to watch. A limit may be overrun by a quarter."""
    global _watcher  # noqa: PLW0603
    while True:
        with _starting:
            limits = list(_watched)
            if not limits:
                _watcher = None
                return
        now = monotonic()
        for limit in limits:
            limit.look(now)
        shortest = min(limit.seconds for limit in limits) / 4
        del limits[:], limit  # they may go
        sleep(min(max(shortest, SHORTEST_LOOK_SECONDS), LONGEST_LOOK_SECONDS))
