"""Loopback ports for servers that a test may stop and start again."""

import secrets
import socket

HOST = "127.0.0.1"


def free_port() -> int:
    """A port below those that the system hands to outgoing connections: while the server is down, nobody else gets it.

    (A client that keeps trying a dead port of that range in the end connects to itself.)
    """
    while True:
        port = 20_000 + secrets.randbelow(10_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0
