"""One pass of the producer, its effects numbered. It keeps nothing between runs: the log is its memory.

1. Read every topic that grew, into the log index.             Killed after: nothing happened.
2. Read SAE in one snapshot, closed before 3.             Killed after: nothing happened.
3. Publish what differs, wait for every acknowledgement.  Killed after or within: the next start reads the log, publishes the rest.
4. Keep the marks, then send the heartbeat.                    Killed between: read again, found equal.

Before a heartbeat every topic is read, grown or not: one that lost its end and grew again is found before anybody is told that it is
complete.

Any failure (a lost session with SAE is one: a database put back from a copy shows no other sign), or a log that is not the one read
before: start over with an empty log index, as a new run that says *incomplete* first. That heartbeat is its claim to the log. It is not
sent, and nothing of a comparison is published, where SAE is not the one that the log holds (`recognition`).
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from time import monotonic

from foundation.errors import Displaced, NoTopic, PuenteError
from foundation.texts import text
from producer.capture.comparison import counted
from producer.capture.port import Capture, Captured, Standing
from producer.claim import Claim
from producer.index import LogChanged, LogIndex
from producer.losses import Kind
from producer.mass_change import Held, MassChange
from producer.publish import Publisher
from producer.recognition import Recognition
from producer.sae.tables import TABLES
from schemas.entities import Entity

HEARTBEAT_SECONDS = 2.0
LISTED = 20

log = logging.getLogger("puente.producer")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pass:
    """What a pass did: events published, tombstones among them, rows of SAE that travel, and how long SAE was read.

    `looked` is false where SAE was not read at all; where it `goes_on`, more is to be looked at now. `held` counts what waits for somebody
    to let it through, by entity and kind of loss, `entities` is what `published` is made of. `standing` is what of SAE does not travel,
    None where it was not read.
    """

    published: int = 0
    entities: Mapping[Entity, int] = field(default_factory=dict)
    tombstones: int = 0
    read: int = 0
    seconds: float = 0.0
    looked: bool = True
    goes_on: bool = False
    held: Mapping[tuple[Entity, Kind], int] = field(default_factory=dict)
    standing: Standing | None = None


class Producer:
    """Runs passes. `new_index` gives an empty log index, which hands every heartbeat to the claim."""

    def __init__(
        self,
        *,
        capture: Capture,
        publisher: Publisher,
        new_index: Callable[[Claim], LogIndex],
        recognition: Recognition,
        mass_change: MassChange | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._capture, self._publisher, self._mass_change = capture, publisher, mass_change or MassChange()
        self._new_index, self._recognition, self._clock = new_index, recognition, clock
        self._index: LogIndex | None = None
        self._standing: Standing | None = None
        self._sent_held = Held()
        self._heartbeat_at = clock()
        self._reporter = _Reporter()

    def forget(self) -> None:
        """After any failure: the next pass starts over."""
        self._index, self._standing = None, None
        self._capture.forget()

    def claim(self) -> None:
        """Claims the log now, before the first pass would; raises what a pass raises."""
        with self._starting_over():
            self._index = self._index or self._start()

    def run_pass(self) -> Pass:
        """One pass; raises what its ports raise, after which the next one starts over, and `Displaced` where another claimed the log."""
        with self._starting_over():
            return self._pass()

    def has_news(self) -> bool:
        """Whether a pass now may find what one a moment ago could not. Raises nothing: what is wrong with SAE the next pass meets, too."""
        try:
            return self._index is not None and self._capture.has_news()
        except PuenteError:
            return True

    def release(self) -> None:
        """A clean end: a standby need not wait. Sends nothing where the log is not ours."""
        index = self._index
        with self._starting_over(), suppress(Displaced):
            if index is not None:
                index.read()
                self._publisher.release()
        self.forget()

    @contextmanager
    def _starting_over(self) -> Iterator[None]:
        """Where the block fails, the next pass starts over. It made each topic, so one that lacks was deleted meanwhile."""
        try:
            yield
        except NoTopic as error:
            self.forget()
            raise LogChanged(text("The topic {topic} was deleted", topic=error.topic)) from error
        except BaseException:
            self.forget()
            raise

    def _pass(self) -> Pass:
        index = self._index or self._start()
        is_due = self._is_due()
        index.read(proves=is_due)  # 1
        began = self._clock()
        beat = partial(self._heartbeat, index)
        captured = self._capture.changes(index, {*index.take_foreign(), *self._mass_change.again}, beat)  # 2
        seconds = self._clock() - began
        if captured is None:
            if is_due:
                self._heartbeat(index)
            return Pass(looked=False, held=self._held())
        self._reporter.report(captured)
        self._recognise(captured, index)
        captured = self._mass_change.sift(captured, index, beat)
        published = self._publisher.publish(captured, index, beat)  # 3
        self._capture.keep(captured)  # 4
        self._mass_change.keep()
        self._conclude(index, captured, published, is_due=is_due)
        _log_each(captured)
        entities, gone = counted(captured.differences)
        return Pass(
            published=published,
            entities=entities,
            tombstones=gone,
            read=captured.read,
            seconds=seconds,
            goes_on=captured.goes_on,
            held=self._held(),
            standing=captured.standing,
        )

    def _held(self) -> dict[tuple[Entity, Kind], int]:
        return {loss: len(places) for loss, places in self._mass_change.held.items()}

    def _start(self) -> LogIndex:
        index = self._new_index(Claim(self._publisher.begin()))
        known = index.read_sae()
        self._recognition.meet(known)  # one that is refused is looked at again and again: all of the log would be read each time
        index.read()
        if index.sae() != known:
            raise LogChanged(text("Another producer wrote which SAE the log holds"))
        self._send_heartbeat(index)
        self._index = index
        keys = sum(len(index.hashes(subject)) for subject in index.subjects())
        log.info("The producer starts over from what the log holds", extra={"action": "start", "count": keys})
        return index

    def _recognise(self, captured: Captured, index: LogIndex) -> None:
        """Before 3: who is killed within it then goes on with the SAE that was let through."""
        sae = self._recognition.admit(captured, index)
        if sae is not None:
            self._publisher.remember(index, self._standing, self._mass_change.for_heartbeat, sae)
            self._recognition.keep(sae)

    def _conclude(self, index: LogIndex, captured: Captured, published: int, *, is_due: bool) -> None:
        standing = captured.standing
        if published or (self._standing, self._sent_held) != (standing, self._mass_change.for_heartbeat):
            index.read()  # what was acknowledged is there, and the topics that publishing made are known
            self._standing = standing
            self._send_heartbeat(index)
        elif is_due:
            self._heartbeat(index)

    def _heartbeat(self, index: LogIndex) -> None:
        if self._is_due():
            self._send_heartbeat(index)

    def _is_due(self) -> bool:
        return self._clock() - self._heartbeat_at >= HEARTBEAT_SECONDS

    def _send_heartbeat(self, index: LogIndex) -> None:
        self._sent_held = self._mass_change.for_heartbeat
        self._publisher.send_heartbeat(index, self._standing, self._sent_held)
        self._heartbeat_at = self._clock()


def _log_each(captured: Captured) -> None:
    if log.isEnabledFor(logging.DEBUG):
        for difference in captured.differences:
            details = {"entity": str(difference.subject), "key": difference.key.decode(errors="replace"), "gone": difference.body is None}
            log.debug("A change of SAE is in the log", extra={"action": "published", **details})


class _Reporter:
    """Tells people about rows and keys of SAE that are not as they should be; again only when they changed."""

    def __init__(self) -> None:
        self._logged: tuple[frozenset[object], frozenset[object]] = (frozenset(), frozenset())
        self._stuck: frozenset[object] = frozenset()

    def report(self, captured: Captured) -> None:
        problems = frozenset((problem.subject, problem.key) for problem in captured.problems)
        collisions = frozenset(captured.collisions)
        told, self._logged = self._logged, (problems, collisions)
        if problems - told[0]:
            _report_problems(captured)
        if collisions - told[1]:
            _report_collisions(captured)
        stuck = frozenset(captured.stuck)
        if stuck - self._stuck:
            _report_stuck(captured)
        self._stuck = stuck


def _report_problems(captured: Captured) -> None:
    for problem in captured.problems[:LISTED]:
        details = {"entity": str(problem.subject), "key": problem.key, "reason": str(problem.error)}
        log.warning("SAE holds a row that no event can hold", extra={"action": "unmappable", **details})


def _report_stuck(captured: Captured) -> None:
    for table, error in captured.stuck.items():
        log.warning("A table of SAE waits, the others go on", extra={"action": "in limbo", "table": TABLES[table], "reason": str(error)})


def _report_collisions(captured: Captured) -> None:
    listed = ", ".join(f"{subject} {raw!r}" for subject, raw in captured.collisions[:LISTED])
    log.warning(
        "Keys of SAE are equal once trimmed; the first counts",
        extra={"action": "collision", "count": len(captured.collisions), "keys": listed},
    )
