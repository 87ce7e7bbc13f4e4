"""Sites for the scenarios: loaded, each CAJA equal to SAE."""

from pathlib import Path

import pytest

from tests.conftest import EmbeddedDatabases
from tests.e2e.small_site import SmallSite, build
from tests.engines.firebird_server import FirebirdServer, PrivateServer
from tests.scenarios.trouble import edit, once


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.timeout(240))


@pytest.fixture
def embedded_site(tmp_path: Path, embedded: EmbeddedDatabases) -> SmallSite:
    return _loaded(build(tmp_path / "site", embedded.url))


@pytest.fixture
def server_site(tmp_path: Path, firebird_server: FirebirdServer) -> SmallSite:
    return _loaded(build(tmp_path / "site", lambda name: firebird_server.url(firebird_server.new_name(name))))


@pytest.fixture
def stoppable_site(tmp_path: Path, second_firebird_server: PrivateServer) -> SmallSite:
    """On a server that the test may stop, whose files are on this machine."""
    return _loaded(build(tmp_path / "site", lambda name: second_firebird_server.url(second_firebird_server.new_name(name))))


def _loaded(site: SmallSite) -> SmallSite:
    edit(site, 1)
    once(site)
    assert site.differences() == []
    return site
