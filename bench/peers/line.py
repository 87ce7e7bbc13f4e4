"""A line to a branch: everything takes its time, in either direction, however much is under way."""

import socket
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from time import monotonic, sleep

from tests.engines.faulty_line import CHUNK_BYTES, FaultyLine, shutting


class DistantLine(FaultyLine):
    """Each byte arrives `one_way` seconds after it came. (The line that it is made of lets one chunk wait for the one before.)"""

    def __init__(self, target: int, one_way: float) -> None:
        self._one_way = one_way
        super().__init__(target)

    def _pumps(self, client: socket.socket, server: socket.socket) -> tuple[Callable[[], None], Callable[[], None]]:
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return lambda: self._carry(client, server), lambda: self._carry(server, client)

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        under_way: SimpleQueue[tuple[float, bytes]] = SimpleQueue()
        delivering = Thread(target=_deliver, args=(under_way, target), daemon=True)
        delivering.start()
        with shutting(source, target):
            try:
                while data := source.recv(CHUNK_BYTES):
                    under_way.put((monotonic() + self._one_way, data))
            finally:
                under_way.put((monotonic() + self._one_way, b""))
                delivering.join()


def _deliver(under_way: SimpleQueue[tuple[float, bytes]], target: socket.socket) -> None:
    with shutting():
        while True:
            due, data = under_way.get()
            sleep(max(0.0, due - monotonic()))
            if not data:
                return
            target.sendall(data)
