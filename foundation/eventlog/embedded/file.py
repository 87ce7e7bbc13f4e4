"""A SQLite file that is a log: made where it is missing, refused where it is something else."""

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from time import monotonic, sleep

from foundation.errors import ConfigError
from foundation.texts import text

VERSION = 1


APPLICATION_ID = 0x50756E74  # "Punt": tells our file from any other SQLite file


BUSY_SECONDS = 10.0


BUSY_AGAIN_SECONDS = 0.01


SCHEMA = (
    """create table topic (
        id integer primary key, name text not null unique, identity text not null, next_offset integer not null default 0,
        min_compaction_lag_ms integer not null, delete_retention_ms integer not null)""",
    # `at` is when the event came, `cleaned_at` when compaction removed what a tombstone covers; both in milliseconds since 1970.
    """create table event (
        topic integer not null, place integer not null, key blob not null, value blob, headers blob not null,
        at integer not null, cleaned_at integer, primary key (topic, place)) without rowid""",
)


def prepare(db: sqlite3.Connection, path: Path, writing: Callable[[], AbstractContextManager[None]]) -> None:
    """Makes the file a log, or proves that it is one; raises `ConfigError` where it is not. `writing` is a transaction that writes."""
    db.execute("pragma synchronous = full")
    if _is_empty(db):
        with writing():
            if _is_empty(db):  # nobody else was faster
                for statement in SCHEMA:
                    db.execute(statement)
                db.execute(f"pragma application_id = {APPLICATION_ID}")
                db.execute(f"pragma user_version = {VERSION}")
    if pragma(db, "application_id") != APPLICATION_ID:
        raise ConfigError(text("{path} is a SQLite file, but no log of Puente's", path=path))
    found = pragma(db, "user_version")
    if found != VERSION:
        raise ConfigError(text("{path} is a log of version {found}, this Puente's is {wanted}", path=path, found=found, wanted=VERSION))
    _write_ahead(db)  # last: it alters the file, which until here may be somebody else's


def _is_empty(db: sqlite3.Connection) -> bool:
    return pragma(db, "application_id") == 0 and not db.execute("select 1 from sqlite_master").fetchone()


def _write_ahead(db: sqlite3.Connection) -> None:
    """Waits for those who open the file at the same time: here SQLite may refuse at once, whatever its timeout."""
    until = monotonic() + BUSY_SECONDS
    while True:
        try:
            db.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() > until:
                raise
            sleep(BUSY_AGAIN_SECONDS)
        else:
            return


def pragma(db: sqlite3.Connection, name: str) -> int:
    return int(db.execute(f"pragma {name}").fetchone()[0])
