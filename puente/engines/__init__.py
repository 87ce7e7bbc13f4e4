"""Database engines: `database` is the seam, each package beside it one engine. This is the only door to them."""

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from puente.engines.database import Database
from puente.errors import ConfigError
from puente.limits import DatabaseLimits
from puente.texts import text

DEFAULT_LIMITS = DatabaseLimits()


def open_database(url: str, limits: DatabaseLimits = DEFAULT_LIMITS) -> Database:
    """The database of a SQLAlchemy URL; connects at first use. Raises `ConfigError` for a URL that no engine here takes."""
    parsed = _parsed(url)
    from puente.engines.firebird.connection import FirebirdDatabase  # noqa: PLC0415 - its driver loads a client library

    return FirebirdDatabase(parsed, limits)


def create_database(url: str) -> None:
    """A new, empty database; raises what `open_database` raises, and `RetryableError` where it exists already."""
    parsed = _parsed(url)
    from puente.engines.firebird import create  # noqa: PLC0415 - its driver loads a client library

    create.create_database(parsed)


def user_of(url: str) -> str | None:
    """Whom a URL names; None where it names nobody. Raises what `open_database` raises."""
    return _parsed(url).username or None


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise ConfigError(text("This is no database URL (firebird+firebird://user:password@host:port/path is one)")) from error
    if parsed.drivername not in {"firebird", "firebird+firebird"}:
        raise ConfigError(text("Puente has no engine for {name}: the URL must begin with firebird+firebird://", name=parsed.drivername))
    return parsed
