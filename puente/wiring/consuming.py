"""The consumer of one CAJA with its connections."""

import logging
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from time import monotonic, sleep

from consumer import subscribe
from consumer.assignment import Assignment
from consumer.batch import Planner
from consumer.batch_writer import Step
from consumer.caja.port import Store
from consumer.caja.sql import SqlCaja
from consumer.consume import Consumer
from consumer.lease import Lease
from consumer.leftout import LeftOut
from foundation.errors import ConnectionLost, PuenteError, SwitchedOff
from foundation.eventlog.port import EventLog
from foundation.texts import Text, text
from puente.config import CajaSettings, Settings
from puente.wiring.opening import find_company, fingerprint_of, open_caja, open_log, topics_of
from schemas.codec import Decoder
from schemas.entities import Subject
from schemas.registry import RegistryReader
from schemas.topics import Topics

IDLE_SECONDS = 0.5
OFFSET_COMMIT_SECONDS, OFFSET_COMMIT_AGAIN_SECONDS = 5.0, 60.0
STANDBY_SECONDS = 1.0
PRODUCER_SECONDS = 10.0
"""The producer's heart beats every two seconds; after a broken lineage it must read all of SAE first."""

log = logging.getLogger("puente.consumer")


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A CAJA and the log, with what stands between them."""

    caja: SqlCaja
    log: EventLog
    topics: Topics
    registry: RegistryReader
    planner: Planner
    stores: tuple[Store, ...]
    """All that CAJA knows."""
    shared_warehouses: list[Text]
    fingerprint: str


def open_both(settings: Settings, caja: CajaSettings, opened: ExitStack, reached: Callable[[SqlCaja], None] = lambda _caja: None) -> Opened:
    """Connects to a CAJA and the log until `opened` ends; raises what is wrong with either. `reached` is given the CAJA first."""
    checked = open_caja(caja, keep_prepared=True)
    opened.enter_context(closing(checked.database))
    reached(checked.caja)
    log = opened.enter_context(closing(open_log(settings)))
    topics = topics_of(settings, find_company(settings, log))
    decoder, policies = Decoder(), caja.policies
    stores = subscribe.stores_of_warehouses(checked.stores)
    return Opened(
        caja=checked.caja,
        log=log,
        topics=topics,
        registry=RegistryReader(log, topics.registry, decoder),
        planner=Planner(decoder=decoder, mappers=checked.mappers, policies=policies, stores=stores),
        stores=checked.known_stores,
        shared_warehouses=subscribe.shared_warehouses(checked.stores),
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
        self._lease: Lease | None = None
        self._opened = ExitStack()
        self._opened_both: Opened | None = None
        self._reached: SqlCaja | None = None
        self._clock, self._commit_at, self._commit_failed, self._stands_by = clock, float("-inf"), "", False

    def turn(self) -> float:
        """One step; returns the seconds until the next unless the log has something new before."""
        if self._consumer is not None and self._consumer.is_idle:
            return IDLE_SECONDS
        step = self.step()
        if step is None:
            return STANDBY_SECONDS
        self._on_step(step)
        return IDLE_SECONDS if step.at_end else 0.0

    def step(self) -> Step | None:
        """None while another process holds this CAJA."""
        try:
            step = self.consumer().step()
            self._commit_offsets()
        except SwitchedOff:  # all stays as it is: it would be the same the next time
            raise
        except BaseException as error:
            self._record_error(error)
            self._drop()
            raise
        if step is None and not self._stands_by:
            log.info("Another process writes to this CAJA; this one stands by", extra={"action": "stand by", "caja": self.name})
        self._stands_by = step is None
        if self.consumer().is_outdated:
            log.info("CAJA has other stores now: it is read anew", extra={"action": "stores", "caja": self.name})
            self._drop()
        return step

    def _record_error(self, error: BaseException) -> None:
        """Where `puente status` finds it; a CAJA that does not answer is told by that itself."""
        if self._reached is None or isinstance(error, ConnectionLost):
            return
        kind = type(error).__name__
        reason = error if isinstance(error, PuenteError) else text("a bug of Puente's ({kind}): see the messages", kind=kind)
        with suppress(PuenteError):
            self._reached.record_error(str(reason), self._lease.token if self._lease else None)

    def _commit_offsets(self) -> None:
        """Tells the log's tools how far this reader is. Whether they hear it must not hold up a CAJA."""
        state = self._consumer.state if self._consumer else None
        if self._opened_both is None or state is None or self._clock() < self._commit_at:
            return
        topics, positions = self._opened_both.topics, {topic: progress.position.next_offset for topic, progress in state.progress.items()}
        if not positions:
            return
        try:
            self._opened_both.log.commit_offsets(topics.group(self.name), positions)
        except PuenteError as error:
            if str(error) != self._commit_failed:
                extra = {"action": "no note", "caja": self.name, "reason": str(error)}
                log.warning("The log's tools are not told how far it is", extra=extra)
            self._commit_at, self._commit_failed = self._clock() + OFFSET_COMMIT_AGAIN_SECONDS, str(error)
        else:
            self._commit_at, self._commit_failed = self._clock() + OFFSET_COMMIT_SECONDS, ""

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

    def left_out(self) -> list[LeftOut]:
        """What rows of this CAJA lack of what SAE holds."""
        return self._consumer.left_out() if self._consumer is not None else []

    def parked(self) -> dict[str, int]:
        """How many changes that this CAJA takes wait, by reason."""
        state = self._consumer.state if self._consumer else None
        if state is None or self._opened_both is None:
            return {}
        planner = self._opened_both.planner
        parked = [item for item in state.parked.values() if subscribe.takes(planner.policies, planner.stores, item.subject)]
        return dict(Counter(item.reason.value for item in parked))

    def how_far(self) -> tuple[int, int]:
        """How much of how much is applied."""
        return self._consumer.how_far if self._consumer is not None else (0, 0)

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
        self._opened_both = opened = open_both(self._settings, self._caja, self._opened, self._has_reached)
        for fault in opened.shared_warehouses:
            log.error("The stock of a warehouse is left out", extra={"action": "shared warehouse", "caja": self.name, "reason": str(fault)})
        self._lease = Lease(opened.caja, token=self._lease.token if self._lease else None)
        return Consumer(
            Assignment(
                name=self._caja.name,
                caja=opened.caja,
                log=opened.log,
                topics=opened.topics,
                registry=opened.registry,
                planner=opened.planner,
                lease=self._lease,
                fingerprint=opened.fingerprint,
                prices=self._caja.prices,
                stores=opened.stores,
            ),
            allow_deletes=self._allow_deletes,
        )

    def _has_reached(self, caja: SqlCaja) -> None:
        self._reached = caja

    def _drop(self) -> None:
        try:
            self._opened.close()
        finally:
            self._consumer = self._opened_both = self._reached = None

    def release(self) -> None:
        try:
            if self._consumer is not None:
                if not self._commit_failed:
                    self._commit_at = float("-inf")
                    self._commit_offsets()
                self._consumer.release()
        finally:
            self._drop()


class Patience:
    """Once nothing else is left to do: whether the producer's heartbeat is still waited for.

    `PRODUCER_SECONDS` where the log has a broken lineage, `sweep_seconds` where only a sweep needs it.
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
        seconds = PRODUCER_SECONDS if side.listening() else self._sweep_seconds if side.sweeping() else 0.0
        return now - self._since >= seconds
