"""Who appends to a log and who reads it: by Puente's port, and to Kafka by two other clients.

Whoever appends has every event acknowledged by all replicas, once and in order, and knows its offset. Whoever reads has it as an `Event`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from confluent_kafka import Consumer, KafkaException, Message, Producer
from confluent_kafka import TopicPartition as Partition
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from foundation.eventlog.kafka.producing import BATCH_BYTES
from foundation.eventlog.port import START, Event, EventLog, Offset, Record, Topic
from producer.index import READ_AT_ONCE

SECONDS = 60.0

Topics = Mapping[Topic, int]
"""Topics, and how many events each holds."""
Read = Mapping[Topic, Sequence[Event]]


class Appender(Protocol):
    def append(self, records: Sequence[Record]) -> list[Offset]: ...
    def close(self) -> None: ...


class Reader(Protocol):
    """Reads topics that it was told of when it was made."""

    def read(self) -> Read: ...
    def close(self) -> None: ...


class PuenteReader:
    """Through the port."""

    def __init__(self, log: EventLog, topics: Topics) -> None:
        self._log, self._topics = log, topics
        self.close = log.close

    def read(self) -> Read:
        return {topic: self._all_of(topic) for topic in self._topics}

    def _all_of(self, topic: Topic) -> list[Event]:
        found: list[Event] = []
        offset, at_end = START, False
        while not at_end:
            batch = self._log.read(topic, offset, READ_AT_ONCE)
            found += batch.events
            offset, at_end = batch.next_offset, batch.at_end
        return found


class KafkaPythonAppender:
    """kafka-python's own, with batches as large as Puente's."""

    def __init__(self, servers: str) -> None:
        self._producer = KafkaProducer(bootstrap_servers=servers, acks="all", enable_idempotence=True, batch_size=BATCH_BYTES)

    def append(self, records: Sequence[Record]) -> list[Offset]:
        sent = [self._producer.send(r.topic, key=r.key, value=r.value, headers=list(r.headers)) for r in records]
        self._producer.flush(SECONDS)
        return [Offset(future.get(SECONDS).offset) for future in sent]

    def close(self) -> None:
        self._producer.close()


class KafkaPythonReader:
    def __init__(self, servers: str, topics: Topics) -> None:
        self._topics = topics
        self._consumer = KafkaConsumer(
            bootstrap_servers=servers, auto_offset_reset="earliest", enable_auto_commit=False, max_poll_records=READ_AT_ONCE
        )
        self._consumer.assign([TopicPartition(topic, 0) for topic in topics])

    def read(self) -> Read:
        found: dict[Topic, list[Event]] = {topic: [] for topic in self._topics}
        left = sum(self._topics.values())
        while left > 0:
            for partition, records in self._consumer.poll(timeout_ms=1000).items():
                found[partition.topic] += [Event(Offset(r.offset), r.key, r.value, tuple(r.headers)) for r in records]
                left -= len(records)
        return found

    def close(self) -> None:
        self._consumer.close()


class ConfluentAppender:
    """confluent-kafka's, which is librdkafka in C, with batches as large as Puente's."""

    def __init__(self, servers: str) -> None:
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

    def close(self) -> None:
        self._producer.flush(SECONDS)


class ConfluentReader:
    def __init__(self, servers: str, topics: Topics) -> None:
        self._topics = topics
        self._consumer = Consumer({"bootstrap.servers": servers, "group.id": "bench", "enable.auto.commit": False})
        self._consumer.assign([Partition(topic, 0, 0) for topic in topics])

    def read(self) -> Read:
        found: dict[Topic, list[Event]] = {topic: [] for topic in self._topics}
        left = sum(self._topics.values())
        while left > 0:
            for message in self._consumer.consume(READ_AT_ONCE, timeout=1.0):
                if message.error() is not None:
                    raise KafkaException(message.error())
                found[Topic(message.topic() or "")].append(_event(message))
                left -= 1
        return found

    def close(self) -> None:
        self._consumer.close()


def _event(message: Any) -> Event:
    return Event(Offset(message.offset()), message.key(), message.value(), tuple(message.headers() or ()))
