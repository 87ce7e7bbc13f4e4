"""How far a topic is applied after a part of what was read of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from consumer.batch import Pending
from consumer.batch_writer import Also
from consumer.ledger.state import Progress
from foundation.eventlog.lineage import after
from foundation.eventlog.port import Event, Topic


@dataclass(frozen=True, slots=True)
class UpTo:
    """What is saved with a part of a read: killed after it, CAJA's rows and its position tell of the same history."""

    topic: Topic
    progress: Progress
    events: Sequence[Event]

    def __call__(self, last: Pending) -> Also:
        event = next(event for event in self.events if event.offset == last.incoming.offset)
        position = after(event, self.progress.position.topic_id)
        return Also(progress={self.topic: replace(self.progress, position=position)})
