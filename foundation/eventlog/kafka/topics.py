"""How Puente's topics are kept by Kafka: what is asked for when one is made, and what another must not have."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kafka import errors
from kafka.protocol.admin import CreateTopicsRequest, DescribeConfigsRequest

from foundation.eventlog.kafka.client import refuse
from foundation.eventlog.port import DAY_MS, Topic, TopicSettings, Unfit
from foundation.eventlog.rights import Operation

_Made = CreateTopicsRequest.CreatableTopic
_Config = _Made.CreatableTopicConfig
_Described = DescribeConfigsRequest.DescribeConfigsResource
_TOPIC = 2
_AT_LEAST = ("min.compaction.lag.ms", "delete.retention.ms")
_COMPRESSION = "compression.type"
_READABLE = ("producer", "uncompressed", "gzip")
_JUDGED = ("cleanup.policy", "message.timestamp.type", _COMPRESSION, *_AT_LEAST)
_UNAUTHORIZED = errors.TopicAuthorizationFailedError.errno
BROKERS_OWN = -1
CREATE_MS = 10_000


def configs(settings: TopicSettings) -> dict[str, str]:
    """A topic's settings by Kafka's names.

    `LogAppendTime`: compaction goes by the broker's clock, for a broker refuses what a clock that is an hour fast sends, and a clock put
    back would let a tombstone go before its victim. A segment a day: the newest one is never compacted, and the heartbeat alone fills
    some 40 MB a day. As it is sent, whatever the brokers do with other topics: to read what they pack takes libraries that may lack.
    """
    return {
        "cleanup.policy": "compact",
        "min.compaction.lag.ms": str(settings.min_compaction_lag_ms),
        "delete.retention.ms": str(settings.delete_retention_ms),
        "message.timestamp.type": "LogAppendTime",
        "segment.ms": str(DAY_MS),
        _COMPRESSION: "producer",
    }


def create_request(topics: Mapping[Topic, TopicSettings], replication: int, *, only_asks: bool = False) -> Any:
    """With `only_asks` nothing is made; the answer is what it would be."""
    return CreateTopicsRequest(
        topics=[
            _Made(
                name=topic,
                num_partitions=1,
                replication_factor=replication,
                assignments=[],
                configs=[_Config(name=name, value=value) for name, value in configs(settings).items()],
            )
            for topic, settings in topics.items()
        ],
        timeout_ms=CREATE_MS,
        validate_only=only_asks,
    )


def created(answer: Any) -> Iterable[Topic]:
    """Those that were made; somebody else may have made the others meanwhile. Raises `KafkaError` for one that cannot be."""
    for told in answer.topics:
        if told.error_code != errors.TopicAlreadyExistsError.errno:
            refuse(told.error_code, told.name if told.error_code == _UNAUTHORIZED else told.error_message or told.name, Operation.CREATE)
            yield Topic(told.name)


def describe_request(topics: Iterable[Topic], keys: Sequence[str] = _JUDGED) -> Any:
    resources = [_Described(resource_type=_TOPIC, resource_name=topic, configuration_keys=list(keys)) for topic in topics]
    return DescribeConfigsRequest(resources=resources, include_synonyms=False, include_documentation=False)


def settings_request(topic: Topic) -> Any:
    return describe_request([topic], _AT_LEAST)


def settings(answer: Any) -> TopicSettings | None:
    """Of the one topic that was asked for; None where the user may not see that. Raises `KafkaError`."""
    (told,) = answer.results
    if told.error_code == _UNAUTHORIZED:
        return None
    refuse(told.error_code, told.resource_name)
    found = {config.name: int(config.value) for config in told.configs}
    lag, kept = map(found.__getitem__, _AT_LEAST)
    return TopicSettings(min_compaction_lag_ms=lag, delete_retention_ms=kept)


def unfit(answer: Any, topics: Mapping[Topic, TopicSettings]) -> Iterable[Unfit]:
    """What differs and matters: a topic may be kept for longer than asked. Raises `KafkaError`."""
    for told in answer.results:
        topic = Topic(told.resource_name)
        refuse(told.error_code, topic, Operation.DESCRIBE_CONFIGS)
        wanted = configs(topics[topic])
        for config in told.configs:
            if not _fits(config.name, config.value, wanted[config.name]):
                yield Unfit(topic=topic, setting=config.name, found=config.value, wanted=wanted[config.name])


def _fits(name: str, found: str, wanted: str) -> bool:
    if name == _COMPRESSION:
        return found in _READABLE
    return int(found) >= int(wanted) if name in _AT_LEAST else found == wanted
