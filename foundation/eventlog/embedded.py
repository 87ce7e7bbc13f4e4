"""The log on one machine: a SQLite file with the topics, keys and bytes that Kafka would hold.

One transaction per append, synced to the disk before it returns, so that what was acknowledged survives a power cut. Readers and writers
of several processes stand side by side (write-ahead logging); the file must be on a local disk.
"""

import sqlite3
import struct
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from time import monotonic, sleep
from time import time as wall_clock
from uuid import uuid4

from foundation.errors import ConfigError, Displaced, NoTopic, RetryableError
from foundation.eventlog.compaction import compact
from foundation.eventlog.port import Batch, Event, Headers, Identity, Offset, Record, Topic, TopicSettings, TopicState, Unfit
from foundation.eventlog.rights import Right
from foundation.eventlog.watch import watch_of
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


class EmbeddedLog:
    """`EventLog` on a SQLite file, which is made where it is missing.

    Belongs to the thread that made it, as SQLite's connection does: a call from another one is a bug and raises `sqlite3.ProgrammingError`.
    `clock` gives seconds since 1970: an event's time, by which compaction goes.
    """

    def __init__(self, path: Path | str, *, clock: Callable[[], float] = wall_clock) -> None:
        self.path, self._clock = Path(path), clock
        self._file: tuple[int, int] | None = None
        self._fence: Topic | None = None
        self._fence_read_to: Offset | None = None
        if not self.path.parent.is_dir():
            raise ConfigError(text("The folder of the log does not exist: {folder}", folder=self.path.parent))
        with self._translated():
            self._db = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            with self._translated():
                self._prepare()
            self._file = self._file_now()
            self._watch = watch_of(self._file)
        except BaseException:
            self._db.close()
            raise

    def _prepare(self) -> None:
        self._db.execute("pragma synchronous = full")
        if self._is_empty():
            with self._writing():
                if self._is_empty():  # nobody else was faster
                    for statement in SCHEMA:
                        self._db.execute(statement)
                    self._db.execute(f"pragma application_id = {APPLICATION_ID}")
                    self._db.execute(f"pragma user_version = {VERSION}")
        if self._pragma("application_id") != APPLICATION_ID:
            raise ConfigError(text("{path} is a SQLite file, but no log of Puente's", path=self.path))
        found = self._pragma("user_version")
        if found != VERSION:
            raise ConfigError(
                text("{path} is a log of version {found}, this Puente's is {wanted}", path=self.path, found=found, wanted=VERSION)
            )
        self._write_ahead()  # last: it alters the file, which until here may be somebody else's

    def _is_empty(self) -> bool:
        return self._pragma("application_id") == 0 and not self._db.execute("select 1 from sqlite_master").fetchone()

    def _write_ahead(self) -> None:
        """Waits for those who open the file at the same time: here SQLite may refuse at once, whatever its timeout."""
        until = monotonic() + BUSY_SECONDS
        while True:
            try:
                self._db.execute("pragma journal_mode = wal")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() > until:
                    raise
                sleep(BUSY_AGAIN_SECONDS)
            else:
                return

    def _pragma(self, name: str) -> int:
        return int(self._db.execute(f"pragma {name}").fetchone()[0])

    def create(self, topics: Mapping[Topic, TopicSettings]) -> list[Topic]:
        present = self.topics()
        missing = {topic: settings for topic, settings in topics.items() if topic not in present}
        if not missing:
            return []
        insert = "insert or ignore into topic (name, identity, min_compaction_lag_ms, delete_retention_ms) values (?, ?, ?, ?)"
        with self._translated(), self._writing():
            return [
                topic
                for topic, s in missing.items()
                if self._db.execute(insert, (topic, uuid4().hex, s.min_compaction_lag_ms, s.delete_retention_ms)).rowcount
            ]

    def unfit(self, topics: Mapping[Topic, TopicSettings]) -> list[Unfit]:
        with self._translated():
            rows = self._db.execute("select name, min_compaction_lag_ms, delete_retention_ms from topic order by name").fetchall()
        found = {Topic(name): TopicSettings(min_compaction_lag_ms=lag, delete_retention_ms=kept) for name, lag, kept in rows}
        return [short for topic, wanted in topics.items() if topic in found for short in found[topic].short_of(wanted, topic)]

    def settings(self, topic: Topic) -> TopicSettings | None:
        with self._translated():
            select = "select min_compaction_lag_ms, delete_retention_ms from topic where name = ?"
            row = self._db.execute(select, (topic,)).fetchone()
        if row is None:
            raise self._no_topic(topic)
        return TopicSettings(min_compaction_lag_ms=row[0], delete_retention_ms=row[1])

    def lacking(self, rights: Collection[Right]) -> list[Right]:  # noqa: ARG002 - the port's name
        """Who may open the file may do everything."""
        return []

    def topics(self, names: Collection[Topic] | None = None) -> dict[Topic, TopicState]:
        with self._translated():
            rows = self._db.execute("select name, identity, next_offset from topic order by name").fetchall()
        found = {Topic(name): TopicState(identity=Identity(identity), end=Offset(end)) for name, identity, end in rows}
        return found if names is None else {name: state for name, state in found.items() if name in names}

    def state(self, topic: Topic) -> TopicState | None:
        with self._translated():
            row = self._db.execute("select identity, next_offset from topic where name = ?", (topic,)).fetchone()
        return row and TopicState(identity=Identity(row[0]), end=Offset(row[1]))

    def fence(self, topic: Topic) -> None:
        """From now on nothing is appended where somebody else wrote to this topic since this object read it to its end: `Displaced`.

        A process that was stopped in the midst of its work, and goes on when another one took over, writes nothing.
        """
        self._fence, self._fence_read_to = topic, None

    def append(self, records: Iterable[Record]) -> list[Offset]:
        part = list(records)
        if not part:
            return []
        at = int(self._clock() * 1000)
        offsets: list[Offset] = []
        with self._translated(), self._writing():
            self._hold_fence()
            for topic, run in groupby(part, key=lambda record: record.topic):
                offsets += self._append(topic, list(run), at)
        for record, offset in zip(part, offsets, strict=True):
            self._passed_fence(record.topic, Offset(offset + 1))
        self._watch.appended({record.topic: Offset(offset + 1) for record, offset in zip(part, offsets, strict=True)})
        return offsets

    def _hold_fence(self) -> None:
        if self._fence is not None and self._fence_read_to is not None and self._topic(self._fence)[1] != self._fence_read_to:
            raise Displaced(text("Another producer claimed the log"))

    def _passed_fence(self, topic: Topic, next_offset: Offset) -> None:
        if topic == self._fence:
            self._fence_read_to = next_offset

    def _append(self, topic: Topic, records: Sequence[Record], at: int) -> list[Offset]:
        number, start = self._topic(topic)
        rows = ((number, start + i, r.key, r.value, pack_headers(r.headers), at) for i, r in enumerate(records))
        self._db.executemany("insert into event (topic, place, key, value, headers, at) values (?, ?, ?, ?, ?, ?)", rows)
        self._db.execute("update topic set next_offset = ? where id = ?", (start + len(records), number))
        return [Offset(start + i) for i in range(len(records))]

    def _topic(self, topic: Topic) -> tuple[int, int]:
        row = self._db.execute("select id, next_offset from topic where name = ?", (topic,)).fetchone()
        if row is None:
            raise self._no_topic(topic)
        return row[0], row[1]

    def _no_topic(self, topic: Topic) -> NoTopic:
        return NoTopic(text("The log {path} has no topic {topic}: run puente setup", path=self.path, topic=topic), topic)

    def read(self, topic: Topic, offset: Offset, limit: int = 1000) -> Batch:
        with self._translated(), self._reading():
            number, _ = self._topic(topic)
            state = self.state(topic)
            assert state is not None
            select = "select place, key, value, headers from event where topic = ? and place >= ? order by place limit ?"
            rows = self._db.execute(select, (number, offset, limit)).fetchall()
        events = [Event(Offset(place), key, value, unpack_headers(headers)) for place, key, value, headers in rows]
        after = events[-1].offset + 1 if events else offset
        self._passed_fence(topic, Offset(after if len(events) == limit else max(state.end, after)))
        return Batch(events=events, next_offset=Offset(after if len(events) == limit else max(state.end, after)), state=state)

    def wait(self, positions: Mapping[Topic, Offset], timeout: float) -> bool:
        return self._watch.wait(positions, timeout, self._version, lambda: {topic: state.end for topic, state in self.topics().items()})

    def _version(self) -> int:
        """A number that changes when another connection commits."""
        with self._translated():
            return self._pragma("data_version")

    def compact(self) -> int:
        """Removes what newer events supersede, by each topic's settings; returns how many events went."""
        with self._translated():
            return compact(self._db, self._writing, int(self._clock() * 1000))

    def note(self, reader: str, positions: Mapping[Topic, Offset]) -> None:
        """A file has no such tools."""

    def noted(self, _reader: str) -> dict[Topic, Offset]:
        return {}

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._db.execute("begin immediate")
        try:
            yield
            self._db.execute("commit")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("rollback")
            raise

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """One view of the file for several queries."""
        self._db.execute("begin")
        try:
            yield
        finally:
            if self._db.in_transaction:  # SQLite ends it itself where the disk fails
                self._db.execute("rollback")

    def _file_now(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    @contextmanager
    def _translated(self) -> Iterator[None]:
        if self._file is not None and self._file_now() != self._file:
            # SQLite would go on in the file that nobody else sees any more, and acknowledge what is lost with it.
            raise RetryableError(text("The log {path} was deleted or replaced while it was open", path=self.path))
        try:
            yield
        except sqlite3.Error as error:
            if not hasattr(error, "sqlite_errorcode"):
                raise  # Python's own: another thread's call, a closed log, a key that is no bytes. Waiting mends no bug.
            raise translate(error, self.path) from error


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


REMEMBERED = 256
_LENGTHS = struct.Struct("<HI")


def pack_headers(headers: Headers) -> bytes:
    """Name and value of each, after their lengths in bytes."""
    parts = []
    for name, value in headers:
        encoded = name.encode()
        parts += [_LENGTHS.pack(len(encoded), len(value)), encoded, value]
    return b"".join(parts)


def unpack_headers(packed: bytes) -> Headers:
    """The headers that `pack_headers` packed. All but the first are those of many events: one tuple serves them all."""
    if not packed:
        return ()
    first, end = _unpack_one(packed, 0)
    return (first, *_unpack_rest(packed[end:]))


@lru_cache(REMEMBERED)
def _unpack_rest(packed: bytes) -> Headers:
    headers, at = [], 0
    while at < len(packed):
        header, at = _unpack_one(packed, at)
        headers.append(header)
    return tuple(headers)


def _unpack_one(packed: bytes, at: int) -> tuple[tuple[str, bytes], int]:
    """The header that begins at `at`, and where the next one does."""
    name, value = _LENGTHS.unpack_from(packed, at)
    middle = at + _LENGTHS.size + name
    end = middle + value
    return (packed[at + _LENGTHS.size : middle].decode(), packed[middle:end]), end
