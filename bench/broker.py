"""The Kafka broker that a benchmark runs on, by the recipe of the tests."""

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.engines.kafka_broker import Broker, external_broker
from tests.engines.kafka_jars import BrokerUnavailableError
from tests.engines.kafka_topics import delete_topics

log = logging.getLogger("bench")


@dataclass(frozen=True, slots=True)
class Kafka:
    """A broker, and what the names of a benchmark's topics begin with there."""

    servers: str
    prefix: str

    def empty(self) -> None:
        """Removes the benchmark's topics."""
        delete_topics(self.servers, self.prefix)


@contextmanager
def broker() -> Iterator[Kafka | None]:
    """The broker that PUENTE_TEST_KAFKA names, or one of our own; None where this machine can have none, which is said."""
    external, prefix = external_broker(), f"bench{secrets.token_hex(4)}"
    if external is not None:
        kafka = Kafka(external, prefix)
        yield kafka
        kafka.empty()
        return
    try:
        private = Broker.create()
    except BrokerUnavailableError as error:
        log.warning("Not measured: %s", error)
        yield None
        return
    try:
        yield Kafka(private.bootstrap_servers, prefix)
    finally:
        private.remove()
