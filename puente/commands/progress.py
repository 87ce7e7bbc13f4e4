"""What `run` tells of its work: when all of it works, and what went through."""

import logging
import threading
from collections.abc import Callable, Iterable
from time import monotonic

from consumer.batch_writer import Step
from producer.poll import Pass
from producer.progress import Stage

TOLD_EVERY_SECONDS = 10.0
"""What takes less is not worth a line."""

log = logging.getLogger("puente.run")


class ProgressLog:
    """Told by each worker in its own thread. A unit that stands by does not work yet."""

    def __init__(self, units: Iterable[str], clock: Callable[[], float] = monotonic) -> None:
        self._awaited, self._lock, self._clock = set(units), threading.Lock(), clock
        self._stage: Stage | None = None
        self._began = self._told = 0.0

    def of_stage(self, stage: Stage, done: int, of: int) -> None:
        """How far a long pass of the producer is, with its rate and the time that is left, now and then."""
        now = self._clock()
        if stage is not self._stage or done == 0:
            self._stage, self._began, self._told = stage, now, now
        if now - self._told < TOLD_EVERY_SECONDS or not 0 < done < of:
            return
        self._told = now
        rate = done / (now - self._began)
        extra = {"action": stage.value, "count": done, "total": of, "rate": round(rate), "left_seconds": round((of - done) / rate, 1)}
        if stage is Stage.READ:
            log.info("SAE is being read", extra=extra)
        else:
            log.info("What SAE holds goes into the log", extra=extra)

    def of_pass(self, unit: str, done: Pass) -> None:
        if done.published:
            counts = {entity.value: count for entity, count in done.entities.items()}
            log.info("Changes of SAE are in the log", extra={"action": "published", "count": done.published, **counts})
        self._works(unit)

    def of_step(self, unit: str, step: Step) -> None:
        if step.applied:
            counts = {"count": step.applied, "written": step.touched, **{entity.value: count for entity, count in step.entities.items()}}
            log.info("Changes are in CAJA", extra={"action": "applied", "caja": unit, **counts})
        self._works(unit)

    def _works(self, unit: str) -> None:
        with self._lock:
            is_last = self._awaited == {unit}
            self._awaited.discard(unit)
        if is_last:
            log.info("All of it works", extra={"action": "all work"})
