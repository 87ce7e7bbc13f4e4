"""What is the embedded log's own: the file, its errors, compaction by the clock, and a writer killed in mid-append."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puente.errors import ConfigError, RetryableError
from puente.eventlog.embedded import EmbeddedLog, pack_headers, unpack_headers
from puente.eventlog.port import START, Record, Topic, TopicSettings

TOPIC = Topic("puente.01.product")
DAY = 24 * 3600.0


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(tmp_path: Path, clock: Clock) -> Iterator[EmbeddedLog]:
    opened = EmbeddedLog(tmp_path / "log.db", clock=clock)
    opened.create({TOPIC: TopicSettings()})
    yield opened
    opened.close()


def add(log: EmbeddedLog, *pairs: tuple[str, str | None]) -> None:
    log.append(Record(topic=TOPIC, key=k.encode(), value=None if v is None else v.encode()) for k, v in pairs)


def kept(log: EmbeddedLog) -> list[tuple[str, str | None]]:
    return [(e.key.decode(), None if e.value is None else e.value.decode()) for e in log.read(TOPIC, START).events]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        EmbeddedLog(tmp_path / "nowhere" / "log.db")


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "log.db").write_bytes(b"this is a letter to my aunt " * 100)
    with pytest.raises(ConfigError, match=r"log\.db"):
        EmbeddedLog(tmp_path / "log.db")


def test_a_database_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "log.db") as other:
        other.execute("create table theirs (x)")
    other.close()
    with pytest.raises(ConfigError, match="no log of Puente"):
        EmbeddedLog(tmp_path / "log.db")


def test_a_log_of_another_version_is_refused(tmp_path: Path) -> None:
    EmbeddedLog(tmp_path / "log.db").close()
    with sqlite3.connect(tmp_path / "log.db") as newer:
        newer.execute("pragma user_version = 99")
    newer.close()
    with pytest.raises(ConfigError, match="99"):
        EmbeddedLog(tmp_path / "log.db")


def test_a_full_disk_is_told_and_nothing_of_the_call_is_there(log: EmbeddedLog) -> None:
    add(log, ("1", "a"))
    pages = log._db.execute("pragma page_count").fetchone()[0]
    log._db.execute(f"pragma max_page_count = {pages + 2}")
    with pytest.raises(RetryableError, match=r"full.*make room|make room"):
        add(log, ("2", "b"), ("3", "x" * 100_000))
    assert kept(log) == [("1", "a")]
    log._db.execute("pragma max_page_count = 1000000")
    add(log, ("2", "b"))
    assert kept(log) == [("1", "a"), ("2", "b")]


def test_a_log_that_another_process_keeps_locked_is_told(tmp_path: Path) -> None:
    EmbeddedLog(tmp_path / "log.db").close()
    log = EmbeddedLog(tmp_path / "log.db")
    log.create({TOPIC: TopicSettings()})
    log._db.execute("pragma busy_timeout = 50")
    other = sqlite3.connect(tmp_path / "log.db", isolation_level=None)
    other.execute("begin immediate")
    with pytest.raises(RetryableError, match="locked"):
        add(log, ("1", "a"))
    other.execute("rollback")
    other.close()
    add(log, ("1", "a"))
    log.close()


def test_compaction_leaves_alone_what_is_younger_than_a_day(log: EmbeddedLog, clock: Clock) -> None:
    add(log, ("1", "old"), ("1", "new"), ("2", "last"))
    clock.now += DAY - 1
    assert log.compact() == 0
    clock.now += 2
    assert log.compact() == 1
    assert kept(log) == [("1", "new"), ("2", "last")]


def test_an_event_is_not_superseded_by_one_that_is_younger_than_a_day(log: EmbeddedLog, clock: Clock) -> None:
    add(log, ("1", "old"))
    clock.now += 2 * DAY
    add(log, ("1", "new"), ("2", "last"))
    assert log.compact() == 0


def test_a_tombstone_goes_ninety_days_after_the_compaction_that_removed_what_it_covers(log: EmbeddedLog, clock: Clock) -> None:
    add(log, ("1", "a"), ("1", None), ("2", "last"))
    clock.now += 200 * DAY  # nobody compacted meanwhile: readers had no chance to lose it
    log.compact()
    assert kept(log) == [("1", None), ("2", "last")]
    clock.now += 90 * DAY
    log.compact()
    assert kept(log) == [("1", None), ("2", "last")]
    clock.now += 1
    log.compact()
    assert kept(log) == [("2", "last")]


def test_the_last_event_of_a_topic_stays_whatever_it_is(log: EmbeddedLog, clock: Clock) -> None:
    add(log, ("1", "a"), ("1", None))
    for _ in range(3):
        clock.now += 100 * DAY
        log.compact()
    assert kept(log)[-1] == ("1", None)


def test_offsets_are_not_given_out_again_after_compaction(log: EmbeddedLog, clock: Clock) -> None:
    add(log, ("1", "a"), ("1", "b"), ("1", "c"))
    clock.now += 2 * DAY
    log.compact()
    assert log.append([Record(topic=TOPIC, key=b"2", value=b"x")]) == [3]


HEADERS = st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.binary(max_size=50)), max_size=6)


@given(HEADERS)
def test_headers_come_back_as_they_were(headers: list[tuple[str, bytes]]) -> None:
    assert unpack_headers(pack_headers(tuple(headers))) == tuple(headers)


WRITER = """
import sys
from puente.eventlog.embedded import EmbeddedLog
from puente.eventlog.port import Record, Topic
log = EmbeddedLog(sys.argv[1])
for call in range(100_000):
    offsets = log.append([Record(topic=Topic(sys.argv[2]), key=b"%d-%d" % (call, n), value=b"x" * 200) for n in range(50)])
    print(call, offsets[-1], flush=True)
"""


def test_a_writer_killed_at_any_moment_leaves_whole_calls_and_all_that_were_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    log = EmbeddedLog(path)
    log.create({TOPIC: TopicSettings()})
    for delay in (0.0, 0.013, 0.05):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, path, TOPIC], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        first = writer.stdout.readline()
        time.sleep(delay)
        os.kill(writer.pid, signal.SIGKILL)
        lines = [first, *writer.communicate()[0].splitlines()]
        acknowledged = max(int(line.split()[1]) for line in lines if line.strip() and len(line.split()) == 2)
        state = log.state(TOPIC)
        assert state is not None
        assert state.end > acknowledged
        assert state.end % 50 == 0
        assert len(log.read(TOPIC, START, 10_000_000).events) == state.end
    log.close()
