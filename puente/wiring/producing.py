"""The producer with its connections, and who of several works."""

import logging
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from time import monotonic

from foundation.errors import ConfigError, Displaced
from foundation.eventlog.embedded.log import EmbeddedLog
from foundation.eventlog.port import EventLog, Topic
from foundation.texts import text
from producer.capture.compare import CompareCapture
from producer.capture.port import Capture
from producer.capture.record_version import VersionCapture
from producer.capture.schedule import rest_after
from producer.index import LogIndex
from producer.losses import Kind
from producer.mass_change import MassChange
from producer.poll import Pass, Producer
from producer.progress import Hear, Progress
from producer.publish import Publisher, new_run
from producer.recognition import AnotherSae, Recognition
from producer.sae.company import AUTO
from producer.sae.port import SqlSae
from puente.config import EmbeddedLogSettings, KafkaLogSettings, SaeSettings, Settings
from puente.loop import Stop
from puente.wiring.opening import open_log, open_sae, topics_of
from puente.wiring.turns import HeartbeatTurn, LockTurn, Turn

COMPACT_SECONDS = 3600.0
LOOK_SECONDS = 0.1
"""How often SAE's counter of transactions is asked between two passes."""
LOOKS_SHARE = 0.25
"""Of the time; each table has a share of its own besides. So much where transactions begin all the time."""
STANDBY_SECONDS = 1.0
CLAIM_TURN_SECONDS = 0.1

log = logging.getLogger("puente.producer")


def mode_of(settings: SaeSettings, sae: SqlSae) -> type[CompareCapture | VersionCapture]:
    """How changes of this SAE, which is probed, are found; raises `ConfigError` where it cannot be as the settings say."""
    if settings.capture == "record-version" and not sae.exact:
        raise ConfigError(
            text(
                '{label} does not tell which transaction wrote a row, which takes a table with a key of its own: set sae.capture to "auto"',
                label=sae.label,
            )
        )
    return VersionCapture if sae.exact and settings.capture != "compare" else CompareCapture


def _capture_of(settings: SaeSettings, sae: SqlSae, progress: Progress) -> Capture:
    return mode_of(settings, sae)(sae, every_seconds=settings.reconcile_seconds, share=settings.scan_share, progress=progress)


@dataclass(frozen=True, slots=True)
class Meant:
    """What a person said is meant: how many of each entity the first pass lets through, by kind of loss; SAE, whichever the log holds."""

    allowed: Mapping[Kind, int] = field(default_factory=dict)
    accepts_sae: bool = False


NOTHING = Meant()


