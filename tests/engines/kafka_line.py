"""A faulty line between a program and a broker, which something befalls at a certain request, or before the answer to it.

It knows where a request ends and what it asks for, so that a test need not hope to hit the moment.
"""

import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.engines.faulty_line import FaultyLine, shutting

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


class Line(FaultyLine):
    """Also knows where a Kafka request begins and ends."""

    def __init__(self, target: int, port: int = 0) -> None:
        self._troubles: list[Trouble] = []
        super().__init__(target, port)

    def befalls(self, trouble: Trouble) -> Trouble:
        """From now on."""
        self._troubles.append(trouble)
        return trouble

    def mend(self) -> None:
        self._troubles.clear()
        super().mend()

    def _pumps(self, client: socket.socket, server: socket.socket) -> tuple[Callable[[], None], Callable[[], None]]:
        """The two share kind and size of each request under way: the answers come in the same order."""
        asked: list[tuple[int, int]] = []
        return lambda: self._carry(client, server, asked, are_answers=False), lambda: self._carry(server, client, asked, are_answers=True)

    def _carry(self, source: socket.socket, target: socket.socket, asked: list[tuple[int, int]], *, are_answers: bool) -> None:
        with shutting(source, target):
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
                self._hand_on(message, target, to_client=are_answers)
            self._flows.wait()

    def _trouble(self, kind: int, is_answer: bool, size: int) -> Trouble | None:
        with self._lock:
            return next((trouble for trouble in self._troubles if trouble.meets(kind, is_answer, size)), None)


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
