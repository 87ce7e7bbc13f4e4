"""Why a broker could not be reached by TLS: kafka-python tells that it could not, and keeps the reason to itself."""

import socket
import ssl
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from puente.errors import ConfigError
from puente.texts import text

SECONDS = 3.0


def explain(servers: Iterable[str], options: Mapping[str, Any]) -> None:
    """Raises `ConfigError` where a handshake with one of the servers fails for a reason that somebody must mend; else returns."""
    if not str(options.get("security_protocol", "")).endswith("SSL"):
        return
    context = ssl.create_default_context(cafile=options.get("ssl_cafile"))
    for server in servers:
        host, _, port = server.rpartition(":")
        try:
            _greet(context, host.strip("[]"), int(port))
        except ssl.SSLCertVerificationError as error:
            raise ConfigError(
                text("Kafka {servers}: its certificate is not trusted ({reason}); see log.ca", servers=server, reason=error.verify_message)
            ) from error
        except ssl.SSLError as error:
            raise ConfigError(text("Kafka {servers} does not speak TLS there ({reason})", servers=server, reason=error.reason)) from error


def _greet(context: ssl.SSLContext, host: str, port: int) -> None:
    """Whether anybody is there at all is not asked here."""
    with (
        suppress(TimeoutError, ConnectionError, socket.gaierror),
        socket.create_connection((host, port), SECONDS) as line,
        context.wrap_socket(line, server_hostname=host),
    ):
        pass
