"""One Kafka broker for a whole test run, however many processes its tests are spread over."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from filelock import FileLock
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from tests.engines.kafka_broker import START_SECONDS, Broker
from tests.engines.kafka_jars import kafka_version
from tests.engines.kafka_settings import container_settings
from tests.engines.ports import free_port

PORT_IN_CONTAINER = 9092

_kept: list[Broker] = []
"""Those that we started: nobody here ends them, for others may still use them when we are through."""


def shared_broker(folder: Path, run: int) -> str:
    """The bootstrap servers of the test run's broker. Whoever asks first starts it; it ends with the process `run`.

    `folder` is one that the run's processes share, and no other run.
    """
    with FileLock(folder / "kafka.lock"):
        note = folder / "kafka-servers"
        if not note.exists():
            broker = Broker.create(ends_with=[run])
            _kept.append(broker)
            note.write_text(broker.bootstrap_servers)
        return note.read_text()


def docker_runs() -> bool:
    """Asked by its command: the library leaves a socket open where nobody answers."""
    return shutil.which("docker") is not None and subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0


@contextmanager
def container_broker() -> Iterator[str]:
    """The bootstrap servers of a broker of Kafka's own image, set like the others; for machines with Docker and without Java."""
    port = free_port()
    container = DockerContainer(f"apache/kafka:{kafka_version()}").with_bind_ports(PORT_IN_CONTAINER, port)
    # A broker tells its clients where it is, so this must be known before it starts.
    servers = f"{container.get_docker_client().host()}:{port}"
    container.with_envs(**container_settings(inner_port=PORT_IN_CONTAINER, advertised=servers))
    container.waiting_for(LogMessageWaitStrategy("Kafka Server started").with_startup_timeout(timedelta(seconds=START_SECONDS)))
    with container:
        yield servers
