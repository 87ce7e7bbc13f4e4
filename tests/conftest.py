"""Fixtures that every test may ask for: the engines."""

import gc
import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, settings

from tests import durations
from tests.engines.embedded import EmbeddedDatabases, Engine
from tests.engines.firebird_server import FirebirdServer, PrivateServer, ServerUnavailableError, external_server
from tests.engines.guarded_kafka import GuardedBroker
from tests.engines.kafka_broker import EXTERNAL_VARIABLE, Broker, external_broker
from tests.engines.kafka_jars import BrokerUnavailableError, can_be_private
from tests.engines.shared_kafka import container_broker, docker_runs, shared_broker
from tests.engines.users import make_users

SERVER_FIXTURES = {"firebird_server", "private_firebird_server", "second_firebird_server"}
KAFKA_FIXTURES = {"kafka_servers", "private_kafka_broker", "guarded_kafka"}
RUN = pytest.StashKey[int]()

# How long an example takes says something about the machine, not about the product.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(durations.OPTION, action="store_true", help=f"write how long each file takes to {durations.FILE.name}")


def pytest_configure(config: pytest.Config) -> None:
    """Notes the process that is the whole test run: of pytest-xdist's workers the parent."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a shell: programs that tests start would ignore it, too
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.getoption(durations.OPTION) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(durations.Keeper())
    # Now, while it surely lives: an orphan has another parent.
    config.stash[RUN] = os.getppid() if hasattr(config, "workerinput") else os.getpid()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    broker_in_docker = EXTERNAL_VARIABLE not in os.environ and not can_be_private()
    for item in items:
        asked = set(getattr(item, "fixturenames", ()))
        if SERVER_FIXTURES & asked:
            item.add_marker(pytest.mark.firebird_server)
        if KAFKA_FIXTURES & asked:
            item.add_marker(pytest.mark.kafka)
        if "kafka_servers" in asked and broker_in_docker:
            item.add_marker(pytest.mark.docker)
    durations.arrange(items)


def pytest_collection_finish() -> None:
    """What was collected stays to the end: garbage collection, of which tests ask for whole ones, need not look at it each time."""
    gc.collect()
    gc.freeze()


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


@pytest.fixture(scope="session")
def kafka_servers(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The bootstrap servers of a broker that all tests share: of PUENTE_TEST_KAFKA, or one of the test run's own. It stays up."""
    external = external_broker()
    if external is not None:
        yield external
        return
    folder = tmp_path_factory.getbasetemp()
    broker: AbstractContextManager[str]
    try:
        broker = nullcontext(shared_broker(folder.parent if hasattr(pytestconfig, "workerinput") else folder, pytestconfig.stash[RUN]))
    except BrokerUnavailableError as error:
        if not docker_runs():
            unavailable(str(error))
        broker = container_broker()
    with broker as servers:
        yield servers


@pytest.fixture
def kafka_prefix() -> str:
    """What the names of a test's topics begin with, so that no other test on the same broker has the same."""
    return f"t{secrets.token_hex(4)}"


@pytest.fixture(scope="session")
def _private_kafka_broker(pytestconfig: pytest.Config) -> Iterator[Broker]:
    try:
        # A worker lives on for a while when the test run is killed.
        broker = Broker.create(ends_with=[os.getpid(), pytestconfig.stash[RUN]])
    except BrokerUnavailableError as error:
        unavailable(str(error))
    yield broker
    broker.remove()


@pytest.fixture(scope="session")
def guarded_kafka(pytestconfig: pytest.Config) -> Iterator[GuardedBroker]:
    """A broker that asks every user for its rights."""
    try:
        broker = GuardedBroker([os.getpid(), pytestconfig.stash[RUN]])
    except BrokerUnavailableError as error:
        unavailable(str(error))
    yield broker
    broker.remove()


@pytest.fixture
def private_kafka_broker(_private_kafka_broker: Broker) -> Iterator[Broker]:
    """Another broker, always a private one, which a test may stop, kill, pause and start; every test finds it running."""
    _private_kafka_broker.start()
    yield _private_kafka_broker
    gc.collect()  # here, where the warnings that kafka-python is excused from are known


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
        unavailable(str(error))


def unavailable(reason: str) -> NoReturn:
    """An engine that is missing never passes unseen: a failure in CI, elsewhere the only skip there is."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
