"""Requests to a Kafka cluster, answered one by one in the caller's thread.

One level below kafka-python's consumer and producer, which do more than a log needs and less: they hide which topic of a name they read
(a topic that was deleted and made again looks like the old one), fetch ahead, and send again in the background. A request here either
has its answer or has failed, so what the port promises can be promised.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from uuid import UUID

from kafka import errors
from kafka.errors import KafkaError
from kafka.protocol.metadata import MetadataRequest

from foundation.errors import ConfigError, NoTopic
from foundation.eventlog.kafka import reach
from foundation.eventlog.kafka.connections import Connections, NobodyMet
from foundation.eventlog.kafka.errors import NO_CONNECTION, SILENT, TRANSIENT, translate
from foundation.eventlog.port import Topic
from foundation.eventlog.rights import Operation
from foundation.limits import KafkaLimits
from foundation.retry import Policy, retrying
from foundation.texts import text

Answer = TypeVar("Answer")


def _is_worth_it(error: BaseException) -> bool:
    """Whose answer did not come has been waited for long enough."""
    return isinstance(error, TRANSIENT) and not isinstance(error, SILENT)


def _is_worth_it_at_first(error: BaseException) -> bool:
    """Before the first answer the caller tries again as it sees fit."""
    return _is_worth_it(error) and not isinstance(error, NobodyMet)


REQUESTS = Policy(first_seconds=0.05, longest_seconds=1.0, total_seconds=5.0, is_worth_it=_is_worth_it)
"""How a request is tried again: a leader that moves, a broker that restarts. What lasts longer is the caller's to wait for."""
FIRST_REQUEST = replace(REQUESTS, is_worth_it=_is_worth_it_at_first)
DEFAULT_LIMITS = KafkaLimits()
NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Place:
    """Which topic a name stands for now, and the broker that leads its partition."""

    topic_id: UUID
    leader: int


class Client:
    """Connects at the first request. `options` are kafka-python's, for security. Belongs to one thread.

    Every method raises `RetryableError` where the cluster is down or busy, `ConfigError` where it refuses.
    """

    def __init__(self, servers: Sequence[str], options: Mapping[str, Any] | None = None, limits: KafkaLimits = DEFAULT_LIMITS) -> None:
        self.servers, self._each, self._options, self._limits = ", ".join(servers), servers, options or {}, limits
        self._connections = Connections(servers, self._options, limits)
        self._places: dict[Topic, Place] = {}

    def close(self) -> None:
        self._connections.close()

    def trying(self, action: Callable[[], Answer]) -> Answer:
        """What `action` returns, tried again where waiting a little may help; its errors come out as Puente's."""
        last_words: list[KafkaError] = []

        def failed(error: BaseException) -> None:
            self._places.clear()
            if isinstance(error, errors.KafkaStorageError):
                last_words.append(error)

        try:
            return retrying(action, policy=REQUESTS if self._connections.are_open else FIRST_REQUEST, on_retry=failed)
        except KafkaError as error:
            self._places.clear()
            if not self._connections.was_met and isinstance(error, NO_CONNECTION):
                reach.explain(self._each, self._options, self._limits.connect, ended=not isinstance(error, SILENT))
            # A broker whose disk is full says so and ends itself: that it is gone then is only what follows.
            told = last_words[0] if last_words and isinstance(error, NO_CONNECTION) else error
            raise translate(told, self.servers) from error

    def ask(self, request: Any, node: int | None = None) -> Any:
        """A broker's answer (None: any broker's). Raises `KafkaError`."""
        return self._connections.ask_anybody(request) if node is None else self.ask_all({node: request})[0]

    def ask_all(self, requests: Mapping[int, Any], seconds: float = 0.0) -> list[Any]:
        """The answers of several brokers, asked at the same time; they may take `seconds` longer than usual."""
        return self._connections.ask(requests, seconds)

    def places(self, topics: Iterable[Topic]) -> dict[Topic, Place]:
        """Asks where topics are now; those that are not there lack. Raises `KafkaError`."""
        return self._ask_places([MetadataRequest.MetadataRequestTopic(topic_id=NOBODY, name=topic) for topic in topics], "")

    def all_places(self, prefix: str) -> dict[Topic, Place]:
        """The same of every topic whose name begins with `prefix`."""
        return self._ask_places(None, prefix)

    def _ask_places(self, named: Sequence[Any] | None, prefix: str) -> dict[Topic, Place]:
        answer = self.ask(MetadataRequest(topics=named, allow_auto_topic_creation=False, include_topic_authorized_operations=False))
        self._connections.learn(answer)
        refused = sorted(told.name for told in answer.topics if told.error_code == errors.TopicAuthorizationFailedError.errno)
        if refused:
            refuse(errors.TopicAuthorizationFailedError.errno, ", ".join(refused), Operation.DESCRIBE)
        found = {Topic(told.name): _place(told) for told in answer.topics if told.name.startswith(prefix) and _is_there(told)}
        self._places.update(found)
        return found

    def place(self, topic: Topic) -> Place | None:
        """As known, else asked for. Raises `KafkaError`."""
        return self._places.get(topic) or self.places([topic]).get(topic)

    def placed(self, topic: Topic) -> Place:
        """The same; a topic that is not there raises `NoTopic`."""
        place = self.place(topic)
        if place is None:
            raise NoTopic(text("The log {path} has no topic {topic}: run puente setup", path=self.servers, topic=topic), topic)
        return place

    def forget(self, *topics: Topic) -> None:
        """To be asked for again."""
        for topic in topics:
            self._places.pop(topic, None)


def _is_there(told: Any) -> bool:
    if told.error_code in (errors.UnknownTopicOrPartitionError.errno, errors.UnknownTopicIdError.errno):
        return False
    refuse(told.error_code, told.name)
    return True


def _place(told: Any) -> Place:
    if len(told.partitions) != 1:
        raise ConfigError(text("The topic {topic} has {count} partitions; it must have one", topic=told.name, count=len(told.partitions)))
    leader = told.partitions[0].leader_id
    if leader < 0:
        raise errors.LeaderNotAvailableError(told.name)
    return Place(told.topic_id, leader)


def refuse(code: int, about: object, operation: Operation | None = None) -> None:
    """Raises the error of a code, if it is one; `operation` is what was to be done with the topic or group that it is about."""
    if not code:
        return
    error = errors.for_code(code)
    raise error(about, operation) if operation is not None and issubclass(error, errors.AuthorizationError) else error(about)
