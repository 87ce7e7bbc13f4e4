"""Who writes the log, where several producers could: the newest claim wins. Pure but for the log.

A producer claims by its first heartbeat, which carries a run of its own. One that reads a heartbeat of a run that it did not see before its
own first one has lost to a newer claim, stops and stands by. Heartbeats of older runs that come late do not count, so two never drive each
other out again and again. A standby claims once the newest heartbeat has not changed for ten seconds of its own clock, or at once where it
was released. Both may be wrong for a moment, which costs duplicates: the log keeps no more than what each key's newest event says, and each
producer reads what the other wrote.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from time import monotonic

from foundation.errors import Displaced, NoTopic
from foundation.eventlog.lineage import BrokenLineage, Position, read_on
from foundation.eventlog.port import Event, EventLog, Topic
from foundation.silence import Silence
from foundation.texts import text
from schemas.control import run_of


@dataclass(slots=True)
class Claim:
    """The claim of one run: it stands from the place of its first heartbeat on."""

    run: str
    stands: bool = False
    _older: set[str] = field(default_factory=set)

    def take(self, event: Event) -> None:
        """Learns the next event of the control topic; raises `Displaced` where it belongs to a newer claim."""
        run = run_of(event)
        if run is None:
            return
        if run == self.run:
            self.stands = True
        elif not self.stands:
            self._older.add(run)
        elif run not in self._older:
            raise Displaced(text("Another producer claimed the log"))


class Standby:
    """Reads the control topic alone, to know when to claim. `own` holds the runs of this process: what it held it may claim again."""

    def __init__(self, log: EventLog, topic: Topic, *, own: Collection[str] = (), clock: Callable[[], float] = monotonic) -> None:
        self._log, self._topic, self._own, self._silence = log, topic, own, Silence(clock)
        self._start_over()

    def _start_over(self) -> None:
        self._position: Position | None = None
        self._seen: set[str | None] = set()
        self._holder: str | None = None
        self._free = True
        self._listened = self._spoke = False
        self._silence.hear()

    @property
    def is_theirs(self) -> bool:
        """Whether a heartbeat came since this one began to listen, and no release: that producer runs."""
        return self._spoke and not self._free

    def may_claim(self) -> bool:
        """Whether nobody holds the log: nobody ever did, or it was released, or its holder is silent or was one of ours."""
        self._read()
        return self._free or self._holder in self._own or self._silence.is_long

    def is_silent(self) -> bool:
        """Whether somebody who did not let go says nothing any more."""
        self._read()
        return not self._free and self._silence.is_long

    def _read(self) -> None:
        if self._log.state(self._topic) is None:
            self._start_over()
            return
        at_end = False
        while not at_end:
            try:
                batch, self._position = read_on(self._log, self._topic, self._position)
            except BrokenLineage:
                self._start_over()
                continue
            except NoTopic:  # deleted meanwhile
                self._start_over()
                return
            for event in batch.events:
                self._hear(event)
            at_end = batch.at_end
        self._listened = True

    def _hear(self, event: Event) -> None:
        run = run_of(event)
        if run not in self._seen:
            self._seen.add(run)
            self._holder = run
        if event.value is not None or run == self._holder:  # a release of somebody who lost the log before frees nothing
            self._free = event.value is None
        self._spoke = self._listened
        self._silence.hear()
