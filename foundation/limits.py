"""How long others are waited for, in seconds; `docs/time-limits.md` has all waits in one table."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class DatabaseLimits:
    """Of a database server. An embedded engine has none: there is no line to anybody."""

    connect: float = 5.0
    """Until it answers at all."""
    login: float = 15.0
    """From then on until it has let the user in."""
    statement: float = 120.0
    """One call: a statement, a thousand rows of its answer, a commit. Never a whole transaction."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KafkaLimits:
    """Of a Kafka broker."""

    connect: float = 5.0
    """A connection, with TLS and login."""
    request: float = 10.0
    """The answer to one request."""
