"""Loopback ports for servers that a test may stop and start again."""

import secrets
import socket

HOST = "127.0.0.1"

_claims: list[socket.socket] = []
"""For every port given to this process the UDP port of the same number, which nobody uses. They end with the process, however it ends."""


def draw() -> int:
    """Any port below those that the system hands to outgoing connections: a client that keeps trying a dead port of that range in the
    end connects to itself."""
    return 20_000 + secrets.randbelow(10_000)


def free_port() -> int:
    """A port that nobody has. Nobody else who asks here gets it as long as this process lives, whether its server is up or down."""
    while True:
        port = draw()
        claim = socket.socket(type=socket.SOCK_DGRAM)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                claim.bind((HOST, port))
                probe.bind((HOST, port))
            except OSError:
                claim.close()
                continue
        _claims.append(claim)
        return port


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0
