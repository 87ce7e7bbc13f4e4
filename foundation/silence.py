"""When another process counts as gone: it said nothing for ten seconds, by our own monotonic clock.

Clocks of two machines are never compared: what counts is how long we have seen no other heartbeat.
"""

from collections.abc import Callable
from time import monotonic

SILENCE_SECONDS = 10.0


class Silence:
    """How long nothing was heard, from the beginning on."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._heard_at = clock()

    def hear(self) -> None:
        """A sign of life came."""
        self._heard_at = self._clock()

    @property
    def is_long(self) -> bool:
        """Whether nobody who lives is silent for so long."""
        return self._clock() - self._heard_at >= SILENCE_SECONDS
