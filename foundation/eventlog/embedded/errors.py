"""SQLite's errors, as Puente's."""

import sqlite3
from pathlib import Path

from foundation.errors import ConfigError, RetryableError
from foundation.texts import text

# A quota and a largest size of files are met as writes that fail.
NO_ROOM = (sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE)


def translate(error: sqlite3.Error, path: Path) -> ConfigError | RetryableError:
    """By SQLite's code; the extended ones hold the primary one in their low byte."""
    match sqlite3.SQLITE_FULL if error.sqlite_errorcode in NO_ROOM else error.sqlite_errorcode & 0xFF:
        case sqlite3.SQLITE_FULL:
            return RetryableError(text("The disk of the log {path} is full: make room", path=path))
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return RetryableError(text("Another process keeps the log {path} locked", path=path))
        case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
            return ConfigError(text("{path} is damaged or no log: move it away, and what it held is published again", path=path))
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_AUTH:
            return ConfigError(text("The log {path} cannot be opened for writing: look at the rights of file and folder", path=path))
        case _:
            return RetryableError(text("The log {path} cannot be read or written ({error})", path=path, error=error))
