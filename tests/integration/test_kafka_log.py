"""The log on a Kafka broker that stops, dies, loses what it had not synced, and whose topics somebody deletes or changes."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from time import monotonic, sleep

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic

from foundation.errors import ConfigError, RetryableError
from foundation.eventlog.kafka.log import KafkaLog
from foundation.eventlog.lineage import BrokenLineage, read_on
from foundation.eventlog.port import START, Event, EventLog, Offset, Record, Topic, TopicSettings
from tests.engines.kafka_broker import Broker
from tests.engines.kafka_line import PRODUCE, Trouble
from tests.engines.kafka_topics import set_topic
from tests.patience import HANG_SECONDS


@pytest.fixture
def topic(kafka_prefix: str) -> Topic:
    return Topic(f"{kafka_prefix}.01.product")


@pytest.fixture
def log(kafka_servers: str, kafka_prefix: str, topic: Topic) -> Iterator[KafkaLog]:
    with closing(KafkaLog([kafka_servers], kafka_prefix)) as opened:
        opened.create({topic: TopicSettings()})
        yield opened


@pytest.fixture
def admin(kafka_servers: str) -> Iterator[KafkaAdminClient]:
    with closing(KafkaAdminClient(bootstrap_servers=kafka_servers)) as opened:
        yield opened


@pytest.fixture
def private_log(private_kafka_broker: Broker, kafka_prefix: str, topic: Topic) -> Iterator[KafkaLog]:
    with closing(KafkaLog([private_kafka_broker.bootstrap_servers], kafka_prefix)) as opened:
        opened.create({topic: TopicSettings()})
        yield opened


def events(topic: Topic, *values: str) -> list[Record]:
    return [Record(topic=topic, key=value.encode(), value=value.encode()) for value in values]


def everything(log: EventLog, topic: Topic, offset: Offset = START) -> list[Event]:
    found: list[Event] = []
    while True:
        batch = log.read(topic, offset)
        found += batch.events
        offset = batch.next_offset
        if batch.at_end:
            return found


def values(log: EventLog, topic: Topic) -> list[str]:
    return [(event.value or b"").decode() for event in everything(log, topic)]


def wait_until(is_so: Callable[[], bool]) -> None:
    until = monotonic() + HANG_SECONDS
    while not is_so():
        assert monotonic() < until, "it did not come"
        sleep(0.05)


# topics


def test_other_topics_of_the_cluster_are_not_seen(log: KafkaLog, admin: KafkaAdminClient, kafka_prefix: str, topic: Topic) -> None:
    admin.create_topics([NewTopic(f"{kafka_prefix}x.01.product", 3, 1)])
    assert list(log.topics()) == [topic]


def test_topics_are_made_as_the_design_says(log: KafkaLog, admin: KafkaAdminClient, topic: Topic) -> None:
    (found,) = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)], config_filter="all").values()
    configs = {name: config["value"] for name, config in found[topic].items()}
    assert configs["cleanup.policy"] == "compact"
    assert configs["min.compaction.lag.ms"] == str(24 * 3600 * 1000)
    assert configs["delete.retention.ms"] == str(90 * 24 * 3600 * 1000)
    assert configs["message.timestamp.type"] == "LogAppendTime"
    assert configs["compression.type"] == "producer"


def test_a_topic_that_somebody_made_with_several_partitions_is_refused_by_name(
    log: KafkaLog, admin: KafkaAdminClient, topic: Topic
) -> None:
    other = Topic(f"{topic}s")
    admin.create_topics([NewTopic(other, 2, 1)])
    wait_until(lambda: other in admin.list_topics())  # the broker hears of it a moment after the controller
    for use in (lambda: log.read(other, START), lambda: log.append(events(other, "a")), lambda: log.state(other)):
        with pytest.raises(ConfigError, match=f"{other} has 2 partitions"):
            use()


def test_a_topic_that_throws_old_events_away_is_told(log: KafkaLog, admin: KafkaAdminClient, topic: Topic) -> None:
    settings = {"cleanup.policy": "compact,delete", "min.compaction.lag.ms": "0"}
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=settings)])
    wait_until(lambda: len(log.unfit({topic: TopicSettings()})) == 2)
    assert {(found.setting, found.found) for found in log.unfit({topic: TopicSettings()})} == {
        ("cleanup.policy", "compact,delete"),
        ("min.compaction.lag.ms", "0"),
    }


def test_what_the_broker_compresses_is_read_if_by_gzip_and_else_refused_by_name(
    log: KafkaLog, admin: KafkaAdminClient, topic: Topic
) -> None:
    log.append(events(topic, "a"))
    for codec, fits in (("gzip", True), ("zstd", False)):
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs={"compression.type": codec})])
        wait_until(lambda: _compression(admin, topic) == codec)  # noqa: B023 - runs at once
        found = [(told.found, told.wanted) for told in log.unfit({topic: TopicSettings()}) if told.setting == "compression.type"]
        assert found == ([] if fits else [(codec, "producer")])
        (end,) = log.append(events(topic, codec))
        if fits:
            assert values(log, topic) == ["a", codec]
        else:
            with pytest.raises(ConfigError, match=r"compression\.type"):
                log.read(topic, end)


def _compression(admin: KafkaAdminClient, topic: Topic) -> str:
    (found,) = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)], config_filter="all").values()
    return str(found[topic]["compression.type"]["value"])


def test_a_cluster_that_cannot_keep_as_many_copies_says_so(kafka_servers: str, kafka_prefix: str, topic: Topic) -> None:
    with closing(KafkaLog([kafka_servers], kafka_prefix, replication=3)) as log, pytest.raises(ConfigError, match=kafka_servers):
        log.create({topic: TopicSettings()})


# history


def test_a_topic_that_was_deleted_and_made_again_and_grew_past_the_position_is_a_broken_lineage(
    log: KafkaLog, admin: KafkaAdminClient, topic: Topic
) -> None:
    log.append(events(topic, "a", "b"))
    _, position = read_on(log, topic, None)
    admin.delete_topics([topic])
    wait_until(lambda: log.state(topic) is None)
    with pytest.raises(ConfigError, match=topic):
        log.read(topic, START)
    log.create({topic: TopicSettings()})
    log.append(events(topic, "a", "b", "c", "d"))
    with pytest.raises(BrokenLineage):
        read_on(log, topic, position)
    assert values(log, topic) == ["a", "b", "c", "d"]


def test_events_that_somebody_deleted_are_skipped_and_the_reader_of_one_of_them_notices(
    log: KafkaLog, admin: KafkaAdminClient, topic: Topic
) -> None:
    log.append(events(topic, "a", "b", "c", "d"))
    batch, position = read_on(log, topic, None, 2)
    assert [event.value for event in batch.events] == [b"a", b"b"]
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs={"cleanup.policy": "delete"})])
    wait_until(lambda: bool(log.unfit({topic: TopicSettings()})))
    admin.delete_records({TopicPartition(topic, 0): 3})
    assert values(log, topic) == ["d"]
    with pytest.raises(BrokenLineage):
        read_on(log, topic, position)


def test_a_reader_goes_on_where_the_topic_goes_on_in_another_segment_after_the_event_read_last(
    private_kafka_broker: Broker, private_log: KafkaLog, topic: Topic
) -> None:
    """An answer of Kafka's ends with the segment in which it begins; a new one begins every day."""
    set_topic(private_kafka_broker.bootstrap_servers, topic, segment_ms="1")
    private_log.append(events(topic, "a", "b"))
    _, position = read_on(private_log, topic, None)
    position = read_on(private_log, topic, position)[1]
    for value in "cdef":
        sleep(0.01)  # longer than a segment lasts
        private_log.append(events(topic, value))
    assert len(list(private_kafka_broker.log_folder(topic).glob("*.log"))) > 3
    found: list[bytes | None] = []
    for _ in range(4):
        batch, position = read_on(private_log, topic, position)
        found += [event.value for event in batch.events]
    assert found == [b"c", b"d", b"e", b"f"]
    assert private_log.topics()[topic].end == position.next_offset


