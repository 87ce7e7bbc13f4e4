"""How far a pass is that takes long: a first load, the comparison at night."""

from collections.abc import Callable
from enum import StrEnum
from functools import partial

from producer.sae.port import ROWS_TO_A_BEAT


class Stage(StrEnum):
    """What a pass does now: it reads rows of SAE, or publishes events."""

    READ = "read"
    PUBLISH = "publish"


Hear = Callable[[Stage, int, int], None]
"""How much of how much is done of a stage, from time to time."""


class Progress:
    """Of one producer; told by its capture and its publisher, in their thread."""

    def __init__(self, hear: Hear = lambda _stage, _done, _of: None) -> None:
        self._hear = hear
        self._stage, self._done, self._of = Stage.READ, 0, 0

    def begin(self, stage: Stage, of: int) -> None:
        """A stage of so many rows or events."""
        self._stage, self._done, self._of = stage, 0, of
        self._hear(stage, 0, of)

    def add(self, count: int) -> None:
        """So many more are done; an estimate, which ends where the stage does."""
        self._done = min(self._of, self._done + count)
        self._hear(self._stage, self._done, self._of)

    def end(self) -> None:
        self._done = self._of
        self._hear(self._stage, self._of, self._of)

    def with_beat(self, beat: Callable[[], None]) -> Callable[[], None]:
        """For `Beating`: the beat, and the rows that passed since the last one."""
        return partial(self._beat, beat)

    def _beat(self, beat: Callable[[], None]) -> None:
        self.add(ROWS_TO_A_BEAT)
        beat()
