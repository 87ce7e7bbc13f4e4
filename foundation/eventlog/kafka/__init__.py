"""The log on Apache Kafka, for more than one machine: `log` is the adapter, `client` the requests beneath it."""

from collections.abc import Mapping, Sequence
from typing import Any

from foundation.eventlog.port import EventLog
from foundation.limits import KafkaLimits
from foundation.pinned import require

LIBRARY = "kafka-python"


def open_kafka(servers: Sequence[str], prefix: str, *, options: Mapping[str, Any], limits: KafkaLimits, replication: int) -> EventLog:
    """A `KafkaLog`, whose arguments these are; connects at the first call.

    Raises `ConfigError` where kafka-python is not of the series that the requests beneath were written for.
    """
    require(LIBRARY)
    from foundation.eventlog.kafka.log import KafkaLog  # noqa: PLC0415 - takes as long to import as all else of a command

    return KafkaLog(servers, prefix, options=options, limits=limits, replication=replication)
