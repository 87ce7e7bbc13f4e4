"""Sites for the scenarios: loaded, each CAJA equal to SAE, before every chapter and after it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.both_logs import pytest_generate_tests, site_log
from tests.e2e.small_site import SmallSite, build
from tests.engines.embedded import EmbeddedDatabases
from tests.engines.firebird_server import FirebirdServer, PrivateServer
from tests.engines.kafka_broker import Broker
from tests.engines.kafka_line import Line
from tests.scenarios.trouble import Story

__all__ = ["pytest_generate_tests", "site_log"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="module")
def _embedded_story(site_log: str, tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("story")
    return _loaded(build(folder / "site", EmbeddedDatabases(folder).url))


@pytest.fixture
def embedded_story(_embedded_story: Story) -> Iterator[Story]:
    """On the embedded engine: one site for all chapters of a file."""
    assert _embedded_story.differences == []
    yield _embedded_story
    assert _embedded_story.differences == []


@pytest.fixture(scope="module")
def _kafka_story(tmp_path_factory: pytest.TempPathFactory, site_log: str) -> Story:
    assert site_log == "private kafka"
    folder = tmp_path_factory.mktemp("story")
    # So many that what they fill is published in two parts
    return _loaded(build(folder / "site", EmbeddedDatabases(folder).url, products=350))


@pytest.fixture
def kafka_story(private_kafka_broker: Broker, _kafka_story: Story) -> Iterator[Story]:
    """On a broker that the test may stop: one site for all chapters of a file."""
    assert private_kafka_broker.pid is not None
    if _kafka_story.differences:  # what a chapter that failed left behind is no matter of the next one
        _kafka_story.once()
    yield _kafka_story
    assert _kafka_story.differences == []


@pytest.fixture
def line(private_kafka_broker: Broker, kafka_story: Story) -> Iterator[Line]:
    """The site's only way to the broker."""
    site = kafka_story.site
    straight = site.settings.read_text(encoding="utf-8")
    with closing(private_kafka_broker.line()) as opened:
        site.edit_settings(private_kafka_broker.bootstrap_servers, opened.address)
        yield opened
        site.write_settings(straight)


@pytest.fixture
def server_story(tmp_path: Path, firebird_server: FirebirdServer) -> Iterator[Story]:
    story = _loaded(build(tmp_path / "site", firebird_server.new_url))
    yield story
    assert story.differences == []


@pytest.fixture
def stoppable_story(tmp_path: Path, second_firebird_server: PrivateServer) -> Iterator[Story]:
    """On a server that the test may stop, whose files are on this machine."""
    story = _loaded(build(tmp_path / "site", second_firebird_server.new_url))
    yield story
    assert story.differences == []


def _loaded(site: SmallSite) -> Story:
    story = Story(site)
    story.edit()
    story.once()
    return story
