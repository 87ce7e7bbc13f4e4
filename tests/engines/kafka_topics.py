"""What somebody else does to topics."""

from collections.abc import Callable
from contextlib import closing
from time import monotonic, sleep

from kafka import KafkaAdminClient

SECONDS = 20.0


def delete_topics(servers: str, prefix: str) -> None:
    """Every topic of a prefix, and waits until they are gone."""
    with closing(KafkaAdminClient(bootstrap_servers=servers)) as admin:

        def left() -> list[str]:
            return [name for name in admin.list_topics() if name.startswith(f"{prefix}.")]

        found = left()
        if found:
            admin.delete_topics(found)
        wait_until(lambda: not left())


def wait_until(is_so: Callable[[], bool]) -> None:
    until = monotonic() + SECONDS
    while not is_so():
        assert monotonic() < until, "it did not come"
        sleep(0.02)
