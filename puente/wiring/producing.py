"""The producer with its connections, and who of several works."""

import logging
from collections.abc import Callable
from contextlib import ExitStack, closing
from time import monotonic

from filelock import FileLock, Timeout

from producer.capture import Capture, CompareCapture
from producer.deletes import DeleteCap
from producer.poll import Pass, Producer
from producer.publish import Publisher
from producer.sae import SqlSae
from producer.versions import VersionCapture
from producer.view import View
from puente.config import SaeSettings, Settings
from puente.errors import ConfigError, Displaced, Occupied
from puente.eventlog.embedded import EmbeddedLog
from puente.texts import text
from puente.wiring.opening import open_log, open_sae, topics_of

COMPACT_SECONDS = 3600.0
STANDBY_SECONDS = 1.0
CLAIM_TURN_SECONDS, CLAIM_TOTAL_SECONDS = 0.1, 30.0

log = logging.getLogger("puente.producer")


def mode_of(settings: SaeSettings, sae: SqlSae) -> type[CompareCapture | VersionCapture]:
    """How changes of this SAE, which is probed, are found; raises `ConfigError` where it cannot be as the settings say."""
    if settings.capture == "record-version" and not sae.exact:
        raise ConfigError(
            text(
                "{label} does not tell which transaction wrote a row (Firebird does from version 3 on, in tables with a key): "
                'set sae.capture to "auto"',
                label=sae.label,
            )
        )
    return VersionCapture if sae.exact and settings.capture != "compare" else CompareCapture


def _capture_of(settings: SaeSettings, sae: SqlSae) -> Capture:
    return mode_of(settings, sae)(sae, every_seconds=settings.reconcile_seconds, share=settings.scan_share)


class ProducerSide:
    """The producer with its connections. On an embedded log whoever holds the lock file works; the others stand by.

    With `allow_deletes` (how many of each entity the first pass lets through) it does not stand by but claims the log: the other one reads
    that, lets go of the lock file, and takes up again when this one has ended.
    """

    def __init__(
        self,
        settings: Settings,
        on_pass: Callable[[Pass], None] = lambda _done: None,
        *,
        allow_deletes: int = 0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        assert settings.sae is not None
        self._settings, self._sae, self._on_pass, self._allowed, self._clock = settings, settings.sae, on_pass, allow_deletes, clock
        self._lock = FileLock(f"{settings.log_path}.producer")
        self._producer: Producer | None = None
        self._log: EmbeddedLog | None = None
        self._compacted_at = float("-inf")
        self._claimed_at: float | None = None
        self._stands_by = False
        self._opened = ExitStack()

    @property
    def claims(self) -> bool:
        """Whether it waits for the holder to let go."""
        return self._claimed_at is not None

    def turn(self) -> float:
        """One pass, or a look whether it is our turn; returns the seconds until the next, raises what keeps it from working."""
        done = self.step()
        if done is None:
            return CLAIM_TURN_SECONDS if self.claims else STANDBY_SECONDS
        self._on_pass(done)
        return self._sae.poll_seconds

    def step(self) -> Pass | None:
        """One pass; None while another producer holds the log."""
        try:
            if not self._is_ours():
                return None
            done = (self._producer or self._build()).run_pass()
            self._allowed = 0
            self._compact()
        except Displaced:
            self._drop()
            self._lock.release()
            self._stand_by()
            return None
        except BaseException:
            self._drop()
            raise
        return done

    def _is_ours(self) -> bool:
        if self._lock.is_locked or self._take_lock():
            return True
        if not self._allowed:
            self._stand_by()
        elif self._claimed_at is None:
            (self._producer or self._build()).claim()
            self._claimed_at = self._clock()
        elif self._clock() - self._claimed_at > CLAIM_TOTAL_SECONDS:
            raise Occupied(text("Another producer writes to the log {path} and does not let go", path=self._settings.log_path))
        return False

    def _take_lock(self) -> bool:
        if not self._settings.log_path.parent.is_dir():
            raise ConfigError(text("The folder of the log does not exist: {folder}", folder=self._settings.log_path.parent))
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        if self._stands_by:
            log.info("The log is free; this producer takes over", extra={"action": "take over"})
        self._stands_by, self._claimed_at = False, None
        return True

    def _stand_by(self) -> None:
        if not self._stands_by:
            log.info("Another producer writes to the log; this one stands by", extra={"action": "stand by"})
        self._stands_by = True

    def _compact(self) -> None:
        """Keeps the file from growing: the heartbeat alone adds some 40 MB a day."""
        if self._log is not None and self._clock() - self._compacted_at >= COMPACT_SECONDS:
            self._compacted_at = self._clock()
            self._log.compact()

    def _build(self) -> Producer:
        sae = self._opened.enter_context(closing(open_sae(self._settings)))
        sae.probe()
        topics = topics_of(self._settings, sae.company)
        capture = _capture_of(self._sae, sae)
        self._log = opened = self._opened.enter_context(closing(open_log(self._settings)))
        self._producer = Producer(
            capture=capture,
            publisher=Publisher(opened, topics),
            new_view=lambda claim: View(opened, topics, claim.take),
            cap=DeleteCap(self._allowed),
        )
        return self._producer

    def _drop(self) -> None:
        self._opened.close()
        self._producer = self._log = self._claimed_at = None

    def release(self) -> None:
        """A clean end: the log is free at once."""
        try:
            if self._producer is not None and self._lock.is_locked:
                self._producer.release()
        finally:
            self._drop()
            self._lock.release()
