"""How a broker for tests is set: one node that is its own controller, quick to do what others do within minutes, and small."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.engines.ports import HOST, free_port

SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,LINE:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    # One node has everything once; and a topic that nobody made is a mistake.
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "auto.create.topics.enable": "false",
    # After a crash a node is let in again only when its former session has run out: by default after 9 s.
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "500",
    # A broker that nobody asks anything writes down twice a second that nothing happened.
    "metadata.max.idle.interval.ms": "5000",
    "group.initial.rebalance.delay.ms": "0",
    # Compaction, retention and the removal of files come at once.
    "log.initial.task.delay.ms": "100",
    "log.cleaner.enable": "true",
    "log.cleaner.backoff.ms": "100",
    "log.retention.check.interval.ms": "500",
    "log.segment.delete.delay.ms": "500",
    # Databases and other brokers share the machine.
    "log.cleaner.dedupe.buffer.size": "4194304",
    "log.cleaner.io.buffer.size": "65536",
    "num.network.threads": "2",
    "num.io.threads": "2",
    "num.recovery.threads.per.data.dir": "1",
    "background.threads": "2",
}
"""All but where it listens and where its data stand."""

LOG4J = """\
rootLogger.level = WARN
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %c{1} %m%n
"""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Where a private broker listens. Who comes by `behind_line` is told that the broker is at `line`: a client stays on its line."""

    clients: int
    controller: int
    line: int
    behind_line: int

    @classmethod
    def free(cls) -> "Ports":
        return cls(clients=free_port(), controller=free_port(), line=free_port(), behind_line=free_port())


def private_settings(ports: Ports, data: Path, further: Mapping[str, str]) -> str:
    """A server.properties for these loopback ports; `further` settings win."""
    listening = {
        "listeners": f"PLAINTEXT://{HOST}:{ports.clients},LINE://{HOST}:{ports.behind_line},CONTROLLER://{HOST}:{ports.controller}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{ports.clients},LINE://{HOST}:{ports.line}",
        "controller.quorum.voters": f"1@{HOST}:{ports.controller}",
        "log.dirs": str(data),
    }
    return "".join(f"{name}={value}\n" for name, value in {**SETTINGS, **listening, **further}.items())


def container_settings(*, inner_port: int, advertised: str) -> dict[str, str]:
    """The same as the environment that Kafka's image takes them from."""
    listening = {
        "listeners": f"PLAINTEXT://:{inner_port},CONTROLLER://:{inner_port + 1}",
        "advertised.listeners": f"PLAINTEXT://{advertised}",
        "controller.quorum.voters": f"1@localhost:{inner_port + 1}",
    }
    return {f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in {**SETTINGS, **listening}.items()}
