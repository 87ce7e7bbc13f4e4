"""Database engines: `database` is the seam, each package beside it one engine. This is the only door to them."""

from foundation.engines import urls
from foundation.engines.database import Database
from foundation.limits import DatabaseLimits
from foundation.pinned import require

DRIVER = "firebird-driver"
DEFAULT_LIMITS = DatabaseLimits()


def open_database(url: str, limits: DatabaseLimits = DEFAULT_LIMITS, *, keep_prepared: bool = False) -> Database:
    """The database of a SQLAlchemy URL; connects at first use.

    `keep_prepared`: statements stay prepared for a minute after their last use, and nobody can drop an index that they use before that.

    Raises `ConfigError` for a URL that no engine here takes, and for a driver that is not of the series that its engine was written for.
    """
    parsed = urls.parse(url)
    require(DRIVER)
    from foundation.engines.firebird.connection import FirebirdDatabase  # noqa: PLC0415 - its driver loads a client library

    return FirebirdDatabase(parsed, limits, keep_prepared=keep_prepared)


def create_database(url: str, limits: DatabaseLimits = DEFAULT_LIMITS) -> None:
    """A new, empty database; raises what `open_database` raises, and `RetryableError` where it exists already."""
    parsed = urls.parse(url)
    require(DRIVER)
    from foundation.engines.firebird import create  # noqa: PLC0415 - its driver loads a client library

    create.create_database(parsed, limits)


def user_of(url: str) -> str | None:
    """Whom a URL names; None where it names nobody. Raises what `open_database` raises."""
    return urls.parse(url).username or None


def server_of(url: str) -> tuple[str, int] | None:
    """The host and port of a URL; None for a file of this machine. Raises what `open_database` raises."""
    parsed = urls.parse(url)
    return (parsed.host, parsed.port or urls.PORT) if parsed.host else None


def check_url(url: str) -> None:
    """Raises what `open_database` raises, without a driver."""
    urls.parse(url)
