"""Fixtures that every test may ask for: the engines."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from tests.engines.embedded import EmbeddedDatabases, Engine
from tests.engines.firebird_server import FirebirdServer, PrivateServer, ServerUnavailableError, external_server
from tests.engines.users import make_users

SERVER_FIXTURES = {"firebird_server", "private_firebird_server", "second_firebird_server"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if SERVER_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.firebird_server)


@pytest.fixture(scope="session")
def firebird_server() -> Iterator[FirebirdServer]:
    """The Firebird server for tests: one per worker, or the one that PUENTE_TEST_FIREBIRD names. It stays up."""
    external = external_server()
    if external is not None:
        make_users(external)
        yield external
        return
    server = _private_server()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def private_firebird_server(firebird_server: FirebirdServer) -> Iterator[PrivateServer]:
    """A server of our own, also where an external one is named: it has the aliases `sae` and `caja`."""
    if isinstance(firebird_server, PrivateServer):
        yield firebird_server
        return
    server = _private_server()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def _second_firebird_server() -> Iterator[PrivateServer]:
    server = _private_server()
    yield server
    server.remove()


@pytest.fixture
def second_firebird_server(_second_firebird_server: PrivateServer) -> PrivateServer:
    """Another server, always a private one, which a test may stop, kill and start; every test finds it running."""
    _second_firebird_server.start()
    return _second_firebird_server


@pytest.fixture
def embedded(tmp_path: Path) -> EmbeddedDatabases:
    """A folder of this test alone for databases of the embedded engine."""
    return EmbeddedDatabases(tmp_path)


@pytest.fixture(params=["embedded", "server"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine in turn, for new databases."""
    found: Engine = request.getfixturevalue("embedded" if request.param == "embedded" else "firebird_server")
    return found


def _private_server() -> PrivateServer:
    try:
        return PrivateServer.create()
    except ServerUnavailableError as error:
        _unavailable(str(error))


def _unavailable(reason: str) -> NoReturn:
    """An engine that is missing never passes unseen: a failure in CI, elsewhere the only skip there is."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
