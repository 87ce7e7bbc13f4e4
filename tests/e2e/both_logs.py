"""Every test of the installed command runs on both logs, but for those that are marked `file_log`: what they are about is the file.
Those that are marked `kafka_log` are about a broker, and have one that they may stop.

Those that run on both engines have the file with the embedded one and Kafka with the server: which engine a site stands on and which log it
has are two things, and each pair of them would take as long as all.
"""

from collections.abc import Iterator, Mapping

import pytest

from tests.e2e.small_site import LOG
from tests.engines.kafka_broker import Broker

ONLY = {"file_log": ("file",), "kafka_log": ("private kafka",)}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "site_log" in metafunc.fixturenames:
        marked = {name: kinds for name, kinds in ONLY.items() if metafunc.definition.get_closest_marker(name)}
        kinds = next(iter(marked.values()), ("file", "kafka"))
        metafunc.parametrize("site_log", kinds, indirect=True, scope="module")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    spared = [item for item in items if _is_spared(getattr(getattr(item, "callspec", None), "params", {}))]
    items[:] = [item for item in items if item not in spared]
    config.hook.pytest_deselected(items=spared)


def _is_spared(params: Mapping[str, object]) -> bool:
    engines = {"embedded", "server"}.intersection(value for value in params.values() if isinstance(value, str))
    return (params.get("site_log"), *engines) in (("kafka", "embedded"), ("file", "server"))


@pytest.fixture(scope="module", autouse=True)
def site_log(request: pytest.FixtureRequest) -> Iterator[str]:
    """Which log the sites of this test have. A site that several tests share asks for it, so as to be made for each log anew."""
    kind: str = request.param
    match kind:
        case "kafka":
            LOG.kafka = request.getfixturevalue("kafka_servers")
        case "private kafka":
            broker: Broker = request.getfixturevalue("_private_kafka_broker")
            LOG.kafka = broker.bootstrap_servers
        case _:
            LOG.kafka = None
    yield kind
    LOG.kafka = None
