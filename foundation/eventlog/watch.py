"""Who waits for one SQLite file within one process: one of them looks at it, the others are woken by what it sees.

A look costs little, but a hundred idle readers that each look many times a second keep half a core busy. What this process itself appends
is told at once.
"""

import threading
from collections.abc import Callable, Mapping
from time import monotonic
from weakref import WeakValueDictionary

from foundation.eventlog.port import Offset, Topic

LOOK_SECONDS = 0.05
"""For what other processes append. A hundred looks a second are more than a hundredth of a core, for nothing most of the day."""
Ends = Mapping[Topic, Offset]


class Watch:
    """The ends of one file's topics, as far as anybody who waits saw them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._ends: dict[Topic, Offset] = {}
        self._is_watched = False

    def appended(self, ends: Ends) -> None:
        """This process wrote to these topics."""
        with self._changed:
            self._ends.update(ends)
            self._changed.notify_all()

    def wait(self, positions: Ends, timeout: float, version: Callable[[], int], ends: Callable[[], Ends]) -> bool:
        """Until a topic goes beyond its position: True, or False after `timeout` seconds.

        `version` gives a number that changes when somebody else wrote to the file, `ends` reads where its topics end; both are asked by one
        of those who wait alone.
        """
        until = monotonic() + timeout
        with self._changed:
            while self._is_watched:
                if self._has_grown(positions):
                    return True
                left = until - monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
            self._is_watched = True
        try:
            return self._look(positions, until, version, ends)
        finally:
            with self._changed:
                self._is_watched = False
                self._changed.notify()  # another one looks from now on

    def _look(self, positions: Ends, until: float, version: Callable[[], int], ends: Callable[[], Ends]) -> bool:
        while True:
            seen = version()
            found = dict(ends())
            with self._changed:
                self._ends = found
                self._changed.notify_all()
                while True:
                    if self._has_grown(positions):
                        return True
                    left = until - monotonic()
                    if left <= 0:
                        return False
                    self._changed.wait(min(LOOK_SECONDS, left))
                    if version() != seen:
                        break

    def _has_grown(self, positions: Ends) -> bool:
        return any(topic in self._ends and self._ends[topic] > offset for topic, offset in positions.items())


_lock = threading.Lock()
_watches: WeakValueDictionary[object, Watch] = WeakValueDictionary()


def watch_of(file: object) -> Watch:
    """The one of a file, for all of this process."""
    with _lock:
        watch = _watches.get(file)
        if watch is None:
            watch = _watches[file] = Watch()
        return watch
