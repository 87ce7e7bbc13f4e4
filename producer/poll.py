"""One pass of the producer, its effects numbered. It keeps nothing between runs: the log is its memory.

1. Read every topic to its end, into the view.            Killed after: nothing happened.
2. Read SAE in one snapshot, closed before 3.             Killed after: nothing happened.
3. Publish what differs, wait for every acknowledgement.  Killed after or within: the next start reads the log, publishes the rest.
4. Keep the marks, then say the word.                     Killed between: read again, found equal.

Any failure (a lost session with SAE is one: a database put back from a copy shows no other sign), or a log that is not the one read
before: start over with an empty view, saying *incomplete*.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from producer.capture import Capture, Captured
from producer.publish import Publisher
from producer.view import View
from schemas.changes import Subject

HEARTBEAT_SECONDS = 2.0
LISTED = 20

log = logging.getLogger("puente.producer")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pass:
    """What a pass did: events published, tombstones among them, rows of SAE that travel, and how long SAE was read.

    `looked` is false where SAE was not read at all.
    """

    published: int = 0
    tombstones: int = 0
    read: int = 0
    seconds: float = 0.0
    looked: bool = True


class Producer:
    """Runs passes. `new_view` gives an empty view of the log."""

    def __init__(
        self,
        *,
        capture: Capture,
        publisher: Publisher,
        new_view: Callable[[], View],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._capture, self._publisher = capture, publisher
        self._new_view, self._clock = new_view, clock
        self._view: View | None = None
        self._lacking: frozenset[Subject] | None = None
        self._said_at = clock()
        self._reporter = _Reporter()

    def forget(self) -> None:
        """After any failure: the next pass starts over."""
        self._view, self._lacking = None, None
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
        began = self._clock()
        captured = self._capture.changes(view, view.take_foreign())  # 2
        seconds = self._clock() - began
        if captured is None:
            self._heartbeat(view)
            return Pass(looked=False)
        self._reporter.report(captured)
        published = self._publisher.publish(captured, view, lambda: self._heartbeat(view))  # 3
        self._capture.keep(captured)  # 4
        self._say(view, captured, published)
        gone = sum(difference.body is None for difference in captured.differences)
        return Pass(published=published, tombstones=gone, read=captured.read, seconds=seconds)

    def _start(self) -> View:
        self._publisher.prepare()
        view = self._new_view()
        view.read()
        self._speak(view)
        self._view = view
        keys = sum(len(view.hashes(subject)) for subject in view.subjects())
        log.info("The producer starts over from what the log holds", extra={"action": "start", "keys": keys})
        return view

    def _say(self, view: View, captured: Captured, published: int) -> None:
        if published or self._lacking != captured.lacking:
            view.read()  # what was acknowledged is there, and the topics that publishing made are known
            self._lacking = captured.lacking
            self._speak(view)
        else:
            self._heartbeat(view)

    def _heartbeat(self, view: View) -> None:
        if self._clock() - self._said_at >= HEARTBEAT_SECONDS:
            self._speak(view)

    def _speak(self, view: View) -> None:
        self._publisher.say(view, self._lacking)
        self._said_at = self._clock()


class _Reporter:
    """Tells people about rows and keys of SAE that are not as they should be; again only when they changed."""

    def __init__(self) -> None:
        self._told: tuple[frozenset[object], frozenset[object]] = (frozenset(), frozenset())

    def report(self, captured: Captured) -> None:
        problems = frozenset((problem.subject, problem.key) for problem in captured.problems)
        collisions = frozenset(captured.collisions)
        told, self._told = self._told, (problems, collisions)
        if problems - told[0]:
            _report_problems(captured)
        if collisions - told[1]:
            _report_collisions(captured)


def _report_problems(captured: Captured) -> None:
    for problem in captured.problems[:LISTED]:
        details = {"entity": str(problem.subject), "key": problem.key, "reason": str(problem.error)}
        log.warning("SAE holds a row that no event can hold", extra={"action": "unmappable", **details})


def _report_collisions(captured: Captured) -> None:
    listed = ", ".join(f"{subject} {raw!r}" for subject, raw in captured.collisions[:LISTED])
    log.warning(
        "Keys of SAE are equal once trimmed; the first counts",
        extra={"action": "collision", "count": len(captured.collisions), "keys": listed},
    )
