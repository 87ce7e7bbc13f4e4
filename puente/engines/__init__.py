"""Database engines: `database` is the seam, each package beside it one engine. `open_database` is the only door."""

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from puente.engines.database import Database
from puente.errors import ConfigError
from puente.texts import text


def open_database(url: str) -> Database:
    """The database of a SQLAlchemy URL; connects at first use. Raises `ConfigError` for a URL that no engine here takes."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise ConfigError(text("This is no database URL (firebird+firebird://user:password@host:port/path is one)")) from error
    if parsed.drivername not in ("firebird", "firebird+firebird"):
        raise ConfigError(text("Puente has no engine for {name}: the URL must begin with firebird+firebird://", name=parsed.drivername))
    from puente.engines.firebird.connection import FirebirdDatabase  # noqa: PLC0415 - the driver loads a client library

    return FirebirdDatabase(parsed)