class ProducerSide:
    """The producer with its connections. Whose turn it is works; the others stand by.

    Where somebody said that something is `meant`, it does not stand by but claims the log: the other one reads that, lets go, and takes up
    again when this one has ended.
    """

    def __init__(
        self,
        settings: Settings,
        on_pass: Callable[[Pass], None] = lambda _done: None,
        meant: Meant = NOTHING,
        *,
        on_progress: Hear = lambda _stage, _done, _of: None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        assert settings.sae is not None
        self._settings, self._sae, self._on_pass, self._meant, self._clock = settings, settings.sae, on_pass, meant, clock
        self._runs: set[str] = set()
        self._progress = Progress(on_progress)
        self._turn = self._new_turn()
        self._producer: Producer | None = None
        self._log: EventLog | None = None
        self._compacted_at = float("-inf")
        self._look_seconds, self._looked_seconds = LOOK_SECONDS, 0.0
        self._stands_by = False
        self._opened = ExitStack()

    def _new_turn(self) -> Turn:
        heartbeats = HeartbeatTurn(lambda: open_log(self._settings), self._control, self._runs, self._clock)
        match self._settings.log:
            case EmbeddedLogSettings():
                return LockTurn(self._settings.log_path, heartbeats, self._clock)
            case KafkaLogSettings():
                return heartbeats

    @property
    def claims(self) -> bool:
        """Whether it wants the log from the producer that has it."""
        return bool(self._meant.allowed) or self._meant.accepts_sae

    @property
    def is_in_vain(self) -> bool:
        """Whether another producer is known to live: waiting helps nobody who cannot stand by."""
        return not self.claims and self._turn.is_theirs()

    def turn(self) -> float:
        """One pass, or a look whether it is our turn; returns the seconds until the next, raises what keeps it from working."""
        done = self.step()
        if done is None:
            return CLAIM_TURN_SECONDS if self.claims else STANDBY_SECONDS
        self._on_pass(done)
        self._looked_seconds += done.seconds
        if done.goes_on:
            return 0.0
        self._look_seconds, self._looked_seconds = max(LOOK_SECONDS, rest_after(self._looked_seconds, LOOKS_SHARE)), 0.0
        return self._sae.poll_seconds

    def rest(self, stop: Stop, seconds: float) -> None:
        """Until so many seconds have passed; less where something began in SAE. A SAE that is slow is asked less often."""
        until = self._clock() + seconds
        while not stop.asked and (left := until - self._clock()) > 0:
            stop.sleep(min(self._look_seconds, left))
            if self._producer is not None and self._producer.has_news():
                return

    def step(self) -> Pass | None:
        """One pass; None while another producer holds the log."""
        try:
            if not self._is_ours():
                return None
            done = (self._producer or self._build()).run_pass()
            self._meant = NOTHING
            self._compact()
        except Displaced:
            self._drop()
            self._turn.give_up()
            self._stand_by()
            return None
        except AnotherSae:
            self._drop()
            self._turn.let_go()
            raise
        except BaseException:
            self._drop()
            self._turn.interrupt()
            raise
        return done

    def _is_ours(self) -> bool:
        if self._turn.is_ours:
            return True
        if self._turn.take(self._claim if self.claims else None):
            if self._stands_by:
                log.info("The log is free; this producer takes over", extra={"action": "take over"})
            self._stands_by = False
            return True
        if not self.claims:
            self._stand_by()
        return False

    def _claim(self) -> None:
        (self._producer or self._build()).claim()

    def _stand_by(self) -> None:
        if not self._stands_by:
            log.info("Another producer writes to the log; this one stands by", extra={"action": "stand by"})
        self._stands_by = True

    def _compact(self) -> None:
        """Keeps the file from growing: the heartbeat alone adds some 5 MB a day. Kafka does that itself."""
        if isinstance(self._log, EmbeddedLog) and self._clock() - self._compacted_at >= COMPACT_SECONDS:
            self._compacted_at = self._clock()
            self._log.compact()

    def _control(self) -> Topic:
        """The topic of the heartbeats; SAE tells its company where the settings do not."""
        if self._settings.company != AUTO:
            return topics_of(self._settings, self._settings.company).control
        with closing(open_sae(self._settings)) as sae:
            sae.probe()
            return topics_of(self._settings, sae.company).control

    def _build(self) -> Producer:
        sae = self._opened.enter_context(closing(open_sae(self._settings)))
        sae.probe()
        topics = topics_of(self._settings, sae.company)
        capture = _capture_of(self._sae, sae, self._progress)
        self._log = opened = self._opened.enter_context(closing(open_log(self._settings)))
        if isinstance(opened, EmbeddedLog):
            opened.fence(topics.control)
        self._producer = Producer(
            capture=capture,
            publisher=Publisher(opened, topics, self._new_run, progress=self._progress),
            new_index=lambda claim: LogIndex(opened, topics, claim.take),
            recognition=Recognition(sae, is_accepted=self._meant.accepts_sae, clock=self._clock),
            mass_change=MassChange(self._meant.allowed),
            clock=self._clock,
        )
        return self._producer

    def _new_run(self) -> str:
        run = new_run()
        self._runs.add(run)
        return run

    def _drop(self) -> None:
        try:
            self._opened.close()
        finally:
            self._producer = self._log = None

    def release(self) -> None:
        """A clean end: the log is free at once."""
        try:
            if self._producer is not None and self._turn.is_ours:
                self._producer.release()
        finally:
            self._drop()
            self._turn.give_up()
