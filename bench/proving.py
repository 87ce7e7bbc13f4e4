"""An event into Kafka and out again, sure of its topic: against kafka-python's own clients, the id of the topic asked before and after.

Both answer what the port promises: the event's offset once all replicas have it; what stands there, the topic's id and its end.
"""

from collections.abc import Sequence
from contextlib import ExitStack, closing
from typing import Any, Protocol

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from bench.benchmark import Benchmark, Figures, Setting
from bench.broker import broker
from bench.measure import Figure, Way
from bench.products import TOPICS, product, records
from foundation.eventlog.kafka.log import KafkaLog
from foundation.eventlog.port import Event, Offset, Record, Topic, TopicSettings
from schemas.entities import Entity, Subject

SECONDS = 60.0
SUBJECT = Subject(Entity.PRODUCT)


class _Side(Protocol):
    def exchange(self, record: Record) -> tuple[Event, int]:
        """The event as it stands in the log, and the end of the topic then."""
        ...


class _Puente:
    def __init__(self, log: KafkaLog) -> None:
        self._log = log

    def exchange(self, record: Record) -> tuple[Event, int]:
        (offset,) = self._log.append([record])
        batch = self._log.read(record.topic, offset, 1)
        return batch.events[0], batch.state.end


class _KafkaPython:
    def __init__(self, servers: str, topic: Topic) -> None:
        self._partition = TopicPartition(topic, 0)
        self._producer = KafkaProducer(bootstrap_servers=servers, acks="all", enable_idempotence=True)
        self._consumer = KafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False, auto_offset_reset="earliest")
        self._consumer.assign([self._partition])
        self._admin = KafkaAdminClient(bootstrap_servers=servers)

    def exchange(self, record: Record) -> tuple[Event, int]:
        before = self._topic_id()
        sent = self._producer.send(record.topic, key=record.key, value=record.value, headers=list(record.headers))
        self._producer.flush(SECONDS)
        offset = sent.get(SECONDS).offset
        self._prove(before)
        self._consumer.seek(self._partition, offset)  # which throws away what was fetched before the id was asked for
        found: Sequence[Any] = ()
        while not found:
            found = self._consumer.poll(timeout_ms=1000).get(self._partition, ())
        end = self._consumer.end_offsets([self._partition])[self._partition]
        self._prove(before)
        return Event(Offset(found[0].offset), found[0].key, found[0].value, tuple(found[0].headers)), end

    def _topic_id(self) -> object:
        return self._admin.describe_topics([self._partition.topic])[0]["topic_id"]

    def _prove(self, before: object) -> None:
        assert self._topic_id() == before, "it is another topic"

    def close(self) -> None:
        for client in (self._producer, self._consumer, self._admin):
            client.close()


def figures(at: Setting) -> Figures:
    with ExitStack() as stack:
        kafka = stack.enter_context(broker())
        if kafka is None:
            return
        topic = Topic(f"{kafka.prefix}.{TOPICS.of(SUBJECT)}")
        made = [
            Record(topic=topic, key=record.key, value=record.value, headers=record.headers)
            for record in records(SUBJECT, (product(number) for number in range(at.rows)), "bench")
        ]
        log = stack.enter_context(closing(KafkaLog(kafka.servers.split(","), kafka.prefix)))
        log.create({topic: TopicSettings()})
        other = stack.enter_context(closing(_KafkaPython(kafka.servers, topic)))
        found: list[tuple[Event, int]] = []
        ours, theirs = (_way(name, side, made, found) for name, side in (("KafkaLog", _Puente(log)), ("kafka-python, ids asked", other)))
        yield Figure(name="an event in and out, proved", unit="event", count=len(made), ours=ours, other=theirs, as_time=True)


def _way(name: str, side: _Side, made: Sequence[Record], found: list[tuple[Event, int]]) -> Way:
    def run() -> None:
        found.extend(map(side.exchange, made))

    def check() -> None:
        assert [(event.key, event.value, event.headers) for event, _ in found] == [(one.key, one.value, one.headers) for one in made]
        assert all(end == event.offset + 1 for event, end in found), "nobody else writes to it"
        found.clear()

    return Way(name=name, run=run, check=check)


BENCHMARK = Benchmark(
    name="proving",
    about="an event into Kafka and out again, sure of its topic, against kafka-python with the topic's id asked before and after",
    rows=200,
    rounds=5,
    plain=figures,
)
