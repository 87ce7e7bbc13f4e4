"""`puente resync`: one CAJA against the whole log, now; or what that would change."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Protocol

from consumer.consume import Consumer
from consumer.outcome import Step
from consumer.preview import Preview, Previewer
from consumer.resync import Report
from consumer.subscribe import subjects
from puente.config import CajaSettings, Settings
from puente.errors import Occupied
from puente.loop import Stop
from puente.texts import text
from puente.wiring.consuming import ConsumerSide, open_both
from schemas.changes import Entity, Subject

WORD_SECONDS = 10.0
"""How long the sweep waits for the producer to speak: his heart beats every two seconds."""
TAKE_SECONDS = 10.0
PAUSE_SECONDS = 0.2

Watch = Callable[[dict[Subject, tuple[int, int]]], None]


@dataclass(kw_only=True)
class Resynced:
    """What it did. `stopped`: not all of it, whoever writes next goes on. `unheard`: no producer spoke, so the sweep is still to come."""

    reports: dict[Subject, Report] = field(default_factory=dict)
    stopped: bool = False
    unheard: bool = False


def resync(
    settings: Settings, caja: CajaSettings, entities: Sequence[Entity], stop: Stop, allow_deletes: int | None, watch: Watch
) -> Resynced:
    """Takes the CAJA from whoever writes to it, who goes on by himself afterwards.

    `watch` is told how much of how much was read, per topic under way. Raises what a consumer raises; what was begun then is gone on with
    by whoever writes to this CAJA next.
    """
    side = ConsumerSide(settings, caja, allow_deletes=allow_deletes)
    try:
        consumer = side.consumer()
        take(consumer, stop, caja.name)
        consumer.ask_for_resync(entities)
        result = Resynced(stopped=not _read(consumer, stop, watch, caja.name))
        result.unheard = not _swept(consumer, stop, caja.name)
        result.reports = {subject: report for subject, report in consumer.reports.items() if subject.entity in entities}
        return result
    finally:
        side.release()


class Takes(Protocol):
    """A consumer, as far as it takes over."""

    def take_over(self, *, by_force: bool = False) -> bool: ...


def take(consumer: Takes, stop: Stop, name: str, clock: Callable[[], float] = monotonic) -> None:
    """Takes the guard row; raises `Occupied` after `TAKE_SECONDS`.

    Whoever writes changes the row with each transaction, so that one may come between the look at it and the grasp.
    """
    until = clock() + TAKE_SECONDS
    while not consumer.take_over(by_force=True):
        if clock() > until or stop.asked:
            raise Occupied(text("Another process writes to the CAJA {caja} (puente run?)", caja=name))
        stop.sleep(PAUSE_SECONDS)


def _read(consumer: Consumer, stop: Stop, watch: Watch, name: str) -> bool:
    """Whether the end was reached."""
    at_end = False
    while not at_end and not stop.asked:
        at_end = _step(consumer, name).at_end
        watch(consumer.resyncing)
    return at_end


def _swept(consumer: Consumer, stop: Stop, name: str) -> bool:
    """Whether the producer spoke in time."""
    until = monotonic() + WORD_SECONDS
    while consumer.sweeping and monotonic() < until and not stop.asked:
        stop.sleep(PAUSE_SECONDS)
        _step(consumer, name)
    return not consumer.sweeping


def _step(consumer: Consumer, name: str) -> Step:
    """Raises `Occupied` where another process took the CAJA."""
    step = consumer.step()
    if step is None:
        raise Occupied(text("Another process took the CAJA {caja}; what was begun goes on there", caja=name))
    return step


def dry_run(settings: Settings, caja: CajaSettings, entities: Sequence[Entity]) -> list[Preview]:
    """What `resync` would change; reads only, beside whoever writes."""
    with ExitStack() as opened:
        both = open_both(settings, caja, opened)
        both.caja.read_guard()
        state = both.caja.state()
        both.registry.refresh()
        chosen = subjects(both.planner.policies, both.planner.stores, both.caja.switches())
        previewer = Previewer(both.caja, both.log, both.planner, datetime.now(UTC))
        present = both.log.topics()
        return [
            previewer.preview(subject, topic, state)
            for subject in chosen
            if subject.entity in entities and (topic := both.topics.of(subject)) in present
        ]
