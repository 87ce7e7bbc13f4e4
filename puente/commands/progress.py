"""What `run` tells of its work: when all of it works, and what went through."""

import logging
import threading
from collections.abc import Iterable

from consumer.batch_writer import Step
from producer.poll import Pass

log = logging.getLogger("puente.run")


class ProgressLog:
    """Told by each worker in its own thread. A unit that stands by does not work yet."""

    def __init__(self, units: Iterable[str]) -> None:
        self._awaited, self._lock = set(units), threading.Lock()

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
