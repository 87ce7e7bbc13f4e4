"""What of several failures of one request is told."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace

import pytest
from kafka import errors
from kafka.errors import KafkaError

from foundation.errors import ConfigError, RetryableError
from foundation.eventlog.kafka import client
from foundation.eventlog.kafka.client import Client
from foundation.eventlog.port import Topic
from foundation.limits import KafkaLimits
from tests.engines.ports import HOST

SHORT = KafkaLimits(connect=0.5, request=0.5)
DISK, GONE = errors.KafkaStorageError("t"), errors.KafkaConnectionError("refused")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setattr(client, "FIRST_REQUEST", replace(client.REQUESTS, total_seconds=0.2))
    with closing(Client(["127.0.0.1:1"])) as made:
        yield made


def fails_with(asked: Client, *failures: KafkaError) -> str:
    """What is told where the last failure is there to stay."""
    left = list(failures)

    def action() -> None:
        raise left.pop(0) if len(left) > 1 else left[0]

    with pytest.raises((RetryableError, ConfigError)) as told:
        asked.trying(action)
    assert isinstance(told.value.__cause__, type(failures[-1]))
    return str(told.value)


def test_a_broker_that_is_gone_is_told(asked: Client) -> None:
    assert fails_with(asked, GONE) == "Kafka 127.0.0.1:1 cannot be reached"


def test_a_broker_that_said_of_its_disk_and_then_was_gone_is_told_for_its_disk(asked: Client) -> None:
    assert fails_with(asked, DISK, GONE) == "Kafka 127.0.0.1:1 cannot write to its disk: look whether it is full"


def test_what_a_broker_refuses_is_told_whatever_was_before(asked: Client) -> None:
    assert "does not let this user do that" in fails_with(asked, DISK, errors.TopicAuthorizationFailedError("t"))


def test_a_topic_that_lost_its_end_is_told_as_one_that_was_cut(asked: Client) -> None:
    assert fails_with(asked, errors.OutOfOrderSequenceNumberError("t")) == "The topic t was deleted, cut or made again"


class Stranger:
    """Answers whatever it is asked with the same bytes. It does not end the connection: read together with the end they would go unseen."""

    def __init__(self, answer: bytes) -> None:
        self._answer, self._listener = answer, socket.create_server((HOST, 0))
        self.address = f"{HOST}:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):  # closed
            while True:
                line = self._listener.accept()[0]
                with line, suppress(ConnectionError):
                    while line.recv(4096):
                        line.sendall(self._answer)

    def close(self) -> None:
        self._listener.close()


@pytest.mark.parametrize("answer", [b"\x15\x03\x03\x00\x02\x02\x46", b"HTTP/1.1 400 Bad Request\r\n\r\n"], ids=["TLS", "HTTP"])
def test_somebody_who_does_not_speak_kafka_is_told(answer: bytes) -> None:
    with closing(Stranger(answer)) as stranger, closing(Client([stranger.address], limits=SHORT)) as asking:
        assert f"Somebody is at {stranger.address}, but does not answer as Kafka" in told(asking)


# time limits


def told(asking: Client) -> str:
    """What a request ends with; it must end."""
    with pytest.raises(RetryableError) as raised:
        asking.trying(lambda: asking.places([Topic("t")]))
    return str(raised.value)


@pytest.fixture
def deaf() -> Iterator[str]:
    """An address where connections are taken and nothing is said."""
    with socket.create_server((HOST, 0)) as listener:
        yield f"{HOST}:{listener.getsockname()[1]}"


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"])
def test_a_port_that_accepts_and_says_nothing_is_given_up(deaf: str, protocol: str) -> None:
    options = {"security_protocol": protocol}
    if protocol.startswith("SASL"):
        options |= {"sasl_mechanism": "PLAIN", "sasl_plain_username": "u", "sasl_plain_password": "p"}
    with closing(Client([deaf], options, SHORT)) as asking:
        for _ in range(2):
            assert f"Somebody is at {deaf}, but does not answer as Kafka: it is starting or hangs" in told(asking)
