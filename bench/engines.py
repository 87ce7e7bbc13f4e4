"""The engines that a benchmark runs on, and the driver without Puente, to compare with."""

import itertools
import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import firebird.driver
import psutil
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from foundation.engines import create_database, open_database
from foundation.engines.firebird.attach import CHARSET, dsn_of
from foundation.engines.firebird.client import load_client
from tests.engines.firebird_server import FirebirdServer, PrivateServer, ServerUnavailableError, external_server

EMBEDDED, SERVER, CLASSIC = "embedded", "server", "classic"
ENGINES = (EMBEDDED, SERVER)
"""Those that everything is measured on; in Classic each connection has a process of its own."""
VERSION = "rdb$get_context('SYSTEM', 'ENGINE_VERSION') FROM rdb$database"

log = logging.getLogger("bench")


class Engine:
    """An engine and the databases made on it."""

    def __init__(self, name: str, server: FirebirdServer | None, folder: Path) -> None:
        self.name, self._server, self._folder = name, server, folder
        self._made: list[str] = []
        self._numbers = itertools.count(1)
        self.version = self._ask_version()

    def _ask_version(self) -> str:
        url = self.new("version")
        with closing(open_database(url)) as database, database.reading() as reader:
            ((version,),) = reader.rows(sa.text(f"SELECT {VERSION}"))
        self.drop(url)
        return str(version)

    def __str__(self) -> str:
        return f"Firebird {self.version} {self.name}"

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])

    def cpu(self) -> float | None:
        """What all processes of a server of our own have used, in seconds; None of any other."""
        if not isinstance(self._server, PrivateServer) or self._server.pid is None:
            return None
        process = psutil.Process(self._server.pid)
        used = [one.cpu_times() for one in (process, *process.children(recursive=True))]
        return float(sum(one.user + one.system for one in used))

    def new(self, stem: str) -> str:
        """The URL of a new, empty database; on a server under a name that no other Engine there has."""
        server = self._server
        url = server.new_url(stem) if server else f"firebird+firebird:///{self._folder / stem}-{next(self._numbers)}.fdb"
        create_database(url)
        self._made.append(url)
        return url

    def drop(self, url: str) -> None:
        """Removes a database that nobody has open any more."""
        self._made.remove(url)
        connect(url).drop_database()

    def drop_all(self) -> None:
        for url in list(self._made):
            self.drop(url)


def connect(url: str) -> Any:
    """A connection of the driver's own, as Puente opens it but without Puente."""
    load_client()
    parsed = make_url(url)
    return firebird.driver.connect(dsn_of(parsed), user=parsed.username or "SYSDBA", password=parsed.password, charset=CHARSET)


@contextmanager
def opened(name: str, folder: Path) -> Iterator[Engine | None]:
    """The engine of that name; None where this machine has none, which is said."""
    server: FirebirdServer | None = None
    if name != EMBEDDED:
        try:
            server = PrivateServer.create(mode="Classic") if name == CLASSIC else external_server() or PrivateServer.create()
        except ServerUnavailableError as error:
            log.warning("Not measured: %s", error)
            yield None
            return
    try:
        engine = Engine(name, server, folder)
        yield engine
        if server is not None and not isinstance(server, PrivateServer):
            engine.drop_all()  # nobody else removes them there
    finally:
        if isinstance(server, PrivateServer):
            server.remove()
