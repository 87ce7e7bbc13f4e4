"""Running both sides: until asked to stop, or once."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import monotonic

from consumer.batch_writer import Step
from consumer.leftout import LeftOut
from foundation.errors import ExitCode, InvariantError, Occupied, PuenteError, RetryableError, gravest, is_bug
from foundation.retry import retrying
from foundation.silence import SILENCE_SECONDS
from foundation.texts import text
from producer.poll import Pass
from producer.progress import Stage
from puente.commands.progress import ProgressLog
from puente.config import CajaSettings, Settings
from puente.loop import Stop, Worker, attended, run_all
from puente.wiring.consuming import ConsumerSide, Patience
from puente.wiring.producing import CLAIM_TURN_SECONDS, NOTHING, Meant, ProducerSide

STANDBY_TOTAL_SECONDS = SILENCE_SECONDS + 2.0
STANDBY_TURN_SECONDS = 0.5
LOOK_SECONDS = 0.2
SWEEP_SECONDS = 20.0
SAE = "SAE"
LOG = text("log")

Watch = Callable[[str, tuple[int, int] | None], None]
"""Hears how much of how much a unit has done; None: it has begun, and nobody knows how much it is."""

log = logging.getLogger("puente.run")


@dataclass(kw_only=True)
class CajaResult:
    """What `once` did in one CAJA; `error` where it could not finish."""

    name: str
    step: Step = field(default_factory=Step)
    parked: dict[str, int] = field(default_factory=dict)
    left_out: Sequence[LeftOut] = ()
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


def forever(settings: Settings, stop: Stop, *, produce: bool, cajas: Sequence[CajaSettings], meant: Meant = NOTHING) -> ExitCode:
    """Runs until `stop` is asked for."""
    progress = ProgressLog([*([SAE] if produce else []), *(caja.name for caja in cajas)])
    workers: list[Worker] = []
    if produce:
        producer = ProducerSide(settings, partial(progress.of_pass, SAE), meant, on_progress=progress.of_stage)
        workers.append(Worker(name=SAE, turn=producer.turn, pause=partial(producer.rest, stop), release=producer.release))
    for caja in cajas:
        side = ConsumerSide(settings, caja, partial(progress.of_step, caja.name))
        workers.append(Worker(name=caja.name, turn=side.turn, pause=side.pause, release=side.release))
    return run_all(workers, stop, settings.run.stop_seconds)


def once(
    settings: Settings,
    stop: Stop,
    *,
    produce: bool,
    cajas: Sequence[CajaSettings],
    meant: Meant = NOTHING,
    watch: Watch = lambda _unit, _how_far: None,
) -> Result:
    """Everything that is there now, deletes included: one full pass of the producer, then each CAJA to the end of the log.

    The producer goes on until the CAJAs are done: a sweep after a resync waits for its heartbeat. What a stop cuts off is not in the
    result. `watch` hears, in any thread, how far SAE and each CAJA are.
    """
    result = Result(cajas=[CajaResult(name=caja.name) for caja in cajas])
    side = ProducerSide(settings, meant=meant, on_progress=partial(_watched, watch)) if produce else None
    attended(lambda: _once(settings, stop, side, cajas, result, watch), stop, settings.run.stop_seconds)
    return result


def _watched(watch: Watch, stage: Stage, done: int, of: int) -> None:
    """Two bars: rows of SAE that are read, and events that go into the log."""
    if of:
        watch(SAE if stage is Stage.READ else str(LOG), (done, of))


def _once(settings: Settings, stop: Stop, side: ProducerSide | None, cajas: Sequence[CajaSettings], result: Result, watch: Watch) -> None:
    try:
        is_producing = side is not None and _first_pass(side, settings, stop, result, watch)
        threads = [
            threading.Thread(target=_drain, args=(settings, stop, caja, into, is_producing, watch), name=caja.name, daemon=True)
            for caja, into in zip(cajas, result.cajas, strict=True)
        ]
        for thread in threads:
            thread.start()
        while living := [thread for thread in threads if thread.is_alive()]:
            living[0].join(LOOK_SECONDS)
            is_producing = side is not None and is_producing and not stop.asked and _goes_on(side, result)
    finally:
        if side is not None:
            _release(side.release, result)


def _first_pass(side: ProducerSide, settings: Settings, stop: Stop, result: Result, watch: Watch) -> bool:
    """Whether it succeeded."""
    watch(SAE, None)
    try:
        result.produced = retrying(lambda: _pass(side, settings, stop), stop=stop)
    except Exception as error:  # noqa: BLE001 - a bug is told by what it becomes
        result.producer_error = _as_puente_error("SAE", error)
    if result.produced is not None:
        watch(SAE, (result.produced.read, result.produced.read))
    return result.produced is not None


def _pass(side: ProducerSide, settings: Settings, stop: Stop) -> Pass | None:
    """None where `stop` was asked for; raises `Occupied` where another process keeps the log."""
    while not stop.asked:
        done = side.step()
        if done is not None:
            return done
        if side.is_in_vain:
            raise Occupied(text("Another producer writes to the log {path}", path=settings.log.name))
        stop.sleep(CLAIM_TURN_SECONDS)
    return None


def _goes_on(side: ProducerSide, result: Result) -> bool:
    """Whether it still does."""
    try:
        return side.step() is not None
    except Exception as error:  # noqa: BLE001 - the same
        result.producer_error = _as_puente_error("SAE", error)
        return False


def _drain(settings: Settings, stop: Stop, caja: CajaSettings, result: CajaResult, is_producing: bool, watch: Watch) -> None:
    sweep_seconds = SWEEP_SECONDS if is_producing else 0.0
    side = ConsumerSide(settings, caja)
    try:
        retrying(lambda: drain(side, result.step, stop, sweep_seconds, watch=watch), stop=stop)
        result.parked, result.left_out = side.parked(), side.left_out()
        if side.listening() and not stop.asked:
            topics = ", ".join(map(str, side.listening()))
            unread = text(
                "The log was made again or lost its end, and no producer has compared it with SAE since ({topics})", topics=topics
            )
            result.error = RetryableError(unread)
    except Exception as error:  # noqa: BLE001 - the same
        result.error = _as_puente_error(caja.name, error)
    finally:
        _release(side.release, result)


def _release(release: Callable[[], None], result: Result | CajaResult) -> None:
    """The first trouble is the one to tell."""
    try:
        release()
    except Exception as error:  # noqa: BLE001 - the same
        if isinstance(result, CajaResult):
            result.error = result.error or _as_puente_error(result.name, error)
        else:
            result.producer_error = result.producer_error or _as_puente_error("SAE", error)


def _as_puente_error(unit: str, error: Exception) -> PuenteError:
    """As a result has it. A bug ends this unit alone; its traceback is in the log."""
    if isinstance(error, PuenteError) and not is_bug(error):
        return error
    log.error("A bug of Puente's: this one ends, the others go on", exc_info=error, extra={"action": "bug", "worker": unit})
    kind = type(error).__name__
    return InvariantError(text("{unit} ended by a bug of Puente's ({kind}); its traceback stands above", unit=unit, kind=kind))


def drain(
    side: ConsumerSide,
    total: Step,
    stop: Stop,
    sweep_seconds: float = 0.0,
    clock: Callable[[], float] = monotonic,
    watch: Watch = lambda _unit, _how_far: None,
) -> None:
    """Steps until nothing is left that can go in now; raises `Occupied` where another process keeps the CAJA.

    Where only a sweep needs the producer's heartbeat, it is waited for `sweep_seconds`.
    """
    began, patience = clock(), Patience(sweep_seconds, clock)
    while not stop.asked:
        step = side.step()
        if step is None:
            if clock() - began > STANDBY_TOTAL_SECONDS:
                raise Occupied(text("Another process writes to the CAJA {caja} (puente run?)", caja=side.name))
            stop.sleep(STANDBY_TURN_SECONDS)
            continue
        total.add(step)
        watch(side.name, side.how_far())
        if patience.has_ended(side, step):
            return
        if step.at_end and not step.applied:
            stop.sleep(LOOK_SECONDS)
