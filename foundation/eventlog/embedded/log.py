"""The log on one machine: a SQLite file with the topics, keys and bytes that Kafka would hold.

One transaction per append, synced to the disk before it returns, so that what was acknowledged survives a power cut. Readers and writers
of several processes stand side by side (write-ahead logging); the file must be on a local disk.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import groupby
from pathlib import Path
from time import time as wall_clock
from uuid import uuid4

from foundation.errors import ConfigError, Displaced, NoTopic, RetryableError
from foundation.eventlog.embedded.compaction import compact
from foundation.eventlog.embedded.errors import translate
from foundation.eventlog.embedded.file import BUSY_SECONDS, pragma, prepare
from foundation.eventlog.embedded.headers import pack_headers, unpack_headers
from foundation.eventlog.port import Batch, Event, Headers, Offset, Record, Topic, TopicId, TopicSettings, TopicState, Unfit
from foundation.eventlog.rights import Right
from foundation.eventlog.watch import watch_of
from foundation.texts import text

_event: Callable[[tuple[Offset, bytes, bytes | None, Headers]], Event] = partial(tuple.__new__, Event)
"""As `Event` itself does, which is slower."""


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
                prepare(self._db, self.path, self._writing)
            self._file = self._file_now()
            self._watch = watch_of(self._file)
        except BaseException:
            self._db.close()
            raise

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
        found = {Topic(name): TopicState(topic_id=TopicId(topic_id), end=Offset(end)) for name, topic_id, end in rows}
        return found if names is None else {name: state for name, state in found.items() if name in names}

    def state(self, topic: Topic) -> TopicState | None:
        with self._translated():
            row = self._db.execute("select identity, next_offset from topic where name = ?", (topic,)).fetchone()
        return row and TopicState(topic_id=TopicId(row[0]), end=Offset(row[1]))

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
        events = [_event((place, key, value, unpack_headers(headers))) for place, key, value, headers in rows]
        after = events[-1].offset + 1 if events else offset
        self._passed_fence(topic, Offset(after if len(events) == limit else max(state.end, after)))
        return Batch(events=events, next_offset=Offset(after if len(events) == limit else max(state.end, after)), state=state)

    def wait(self, positions: Mapping[Topic, Offset], timeout: float) -> bool:
        return self._watch.wait(positions, timeout, self._version, lambda: {topic: state.end for topic, state in self.topics().items()})

    def _version(self) -> int:
        """A number that changes when another connection commits."""
        with self._translated():
            return pragma(self._db, "data_version")

    def compact(self) -> int:
        """Removes what newer events supersede, by each topic's settings; returns how many events went."""
        with self._translated():
            return compact(self._db, self._writing, int(self._clock() * 1000))

    def commit_offsets(self, reader: str, positions: Mapping[Topic, Offset]) -> None:
        """A file has no such tools."""

    def committed_offsets(self, _reader: str) -> dict[Topic, Offset]:
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
