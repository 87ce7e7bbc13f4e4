"""Somebody else's program before Puente's topics: Confluent's client, and nothing of ours."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from time import monotonic

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient

SECONDS = 30.0


def topics_of(servers: str, prefix: str) -> list[str]:
    """The names of the topics that begin with a prefix."""
    return sorted(
        name for name in AdminClient({"bootstrap.servers": servers}).list_topics(timeout=SECONDS).topics if name.startswith(prefix)
    )


def consumer(servers: str, group: str | None = None, **more: str | bool) -> Consumer:
    """One that begins with the first event where its group has read nothing yet."""
    settings: Mapping[str, str | bool] = {
        "bootstrap.servers": servers,
        "group.id": group or f"outsider-{secrets.token_hex(4)}",
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        **{name.replace("_", "."): value for name, value in more.items()},
    }
    return Consumer(dict(settings))


def read(servers: str, topics: Sequence[str]) -> list[Message]:
    """Every event of the topics, each topic's in order."""
    with closing(consumer(servers)) as reader:
        reader.assign([TopicPartition(topic, 0) for topic in topics])
        return to_the_end(reader, len(topics))


def to_the_end(reader: Consumer, ends: int) -> list[Message]:
    """What is read until `ends` topics are at their ends."""
    found, until = [], monotonic() + SECONDS
    while ends:
        assert monotonic() < until, "the topics have no end"
        for message in reader.consume(1000, timeout=0.2):
            error = message.error()
            if error is None:
                found.append(message)
            elif error.code() == KafkaError._PARTITION_EOF:
                ends -= 1
            else:
                raise KafkaException(error)
    return found


def newest(messages: Iterable[Message]) -> dict[str, Message]:
    """By key, tombstones included."""
    return {text_key(message): message for message in messages}


def text_key(message: Message) -> str:
    key = message.key()
    assert isinstance(key, bytes)
    return key.decode()


def headers_of(message: Message) -> dict[str, bytes]:
    found = message.headers() or []
    assert isinstance(found, list)
    return {name: value for name, value in found if isinstance(value, bytes)}
