"""Requests to a Kafka cluster, answered one by one in the caller's thread.

One level below kafka-python's consumer and producer, which do more than a log needs and less: they hide which topic of a name they read
(a topic that was deleted and made again looks like the old one), fetch ahead, and send again in the background. A request here either
has its answer or has failed, so what the port promises can be promised.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from kafka import errors
from kafka.errors import KafkaError
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector
from kafka.protocol.metadata import MetadataRequest
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from puente.errors import ConfigError, NoTopic
from puente.eventlog.kafka import reach
from puente.eventlog.kafka.errors import NO_CONNECTION, TRANSIENT, translate
from puente.eventlog.port import Topic
from puente.eventlog.rights import Operation
from puente.texts import text

Answer = TypeVar("Answer")
CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 10.0
TOTAL_SECONDS = 5.0
"""How long a request is tried again: a leader that moves, a broker that restarts. What lasts longer is the caller's to wait for."""
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.05, 1.0
LARGEST_ANSWER = 100_000_000
NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Place:
    """Which topic a name stands for now, and the broker that leads its partition."""

    identity: UUID
    leader: int


class Client:
    """Connects at the first request. `options` are kafka-python's, for security. Belongs to one thread.

    Every method raises `RetryableError` where the cluster is down or busy, `ConfigError` where it refuses.
    """

    def __init__(self, servers: Sequence[str], options: Mapping[str, Any] | None = None) -> None:
        self.servers = ", ".join(servers)
        self._settings: dict[str, Any] = {
            "client_id": "puente",
            "receive_message_max_bytes": LARGEST_ANSWER,
            "request_timeout_ms": int(ANSWER_SECONDS * 1000),
            "socket_connection_setup_timeout_ms": int(CONNECT_SECONDS * 1000),
            "reconnect_backoff_max_ms": int(LONGEST_WAIT_SECONDS * 1000),
            **(options or {}),
            "bootstrap_servers": list(servers),
        }
        self._net = NetworkSelector(**self._settings)
        self._manager = KafkaConnectionManager(self._net, **self._settings)
        self._places: dict[Topic, Place] = {}

    def close(self) -> None:
        self._manager.close()
        self._net.close()

    def trying(self, action: Callable[[], Answer]) -> Answer:
        """What `action` returns, tried again where waiting a little may help; its errors come out as Puente's."""
        last_words: list[KafkaError] = []

        def failed(state: RetryCallState) -> None:
            self._places.clear()
            error = state.outcome.exception() if state.outcome else None
            if isinstance(error, errors.KafkaStorageError):
                last_words.append(error)

        again = Retrying(
            retry=retry_if_exception_type(TRANSIENT),
            wait=wait_exponential_jitter(multiplier=FIRST_WAIT_SECONDS, max=LONGEST_WAIT_SECONDS),
            stop=stop_after_delay(TOTAL_SECONDS),
            before_sleep=failed,
            reraise=True,
        )
        try:
            return again(action)
        except KafkaError as error:
            self._places.clear()
            # A broker whose disk is full says so and ends itself: that it is gone then is only what follows.
            told = last_words[0] if last_words and isinstance(error, NO_CONNECTION) else error
            raise translate(told, self.servers) from error

    def ask(self, request: Any, node: int | None = None, seconds: float = 0.0) -> Any:
        """A broker's answer (None: any broker's), which may take `seconds` longer than usual. Raises `KafkaError`."""
        (answer,) = self.ask_all({node: request}, seconds)
        return answer

    def ask_all(self, requests: Mapping[int | None, Any], seconds: float = 0.0) -> list[Any]:
        """The answers of several brokers, asked at the same time."""
        if not self._manager.bootstrapped:
            self._bootstrap()
        timeout = int((ANSWER_SECONDS + seconds) * 1000)

        async def answers() -> list[Any]:
            sent = [self._manager.send(request, node_id=node, request_timeout_ms=timeout) for node, request in requests.items()]
            return [await future for future in sent]

        found: list[Any] = self._manager.run(answers)
        return found

    def _bootstrap(self) -> None:
        try:
            self._manager.bootstrap(int(CONNECT_SECONDS * 1000))
        except errors.KafkaTimeoutError:
            self._log_in()
            reach.explain(self._settings["bootstrap_servers"], self._settings)
            raise

    def _log_in(self) -> None:
        """Raises what a broker has against the user, where it can be told: the library would try again for ever."""
        for broker in self._manager.cluster.bootstrap_brokers():
            self._manager.reset_backoff(broker.node_id)

            async def connect(node: str = broker.node_id) -> None:
                await self._manager.get_connection(node, refresh_metadata_on_err=False)

            # A refusal comes together with the end of the connection, and often the end alone is seen; one that wants TLS answers in TLS.
            with suppress(*TRANSIENT, errors.InvalidReceiveError):
                self._manager.run(connect)

    def places(self, topics: Iterable[Topic]) -> dict[Topic, Place]:
        """Asks where topics are now; those that are not there lack. Raises `KafkaError`."""
        return self._ask_places([MetadataRequest.MetadataRequestTopic(topic_id=NOBODY, name=topic) for topic in topics], "")

    def all_places(self, prefix: str) -> dict[Topic, Place]:
        """The same of every topic whose name begins with `prefix`."""
        return self._ask_places(None, prefix)

    def _ask_places(self, named: Sequence[Any] | None, prefix: str) -> dict[Topic, Place]:
        answer = self.ask(MetadataRequest(topics=named, allow_auto_topic_creation=False, include_topic_authorized_operations=False))
        self._manager.cluster.update_metadata(answer)  # the addresses of the brokers
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
    refuse(told.error_code, told.name, Operation.DESCRIBE)
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
