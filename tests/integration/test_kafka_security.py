"""A broker that asks for a password over TLS: who gets in, and what the others are told."""

import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from foundation.errors import ConfigError, RetryableError
from foundation.eventlog.port import START, Record, Topic, TopicSettings
from puente.config import Settings
from puente.wiring.opening import open_log
from tests.conftest import unavailable
from tests.engines.kafka_broker import Broker
from tests.engines.kafka_jars import BrokerUnavailableError

TOPIC = Topic("puente.01.product")
STORE = "test-store"


@dataclass(frozen=True)
class Secured:
    """The broker, and the certificate that those who trust it have."""

    broker: Broker
    ca: Path


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("tls")
    store, ca = folder / "broker.p12", folder / "ca.pem"
    _keytool(store, "-genkeypair", "-keyalg", "RSA", "-dname", "CN=127.0.0.1", "-ext", "SAN=IP:127.0.0.1", "-ext", "BC=ca:true")
    _keytool(store, "-exportcert", "-rfc", "-file", str(ca))
    login = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    settings = {
        "listener.security.protocol.map": "PLAINTEXT:SASL_SSL,LINE:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "listener.name.plaintext.plain.sasl.jaas.config": (
            f'{login} username="broker" password="b" user_broker="b" user_puente="right one";'
        ),
        "ssl.keystore.location": str(store),
        "ssl.keystore.password": STORE,
        "ssl.truststore.location": str(store),
        "ssl.truststore.password": STORE,
    }
    try:
        broker = Broker.create(further=settings)
    except BrokerUnavailableError as error:
        unavailable(str(error))
    yield Secured(broker, ca)
    broker.remove()


def _keytool(store: Path, *arguments: str) -> None:
    common = ["-alias", "broker", "-keystore", str(store), "-storepass", STORE, "-storetype", "PKCS12"]
    done = subprocess.run(["keytool", *arguments, *common], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def settings(secured: Secured, **other: Any) -> Settings:
    log = {
        "kind": "kafka",
        "bootstrap_servers": secured.broker.bootstrap_servers,
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "PLAIN",
        "username": "puente",
        "password": "right one",
        "ca": str(secured.ca),
    }
    return Settings.model_validate({"log": {**log, **other}})


def refused(found: Settings) -> str:
    with closing(open_log(found)) as log, pytest.raises(ConfigError) as raised:
        log.topics()
    return str(raised.value)


def test_with_the_right_password_and_certificate_all_works(secured: Secured) -> None:
    with closing(open_log(settings(secured))) as log:
        log.create({TOPIC: TopicSettings()})
        log.append([Record(topic=TOPIC, key=b"k", value=b"v")])
        assert [event.value for event in log.read(TOPIC, START).events] == [b"v"]


def test_a_wrong_password_is_told_and_not_shown(secured: Secured) -> None:
    """Whether the refusal is seen, or the end of the connection alone, is a matter of moments; what to look at is told in both cases."""
    with closing(open_log(settings(secured, password="wrong one"))) as log, pytest.raises((ConfigError, RetryableError)) as raised:
        log.topics()
    said = str(raised.value)
    assert secured.broker.bootstrap_servers in said
    assert "password of [log]" in said
    assert "wrong one" not in said


def test_a_certificate_that_nobody_vouches_for_is_told_with_what_to_set(secured: Secured) -> None:
    said = refused(settings(secured, ca=None))
    assert "not trusted" in said
    assert "log.ca" in said


def test_a_broker_that_speaks_no_tls_is_told(kafka_servers: str, secured: Secured) -> None:
    assert "does not speak TLS" in refused(settings(secured, bootstrap_servers=kafka_servers))


def test_one_that_answers_otherwise_than_asked_is_told(secured: Secured) -> None:
    plain = Settings.model_validate({"log": {"kind": "kafka", "bootstrap_servers": secured.broker.bootstrap_servers}})
    with closing(open_log(plain)) as log, pytest.raises(RetryableError, match="security_protocol"):
        log.topics()
