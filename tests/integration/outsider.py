"""Somebody else's program before Puente's topics: Confluent's client, and nothing of ours."""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from time import monotonic

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.patience import HANG_SECONDS

SECONDS = HANG_SECONDS


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
        reader.assign([TopicPartition(topic, 0, OFFSET_BEGINNING) for topic in topics])
        return to_the_end(reader, len(topics))


def some(reader: Consumer) -> list[Message]:
    """A few events, where the reader's group is."""
    return _until(reader, lambda found, _: bool(found), at_once=100)


def to_the_end(reader: Consumer, ends: int) -> list[Message]:
    """What is read until `ends` topics are at their ends."""
    return _until(reader, lambda _, reached: reached == ends, at_once=1000)


def _until(reader: Consumer, done: Callable[[list[Message], int], bool], at_once: int) -> list[Message]:
    found: list[Message] = []
    ends, until = 0, monotonic() + SECONDS
    while not done(found, ends):
        assert monotonic() < until, "it did not come"
        for message in reader.consume(at_once, timeout=0.2):
            error = message.error()
            if error is None:
                found.append(message)
            elif error.code() == KafkaError._PARTITION_EOF:
                ends += 1
            elif error.fatal():  # of any other the client says that it tries again: a broker that is new has no groups yet
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