def test_a_tail_that_was_lost_with_the_page_cache_is_a_broken_lineage_even_where_it_grew_again(
    private_kafka_broker: Broker, private_log: KafkaLog, topic: Topic
) -> None:
    private_log.append(events(topic, *"abcdef"))
    _, position = read_on(private_log, topic, None)
    private_kafka_broker.kill()
    (segment,) = private_kafka_broker.log_folder(topic).glob("*.log")
    content = segment.read_bytes()
    segment.write_bytes(content[: len(content) // 2])  # one batch: it goes whole
    private_kafka_broker.start()
    assert values(private_log, topic) == []
    private_log.append(events(topic, *"uvwxyz"))
    with pytest.raises(BrokenLineage):
        read_on(private_log, topic, position)


# a broker that is not there


def test_a_broker_that_stops_is_told_by_its_name_and_the_same_object_goes_on_when_it_is_back(
    private_kafka_broker: Broker, private_log: KafkaLog, topic: Topic
) -> None:
    private_log.append(events(topic, "a"))
    private_kafka_broker.stop()
    for use in (lambda: private_log.read(topic, START), lambda: private_log.append(events(topic, "b"))):
        with pytest.raises(RetryableError, match=private_kafka_broker.bootstrap_servers):
            use()
    private_kafka_broker.start()
    private_log.append(events(topic, "c"))
    assert values(private_log, topic) == ["a", "c"]


def test_a_short_absence_is_waited_out(private_kafka_broker: Broker, private_log: KafkaLog, topic: Topic) -> None:
    private_log.append(events(topic, "a"))
    private_kafka_broker.pause()
    timer = threading.Timer(1.5, private_kafka_broker.resume)
    timer.start()
    private_log.append(events(topic, "b"))
    timer.join()
    assert values(private_log, topic) == ["a", "b"]


def test_what_was_acknowledged_survives_a_kill(private_kafka_broker: Broker, private_log: KafkaLog, topic: Topic) -> None:
    kept: list[str] = []
    stopped = threading.Event()

    def write() -> None:
        number = 0
        while not stopped.is_set():
            number += 1
            with suppress(RetryableError):
                private_log.append(events(topic, f"{number}-1", f"{number}-2"))
                kept.extend((f"{number}-1", f"{number}-2"))

    writer = threading.Thread(target=write)
    writer.start()
    for _ in range(2):
        sleep(0.5)  # of writing, before it is cut off
        private_kafka_broker.kill()
        private_kafka_broker.start()
    sleep(0.5)  # of writing to the broker that is back
    stopped.set()
    writer.join()
    found = values(private_log, topic)
    assert len(kept) > 20
    assert set(kept) <= set(found)
    assert [value for value in found if value in set(kept)] == kept  # in order, and none twice


def test_an_answer_that_was_lost_on_the_way_is_asked_for_again_and_nothing_is_kept_twice(
    private_kafka_broker: Broker, private_log: KafkaLog, kafka_prefix: str, topic: Topic
) -> None:
    with closing(private_kafka_broker.line()) as line, closing(KafkaLog([line.address], kafka_prefix)) as through:
        offsets = through.append(events(topic, "a"))
        for value in "bcd":
            lost = line.befalls(Trouble(kind=PRODUCE, is_answer=True))
            offsets += through.append(events(topic, value, value + value))
            assert lost.count == 0
    assert values(private_log, topic) == ["a", "b", "bb", "c", "cc", "d", "dd"]
    assert offsets == list(range(7))


# sizes


def test_an_event_that_is_too_large_is_told_and_the_next_one_goes(log: KafkaLog, topic: Topic) -> None:
    with pytest.raises(ConfigError, match=r"max\.message\.bytes"):
        log.append([Record(topic=topic, key=b"large", value=random.Random(1).randbytes(2_000_000))])
    log.append(events(topic, "a"))
    assert values(log, topic) == ["a"]


def test_many_events_of_many_topics_arrive_in_their_order(log: KafkaLog, topic: Topic, kafka_prefix: str) -> None:
    other = Topic(f"{kafka_prefix}.01.customer")
    log.create({other: TopicSettings()})
    sent = [Record(topic=(topic, other)[n % 3 == 0], key=str(n).encode(), value=b"x" * (n % 700)) for n in range(6000)]
    offsets = log.append(sent)
    for name in (topic, other):
        of_it = [(offset, record.key) for offset, record in zip(offsets, sent, strict=True) if record.topic == name]
        assert [(event.offset, event.key) for event in everything(log, name)] == of_it


# tools


def test_the_tools_for_lag_see_how_far_a_reader_is(log: KafkaLog, admin: KafkaAdminClient, topic: Topic) -> None:
    log.append(events(topic, "a", "b", "c"))
    log.commit_offsets(f"{topic}.centro", {topic: Offset(2)})
    found = admin.list_group_offsets([f"{topic}.centro"])
    assert found[f"{topic}.centro"][TopicPartition(topic, 0)].offset == 2


def test_kafka_pythons_own_consumer_reads_the_same(log: KafkaLog, kafka_servers: str, topic: Topic) -> None:
    headers = (("hash", b"\x00\xff"), ("run", b"r"))
    log.append([Record(topic=topic, key=b"k", value=b"v", headers=headers), Record(topic=topic, key=b"k", value=None)])
    consumer = KafkaConsumer(topic, bootstrap_servers=kafka_servers, auto_offset_reset="earliest", consumer_timeout_ms=3000)
    with closing(consumer):
        found = [next(consumer) for _ in range(2)]
    assert [(record.key, record.value, tuple(record.headers)) for record in found] == [(b"k", b"v", headers), (b"k", None, ())]
