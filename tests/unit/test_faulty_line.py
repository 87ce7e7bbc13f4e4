"""The line that tests put between a program and a server."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from time import sleep

import pytest

from tests.engines.faulty_line import FaultyLine
from tests.engines.ports import HOST, free_port, listens
from tests.patience import HANG_SECONDS

PATIENCE_SECONDS, LOOK_SECONDS = HANG_SECONDS, 0.02


class Echo:
    """Answers with what it is sent."""

    def __init__(self, port: int = 0) -> None:
        self._listener = socket.create_server((HOST, port))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):  # closed
            while True:
                line = self._listener.accept()[0]
                threading.Thread(target=self._answer, args=(line,), daemon=True).start()

    def _answer(self, line: socket.socket) -> None:
        with line, suppress(OSError):
            while data := line.recv(4096):
                line.sendall(data)

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def line() -> Iterator[FaultyLine]:
    with closing(Echo()) as echo, closing(FaultyLine(echo.port)) as made:
        yield made


def connected(line: FaultyLine) -> socket.socket:
    return socket.create_connection((HOST, line.port), PATIENCE_SECONDS)


def hears(client: socket.socket, count: int) -> bytes:
    """So many bytes, fewer where the connection ends before."""
    found = b""
    with suppress(ConnectionError):
        while len(found) < count and (data := client.recv(count - len(found))):
            found += data
    return found


def is_silent(client: socket.socket) -> bool:
    """Nothing has come, not even an end."""
    client.setblocking(False)
    try:
        client.recv(1)
    except BlockingIOError:
        return True
    finally:
        client.settimeout(PATIENCE_SECONDS)
    return False


def test_it_hands_on_what_comes_in_both_directions(line: FaultyLine) -> None:
    with connected(line) as first, connected(line) as second:
        for client, said in ((first, b"one"), (second, b"another" * 20_000)):
            threading.Thread(target=client.sendall, args=(said,)).start()
            assert hears(client, len(said)) == said


def test_a_cut_line_ends_its_connections_and_refuses_others_until_it_is_mended(line: FaultyLine) -> None:
    with connected(line) as client:
        client.sendall(b"before")
        assert hears(client, 6) == b"before"
        line.cut()
        assert hears(client, 1) == b""
    assert not listens(line.port)
    line.mend()
    while not listens(line.port):
        sleep(LOOK_SECONDS)
    with connected(line) as client:
        client.sendall(b"after")
        assert hears(client, 5) == b"after"


def test_a_silent_line_accepts_and_holds_everything_back_until_it_is_mended(line: FaultyLine) -> None:
    with connected(line) as old:
        old.sendall(b"before")
        assert hears(old, 6) == b"before"
        line.silence()
        with connected(line) as new:
            old.sendall(b"old")
            new.sendall(b"new")
            assert is_silent(old)
            assert is_silent(new)
            line.mend()
            assert hears(old, 3) == b"old"
            assert hears(new, 3) == b"new"


def test_a_silent_line_can_be_cut(line: FaultyLine) -> None:
    with connected(line) as old:
        old.sendall(b"x")
        assert hears(old, 1) == b"x"
        line.silence()
        line.cut()
        assert hears(old, 1) == b""


@pytest.mark.parametrize("to_client", [False, True])
def test_it_breaks_off_after_so_many_bytes_in_one_direction(line: FaultyLine, to_client: bool) -> None:
    with connected(line) as client:
        client.sendall(b"ab")
        assert hears(client, 2) == b"ab"
        line.after(3, line.break_off, to_client=to_client)
        client.sendall(b"cdefgh")
        heard = hears(client, 6)
        assert b"cde".startswith(heard)
        assert not to_client or heard == b"cde"
    with connected(line) as client:
        client.sendall(b"again")
        assert hears(client, 5) == b"again"


def test_it_falls_silent_after_so_many_bytes(line: FaultyLine) -> None:
    line.after(3, line.silence, to_client=True)
    with connected(line) as client:
        client.sendall(b"abcdef")
        assert hears(client, 3) == b"abc"
        assert is_silent(client)
        line.mend()
        assert hears(client, 3) == b"def"


def test_a_slow_line_still_hands_everything_on(line: FaultyLine) -> None:
    line.slow(0.01)
    with connected(line) as client:
        client.sendall(b"slowly")
        assert hears(client, 6) == b"slowly"


def test_where_nobody_listens_it_refuses_until_somebody_does() -> None:
    port = free_port()
    with closing(FaultyLine(port)) as line:
        while listens(line.port):
            sleep(LOOK_SECONDS)
        with closing(Echo(port)):
            while not listens(line.port):
                sleep(LOOK_SECONDS)
            with connected(line) as client:
                client.sendall(b"there")
                assert hears(client, 5) == b"there"
