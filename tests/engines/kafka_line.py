"""A line between a program and a broker, which something befalls at a certain request, or before the answer to it.

It knows where a request ends and what it asks for, so that a test need not hope to hit the moment.
"""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from time import sleep

from tests.engines.ports import HOST, listens

PRODUCE, FETCH = 0, 1
_SIZE_BYTES = 4


@dataclass(kw_only=True)
class Trouble:
    """Befalls the next `count` requests of this kind, or the answers to them, that are of at least `size` bytes, after `spared` others.

    An answer counts as large as its request where that is larger. `half` of the message goes through, or nothing; then `action` is done,
    and the connection is cut.
    """

    kind: int
    is_answer: bool
    size: int = 0
    spared: int = 0
    count: int = 1
    half: bool = False
    action: Callable[[], object] = field(default=lambda: None)

    def meets(self, kind: int, is_answer: bool, size: int) -> bool:
        if (kind, is_answer) != (self.kind, self.is_answer) or size < self.size or self.count == 0:
            return False
        self.spared -= 1
        if self.spared >= 0:
            return False
        self.count -= 1
        return True


class Line:
    """Takes connections on `port` while it is open, and hands what comes to the port `target`, and back."""

    def __init__(self, target: int, port: int = 0) -> None:
        self._target = target
        self._listener = socket.create_server((HOST, port))
        self._port: int = self._listener.getsockname()[1]
        self.address = f"{HOST}:{self._port}"
        self._troubles: list[Trouble] = []
        self._lock = threading.Lock()
        self._is_cut = self._is_closed = False
        self._ends: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def befalls(self, trouble: Trouble) -> Trouble:
        """From now on."""
        self._troubles.append(trouble)
        return trouble

    def cut(self) -> None:
        """Nothing goes through until it is mended."""
        with self._lock:
            self._is_cut = True
            ends, self._ends = self._ends, []
        for end in ends:
            _shut(end)

    def mend(self) -> None:
        self._is_cut = False

    def close(self) -> None:
        """Nobody is let in any more."""
        with self._lock:
            self._is_closed = True
            _shut(self._listener)
            self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while not self._is_closed:
                client, _ = self._listener.accept()
                server = self._beyond()
                if server is None:
                    client.close()
                    self._refuse()
                    continue
                asked: list[tuple[int, int]] = []
                for source, target, are_answers in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self._pump, args=(source, target, are_answers, asked), daemon=True).start()

    def _refuse(self) -> None:
        """As a port where nobody listens, until there is somebody again: what a client is told of it must be the same all the time."""
        self._listener.close()
        while not self._is_closed and (self._is_cut or not listens(self._target)):
            sleep(0.05)  # nothing tells when a port is listened at
        with self._lock:
            if not self._is_closed:
                self._listener = socket.create_server((HOST, self._port))

    def _beyond(self) -> socket.socket | None:
        """A connection to whom the line leads to, where it leads there."""
        with self._lock, suppress(OSError):
            if not self._is_cut:
                self._ends.append(socket.create_connection((HOST, self._target)))
                return self._ends[-1]
        return None

    def _pump(self, source: socket.socket, target: socket.socket, are_answers: bool, asked: list[tuple[int, int]]) -> None:
        """`asked` holds kind and size of each request under way: the answers come in the same order."""
        with suppress(OSError), source, target:
            while message := _message(source):
                if are_answers:
                    kind, size = asked.pop(0)
                    size = max(size, len(message))
                else:
                    kind, size = _kind_of(message), len(message)
                    asked.append((kind, size))
                trouble = self._trouble(kind, are_answers, size)
                if trouble is not None:
                    target.sendall(message[: len(message) // 2] if trouble.half else b"")
                    trouble.action()
                    break
                target.sendall(message)
            for end in (source, target):
                _shut(end)

    def _trouble(self, kind: int, is_answer: bool, size: int) -> Trouble | None:
        with self._lock:
            return next((trouble for trouble in self._troubles if trouble.meets(kind, is_answer, size)), None)


def _shut(end: socket.socket) -> None:
    """Wakes up the thread that waits there, which closing alone would not."""
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


def _kind_of(request: bytes) -> int:
    return int.from_bytes(request[_SIZE_BYTES : _SIZE_BYTES + 2], "big")


def _message(source: socket.socket) -> bytes:
    """The next whole message with its size before it; nothing where the other side ended."""
    head = _exactly(source, _SIZE_BYTES)
    return head + _exactly(source, int.from_bytes(head, "big")) if len(head) == _SIZE_BYTES else b""


def _exactly(source: socket.socket, size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        data = source.recv(min(65536, size - len(found)))
        if not data:
            return b""
        found += data
    return bytes(found)
