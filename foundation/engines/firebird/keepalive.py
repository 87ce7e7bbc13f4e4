"""Noticing that a server's host is gone without a word: a power cut, a cable, a VPN that drops.

The client library waits for an answer without end, and the system would look after two hours whether anybody is there. Linux can be told
to look sooner; elsewhere it stays so.
"""

import os
import socket
from contextlib import suppress
from pathlib import Path

IDLE_SECONDS, INTERVAL_SECONDS, ATTEMPTS = 10, 5, 4
"""A silent line is asked after ten seconds whether it stands, and given up after twenty more. A server that only thinks for long answers:
its system does that."""


def notice(port: int) -> None:
    """Sets this process's connections to a port so; all of them, for the library does not tell which socket is whose."""
    if not hasattr(socket, "TCP_USER_TIMEOUT"):
        return
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # closed meanwhile, or no socket; no worse than before
            if descriptor.readlink().name.startswith("socket:"):
                _watch(int(descriptor.name), port)


def _watch(descriptor: int, port: int) -> None:
    with socket.socket(fileno=os.dup(descriptor)) as line:
        if line.family not in (socket.AF_INET, socket.AF_INET6) or line.getpeername()[1] != port:
            return
        line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, IDLE_SECONDS)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, INTERVAL_SECONDS)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, ATTEMPTS)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, (IDLE_SECONDS + INTERVAL_SECONDS * ATTEMPTS) * 1000)
