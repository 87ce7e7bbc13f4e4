"""Why a broker could not be used, though kafka-python only tells that it could not: nobody is there, or what was said to who is."""

import socket
import ssl
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from foundation.errors import ConfigError, RetryableError
from foundation.texts import text


def explain(servers: Iterable[str], options: Mapping[str, Any], seconds: float, *, ended: bool) -> None:
    """Raises what is wrong with a server that can be reached, and ended the connection or said nothing; returns where none can be."""
    protocol = str(options.get("security_protocol", "PLAINTEXT"))
    context = ssl.create_default_context(cafile=options.get("ssl_cafile")) if protocol.endswith("SSL") else None
    for server in servers:
        if not _greets(server, context, seconds):
            continue
        if ended and protocol.startswith("SASL"):
            raise RetryableError(
                text("Kafka {servers} ended the connection: look at the user name and the password of [log]", servers=server)
            )
        raise RetryableError(
            text(
                "Somebody is at {servers}, but does not answer as Kafka: it is starting or hangs, or the address or security_protocol is "
                "wrong",
                servers=server,
            )
        )


def _greets(server: str, context: ssl.SSLContext | None, seconds: float) -> bool:
    """Whether anything listens; raises `ConfigError` where it does not do TLS as it should."""
    host, _, port = server.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), seconds) as line:
            if context is not None:
                with suppress(TimeoutError):  # as silent as without TLS
                    context.wrap_socket(line, server_hostname=host.strip("[]")).close()
    except ssl.SSLCertVerificationError as error:
        raise ConfigError(
            text("Kafka {servers}: its certificate is not trusted ({reason}); see log.ca", servers=server, reason=error.verify_message)
        ) from error
    except ssl.SSLError as error:
        raise ConfigError(text("Kafka {servers} does not speak TLS there ({reason})", servers=server, reason=error.reason)) from error
    except OSError:
        return False
    return True
