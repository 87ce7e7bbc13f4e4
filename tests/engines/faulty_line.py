"""A line between a program and a server, to which something happens when a test says so.

It takes connections on a loopback port and hands what comes to another one, and back. A test may make it refuse, fall silent, slow down, or
break off after so many bytes, and mend it. It runs in threads of the test's own process.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import sleep

from tests.engines.ports import HOST, listens

CHUNK_BYTES = 65536


@dataclass(kw_only=True)
class Break:
    """When `left` more bytes have gone through in one direction, over all connections, `action` is done."""

    to_client: bool
    left: int
    action: Callable[[], object]
    is_done: bool = False


class FaultyLine:
    """Takes connections on `port` while it is open, and hands what comes to the port `target`, and back."""

    def __init__(self, target: int, port: int = 0) -> None:
        self._target = target
        self._listener = socket.create_server((HOST, port))
        self.port: int = self._listener.getsockname()[1]
        self.address = f"{HOST}:{self.port}"
        self._lock = threading.RLock()
        self._flows = threading.Event()
        self._flows.set()
        self._delay = 0.0
        self._breaks: list[Break] = []
        self._is_cut = self._is_closed = False
        self._ends: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def is_used(self) -> bool:
        """Whether somebody is connected through it."""
        return bool(self._ends)

    def cut(self) -> None:
        """Connections end, and new ones are refused, until it is mended."""
        with self._lock:
            self._is_cut = True
            shut(self._listener)
        self.break_off()

    def break_off(self) -> None:
        """The connections that there are end; new ones are served."""
        with self._lock:
            ends, self._ends = self._ends, []
        for end in ends:
            shut(end)

    def silence(self) -> None:
        """Connections stay and new ones are accepted, but nothing goes through, not even an end, until it is mended."""
        self._flows.clear()

    def slow(self, seconds: float) -> None:
        """Each chunk that comes, in either direction, waits so long."""
        self._delay = seconds

    def after(self, count: int, action: Callable[[], object], *, to_client: bool) -> Break:
        """Once that many more bytes have gone through in one direction, `action` is done (`break_off`, `silence`, …)."""
        made = Break(to_client=to_client, left=count, action=action)
        with self._lock:
            self._breaks.append(made)
        return made

    def mend(self) -> None:
        """All that was done to it is over; what was held back goes through."""
        with self._lock:
            self._is_cut, self._delay, self._breaks = False, 0.0, []
            self._flows.set()

    def close(self) -> None:
        """Nobody is let in any more."""
        with self._lock:
            self._is_closed = True
            shut(self._listener)
            self._listener.close()
        self.cut()
        self._flows.set()

    def _accept(self) -> None:
        while not self._is_closed:
            try:
                client, _ = self._listener.accept()
            except OSError:  # shut
                self._refuse()
                continue
            if not self._flows.is_set():
                threading.Thread(target=self._serve_later, args=(client,), daemon=True).start()
            elif not self._serve(client):
                self._refuse()

    def _serve_later(self, client: socket.socket) -> None:
        with self._lock:
            self._ends.append(client)
        self._flows.wait()
        self._serve(client)

    def _serve(self, client: socket.socket) -> bool:
        server = self._beyond(client)
        if server is None:
            client.close()
            return False
        threading.Thread(target=self._connect, args=(client, server), daemon=True).start()
        return True

    def _connect(self, client: socket.socket, server: socket.socket) -> None:
        """Closes the two when neither pump uses them any more: a new connection may have the number of one that was closed, and a pump that
        is about to read would read that one's bytes."""
        pumps = [threading.Thread(target=pump, daemon=True) for pump in self._pumps(client, server)]
        with client, server:
            for pump in pumps:
                pump.start()
            for pump in pumps:
                pump.join()

    def _refuse(self) -> None:
        """As a port where nobody listens, until there is somebody again: what a client is told of it must be the same all the time."""
        self._listener.close()
        while not self._is_closed and (self._is_cut or not listens(self._target)):
            sleep(0.05)  # nothing tells when a port is listened at
        with self._lock:
            if not self._is_closed:
                self._listener = socket.create_server((HOST, self.port))

    def _beyond(self, client: socket.socket) -> socket.socket | None:
        """A connection to whom the line leads to, where it leads there."""
        try:
            server = socket.create_connection((HOST, self._target))  # not under the lock, for which all that goes through would wait
        except OSError:
            return None
        with self._lock:
            if not self._is_cut:
                self._ends += (client, server)
                return server
        server.close()
        return None

    def _pumps(self, client: socket.socket, server: socket.socket) -> tuple[Callable[[], None], Callable[[], None]]:
        """What hands on all that comes from either side, until one of them ends."""
        return lambda: self._pump(client, server, to_client=False), lambda: self._pump(server, client, to_client=True)

    def _pump(self, source: socket.socket, target: socket.socket, *, to_client: bool) -> None:
        with shutting(source, target):
            while data := source.recv(CHUNK_BYTES):
                self._hand_on(data, target, to_client=to_client)
            self._flows.wait()

    def _hand_on(self, data: bytes, target: socket.socket, *, to_client: bool) -> None:
        while data:
            if self._delay:
                sleep(self._delay)
            self._flows.wait()
            with self._lock:  # nobody mends between the last byte and what is done after it
                found = next((found for found in self._breaks if found.to_client is to_client and found.left <= len(data)), None)
                if found is not None:
                    count = found.left
                    target.sendall(data[:count])
                    self._breaks.remove(found)
                    found.action()
                    found.is_done = True
                    data = data[count:]
                    continue
                ahead = [found for found in self._breaks if found.to_client is to_client]
            target.sendall(data)
            with self._lock:
                for found in ahead:
                    found.left -= len(data)
            return


@contextmanager
def shutting(*ends: socket.socket) -> Iterator[None]:
    """Shuts them after the block, which an end that was shut before ends."""
    try:
        with suppress(OSError):
            yield
    finally:
        for end in ends:
            shut(end)


def shut(end: socket.socket) -> None:
    """Wakes up the thread that waits there, which closing alone would not."""
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
