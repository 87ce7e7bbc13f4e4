"""Logs that take the same events and give them back: Puente's two, and Kafka by other clients."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bench.broker import Kafka
from bench.clients import (
    Appender,
    ConfluentAppender,
    ConfluentReader,
    KafkaPythonAppender,
    KafkaPythonReader,
    PuenteReader,
    Read,
    Reader,
    Topics,
)
from bench.log import AT_ONCE, remove
from foundation.eventlog.embedded.log import EmbeddedLog
from foundation.eventlog.kafka.log import KafkaLog
from foundation.eventlog.port import Offset, Record, Topic, TopicSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class Library:
    """One way to a log: its name, who appends, who reads, and how its topics become empty ones."""

    name: str
    appender: Callable[[], Appender]
    reader: Callable[[Topics], Reader]
    empty: Callable[[], None]


class Side:
    """A log in whose topics events are appended, or read; each time it is checked that all are there, as they were.

    What opens and closes a connection is not in the time taken.
    """

    def __init__(self, library: Library, made: Sequence[Record]) -> None:
        self.name, self._library, self._made = library.name, library, made
        self._topics: dict[Topic, int] = Counter(record.topic for record in made)
        self._appender: Appender | None = None
        self._reader: Reader | None = None
        self._offsets: list[Offset] = []
        self._found: Read = {}

    def renew(self) -> None:
        """Topics that are empty, and a client that knows no others."""
        self.close()
        self._library.empty()
        self._appender = self._library.appender()

    def append_in_parts(self) -> None:
        """Every part is acknowledged before the next one is sent, as the producer must have it."""
        assert self._appender is not None
        self._offsets = []
        for start in range(0, len(self._made), AT_ONCE):
            self._offsets += self._appender.append(self._made[start : start + AT_ONCE])

    def append_all(self) -> None:
        assert self._appender is not None
        self._offsets = self._appender.append(self._made)

    def check_appended(self) -> None:
        assert len(self._offsets) == len(self._made)
        assert sum(self._offsets) == sum(count * (count - 1) // 2 for count in self._topics.values()), "an offset is missing or twice"

    def begin_reading(self) -> None:
        self.close()
        self._reader = self._library.reader(self._topics)

    def read(self) -> None:
        assert self._reader is not None
        self._found = self._reader.read()

    def check_read(self) -> None:
        expected: dict[Topic, list[tuple[bytes, bytes | None, object]]] = {topic: [] for topic in self._topics}
        for record in self._made:
            expected[record.topic].append((record.key, record.value, record.headers))
        found = {topic: [(event.key, event.value, event.headers) for event in events] for topic, events in self._found.items()}
        assert found == expected, f"{self.name} read something else than was appended"
        self._found = {}

    def close(self) -> None:
        for client in (self._appender, self._reader):
            if client is not None:
                client.close()
        self._appender = self._reader = None


def on_kafka(kafka: Kafka, made: Sequence[Record]) -> tuple[Side, Side, Side]:
    """Puente, kafka-python and confluent-kafka on the same topics."""
    servers = kafka.servers

    def log() -> KafkaLog:
        return KafkaLog(servers.split(","), kafka.prefix)

    def empty() -> None:
        kafka.empty()
        with closing(log()) as opened:
            opened.create(_settings_of(made))

    libraries = (
        Library(name="KafkaLog", appender=log, reader=lambda topics: PuenteReader(log(), topics), empty=empty),
        Library(
            name="kafka-python",
            appender=lambda: KafkaPythonAppender(servers),
            reader=lambda topics: KafkaPythonReader(servers, topics),
            empty=empty,
        ),
        Library(
            name="confluent-kafka",
            appender=lambda: ConfluentAppender(servers),
            reader=lambda topics: ConfluentReader(servers, topics),
            empty=empty,
        ),
    )
    puente, kafka_python, confluent = (Side(library, made) for library in libraries)
    return puente, kafka_python, confluent


def embedded(path: Path, made: Sequence[Record]) -> Side:
    """The same in a file."""

    def log() -> EmbeddedLog:
        return EmbeddedLog(path)

    def empty() -> None:
        remove(path)
        with closing(log()) as opened:
            opened.create(_settings_of(made))

    return Side(Library(name="EmbeddedLog", appender=log, reader=lambda topics: PuenteReader(log(), topics), empty=empty), made)


def _settings_of(made: Iterable[Record]) -> dict[Topic, TopicSettings]:
    return {topic: TopicSettings() for topic in sorted({record.topic for record in made})}
