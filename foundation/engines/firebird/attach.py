"""Connecting to a server for no longer than its time limits.

The client library gives up a server that accepts a connection and says nothing, where it is told after how long. It waits without end for
one that falls silent while it lets the user in, and as long as the system does for a host that swallows what it is sent. So it connects in
a thread of its own, and what wants the connection waits no longer than the limits allow.
"""

import os
import socket
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from math import ceil
from pathlib import Path

from firebird.driver import Connection, Error, get_api
from firebird.driver.core import DPB
from sqlalchemy.engine import URL

from foundation.engines.firebird.client import load_client
from foundation.engines.firebird.codes import Gds
from foundation.engines.firebird.errors import codes_of
from foundation.engines.firebird.lost import abandon
from foundation.errors import ConnectionLost
from foundation.limits import DatabaseLimits
from foundation.texts import text

CHARSET = "ISO8859_1"
"""Of databases that are made, and what the driver takes each byte for: one character."""
AS_THEY_ARE = "NONE"
"""What the server is told: it then turns no text into another character set, which it cannot do with bytes 0x80–0x9F of ISO8859_1."""
PORT = 3050
NOBODY_ANSWERED = Gds.CONNECT_REJECT
"""Nothing came that a Firebird server would say."""
MARGIN_SECONDS = 1.0
"""The library's own limit counts from when the host took the connection: it is given the chance to end by that."""
MOST_DESCRIPTORS = 1 << 20


def dsn_of(url: URL) -> str:
    """`host/port:path`, or the path alone for the embedded engine."""
    path = url.database or ""
    if not url.host:
        return path
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{host}/{url.port or PORT}:{path}"


def attach(url: URL, limits: DatabaseLimits) -> Connection:
    """Raises the driver's errors, and `ConnectionLost` where it takes too long; an embedded engine takes its time."""
    load_client()
    dsn, role = dsn_of(url), url.query.get("role")
    parameters = DPB(
        user=url.username or "SYSDBA",
        password=url.password,
        role=role if isinstance(role, str) else None,
        charset=AS_THEY_ARE,
        timeout=max(1, ceil(limits.connect)),
    )
    return in_time(url, limits, lambda: _attached(dsn, parameters))


def in_time(url: URL, limits: DatabaseLimits, connect: Callable[[], Connection]) -> Connection:
    """What `connect`, which tells the library the limit as well, returns or raises; `ConnectionLost` where the server takes too long."""
    if not url.host:
        return connect()
    try:
        return within(limits, url.host, url.port or PORT, dsn_of(url), connect)
    except Error as error:
        if NOBODY_ANSWERED in codes_of(error):
            raise silent(dsn_of(url), limits) from error
        raise


def _attached(dsn: str, parameters: DPB) -> Connection:
    """As the driver's own `connect` does, which knows no time limit of a single connection."""
    packed = parameters.get_buffer()
    with get_api().master.get_dispatcher() as provider:
        return Connection(provider.attach_database(dsn, packed, sys.getfilesystemencoding()), dsn, packed, parameters.sql_dialect, CHARSET)


def within(limits: DatabaseLimits, host: str, port: int, label: str, connect: Callable[[], Connection]) -> Connection:
    """What `connect` returns or raises; `ConnectionLost` where that takes too long."""
    attempt = _Attempt(connect)
    if attempt.is_done(limits.connect / 2):
        return attempt.result()
    _reach(host, port, limits.connect / 2, label)
    if attempt.is_done(limits.connect / 2 + MARGIN_SECONDS + limits.login):
        return attempt.result()
    attempt.give_up(port)
    raise ConnectionLost(
        text(
            "{label}: the server answers, but let nobody in within {seconds:g} s: does it hang? (login_seconds)",
            label=label,
            seconds=limits.login,
        )
    )


def silent(label: str, limits: DatabaseLimits) -> ConnectionLost:
    """Of a port where a connection is taken and nothing said that a server would say."""
    return ConnectionLost(
        text(
            "{label}: somebody is there, but did not answer as Firebird does, for at most {seconds:g} s (connect_seconds): "
            "look whether the server runs or hangs, and at host and port",
            label=label,
            seconds=limits.connect,
        )
    )


def _reach(host: str, port: int, seconds: float, label: str) -> None:
    """Raises where the port cannot be had. Asked only after half of the time, for a server may note who comes and says nothing."""
    try:
        socket.create_connection((host, port), seconds).close()
    except OSError as error:
        said = error.strerror or str(error)
        raise ConnectionLost(
            text("{label}: the server cannot be reached or closed the connection ({said})", label=label, said=said)
        ) from error


class _Attempt:
    """Connects in a thread that nobody waits for at the program's end."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._future: Future[Connection] = Future()
        self._connect = connect
        self._thread = threading.Thread(target=self._run, name="connecting", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            connection = self._connect()
        except BaseException as error:  # noqa: BLE001 - it is raised where the connection is wanted
            self._future.set_exception(error)
        else:
            self._future.set_result(connection)

    def is_done(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            self._future.exception(seconds)
            return True
        return False

    def result(self) -> Connection:
        return self._future.result()

    def give_up(self, port: int) -> None:
        """Nobody wants the connection any more. The thread ends now where the system lets it, else with its line."""
        self._future.add_done_callback(_discard)
        if self._thread.native_id is not None:
            _shut(self._thread.native_id, port)


def _discard(attempt: "Future[Connection]") -> None:
    with suppress(Error):
        if attempt.exception() is None:
            abandon(attempt.result())


def _shut(thread: int, port: int) -> None:
    """Ends the connection to `port` that a thread of this process waits for; Linux alone tells which that is."""
    if not sys.platform.startswith("linux"):
        return
    with suppress(OSError, ValueError, IndexError):
        first = int(Path(f"/proc/self/task/{thread}/syscall").read_text(encoding="ascii").split()[1], 16)
        # Of a read the descriptor; of a poll where the list of descriptors begins, here of one.
        descriptor = first if first < MOST_DESCRIPTORS else _number_at(first)
        with socket.socket(fileno=os.dup(descriptor)) as line:
            if line.getpeername()[1] == port:
                line.shutdown(socket.SHUT_RDWR)


def _number_at(address: int) -> int:
    """In this process's memory; raises `OSError` where there is none."""
    with Path("/proc/self/mem").open("rb", buffering=0) as memory:
        return int.from_bytes(os.pread(memory.fileno(), 4, address), sys.byteorder)
