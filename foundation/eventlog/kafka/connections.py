"""Connections to the brokers of a cluster, each request of which is answered or has failed within its time limits.

kafka-python bounds most of its waits by itself, but not a TLS handshake, and it gives all of its time to the first server that it happens
to choose. Here servers are tried in turn, a request for any broker goes on to the next where one is silent, and what lasts too long is
given up together with the connections that it might hold.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

from kafka import errors
from kafka.errors import KafkaError
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector

from foundation.eventlog.kafka.errors import NO_CONNECTION, SILENT, TRANSIENT
from foundation.limits import KafkaLimits

LARGEST_ANSWER = 100_000_000
LONGEST_PAUSE_MS = 1000
"""Between two attempts to connect to one broker."""
_NOT_MET = (*TRANSIENT, errors.InvalidReceiveError)
"""Of a server that is down, or none of Kafka's: one that wants TLS answers in TLS."""


class NobodyMet(errors.KafkaConnectionError):  # type: ignore[misc]  # untyped, as all of the library
    """No server took a connection."""


class Connections:
    """Connects at the first request. Belongs to one thread; every method raises `KafkaError`."""

    def __init__(self, servers: Sequence[str], options: Mapping[str, Any], limits: KafkaLimits) -> None:
        self._servers, self._limits = list(servers), limits
        connect_ms = int(limits.connect * 1000)
        self._settings: dict[str, Any] = {
            "client_id": "puente",
            "receive_message_max_bytes": LARGEST_ANSWER,
            "request_timeout_ms": int(limits.request * 1000),
            "socket_connection_setup_timeout_ms": connect_ms,
            "socket_connection_setup_timeout_max_ms": connect_ms,
            "reconnect_backoff_max_ms": LONGEST_PAUSE_MS,
            **options,
        }
        self._net: NetworkSelector | None = None
        self._manager: KafkaConnectionManager | None = None
        self._silent: set[int] = set()
        self.was_met = False
        """Kafka was there once: what fails later is no matter of a wrong address."""

    def close(self) -> None:
        """The next request connects anew."""
        manager, net, self._manager, self._net = self._manager, self._net, None, None
        self._silent.clear()
        if manager is not None and net is not None:
            manager.close()
            net.close()

    @property
    def are_open(self) -> bool:
        return self._manager is not None

    def learn(self, metadata: Any) -> None:
        """The addresses of the brokers, from an answer of theirs."""
        assert self._manager is not None
        self._manager.cluster.update_metadata(metadata)

    def ask(self, requests: Mapping[int, Any], seconds: float = 0.0) -> list[Any]:
        """The answers of several brokers, asked at the same time; they may take `seconds` longer than usual."""
        manager = self._met()
        timeout_ms = int((self._limits.request + seconds) * 1000)
        until = monotonic() + self._limits.connect + self._limits.request + seconds

        async def answers() -> list[Any]:
            sent = [manager.send(request, node_id=node, request_timeout_ms=timeout_ms) for node, request in requests.items()]
            return [await manager.wait_for(future, max(0.0, until - monotonic()) * 1000) for future in sent]

        found: list[Any] = self._run(answers)
        return found

    def ask_anybody(self, request: Any) -> Any:
        """The answer of the first broker that gives one."""
        nodes = [broker.node_id for broker in self._met().cluster.brokers()]
        last: KafkaError = errors.BrokerNotAvailableError()
        for node in sorted(nodes, key=lambda node: node in self._silent):
            try:
                (answer,) = self.ask({node: request})
            except NO_CONNECTION as error:
                self._silent.add(node)
                last = error
                if not self.are_open:
                    break
            else:
                self._silent.discard(node)
                return answer
        self.close()  # perhaps they have other addresses now
        raise last

    def _run(self, action: Callable[[], Awaitable[Any]]) -> Any:
        """What is not answered in time may go on beneath: only with all connections does it surely end."""
        assert self._manager is not None
        try:
            return self._manager.run(action)
        except errors.KafkaTimeoutError:
            self.close()
            raise

    def _met(self) -> KafkaConnectionManager:
        """Connected to the cluster through the first server that answers."""
        if self._manager is not None:
            return self._manager
        failures = []
        for server in list(self._servers):
            try:
                manager = self._meet(server)
            except _NOT_MET as error:
                failures.append(error)
                self._servers.append(self._servers.pop(0))  # the next time another one comes first
            else:
                return manager
        if all(isinstance(error, SILENT) for error in failures):
            raise errors.KafkaTimeoutError(*self._servers) from failures[-1]
        raise NobodyMet(*self._servers) from failures[-1]

    def _meet(self, server: str) -> KafkaConnectionManager:
        settings = {**self._settings, "bootstrap_servers": [server]}
        self._net = NetworkSelector(**settings)
        self._manager = manager = KafkaConnectionManager(self._net, **settings)
        connect_ms, request_ms = self._limits.connect * 1000, self._limits.request * 1000
        (broker,) = manager.cluster.bootstrap_brokers()

        async def connect() -> None:
            """Once: the library would try again what cannot be mended."""
            connection = manager.get_connection(broker.node_id, timeout_ms=connect_ms, refresh_metadata_on_err=False)
            await manager.wait_for(connection.init_future, connect_ms)

        async def introduce() -> None:
            await manager.wait_for(manager.bootstrap_async(request_ms), request_ms)

        try:
            manager.run(connect)
            manager.run(introduce)
        except BaseException:
            with suppress(OSError):
                self.close()
            raise
        self.was_met = True
        return manager
