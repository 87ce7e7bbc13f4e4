"""What somebody else does to topics, or a power cut."""

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from foundation.eventlog.lineage import read_until
from foundation.eventlog.port import EventLog, Record, Topic
from tests.patience import HANG_SECONDS

SECONDS = HANG_SECONDS


def delete_some(servers: str, *topics: str) -> None:
    """Somebody may make one of them again at once, so nobody waits until it is gone."""
    with closing(KafkaAdminClient(bootstrap_servers=servers)) as admin:
        admin.delete_topics(list(topics))


def lose_tail(folder: Path, batches: int | None) -> None:
    """The last `batches` of a topic, or all of them: what a power cut takes that were not synced. Its broker must have been killed."""
    segment = max(folder.glob("*.log"))
    content, starts, place = segment.read_bytes(), [0], 0
    while place < len(content):  # each batch begins with its first offset (8 bytes) and the length of what follows (4)
        place += 12 + int.from_bytes(content[place + 8 : place + 12], "big")
        starts.append(place)
    kept = 0 if batches is None else starts[max(0, len(starts) - 1 - batches)]
    os.truncate(segment, kept)


def delete_topics(servers: str, prefix: str) -> None:
    """Every topic of a prefix, and waits until they are gone."""
    with closing(KafkaAdminClient(bootstrap_servers=servers)) as admin:

        def left() -> list[str]:
            return [name for name in admin.list_topics() if name.startswith(f"{prefix}.")]

        found = left()
        if found:
            admin.delete_topics(found)
        wait_until(lambda: not left())


def set_topic(servers: str, topic: str, **settings: str) -> None:
    """By Kafka's names, with _ for the points."""
    changed = ConfigResource(ConfigResourceType.TOPIC, topic, configs={name.replace("_", "."): value for name, value in settings.items()})
    with closing(KafkaAdminClient(bootstrap_servers=servers)) as admin:
        told = admin.alter_configs([changed])
    assert told == {"topic": {topic: "OK"}}, told


def take_tombstone(servers: str, log: EventLog, topic: Topic, key: bytes) -> None:
    """Lets the cleaner take what it may take until no event of this key is left, not even the one that says that it is gone."""
    set_topic(servers, topic, **AT_ONCE)

    def is_gone() -> bool:
        state = log.state(topic)
        assert state is not None
        log.append([Record(topic=topic, key=b"filler", value=None)])  # the newest segment, which the cleaner leaves alone
        return all(event.key != key for event in read_until(log, topic, state))

    wait_until(is_gone)


AT_ONCE = {"min_compaction_lag_ms": "0", "delete_retention_ms": "0", "min_cleanable_dirty_ratio": "0.01", "segment_ms": "1"}


def wait_until(is_so: Callable[[], bool]) -> None:
    until = monotonic() + SECONDS
    while not is_so():
        assert monotonic() < until, "it did not come"
        sleep(0.02)
