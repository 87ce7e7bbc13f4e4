"""The embedded log against SQLite alone: the same bytes appended in synced parts, and read back."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Protocol

from bench.benchmark import Benchmark, Figures, Setting
from bench.measure import Figure, Way, nothing
from bench.products import TOPICS, parts, product, records
from foundation.eventlog.embedded.headers import pack_headers
from foundation.eventlog.embedded.log import EmbeddedLog
from foundation.eventlog.port import START, EventLog, Offset, Record, Topic, TopicSettings
from schemas.entities import Entity, Subject

SUBJECT = Subject(Entity.PRODUCT)
TOPIC = TOPICS.of(SUBJECT)
AT_ONCE = 1000
TABLE = "create table event (place integer primary key, key blob not null, value blob, headers blob not null)"
INSERT = "insert into event (place, key, value, headers) values (?, ?, ?, ?)"
SELECT = "select place, key, value, headers from event where place >= ? order by place limit ?"


class _Side(Protocol):
    name: str
    count: int
    """How many events the last run appended or read."""

    def renew(self) -> None: ...
    def append(self) -> None: ...
    def read(self) -> None: ...


class _Puente:
    name = "EmbeddedLog"

    def __init__(self, path: Path, made: list[list[Record]]) -> None:
        self._path, self._made = path, made
        self.count = 0
        self._log = self._new()

    def _new(self) -> EmbeddedLog:
        log = EmbeddedLog(self._path)
        log.create({TOPIC: TopicSettings()})
        return log

    def renew(self) -> None:
        self.close()
        remove(self._path)
        self._log = self._new()

    def append(self) -> None:
        self.count = sum(len(self._log.append(part)) for part in self._made)

    def read(self) -> None:
        self.count = read_all(self._log, TOPIC)

    def close(self) -> None:
        self._log.close()


class _Sqlite:
    """The same promise without Puente: each part is on the disk before the next begins."""

    name = "sqlite3"

    def __init__(self, path: Path, made: list[list[Record]]) -> None:
        self._path = path
        self._made = [[(r.key, r.value, pack_headers(r.headers)) for r in part] for part in made]
        self.count = 0
        self._db = self._new()

    def _new(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, isolation_level=None)
        for statement in ("pragma synchronous = full", "pragma journal_mode = wal", TABLE):
            db.execute(statement)
        return db

    def renew(self) -> None:
        self.close()
        remove(self._path)
        self._db = self._new()

    def append(self) -> None:
        self.count = 0
        for part in self._made:
            self._db.execute("begin immediate")
            self._db.executemany(INSERT, ((self.count + i, *row) for i, row in enumerate(part)))
            self._db.execute("commit")
            self.count += len(part)

    def read(self) -> None:
        self.count = 0
        while rows := self._db.execute(SELECT, (self.count, AT_ONCE)).fetchall():
            self.count += len(rows)

    def close(self) -> None:
        self._db.close()


def read_all(log: EventLog, topic: Topic, start: Offset = START) -> int:
    """Reads a topic to its end through the port; returns how many events it held."""
    offset, count, at_end = start, 0, False
    while not at_end:
        batch = log.read(topic, offset, AT_ONCE)
        count += len(batch.events)
        offset, at_end = batch.next_offset, batch.at_end
    return count


def remove(path: Path) -> None:
    """A log's file, and those that SQLite keeps beside it."""
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


def _appending(side: _Side, count: int) -> Way:
    return Way(name=f"{side.name}, appending", prepare=side.renew, run=side.append, check=lambda: _check(side, count))


def _reading(side: _Side, count: int) -> Way:
    return Way(name=f"{side.name}, reading", prepare=nothing, run=side.read, check=lambda: _check(side, count))


def _check(side: _Side, count: int) -> None:
    assert side.count == count, f"{side.name}: {side.count} events instead of {count}"


def figures(at: Setting) -> Figures:
    made = list(parts(records(SUBJECT, (product(number) for number in range(at.rows)), "bench"), AT_ONCE))
    with closing(_Puente(at.folder / "log.db", made)) as ours, closing(_Sqlite(at.folder / "plain.db", made)) as other:
        for name, way in (("append events", _appending), ("read events", _reading)):
            yield Figure(name=name, unit="event", count=at.rows, ours=way(ours, at.rows), other=way(other, at.rows))


BENCHMARK = Benchmark(name="log", about="the embedded log, against SQLite alone", rows=20_000, rounds=5, plain=figures)
