"""Logs that take the same events and give them back: Puente's two, and Kafka by other clients.

Whoever appends has every event acknowledged by all replicas, once and in order, and knows its offset. Whoever reads has it as an `Event`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

from confluent_kafka import Consumer, KafkaException, Message, Producer
from confluent_kafka import TopicPartition as Partition
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from bench.broker import Kafka
from bench.log import remove
from puente.eventlog.embedded import EmbeddedLog
from puente.eventlog.kafka.log import KafkaLog
from puente.eventlog.kafka.producing import BATCH_BYTES
from puente.eventlog.port import START, Event, EventLog, Offset, Record, Topic, TopicSettings

AT_ONCE = 1000
SECONDS = 60.0

Read = Mapping[Topic, Sequence[Event]]


class Client(Protocol):
    """A log with topics that are there; `close` frees it."""

    def append(self, records: Sequence[Record]) -> list[Offset]: ...
    def read(self, topics: Mapping[Topic, int]) -> Read:
        """Every event of the topics, which hold so many."""
        ...

    def close(self) -> None: ...


class OfPuente:
    """Through the port."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self.append: Callable[[Sequence[Record]], list[Offset]] = log.append
        self.close = log.close

    def read(self, topics: Mapping[Topic, int]) -> Read:
        return {topic: self._all_of(topic) for topic in topics}

    def _all_of(self, topic: Topic) -> list[Event]:
        found: list[Event] = []
        offset, at_end = START, False
        while not at_end:
            batch = self._log.read(topic, offset, AT_ONCE)
            found += batch.events
            offset, at_end = batch.next_offset, batch.at_end
        return found


class OfKafkaPython:
    """kafka-python's own producer and consumer, with batches as large as Puente's."""

    def __init__(self, servers: str) -> None:
        self._servers = servers
        self._producer = KafkaProducer(bootstrap_servers=servers, acks="all", enable_idempotence=True, batch_size=BATCH_BYTES)

    def append(self, records: Sequence[Record]) -> list[Offset]:
        sent = [self._producer.send(r.topic, key=r.key, value=r.value, headers=list(r.headers)) for r in records]
        self._producer.flush(SECONDS)
        return [Offset(future.get(SECONDS).offset) for future in sent]

    def read(self, topics: Mapping[Topic, int]) -> Read:
        found: dict[Topic, list[Event]] = {topic: [] for topic in topics}
        left = sum(topics.values())
        consumer = KafkaConsumer(
            bootstrap_servers=self._servers, auto_offset_reset="earliest", enable_auto_commit=False, max_poll_records=AT_ONCE
        )
        with closing(consumer):
            consumer.assign([TopicPartition(topic, 0) for topic in topics])
            while left > 0:
                for partition, records in consumer.poll(timeout_ms=1000).items():
                    found[partition.topic] += [Event(Offset(r.offset), r.key, r.value, tuple(r.headers)) for r in records]
                    left -= len(records)
        return found

    def close(self) -> None:
        self._producer.close()


class OfConfluent:
    """confluent-kafka, which is librdkafka in C, with batches as large as Puente's."""

    def __init__(self, servers: str) -> None:
        self._servers = servers
        settings: dict[str, Any] = {"acks": "all", "enable.idempotence": True, "batch.size": BATCH_BYTES}
        self._producer = Producer({"bootstrap.servers": servers, **settings})

    def append(self, records: Sequence[Record]) -> list[Offset]:
        offsets: list[Offset] = []

        def delivered(error: object, message: Message) -> None:
            assert error is None, error
            offsets.append(Offset(message.offset() or 0))

        for record in records:
            self._send(record, delivered)
        assert self._producer.flush(SECONDS) == 0
        return offsets

    def _send(self, record: Record, delivered: Callable[[object, Message], None]) -> None:
        try:
            self._producer.produce(record.topic, record.value, record.key, headers=list(record.headers), on_delivery=delivered)
        except BufferError:  # as many wait as it may keep
            self._producer.poll(SECONDS)
            self._send(record, delivered)

    def read(self, topics: Mapping[Topic, int]) -> Read:
        found: dict[Topic, list[Event]] = defaultdict(list)
        left = sum(topics.values())
        with closing(Consumer({"bootstrap.servers": self._servers, "group.id": "bench", "enable.auto.commit": False})) as consumer:
            consumer.assign([Partition(topic, 0, 0) for topic in topics])
            while left > 0:
                for message in consumer.consume(AT_ONCE, timeout=1.0):
                    if message.error() is not None:
                        raise KafkaException(message.error())
                    found[Topic(message.topic() or "")].append(_event(message))
                    left -= 1
        return found

    def close(self) -> None:
        self._producer.flush(SECONDS)


