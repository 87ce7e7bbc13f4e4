"""The registry: schema ids ↔ schemas in a compacted topic of the same log, so that a reader one release behind can still read.

The key is the id as decimal text, the value the schema's JSON.
"""

from foundation.eventlog.port import START, EventLog, Offset, Record, Topic
from schemas.codec import NAMES, Decoder, bundled


def publish_schemas(log: EventLog, topic: Topic) -> int:
    """Adds this release's schemas where the registry lacks them; returns how many. The topic must exist."""
    known, _ = read_schemas(log, topic)
    missing = [schema for schema in map(bundled, NAMES) if known.get(schema.id) != schema.text]
    log.append(Record(topic=topic, key=str(schema.id).encode(), value=schema.text.encode()) for schema in missing)
    return len(missing)


def read_schemas(log: EventLog, topic: Topic, position: Offset = START) -> tuple[dict[int, str], Offset]:
    """The schemas from `position` on, and where to go on; what is no schema is passed over."""
    schemas: dict[int, str] = {}
    while True:
        batch = log.read(topic, position)
        for event in batch.events:
            if not event.key.isdigit():
                continue
            if event.value is None:
                schemas.pop(int(event.key), None)
            else:
                schemas[int(event.key)] = event.value.decode("utf-8", "replace")
        position = batch.next_offset
        if batch.at_end:
            return schemas, position


class RegistryReader:
    """Keeps a decoder's knowledge up to date with the registry."""

    def __init__(self, log: EventLog, topic: Topic, decoder: Decoder) -> None:
        self._log, self._topic, self._decoder, self._position = log, topic, decoder, START

    def refresh(self) -> None:
        """Reads what came since the last time; does nothing where the log has no registry yet."""
        if self._log.state(self._topic) is None:
            return
        schemas, self._position = read_schemas(self._log, self._topic, self._position)
        self._decoder.learn(schemas)
