"""The producer with its connections."""

from collections.abc import Callable
from contextlib import ExitStack, closing
from time import monotonic
from uuid import uuid4

from filelock import FileLock, Timeout

from producer.capture import CompareCapture
from producer.poll import Pass, Producer
from producer.publish import Publisher
from producer.view import View
from puente.config import Settings
from puente.errors import ConfigError, Occupied
from puente.eventlog.embedded import EmbeddedLog
from puente.texts import text
from puente.wiring.opening import open_log, open_sae, topics_of

COMPACT_SECONDS = 3600.0
RUN_LENGTH = 12


class ProducerSide:
    """The producer with its connections. One at a time on an embedded log: a second one stands by at the lock file."""

    def __init__(self, settings: Settings, on_pass: Callable[[Pass], None] = lambda _done: None) -> None:
        self._settings, self._on_pass = settings, on_pass
        self._lock = FileLock(f"{settings.log_path}.producer")
        self._producer: Producer | None = None
        self._log: EmbeddedLog | None = None
        self._compacted_at = float("-inf")
        self._opened = ExitStack()

    def turn(self) -> float:
        """One pass; returns the seconds until the next, raises what keeps it from working."""
        self._on_pass(self.run_pass())
        assert self._settings.sae is not None
        return self._settings.sae.poll_seconds

    def run_pass(self) -> Pass:
        self._take_lock()
        try:
            done = (self._producer or self._build()).run_pass()
            self._compact()
        except BaseException:
            self._drop()
            raise
        return done

    def _compact(self) -> None:
        """Keeps the file from growing: the heartbeat alone adds some 40 MB a day."""
        if self._log is not None and monotonic() - self._compacted_at >= COMPACT_SECONDS:
            self._compacted_at = monotonic()
            self._log.compact()

    def _take_lock(self) -> None:
        if not self._settings.log_path.parent.is_dir():
            raise ConfigError(text("The folder of the log does not exist: {folder}", folder=self._settings.log_path.parent))
        try:
            if not self._lock.is_locked:
                self._lock.acquire(timeout=0)
        except Timeout as error:
            raise Occupied(text("Another producer writes to the log {path}", path=self._settings.log_path)) from error

    def _build(self) -> Producer:
        sae = self._opened.enter_context(closing(open_sae(self._settings)))
        self._log = log = self._opened.enter_context(closing(open_log(self._settings)))
        assert self._settings.sae is not None
        sae.probe()
        topics = topics_of(self._settings, sae.company)
        capture = CompareCapture(sae, every_seconds=self._settings.sae.reconcile_seconds, share=self._settings.sae.scan_share)
        self._producer = Producer(
            capture=capture,
            publisher=Publisher(log, topics, uuid4().hex[:RUN_LENGTH]),
            new_view=lambda: View(log, topics),
        )
        return self._producer

    def _drop(self) -> None:
        self._opened.close()
        self._producer = self._log = None

    def release(self) -> None:
        self._drop()
        self._lock.release()
