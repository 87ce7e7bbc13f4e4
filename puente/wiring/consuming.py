"""The consumer of one CAJA with its connections."""

from collections.abc import Callable
from contextlib import ExitStack, closing
from time import sleep

from consumer import subscribe
from consumer.batch import Planner
from consumer.consume import Consumer
from consumer.fingerprint import fingerprint
from consumer.guard import GuardKeeper
from consumer.outcome import Step
from puente.config import CajaSettings, Settings
from puente.wiring.opening import find_company, open_caja, open_log, policies_of, topics_of
from schemas.codec import Decoder
from schemas.registry import RegistryReader

IDLE_SECONDS = 0.5
STANDBY_SECONDS = 1.0


class ConsumerSide:
    """The consumer of one CAJA with its connections."""

    def __init__(
        self,
        settings: Settings,
        caja: CajaSettings,
        on_step: Callable[[Step], None] = lambda _done: None,
        allow_deletes: int | None = None,
    ) -> None:
        self._settings, self._caja, self._on_step, self._allow_deletes = settings, caja, on_step, allow_deletes
        self.name = caja.name
        self._consumer: Consumer | None = None
        self._keeper: GuardKeeper | None = None
        self._opened = ExitStack()

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
            consumer = self._consumer or self._build()
            return consumer.step()
        except BaseException:
            self._drop()
            raise

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
        """How many changes wait, by reason."""
        state = self._consumer.state if self._consumer else None
        found: dict[str, int] = {}
        for item in state.waiting.values() if state else ():
            found[item.reason.value] = found.get(item.reason.value, 0) + 1
        return found

    def _build(self) -> Consumer:
        checked = open_caja(self._caja)
        self._opened.enter_context(closing(checked.database))
        log = self._opened.enter_context(closing(open_log(self._settings)))
        topics = topics_of(self._settings, find_company(self._settings, log))
        decoder = Decoder()
        policies, stores = policies_of(self._caja), subscribe.stores_of_warehouses(checked.stores, self._caja.name)
        self._keeper = GuardKeeper(checked.caja, token=self._keeper.token if self._keeper else None)
        self._consumer = Consumer(
            name=self._caja.name,
            caja=checked.caja,
            log=log,
            topics=topics,
            registry=RegistryReader(log, topics.registry, decoder),
            planner=Planner(decoder=decoder, mappers=checked.mappers, policies=policies, stores=stores),
            keeper=self._keeper,
            fingerprint=fingerprint(checked.profile, policies, stores, self._caja.prices, checked.mappers),
            allow_deletes=self._allow_deletes,
        )
        return self._consumer

    def _drop(self) -> None:
        self._opened.close()
        self._consumer = None

    def release(self) -> None:
        try:
            if self._consumer is not None:
                self._consumer.release()
        finally:
            self._drop()
