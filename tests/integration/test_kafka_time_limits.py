"""A broker that refuses, stays silent, is slow or breaks off: it is given up within its limits, told by name, and met again."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import pytest

from foundation.errors import RetryableError
from foundation.eventlog.kafka.log import KafkaLog
from foundation.eventlog.port import START, Offset, Record, Topic, TopicSettings
from foundation.limits import KafkaLimits
from tests.e2e.small_site import wait_until
from tests.engines.kafka_broker import Broker
from tests.engines.kafka_line import FETCH, PRODUCE, Line, Trouble
from tests.engines.ports import HOST
from tests.patience import HANG_SECONDS

SHORT = KafkaLimits(connect=1.0, request=1.0)
PATIENCE_SECONDS = HANG_SECONDS


@pytest.fixture
def line(private_kafka_broker: Broker) -> Iterator[Line]:
    with closing(private_kafka_broker.line()) as opened:
        yield opened


@pytest.fixture
def topic(private_kafka_broker: Broker, kafka_prefix: str) -> Topic:
    made = Topic(f"{kafka_prefix}.01.product")
    with closing(KafkaLog([private_kafka_broker.bootstrap_servers], kafka_prefix)) as log:
        log.create({made: TopicSettings()})
    return made


@pytest.fixture
def log(line: Line, kafka_prefix: str) -> Iterator[KafkaLog]:
    with closing(KafkaLog([line.address], kafka_prefix, limits=SHORT)) as opened:
        yield opened


def event(topic: Topic, value: str) -> list[Record]:
    return [Record(topic=topic, key=b"k", value=value.encode())]


def kept(private_kafka_broker: Broker, topic: Topic) -> list[str]:
    with closing(KafkaLog([private_kafka_broker.bootstrap_servers], topic.split(".")[0])) as straight:
        return [(found.value or b"").decode() for found in straight.read(topic, START).events]


def in_time(action: Callable[[], object]) -> str:
    """What an action ends with; it must end."""
    said: list[str] = []

    def run() -> None:
        with pytest.raises(RetryableError) as told:
            action()
        said.append(str(told.value))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()
    return said[0]


def until_kept(log: KafkaLog, topic: Topic, value: str) -> None:
    """A port that was closed is open a moment later."""

    def is_kept() -> bool:
        with suppress(RetryableError):
            log.append(event(topic, value))
            return True
        return False

    wait_until(is_kept)


@pytest.mark.parametrize("is_connected", [False, True])
def test_a_port_that_refuses_is_told_and_met_again(
    private_kafka_broker: Broker, line: Line, log: KafkaLog, topic: Topic, is_connected: bool
) -> None:
    if is_connected:
        log.append(event(topic, "before"))
    line.cut()
    assert f"Kafka {line.address} cannot be reached" in in_time(lambda: log.append(event(topic, "lost")))
    line.mend()
    until_kept(log, topic, "after")
    assert kept(private_kafka_broker, topic) == (["before"] if is_connected else []) + ["after"]


@pytest.mark.parametrize("is_connected", [False, True])
def test_a_broker_that_says_nothing_is_given_up_and_met_again(
    private_kafka_broker: Broker, line: Line, log: KafkaLog, topic: Topic, is_connected: bool
) -> None:
    if is_connected:
        log.append(event(topic, "before"))
    line.silence()
    for asked in (log.topics, lambda: log.append(event(topic, "lost")), lambda: log.read(topic, START)):
        assert line.address in in_time(asked)
    assert line.address in in_time(lambda: log.wait({topic: Offset(99)}, 0.5))
    line.break_off()  # what was asked meanwhile is gone with its connections
    line.mend()
    until_kept(log, topic, "after")
    assert kept(private_kafka_broker, topic) == (["before"] if is_connected else []) + ["after"]


def test_a_slow_line_takes_longer_and_is_not_given_up(private_kafka_broker: Broker, line: Line, kafka_prefix: str, topic: Topic) -> None:
    line.slow(0.05)
    with closing(KafkaLog([line.address], kafka_prefix)) as log:
        for value in "abc":
            log.append(event(topic, value))
        assert [found.value for found in log.read(topic, START).events] == [b"a", b"b", b"c"]


def test_an_answer_that_stays_away_is_told_as_a_failure_and_what_was_kept_is_kept_once(
    private_kafka_broker: Broker, line: Line, log: KafkaLog, topic: Topic
) -> None:
    log.append(event(topic, "before"))
    line.after(0, line.silence, to_client=True)
    assert line.address in in_time(lambda: log.append(event(topic, "in doubt")))
    line.break_off()
    line.mend()
    until_kept(log, topic, "after")
    assert kept(private_kafka_broker, topic) == ["before", "in doubt", "after"]


@pytest.mark.parametrize("is_answer", [False, True])
@pytest.mark.parametrize("kind", [PRODUCE, FETCH])
def test_a_line_that_breaks_off_half_way_is_asked_again_and_nothing_is_kept_or_read_twice(
    private_kafka_broker: Broker, line: Line, log: KafkaLog, topic: Topic, kind: int, is_answer: bool
) -> None:
    log.append(event(topic, "before"))
    trouble = line.befalls(Trouble(kind=kind, is_answer=is_answer, half=True))
    log.append(event(topic, "after"))
    assert [found.value for found in log.read(topic, START).events] == [b"before", b"after"]
    assert trouble.count == 0
    assert kept(private_kafka_broker, topic) == ["before", "after"]


def test_a_broker_that_stands_still_is_given_up_and_met_again(private_kafka_broker: Broker, kafka_prefix: str, topic: Topic) -> None:
    with closing(KafkaLog([private_kafka_broker.bootstrap_servers], kafka_prefix, limits=SHORT)) as log:
        log.append(event(topic, "before"))
        private_kafka_broker.pause()
        for _ in range(2):
            assert private_kafka_broker.bootstrap_servers in in_time(lambda: log.read(topic, START))
        private_kafka_broker.resume()
        until_kept(log, topic, "after")
        assert [found.value for found in log.read(topic, START).events] == [b"before", b"after"]


def test_a_server_that_is_silent_does_not_keep_the_next_one_from_being_asked(
    private_kafka_broker: Broker, kafka_prefix: str, topic: Topic
) -> None:
    with socket.create_server((HOST, 0)) as deaf:
        servers = [f"{HOST}:{deaf.getsockname()[1]}", private_kafka_broker.bootstrap_servers]
        with closing(KafkaLog(servers, kafka_prefix, limits=SHORT)) as log:
            log.append(event(topic, "kept"))
    assert kept(private_kafka_broker, topic) == ["kept"]
