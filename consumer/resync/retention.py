"""How long each topic keeps tombstones. Who was away for longer may have missed one, and must read the whole topic."""

from collections.abc import Callable
from datetime import timedelta

from foundation.eventlog.port import EventLog, Topic

UNKNOWN = timedelta(days=1)
"""What a topic of Kafka's has unless somebody sets it: for a user who may not see that."""
SHORTEST = timedelta(hours=1)
"""A topic that keeps them for less is told by `puente check`. A reader at work needs no resync however short that is, and a resync that
took longer than this would never end."""
ASKED_EVERY_SECONDS = 3600.0


class Tombstones:
    """Asks the log seldom. Belongs to one consumer."""

    def __init__(self, log: EventLog, clock: Callable[[], float]) -> None:
        self._log, self._clock = log, clock
        self._known: dict[Topic, tuple[timedelta, float]] = {}

    def may_lack(self, topic: Topic, away: timedelta) -> bool:
        """Whether a tombstone that came to the topic in this time may be gone already."""
        return away > SHORTEST and away > self.last(topic)

    def last(self, topic: Topic) -> timedelta:
        """How long they stay."""
        found = self._known.get(topic)
        if found is None or self._clock() - found[1] >= ASKED_EVERY_SECONDS:
            settings = self._log.settings(topic)
            found = self._known[topic] = (UNKNOWN if settings is None else max(settings.tombstones_last, SHORTEST), self._clock())
        return found[0]
