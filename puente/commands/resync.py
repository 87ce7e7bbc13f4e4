"""`puente resync`: one CAJA against the whole log, now; or what that would change."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Protocol

from consumer.leftout import LeftOut
from consumer.resync.preview import Preview, Previewer
from consumer.resync.topic import Report
from consumer.subscribe import subjects
from foundation.errors import Occupied
from foundation.texts import text
from puente.commands.heartbeat import last_heartbeat
from puente.config import CajaSettings, Settings
from puente.loop import Stop
from puente.wiring.consuming import PRODUCER_SECONDS, ConsumerSide, Patience, open_both
from schemas.entities import Entity, Subject
from schemas.keys import Key

TAKE_SECONDS = 10.0
PAUSE_SECONDS = 0.2

Watch = Callable[[dict[Subject, tuple[int, int]]], None]


@dataclass(kw_only=True)
class Resynced:
    """What it did. `stopped`: not all of it, the next process that writes goes on.

    `unheard`: no producer spoke, so the sweep is still to come; `unread`: and for these the log, too, for it is another one.
    """

    reports: dict[Subject, Report] = field(default_factory=dict)
    stopped: bool = False
    unheard: bool = False
    unread: list[Subject] = field(default_factory=list)
    left_out: Sequence[LeftOut] = ()


def resync(
    settings: Settings, caja: CajaSettings, entities: Sequence[Entity], stop: Stop, allow_deletes: int | None, watch: Watch
) -> Resynced:
    """Takes the CAJA from the process that writes to it, which goes on by itself afterwards.

    `watch` is told how much of how much was read, per topic under way. Raises what a consumer raises; what was begun then is gone on with
    by the next process that writes to this CAJA.
    """
    side = ConsumerSide(settings, caja, allow_deletes=allow_deletes)
    try:
        consumer = side.consumer()
        take(consumer, stop, caja.name)
        consumer.ask_for_resync(entities)
        result = Resynced(stopped=not _read(side, stop, watch))
        result.unread = side.listening()
        result.unheard = side.sweeping()
        result.left_out = [] if result.stopped else [found for found in side.left_out() if found.entity in entities]
        result.reports = {subject: report for subject, report in consumer.reports.items() if subject.entity in entities}
        return result
    finally:
        side.release()


class Takes(Protocol):
    """A consumer, as far as it takes over."""

    def take_over(self, *, by_force: bool = False) -> bool: ...


def take(consumer: Takes, stop: Stop, name: str, clock: Callable[[], float] = monotonic) -> None:
    """Takes the lease; raises `Occupied` after `TAKE_SECONDS`.

    The process that writes changes the row with each transaction, so that one may come between the look at it and the grasp.
    """
    until = clock() + TAKE_SECONDS
    while not consumer.take_over(by_force=True):
        if clock() > until or stop.asked:
            raise Occupied(text("Another process writes to the CAJA {caja} (puente run?)", caja=name))
        stop.sleep(PAUSE_SECONDS)


def _read(side: ConsumerSide, stop: Stop, watch: Watch) -> bool:
    """Whether the end was reached; raises `Occupied` where another process took the CAJA."""
    consumer, patience, at_end = side.consumer(), Patience(PRODUCER_SECONDS), False
    while not stop.asked:
        step = consumer.step()
        if step is None:
            raise Occupied(text("Another process took the CAJA {caja}; what was begun goes on there", caja=side.name))
        watch(consumer.resyncing)
        at_end = step.at_end
        if patience.has_ended(side, step):
            break
        if at_end:
            stop.sleep(PAUSE_SECONDS)
    return at_end


def dry_run(
    settings: Settings, caja: CajaSettings, entities: Sequence[Entity], watch: Callable[[Subject, int, int], None]
) -> list[Preview]:
    """What `resync` would change; reads only, beside the process that writes. `watch` is told how much of how much of a topic was read."""
    with ExitStack() as opened:
        both = open_both(settings, caja, opened)
        both.caja.read_lease()
        both.registry.refresh()
        chosen = subjects(both.planner.policies, both.planner.stores, both.caja.switches())
        heartbeat = last_heartbeat(both.log, both.topics)
        unpublished = heartbeat.unpublished_of if heartbeat else lambda _subject: frozenset[Key]()
        previewer = Previewer(both.caja, both.log, both.planner, both.caja.state(), datetime.now(UTC), watch, unpublished)
        present = both.log.topics([both.topics.of(subject) for subject in chosen])
        return [
            previewer.preview(subject, topic)
            for subject in chosen
            if subject.entity in entities and (topic := both.topics.of(subject)) in present
        ]
