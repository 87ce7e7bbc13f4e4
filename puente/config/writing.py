"""Settings as a file for people: with a comment where somebody may want to change something, in the reader's language."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from foundation.errors import ConfigError
from foundation.texts import Text, text

_DSN = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s/:\\@]{2,})(?:/(?P<port>\d{1,5}))?:(?P<path>[^\s].*)")
_DRIVE = re.compile(r"[A-Za-z]:[/\\]")


@dataclass(frozen=True, kw_only=True)
class Database:
    """What a table of the settings says of one: its URL, or the file that holds that; `url` has no password but as a variable."""

    url: str | None = None
    url_file: str | None = None

    def lines(self) -> Iterator[str]:
        yield f"url_file = {_quoted(self.url_file)}" if self.url_file else f"url = {_quoted(self.url or '')}"


@dataclass(frozen=True, kw_only=True)
class Draft:
    """All that is asked for."""

    company: str = "auto"
    sae: Database | None = None
    log: str = "puente-log.db"
    kafka: str | None = None
    kafka_user: str | None = None
    cajas: Sequence[tuple[str, Database]] = field(default=())

    def lines(self) -> Iterator[str]:
        yield from _comment(text("Settings of Puente. The README lists all there are, and what each is unless it is set."))
        yield from _comment(text("A path is written with slashes, C:/Aspel/…; ${{NAME}} is the environment variable NAME."))
        yield ""
        yield f"company = {_quoted(self.company)}"
        yield from _comment(text("The two digits that SAE's tables end in, as in INVE01; auto: found, where SAE has one company."))
        if self.sae:
            yield from ("", "[sae]", *self.sae.lines())
            yield from _comment(text("The path is the one that SAE's own server sees."))
        yield from ("", "[log]", *self._log())
        for name, database in self.cajas:
            yield from ("", "[[caja]]", f"name = {_quoted(name)}", *database.lines())
            yield from _comment(text("stores = [1, 4]                          which of its stores; all, unless some are named"))
            yield from _comment(
                text("prices = {{ PRECIOP = 1, PRECIO2 = 2 }}    which list of SAE feeds which price; lists 1 to 4, unless named")
            )

    def _log(self) -> Iterator[str]:
        if self.kafka is None:
            yield f"path = {_quoted(self.log)}"
            yield from _comment(text('On a disk of this machine, not a network share. For several machines: kind = "kafka" (README).'))
            return
        yield 'kind = "kafka"'
        yield f"bootstrap_servers = {_quoted(self.kafka)}"
        if self.kafka_user:
            yield from ('security_protocol = "SASL_SSL"', f"username = {_quoted(self.kafka_user)}", 'password = "${KAFKA_PASSWORD}"')


def url_of(typed: str, user: str) -> str:
    """The URL of what somebody calls a database: a URL, a path on its server as `C:\\…`, or that behind `HOST:` or `HOST/PORT:`.

    A URL that names a user and no password, and what is no URL, take the password's place from `with_password`. Raises `ConfigError`.
    """
    typed = typed.strip().strip("\"'")
    if "://" in typed:
        return typed
    if typed.startswith("\\\\"):
        raise ConfigError(text("A database is named by the path that its server sees, not by a network share: HOST:C:\\…"))
    dsn = None if _DRIVE.match(typed) else _DSN.fullmatch(typed)
    host, port, path = (dsn["host"], dsn["port"] or "3050", dsn["path"]) if dsn else ("localhost", "3050", typed)
    if dsn is None and not _DRIVE.match(path) and not path.startswith("/"):
        raise ConfigError(text("Name a database by its whole path, HOST:C:\\folder\\file.FDB, or by HOST:alias"))
    path = path.replace("\\", "/") if _DRIVE.match(path) else path
    return f"firebird+firebird://{quote(user, safe='')}@{host}:{port}/{quote(path, safe='/:')}"


def with_password(url: str, password: str) -> str:
    """The URL with this behind its user: `${NAME}`, or a password that is percent-encoded already."""
    scheme, _, rest = url.partition("://")
    user, _, place = rest.partition("@")
    return f"{scheme}://{user}:{password}@{place}"


def needs_password(url: str) -> bool:
    """Whether it names a user of a server, and no password."""
    user, at, place = url.partition("://")[2].partition("@")
    return bool(at and user) and ":" not in user and not place.startswith("/")


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _comment(said: Text) -> Iterator[str]:
    yield f"# {said}"