def _event(message: Any) -> Event:
    return Event(Offset(message.offset()), message.key(), message.value(), tuple(message.headers() or ()))


class Side:
    """A log in whose topics events are appended, or read; each time it is checked that all are there, as they were."""

    def __init__(self, name: str, client: Callable[[], Client], made: Sequence[Record], empty: Callable[[], None]) -> None:
        self.name, self._new_client, self._made, self._empty = name, client, made, empty
        self._counts: dict[Topic, int] = {}
        for record in made:
            self._counts[record.topic] = self._counts.get(record.topic, 0) + 1
        self._client: Client | None = None
        self._offsets: list[Offset] = []
        self._found: Read = {}

    @property
    def client(self) -> Client:
        if self._client is None:
            self._client = self._new_client()
        return self._client

    def renew(self) -> None:
        """Topics that are empty, and a client that knows no others."""
        self.close()
        self._empty()
        self._client = self._new_client()

    def append_in_parts(self) -> None:
        """Every part is acknowledged before the next one is sent, as the producer must have it."""
        self._offsets = []
        for start in range(0, len(self._made), AT_ONCE):
            self._offsets += self.client.append(self._made[start : start + AT_ONCE])

    def append_all(self) -> None:
        self._offsets = self.client.append(self._made)

    def read(self) -> None:
        self._found = self.client.read(self._counts)

    def check_appended(self) -> None:
        assert len(self._offsets) == len(self._made)
        assert sum(self._offsets) == sum(count * (count - 1) // 2 for count in self._counts.values()), "an offset is missing or twice"

    def check_read(self) -> None:
        expected: dict[Topic, list[tuple[bytes, bytes | None, object]]] = {topic: [] for topic in self._counts}
        for record in self._made:
            expected[record.topic].append((record.key, record.value, record.headers))
        found = {topic: [(event.key, event.value, event.headers) for event in events] for topic, events in self._found.items()}
        assert found == expected, f"{self.name} read something else than was appended"
        self._found = {}

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None


def on_kafka(kafka: Kafka, made: Sequence[Record]) -> tuple[Side, Side, Side]:
    """Puente, kafka-python and confluent-kafka on the same topics."""
    topics = _topics(made)

    def log() -> KafkaLog:
        return KafkaLog(kafka.servers.split(","), kafka.prefix)

    def empty() -> None:
        kafka.empty()
        with closing(log()) as opened:
            opened.create(topics)

    return (
        Side("KafkaLog", lambda: OfPuente(log()), made, empty),
        Side("kafka-python", lambda: OfKafkaPython(kafka.servers), made, empty),
        Side("confluent-kafka", lambda: OfConfluent(kafka.servers), made, empty),
    )


def embedded(path: Path, made: Sequence[Record]) -> Side:
    """The same in a file."""

    def empty() -> None:
        remove(path)
        with closing(EmbeddedLog(path)) as log:
            log.create(_topics(made))

    return Side("EmbeddedLog", lambda: OfPuente(EmbeddedLog(path)), made, empty)


def _topics(made: Iterable[Record]) -> dict[Topic, TopicSettings]:
    return {topic: TopicSettings() for topic in sorted({record.topic for record in made})}
