"""What this user may do, as the brokers themselves tell it: nothing is tried out."""

from collections.abc import Collection, Iterable
from typing import Any

from kafka import errors
from kafka.errors import KafkaError
from kafka.protocol.admin import DescribeGroupsRequest
from kafka.protocol.metadata import MetadataRequest

from foundation.eventlog.kafka import groups
from foundation.eventlog.kafka.client import NOBODY, Client, refuse
from foundation.eventlog.kafka.topics import BROKERS_OWN, create_request
from foundation.eventlog.port import Topic, TopicSettings
from foundation.eventlog.rights import Operation, Resource, Right

_NUMBERS = {
    Operation.READ: 3,
    Operation.WRITE: 4,
    Operation.CREATE: 5,
    Operation.DELETE: 6,
    Operation.DESCRIBE: 8,
    Operation.DESCRIBE_CONFIGS: 10,
    Operation.ALTER_CONFIGS: 11,
}
"""Kafka's numbers of the operations."""
_OLDEST_THAT_TELLS_OF_TOPICS, _OLDEST_THAT_TELLS_OF_GROUPS, _NEWEST_THAT_TELLS_OF_NEW_GROUPS = 8, 3, 5
_MISSING = (errors.UnknownTopicOrPartitionError.errno, errors.UnknownTopicIdError.errno)

Allowed = Collection[Operation]


def lacking(client: Client, rights: Collection[Right]) -> list[Right]:
    """Those of the rights that the user lacks. Of a topic that is not there, only whether it may be made is known. Raises `KafkaError`."""
    topics = {Topic(right.name) for right in rights if right.resource is Resource.TOPIC}
    named = {right.name for right in rights if right.resource is Resource.GROUP}
    allowed = {
        Resource.TOPIC: _of_topics(client, topics) if topics else {},
        Resource.GROUP: {name: _of_group(client, name) for name in named},
    }
    return [right for right in rights if right.operation not in allowed[right.resource][right.name]]


def _of_topics(client: Client, topics: Collection[Topic]) -> dict[str, Allowed]:
    request = MetadataRequest(
        topics=[MetadataRequest.MetadataRequestTopic(topic_id=NOBODY, name=topic) for topic in sorted(topics)],
        allow_auto_topic_creation=False,
        include_topic_authorized_operations=True,
        min_version=_OLDEST_THAT_TELLS_OF_TOPICS,
    )
    told = client.ask(request).topics
    missing = [Topic(one.name) for one in told if one.error_code in _MISSING]
    found = {one.name: _allowed(one, errors.TopicAuthorizationFailedError) for one in told if one.name not in missing}
    return found | (_of_missing(client, missing) if missing else {})


def _of_missing(client: Client, topics: Iterable[Topic]) -> dict[str, Allowed]:
    """The brokers are asked what they would say if these were to be made."""
    answer = client.ask(create_request(dict.fromkeys(topics, TopicSettings()), BROKERS_OWN, only_asks=True))
    refused = errors.TopicAuthorizationFailedError.errno
    return {one.name: [op for op in Operation if op is not Operation.CREATE or one.error_code != refused] for one in answer.topics}


def _of_group(client: Client, name: str) -> Allowed:
    request = DescribeGroupsRequest(
        groups=[name],
        include_authorized_operations=True,
        min_version=_OLDEST_THAT_TELLS_OF_GROUPS,
        max_version=_NEWEST_THAT_TELLS_OF_NEW_GROUPS,
    )
    try:
        (told,) = client.ask(request, groups.coordinator(client, name)).groups
        return _allowed(told, errors.GroupAuthorizationFailedError)
    except errors.GroupAuthorizationFailedError:
        return ()


def _allowed(told: Any, refusal: type[KafkaError]) -> Allowed:
    """Nothing where the user may not even see it."""
    if told.error_code == refusal.errno:
        return ()
    refuse(told.error_code, refusal)
    numbers = set(told.authorized_operations)
    return [operation for operation, number in _NUMBERS.items() if number in numbers]
