"""Every test of the installed command runs on both logs, but for those that are marked `file_log`: what they are about is the file.

On Kafka each runs with one of the engines: which engine a site stands on and which log it has are two things.
"""

from collections.abc import Iterator, Mapping

import pytest

from tests.e2e.small_site import LOG


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "site_log" in metafunc.fixturenames:
        only_file = metafunc.definition.get_closest_marker("file_log") is not None
        metafunc.parametrize("site_log", ["file"] if only_file else ["file", "kafka"], indirect=True, scope="module")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    spared = [item for item in items if _is_spared(getattr(getattr(item, "callspec", None), "params", {}))]
    items[:] = [item for item in items if item not in spared]
    config.hook.pytest_deselected(items=spared)


def _is_spared(params: Mapping[str, object]) -> bool:
    return params.get("site_log") == "kafka" and "embedded" in params.values()


@pytest.fixture(scope="module", autouse=True)
def site_log(request: pytest.FixtureRequest) -> Iterator[str]:
    """Which log the sites of this test have. A site that several tests share asks for it, so as to be made for each log anew."""
    kind: str = request.param
    LOG.kafka = request.getfixturevalue("kafka_servers") if kind == "kafka" else None
    yield kind
    LOG.kafka = None
