"""Database URLs: what is wrong with one, without showing any of it, for a password may be anywhere; and when two name one database."""

import os
import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from foundation.errors import ConfigError
from foundation.texts import Text, text

DRIVERS = frozenset({"firebird", "firebird+firebird"})
PORT = 3050
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_RESERVED = re.compile(r"[@:/?#\[\]\s\\]")
_NO_CODE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_USER = re.compile(r"[\w$.-]*")
_WINDOWS_VARIABLE = re.compile(r"%\w+%")
_DRIVE = re.compile(r"/?[A-Za-z]:")

_FORM = text("This is no database URL (firebird+firebird://user:password@host:port/path is one)")
_ENCODE = text(
    "The user, the password or the path in this URL holds a character that means something else there; write {written}; "
    "or take it from an environment variable, ${{NAME}}, where nothing needs to be changed",
    written=", ".join(f"{character} = {quote(character, safe='')}" for character in "@:/#?%"),
)
_VARIABLE = text("The password in this URL is a variable as Windows writes it: here it is ${{NAME}}, not %NAME%")
_NAME = text("The user in this URL is no name; a colon stands between user and password, an @ behind them: user:password@host")
_SLASH = text("Behind the host and its port comes a slash, not a backslash: host:3050/C:/folder/file.fdb")
_LOCAL_FILE = text("A file of this machine has a slash before its drive: firebird+firebird://user:password@/C:/folder/file.fdb")


def parse(url: str) -> URL:
    """The parts of a URL that an engine here takes; raises `ConfigError`, which shows none of them."""
    fault = fault_of(url)
    if fault is not None:
        raise ConfigError(fault)
    return make_url(url)


def fault_of(url: str) -> Text | None:
    """What is wrong with a URL, if anything is."""
    scheme, separator, rest = url.partition("://")
    if not separator or not re.fullmatch(r"[\w+]+", scheme, re.ASCII):
        return _FORM
    if scheme not in DRIVERS:
        return text("Puente has no engine for {name}: the URL must begin with firebird+firebird://", name=_known(scheme))
    return _user_fault(rest) or _host_fault(url)


def _known(scheme: str) -> str:
    """A word that anybody may see: another one may be anything."""
    return scheme if re.fullmatch(r"(mssql|postgresql|mysql|sqlite|oracle|http|https|jdbc|odbc)(\+\w+)?", scheme) else "…"


def _user_fault(rest: str) -> Text | None:
    """Of what stands before the @: the first, where there is no password, since a path may hold one, too."""
    user, colon, password = rest.partition("@")[0].partition(":")
    if "@" not in rest or "/" in user:
        return None
    if colon and "@" in rest.partition("@")[2]:
        return _ENCODE
    if _WINDOWS_VARIABLE.fullmatch(password):
        return _VARIABLE
    if _RESERVED.search(password) or _NO_CODE.search(user + colon + password):
        return _ENCODE
    return None if _USER.fullmatch(re.sub("%..", "_", user)) else _NAME


def _host_fault(url: str) -> Text | None:
    authority = url.partition("://")[2].rpartition("@")[2].partition("/")[0] if "@" in url else url.partition("://")[2].partition("/")[0]
    if "\\" in authority:
        return _SLASH
    if re.fullmatch("[A-Za-z]:", authority):
        return _LOCAL_FILE
    try:
        return None if make_url(url).database else _FORM
    except (ArgumentError, ValueError, TypeError):
        return _FORM


@dataclass(frozen=True, slots=True)
class Place:
    """Where a database is, however its URL is written; an alias is told from its path by the server alone."""

    host: str
    port: int
    path: str

    @classmethod
    def of(cls, url: URL) -> Self:
        host = (url.host or "").lower().rstrip(".")
        path = re.sub("/+", "/", (url.database or "").replace("\\", "/"))
        if not host:
            return cls("", 0, os.path.normcase(os.path.realpath(path)))
        if _DRIVE.match(path):  # Windows' names know no case
            path = path.removeprefix("/").lower()
        return cls("localhost" if host in _LOCAL else host, url.port or PORT, path)
