"""Running both sides: until asked to stop, or once."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic

from consumer.guard import SILENCE_SECONDS
from consumer.outcome import Step
from producer.poll import Pass
from puente.config import CajaSettings, Settings
from puente.errors import ExitCode, Occupied, PuenteError, gravest
from puente.loop import Stop, Worker, run_all
from puente.retry import retrying
from puente.texts import text
from puente.wiring.consuming import ConsumerSide
from puente.wiring.producing import CLAIM_TURN_SECONDS, ProducerSide

STANDBY_TOTAL_SECONDS = SILENCE_SECONDS + 2.0
STANDBY_TURN_SECONDS = 0.5


@dataclass(kw_only=True)
class CajaResult:
    """What `once` did in one CAJA; `error` where it could not finish."""

    name: str
    step: Step = field(default_factory=Step)
    waiting: dict[str, int] = field(default_factory=dict)
    error: PuenteError | None = None


@dataclass(kw_only=True)
class Result:
    """What `once` did."""

    produced: Pass | None = None
    producer_error: PuenteError | None = None
    cajas: list[CajaResult] = field(default_factory=list)

    @property
    def errors(self) -> list[PuenteError]:
        return [e for e in (self.producer_error, *(caja.error for caja in self.cajas)) if e is not None]

    @property
    def exit_code(self) -> ExitCode:
        return gravest(error.exit_code for error in self.errors)


def forever(settings: Settings, stop: Stop, *, produce: bool, cajas: Sequence[CajaSettings], allow_deletes: int = 0) -> ExitCode:
    """Runs until `stop` is asked for."""
    workers: list[Worker] = []
    if produce:
        producer = ProducerSide(settings, allow_deletes=allow_deletes)
        workers.append(Worker(name="SAE", turn=producer.turn, pause=stop.sleep, release=producer.release))
    for caja in cajas:
        side = ConsumerSide(settings, caja)
        workers.append(Worker(name=caja.name, turn=side.turn, pause=side.pause, release=side.release))
    return run_all(workers, stop)


def once(settings: Settings, stop: Stop, *, produce: bool, cajas: Sequence[CajaSettings], allow_deletes: int = 0) -> Result:
    """Everything that is there now, deletes included: one full pass of the producer, then each CAJA to the end of the log."""
    result = Result()
    if produce:
        _produce(settings, stop, allow_deletes, result)
    result.cajas = [CajaResult(name=caja.name) for caja in cajas]
    threads = [
        threading.Thread(target=_drain, args=(settings, stop, caja, into), name=caja.name, daemon=True)
        for caja, into in zip(cajas, result.cajas, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(0.2)  # short, so that Python runs signal handlers
    return result


def _produce(settings: Settings, stop: Stop, allow_deletes: int, result: Result) -> None:
    side = ProducerSide(settings, allow_deletes=allow_deletes)
    try:
        result.produced = retrying(lambda: _first_pass(side, settings, stop), stop=stop)
    except PuenteError as error:
        result.producer_error = error
    try:
        side.release()
    except PuenteError as error:
        result.producer_error = result.producer_error or error


def _first_pass(side: ProducerSide, settings: Settings, stop: Stop) -> Pass | None:
    """None where `stop` was asked for; raises `Occupied` where another process keeps the log."""
    while not stop.asked:
        done = side.step()
        if done is not None:
            return done
        if not side.claims:
            raise Occupied(text("Another producer writes to the log {path}", path=settings.log_path))
        stop.sleep(CLAIM_TURN_SECONDS)
    return None


def _drain(settings: Settings, stop: Stop, caja: CajaSettings, result: CajaResult) -> None:
    side = ConsumerSide(settings, caja)
    try:
        retrying(lambda: drain(side, result.step, stop), stop=stop)
        result.waiting = side.waiting()
    except PuenteError as error:
        result.error = error
    finally:
        _release(side, result)


def _release(side: ConsumerSide, result: CajaResult) -> None:
    try:
        side.release()
    except PuenteError as error:
        result.error = result.error or error


def drain(side: ConsumerSide, total: Step, stop: Stop, clock: Callable[[], float] = monotonic) -> None:
    """Steps until nothing is left that can go in now; raises `Occupied` where another process keeps the CAJA."""
    began = clock()
    while not stop.asked:
        step = side.step()
        if step is None:
            if clock() - began > STANDBY_TOTAL_SECONDS:
                raise Occupied(text("Another process writes to the CAJA {caja} (puente run?)", caja=side.name))
            stop.sleep(STANDBY_TURN_SECONDS)
            continue
        total.add(step)
        if step.at_end and not step.applied:
            return
