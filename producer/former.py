"""What the log holds of an entity: the bodies of its newest events, read only where a change may be a mass change.

The log index keeps hashes alone, since it is there all the time. This is read from a topic's beginning once, then on from where it ended,
and dropped as soon as nothing of the entity waits any more.
"""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from foundation.errors import PoisonError
from foundation.eventlog.lineage import BrokenLineage, Position, read_on
from foundation.eventlog.port import Event, EventLog
from producer.losses import Kind, Losses
from schemas.codec import FRAME, Decoder, UnknownSchemaError, bundled, encode, schema_id
from schemas.entities import Entity, Subject
from schemas.registry import RegistryReader
from schemas.topics import Topics

READ_AT_ONCE = 2000


@dataclass(slots=True)
class Held:
    """An entity's newest bodies by key, read up to a position; `able` counts those that may lose something, by kind."""

    losses: Losses
    position: Position | None = None
    bodies: dict[bytes, bytes] = field(default_factory=dict)
    able: Counter[Kind] | None = None


class Former:
    """Of the entities that have one topic; belongs to one log index, and is of no more use where that is not."""

    def __init__(self, log: EventLog, topics: Topics) -> None:
        self._log, self._topics = log, topics
        self._decoder = Decoder()
        self._registry = RegistryReader(log, topics.registry, self._decoder)
        self._held: dict[Entity, Held] = {}

    def lost(self, entity: Entity, key: bytes, body: bytes) -> frozenset[Kind]:
        """What a key would lose by becoming `body`, as far as was `read`."""
        held = self._held[entity]
        before = held.bodies.get(key)
        return frozenset() if before is None else held.losses.of(before, body)

    def able(self, entity: Entity, kind: Kind, beat: Callable[[], None]) -> int:
        """How many keys may lose something of a kind, as far as was `read`."""
        held = self._held[entity]
        if held.able is None:
            held.able = Counter()
            for number, body in enumerate(held.bodies.values()):
                held.able.update(held.losses.possible(body))
                if number % READ_AT_ONCE == 0:
                    beat()
        return held.able[kind]

    def read(self, entity: Entity, beat: Callable[[], None]) -> None:
        """Reads on to the end of the entity's topic; calls `beat` after each part, and raises what it and the log raise."""
        try:
            self._read_on(entity, beat)
        except BrokenLineage:  # what was read last may be compacted; the index finds where it is more
            self.keep(self._held.keys() - {entity})
            self._read_on(entity, beat)

    def keep(self, entities: Collection[Entity]) -> None:
        """Drops what was read of all others."""
        self._held = {entity: held for entity, held in self._held.items() if entity in entities}

    def _read_on(self, entity: Entity, beat: Callable[[], None]) -> None:
        held = self._held.setdefault(entity, Held(Losses(entity)))
        at_end = False
        while not at_end:
            batch, held.position = read_on(self._log, self._topics.of(Subject(entity)), held.position, READ_AT_ONCE)
            for event in batch.events:
                self._take(entity, held, event)
            at_end = batch.at_end
            beat()

    def _take(self, entity: Entity, held: Held, event: Event) -> None:
        old = held.bodies.get(event.key)
        new = None if event.value is None else self._body(entity, event.value) or old
        if new is not None:
            held.bodies[event.key] = new
        elif old is not None:
            del held.bodies[event.key]
        if held.able is not None:
            held.able.subtract(() if old is None else held.losses.possible(old))
            held.able.update(() if new is None else held.losses.possible(new))

    def _body(self, entity: Entity, framed: bytes) -> bytes | None:
        """As this release would write it; None for what cannot be read: the tills show what came before."""
        try:
            if schema_id(framed) == bundled(entity.value).id:
                return framed[FRAME.size :]
            return encode(entity.value, self._decode(entity.value, framed))
        except (PoisonError, UnknownSchemaError):
            return None

    def _decode(self, name: str, framed: bytes) -> dict[str, object]:
        try:
            return self._decoder.decode(name, framed)
        except UnknownSchemaError:
            self._registry.refresh()
            return self._decoder.decode(name, framed)
