"""The consumer of one CAJA with its connections."""

import logging
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from time import monotonic, sleep

from consumer import subscribe
from consumer.batch import Planner
from consumer.consume import Consumer
from consumer.guard import GuardKeeper
from consumer.outcome import Step
from consumer.sql_caja import SqlCaja
from puente.config import CajaSettings, Settings
from puente.errors import PuenteError
from puente.eventlog.port import EventLog
from puente.wiring.opening import find_company, fingerprint_of, open_caja, open_log, policies_of, topics_of
from schemas.changes import Subject
from schemas.codec import Decoder
from schemas.registry import RegistryReader
from schemas.topics import Topics

IDLE_SECONDS = 0.5
NOTE_SECONDS, NOTE_AGAIN_SECONDS = 5.0, 60.0
STANDBY_SECONDS = 1.0
WORD_SECONDS = 10.0
"""The producer's heart beats every two seconds; after another history it must read all of SAE first."""

log = logging.getLogger("puente.consumer")


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A CAJA and the log, with what stands between them."""

    caja: SqlCaja
    log: EventLog
    topics: Topics
    registry: RegistryReader
    planner: Planner
    fingerprint: str


def open_both(settings: Settings, caja: CajaSettings, opened: ExitStack) -> Opened:
    """Connects to a CAJA and the log until `opened` ends; raises what is wrong with either."""
    checked = open_caja(caja)
    opened.enter_context(closing(checked.database))
    log = opened.enter_context(closing(open_log(settings)))
    topics = topics_of(settings, find_company(settings, log))
    decoder, policies = Decoder(), policies_of(caja)
    stores = subscribe.stores_of_warehouses(checked.stores, caja.name)
    return Opened(
        caja=checked.caja,
        log=log,
        topics=topics,
        registry=RegistryReader(log, topics.registry, decoder),
        planner=Planner(decoder=decoder, mappers=checked.mappers, policies=policies, stores=stores),
        fingerprint=fingerprint_of(checked),
    )


class ConsumerSide:
    """The consumer of one CAJA with its connections."""

    def __init__(
        self,
        settings: Settings,
        caja: CajaSettings,
        on_step: Callable[[Step], None] = lambda _done: None,
        allow_deletes: int | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._settings, self._caja, self._on_step, self._allow_deletes = settings, caja, on_step, allow_deletes
        self.name = caja.name
        self._consumer: Consumer | None = None
        self._keeper: GuardKeeper | None = None
        self._opened = ExitStack()
        self._opened_both: Opened | None = None
        self._clock, self._note_at, self._note_failed = clock, float("-inf"), ""

    def turn(self) -> float:
        """One step; returns the seconds until the next unless the log has something new before."""
        step = self.step()
        if step is None:
            return STANDBY_SECONDS
        self._on_step(step)
        return IDLE_SECONDS if step.at_end else 0.0

    def step(self) -> Step | None:
        """None while another process holds this CAJA."""
        try:
            step = self.consumer().step()
        except BaseException:
            self._drop()
            raise
        self._note()
        return step

    def _note(self) -> None:
        """Tells the log's tools how far this reader is. Whether they hear it must not hold up a CAJA."""
        state = self._consumer.state if self._consumer else None
        if self._opened_both is None or state is None or self._clock() < self._note_at:
            return
        topics, positions = self._opened_both.topics, {topic: progress.position.next_offset for topic, progress in state.progress.items()}
        try:
            self._opened_both.log.note(topics.group(self.name), positions)
        except PuenteError as error:
            if str(error) != self._note_failed:
                log.warning(
                    "The log's tools are not told how far it is", extra={"action": "no note", "caja": self.name, "reason": str(error)}
                )
            self._note_at, self._note_failed = self._clock() + NOTE_AGAIN_SECONDS, str(error)
        else:
            self._note_at, self._note_failed = self._clock() + NOTE_SECONDS, ""

    def pause(self, seconds: float) -> None:
        """Waits for the log where there is a consumer."""
        try:
            if self._consumer is None:
                sleep(seconds)
            else:
                self._consumer.wait(seconds)
        except BaseException:
            self._drop()
            raise

    def waiting(self) -> dict[str, int]:
        """How many changes that this CAJA takes wait, by reason."""
        state = self._consumer.state if self._consumer else None
        if state is None or self._opened_both is None:
            return {}
        planner = self._opened_both.planner
        waiting = [item for item in state.waiting.values() if subscribe.takes(planner.policies, planner.stores, item.subject)]
        return dict(Counter(item.reason.value for item in waiting))

    def sweeping(self) -> bool:
        """Whether something would be inactivated if only the producer spoke."""
        return self._consumer is not None and bool(self._consumer.sweeping)

    def listening(self) -> list[Subject]:
        """What would be read if only the producer spoke."""
        return self._consumer.listening if self._consumer is not None else []

    def consumer(self) -> Consumer:
        """The consumer of today's connections; raises what opening them raises."""
        if self._consumer is None:
            self._consumer = self._build()
        return self._consumer

    def _build(self) -> Consumer:
        self._opened_both = opened = open_both(self._settings, self._caja, self._opened)
        self._keeper = GuardKeeper(opened.caja, token=self._keeper.token if self._keeper else None)
        return Consumer(
            name=self._caja.name,
            caja=opened.caja,
            log=opened.log,
            topics=opened.topics,
            registry=opened.registry,
            planner=opened.planner,
            keeper=self._keeper,
            fingerprint=opened.fingerprint,
            allow_deletes=self._allow_deletes,
        )

    def _drop(self) -> None:
        self._opened.close()
        self._consumer = self._opened_both = None

    def release(self) -> None:
        try:
            if self._consumer is not None:
                self._consumer.release()
        finally:
            self._drop()


class Patience:
    """Once nothing else is left to do: whether the producer's word is still waited for.

    `WORD_SECONDS` where the log has another history, `sweep_seconds` where only a sweep needs it.
    """

    def __init__(self, sweep_seconds: float, clock: Callable[[], float] = monotonic) -> None:
        self._sweep_seconds, self._clock = sweep_seconds, clock
        self._since: float | None = None

    def has_ended(self, side: ConsumerSide, step: Step) -> bool:
        if step.applied or not step.at_end:
            self._since = None
            return False
        now = self._clock()
        self._since = now if self._since is None else self._since
        seconds = WORD_SECONDS if side.listening() else self._sweep_seconds if side.sweeping() else 0.0
        return now - self._since >= seconds
