"""One pass of the producer, its effects numbered. It keeps nothing between runs: the log is its memory.

1. Read every topic to its end, into the view.            Killed after: nothing happened.
2. Read SAE in one snapshot, closed before 3.             Killed after: nothing happened.
3. Publish what differs, wait for every acknowledgement.  Killed after or within: the next start reads the log and publishes the rest.
4. Keep the marks, then say the word.                     Killed between: read again, found equal.

Any failure (a lost session with SAE is one: a database put back from a copy shows no other sign), or a log that is not the one read before: start over with an empty view, saying *incomplete*.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from producer.capture import Capture, Captured
from producer.publish import Publisher
from producer.view import View

HEARTBEAT_SECONDS = 2.0
LISTED = 20

log = logging.getLogger("puente.producer")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pass:
    """What a pass did. `seconds` is how long SAE was read; `complete` says that the log now holds all that SAE held."""

    published: int = 0
    tombstones: int = 0
    read: int = 0
    seconds: float = 0.0
    looked: bool = True


class Producer:
    """Runs passes. `new_view` gives an empty view of the log."""

    def __init__(self, *, capture: Capture, publisher: Publisher, new_view: Callable[[], View]) -> None:
        self._capture, self._publisher = capture, publisher
        self._new_view = new_view
        self._view: View | None = None
        self._said_at = 0.0
        self._complete = False

    def forget(self) -> None:
        """After any failure: the next pass starts over."""
        self._view, self._complete = None, False
        self._capture.forget()

    def run_pass(self) -> Pass:
        """One pass; raises what its ports raise, after which the next one starts over."""
        try:
            return self._pass()
        except BaseException:
            self.forget()
            raise

    def _pass(self) -> Pass:
        view = self._view or self._start()
        view.read()  # 1
        began = monotonic()
        captured = self._capture.changes(view, view.foreign)  # 2
        seconds = monotonic() - began
        if captured is None:
            self._heartbeat(view)
            return Pass(looked=False)
        _report(captured)
        published = self._publisher.publish(captured, view)  # 3
        self._capture.keep(captured)  # 4
        view.foreign.clear()
        self._say(view, published)
        gone = sum(difference.body is None for difference in captured.differences)
        return Pass(published=published, tombstones=gone, read=captured.read, seconds=seconds)

    def _start(self) -> View:
        self._publisher.prepare()
        view = self._new_view()
        view.read()
        self._publisher.say(view, complete=False)
        self._view, self._complete = view, False
        log.info("The producer starts over: the log holds what it read", extra={"action": "start"})
        return view

    def _say(self, view: View, published: int) -> None:
        if published or not self._complete:
            view.read()  # what was acknowledged is there, and topics that publishing made are known
            self._publisher.say(view, complete=True)
            self._complete, self._said_at = True, monotonic()
        else:
            self._heartbeat(view)

    def _heartbeat(self, view: View) -> None:
        if monotonic() - self._said_at >= HEARTBEAT_SECONDS:
            self._publisher.say(view, complete=self._complete)
            self._said_at = monotonic()


def _report(captured: Captured) -> None:
    for problem in captured.problems[:LISTED]:
        log.warning("SAE holds a row that no event can hold", extra={"action": "unmappable", "entity": str(problem.subject), "key": problem.key, "reason": str(problem.error)})
    if captured.collisions:
        listed = ", ".join(f"{subject} {raw!r}" for subject, raw in captured.collisions[:LISTED])
        log.warning("Keys of SAE are equal once trimmed; the first counts", extra={"action": "collision", "count": len(captured.collisions), "keys": listed})
