"""What a resync would change: its own steps, on CAJA's tables in memory; nothing is written and no lease is needed.

It tells the same as a resync that ran at this moment would do, but for rows that tills have locked then.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

from consumer.batch import Incoming, Planner, incoming
from consumer.batch_writer import NOTHING_ELSE, Also, BatchWriter
from consumer.ledger.parked import Reason
from consumer.ledger.state import Moment, State
from consumer.leftout import Notes
from consumer.resync.imagined import Effect, ImaginedCaja, Readable
from consumer.resync.sweep import Found, find
from consumer.resync.topic import READ_AT_ONCE, Resync
from foundation.eventlog.port import START, EventLog, Topic, TopicId
from schemas.entities import Subject
from schemas.keys import Key

NEVER = Moment(TopicId(""), START)


@dataclass(kw_only=True)
class Preview:
    """What would happen to the keys of one topic; `equal` counts those whose row is as it should be."""

    subject: Subject
    equal: int = 0
    added: list[Key] = field(default_factory=list)
    changed: list[Key] = field(default_factory=list)
    inactivated: list[Key] = field(default_factory=list)
    parked: dict[Key, Reason] = field(default_factory=dict)
    left_out: dict[Key, Notes] = field(default_factory=dict)
    swept: Found = field(default_factory=lambda: Found([], 0))


class Previewer:
    """Looks at topics in order of dependency: what one adds, the next may need.

    `state` is the ledger, from then on as the resync would leave it. `unpublished` tells of a subject the keys that SAE has though the log
    lacks them: no sweep takes them.
    """

    def __init__(
        self,
        caja: Readable,
        log: EventLog,
        planner: Planner,
        state: State,
        now: datetime,
        watch: Callable[[Subject, int, int], None] = lambda _subject, _done, _of: None,
        unpublished: Callable[[Subject], Collection[Key]] = lambda _subject: (),
    ) -> None:
        self._caja, self._log, self._planner, self._state, self._now, self._watch = caja, log, planner, state, now, watch
        self._unpublished = unpublished
        self._imagined = ImaginedCaja(caja, planner.mappers)

    def preview(self, subject: Subject, topic: Topic) -> Preview:
        """Raises what reading the log and CAJA raises."""
        found = Preview(subject=subject)
        resync = Resync(log=self._log, topic=topic, subject=subject, started=self._now, moment=lambda: NEVER)
        for changes, also in self._newest(resync):
            self._apply(changes, also, found)
        if resync.sweep is not None:
            spared = {*found.inactivated, *self._unpublished(subject)}
            found.swept = find(subject, self._caja, self._state, self._planner.policies, spared, self._planner.stores)
        return found

    def _newest(self, resync: Resync) -> Iterator[tuple[list[Incoming], Also]]:
        """With what the resync does besides."""
        is_last = False
        while not is_last:
            chunk = resync.read(READ_AT_ONCE)
            self._watch(resync.subject, *resync.done)
            if chunk is not None:
                is_last = chunk.is_last
                also = resync.forgotten(self._state) if is_last else NOTHING_ELSE
                yield incoming(chunk.events, resync.subject, self._now), also

    def _apply(self, changes: list[Incoming], also: Also, found: Preview) -> None:
        plan = self._planner.plan(changes, self._state, rewrite=True)
        writer = BatchWriter(self._planner, self._state, also, monotonic, self._now)
        self._imagined.effects = {}
        writer.write(plan, self._imagined)
        writer.remember()
        effects = self._imagined.effects
        found.equal += sum(effect is Effect.EQUAL for effect in effects.values())
        for effect, keys in ((Effect.ADDED, found.added), (Effect.CHANGED, found.changed), (Effect.INACTIVATED, found.inactivated)):
            keys += [key for key, done in effects.items() if done is effect]
        found.parked.update({key: item.reason for (_, key), item in writer.parked.items()})
        found.left_out.update({pending.incoming.key: pending.notes for pending in writer.applied if pending.notes})
