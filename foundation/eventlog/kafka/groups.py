"""How far a reader is, told to Kafka as the offsets of a consumer group: what its tools for lag look at.

A group here has no members and divides nothing; where a reader goes on stands in CAJA's ledger alone.
"""

from collections.abc import Mapping

from kafka import errors
from kafka.protocol.consumer import OffsetCommitRequest, OffsetFetchRequest
from kafka.protocol.metadata import FindCoordinatorRequest

from foundation.eventlog.kafka.client import Client, refuse
from foundation.eventlog.port import Offset, Topic
from foundation.eventlog.rights import Operation

_Topic = OffsetCommitRequest.OffsetCommitRequestTopic
_Partition = _Topic.OffsetCommitRequestPartition
_GROUP = 0
_OLDEST_WITH_MANY, _NEWEST_WITH_NAMES = 4, 9
_OLDEST_WITH_ALL_TOPICS, _NEWEST_WITH_ONE_GROUP = 2, 7


def coordinator(client: Client, group: str) -> int:
    """The broker that keeps a group's offsets. Raises `KafkaError`."""
    request = FindCoordinatorRequest(key_type=_GROUP, coordinator_keys=[group], min_version=_OLDEST_WITH_MANY)
    (told,) = client.ask(request).coordinators
    refuse(told.error_code, group, Operation.READ)
    return int(told.node_id)


def commit(client: Client, node: int, group: str, positions: Mapping[Topic, Offset]) -> None:
    """Raises `KafkaError`."""
    request = OffsetCommitRequest(
        max_version=_NEWEST_WITH_NAMES,
        group_id=group,
        generation_id_or_member_epoch=-1,
        member_id="",
        group_instance_id=None,
        retention_time_ms=-1,
        topics=[
            _Topic(
                name=topic,
                partitions=[_Partition(partition_index=0, committed_offset=offset, committed_leader_epoch=-1, committed_metadata="")],
            )
            for topic, offset in positions.items()
        ],
    )
    for told in client.ask(request, node).topics:
        code = told.partitions[0].error_code
        refuse(code, group if code == errors.GroupAuthorizationFailedError.errno else told.name, Operation.READ)


def committed(client: Client, node: int, group: str) -> dict[Topic, Offset]:
    """What was committed last, of every topic; of a group that nobody knows nothing. Raises `KafkaError`."""
    request = OffsetFetchRequest(
        min_version=_OLDEST_WITH_ALL_TOPICS, max_version=_NEWEST_WITH_ONE_GROUP, group_id=group, topics=None, require_stable=False
    )
    told = client.ask(request, node)
    refuse(told.error_code, group, Operation.DESCRIBE)
    found = {Topic(topic.name): topic.partitions[0] for topic in told.topics}
    return {topic: Offset(partition.committed_offset) for topic, partition in found.items() if partition.committed_offset >= 0}
