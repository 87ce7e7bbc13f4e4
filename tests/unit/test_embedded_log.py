"""What is the embedded log's own: the file, its errors, compaction by the clock, and a writer killed in mid-append."""

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.errors import ConfigError, Displaced, RetryableError
from foundation.eventlog.embedded.compaction import AT_ONCE
from foundation.eventlog.embedded.file import pragma
from foundation.eventlog.embedded.headers import pack_headers, unpack_headers
from foundation.eventlog.embedded.log import EmbeddedLog
from foundation.eventlog.port import START, Event, Offset, Record, Topic, TopicSettings

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
    return [(e.key.decode(), None if e.value is None else e.value.decode()) for e in log.read(TOPIC, START, 10_000).events]


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
    before = (tmp_path / "log.db").read_bytes()
    with pytest.raises(ConfigError, match="no log of Puente"):
        EmbeddedLog(tmp_path / "log.db")
    assert (tmp_path / "log.db").read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["log.db"]


def test_a_log_of_another_version_is_refused(tmp_path: Path) -> None:
    EmbeddedLog(tmp_path / "log.db").close()
    with sqlite3.connect(tmp_path / "log.db") as newer:
        newer.execute("pragma user_version = 99")
    newer.close()
    with pytest.raises(ConfigError, match=r"log\.db.*99.*1"):
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


def python(script: str, *arguments: Path | str) -> subprocess.Popen[str]:
    """Another process on the same log."""
    return subprocess.Popen([sys.executable, "-c", IMPORTS + script, *arguments], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)


def go(process: subprocess.Popen[str]) -> None:
    """Lets a process go on that waits in `input()`."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def said(process: subprocess.Popen[str]) -> str:
    """What the process printed, once it has ended well."""
    output = process.communicate(timeout=30)[0]
    assert process.returncode == 0
    return output


IMPORTS = """
import sys
from foundation.errors import RetryableError
from foundation.eventlog.embedded.log import EmbeddedLog
from foundation.eventlog.port import START, Record, Topic
TOPIC = Topic("puente.01.product")
log = EmbeddedLog(sys.argv[1])
"""

LIMITED = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    log.append([Record(topic=TOPIC, key=b"2", value=b"x" * 1_000_000)])
except RetryableError as error:
    print(error.__cause__.sqlite_errorname, error)
print(len(log.read(TOPIC, START).events))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_write_that_the_system_cuts_short_is_a_disk_without_room(log: EmbeddedLog) -> None:
    add(log, ("1", "a"))
    failed, count = said(python(LIMITED, log.path)).splitlines()
    assert failed.startswith("SQLITE_IOERR_WRITE")
    assert str(log.path) in failed
    assert "make room" in failed
    assert count == "1"
    assert kept(log) == [("1", "a")]


def test_a_log_that_may_not_be_written_is_told_with_what_to_look_at(log: EmbeddedLog) -> None:
    log._db.execute("pragma query_only = on")
    with pytest.raises(ConfigError, match=r"log\.db.*rights of file and folder"):
        add(log, ("1", "a"))


def test_a_path_that_is_a_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be opened"):
        EmbeddedLog(tmp_path)


def test_use_from_another_thread_and_after_closing_are_bugs_and_not_tried_again(log: EmbeddedLog) -> None:
    errors: list[BaseException] = []

    def use() -> None:
        try:
            log.topics()
        except sqlite3.ProgrammingError as error:
            errors.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert len(errors) == 1
    log.close()
    with pytest.raises(sqlite3.ProgrammingError):
        log.topics()


def test_a_new_log_waits_for_one_who_opens_it_at_the_same_time(tmp_path: Path) -> None:
    """SQLite refuses to change the journal while somebody reads, and does not wait for him."""
    EmbeddedLog(tmp_path / "log.db").close()
    other = sqlite3.connect(tmp_path / "log.db", isolation_level=None, check_same_thread=False)
    other.execute("pragma journal_mode = delete")
    other.execute("begin immediate")
    timer = threading.Timer(0.1, other.execute, ["rollback"])
    timer.start()
    EmbeddedLog(tmp_path / "log.db").close()
    timer.join()
    other.close()


def test_a_reader_in_the_middle_holds_up_no_writer(log: EmbeddedLog) -> None:
    add(log, ("1", "a"))
    other = EmbeddedLog(log.path)
    log._db.execute("pragma busy_timeout = 50")
    with other._reading():
        before = other.state(TOPIC)
        add(log, ("2", "b"))
        assert other.state(TOPIC) == before
    assert kept(other) == [("1", "a"), ("2", "b")]
    other.close()


def test_every_append_is_synced(log: EmbeddedLog) -> None:
    """No test can cut the power; this setting is what the promise rests on."""
    full = 2
    assert pragma(log._db, "synchronous") == full


def test_another_process_reads_what_was_acknowledged_while_the_writer_is_still_open(log: EmbeddedLog) -> None:
    add(log, ("1", "a"), ("2", None))
    reader = python("print([(e.key, e.value) for e in log.read(TOPIC, START).events])", log.path)
    assert said(reader).strip() == "[(b'1', b'a'), (b'2', None)]"


def test_wait_wakes_up_when_another_process_appends(log: EmbeddedLog) -> None:
    writer = python('input(); log.append([Record(topic=TOPIC, key=b"1", value=b"a")]); print(log.path)', log.path)
    assert not log.wait({TOPIC: START}, 0.02)
    go(writer)
    assert log.wait({TOPIC: START}, 20)
    said(writer)


INTERLEAVING = """
input()
for turn in range(100):
    offsets = log.append([Record(topic=TOPIC, key=f"{sys.argv[2]}-{turn}-{n}".encode(), value=b"x") for n in range(5)])
    print(*offsets)
"""


def test_writers_in_several_processes_lose_nothing_and_each_call_stays_together(log: EmbeddedLog) -> None:
    writers = [python(INTERLEAVING, log.path, str(n)) for n in range(3)]
    for writer in writers:
        go(writer)
    printed = [said(writer) for writer in writers]
    at = {event.offset: event.key.decode() for event in log.read(TOPIC, START, 10_000).events}
    assert len(at) == 3 * 100 * 5
    for name, lines in enumerate(printed):
        calls = [[Offset(int(offset)) for offset in line.split()] for line in lines.splitlines()]
        assert [[at[offset] for offset in call] for call in calls] == [[f"{name}-{turn}-{n}" for n in range(5)] for turn in range(100)]
        assert all(call == list(range(call[0], call[0] + 5)) for call in calls)


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


def test_a_key_that_is_gone_stays_gone_when_the_clock_was_ahead_and_is_put_right(log: EmbeddedLog, clock: Clock) -> None:
    clock.now += 1000 * DAY
    add(log, ("1", "alive"))
    clock.now -= 1000 * DAY
    add(log, ("1", None), ("2", "last"))
    for _ in range(15):
        clock.now += 100 * DAY
        log.compact()
        assert dict(kept(log)).get("1") is None
    assert kept(log) == [("2", "last")]


def test_compaction_of_more_than_one_transaction_takes_all(log: EmbeddedLog, clock: Clock) -> None:
    add(log, *[(str(n % 10), str(n)) for n in range(2 * AT_ONCE + 500)], ("x", None), ("last", "last"))
    clock.now += 2 * DAY
    assert log.compact() == 2 * AT_ONCE + 500 - 10
    assert kept(log) == [*[(str(n % 10), str(n)) for n in range(2 * AT_ONCE + 490, 2 * AT_ONCE + 500)], ("x", None), ("last", "last")]
    assert log.compact() == 0


def test_each_topic_is_compacted_by_its_own_settings(log: EmbeddedLog, clock: Clock) -> None:
    quick = Topic("puente.01.control")
    log.create({quick: TopicSettings(min_compaction_lag_ms=1000)})
    for topic in (TOPIC, quick):
        log.append([Record(topic=topic, key=key, value=b"x") for key in (b"1", b"1", b"2")])
    clock.now += 2
    assert log.compact() == 1
    assert [event.offset for event in log.read(quick, START).events] == [1, 2]
    assert len(kept(log)) == 3


STEPS = st.lists(
    st.builds(lambda key, value: lambda log: log.append(key, value), st.sampled_from("ab"), st.none() | st.just("value"))
    | st.builds(lambda days: lambda log: log.set_clock(days), st.sampled_from([-400, 400]))
    | st.builds(lambda hours: lambda log: log.compact_after(hours), st.sampled_from([1, 25, 91 * 24])),
    max_size=20,
)


# Every history ends with all the compaction there can be: an event that may be last, and time for tombstones to go.
THOROUGH: list[Callable[["Checked"], None]] = [
    lambda log: log.append("c", "last"),
    lambda log: log.compact_after(25),
    lambda log: log.compact_after(91 * 24),
]


class Checked:
    """A log beside all that was ever appended to it, with the time of each."""

    def __init__(self, path: Path) -> None:
        self.clock = Clock()
        self.log = EmbeddedLog(path, clock=self.clock)
        self.log.create({TOPIC: TopicSettings()})
        self.all: dict[Offset, tuple[bytes, bytes | None, float]] = {}

    def append(self, key: str, value: str | None) -> None:
        add(self.log, (key, value))
        self.all[Offset(len(self.all))] = (key.encode(), None if value is None else value.encode(), self.clock.now)

    def set_clock(self, days: int) -> None:
        self.clock.now += days * DAY

    def compact_after(self, hours: int) -> None:
        self.clock.now += hours * 3600
        before = {event.offset for event in self.events()}
        self.log.compact()
        gone = before - {event.offset for event in self.events()}
        assert all(self.clock.now - self.all[offset][2] >= DAY for offset in gone)

    def events(self) -> list[Event]:
        return list(self.log.read(TOPIC, START).events)

    def check(self) -> None:
        """What stands is what was appended, in its place; what is live is what was live; the last event stands."""
        events = self.events()
        assert [(e.key, e.value) for e in events] == [self.all[e.offset][:2] for e in events]
        assert live((e.key, e.value) for e in events) == live(event[:2] for event in self.all.values())
        assert [e.offset for e in events][-1:] == list(self.all)[-1:]


def live(pairs: Iterable[tuple[bytes, bytes | None]]) -> dict[bytes, bytes]:
    return {key: value for key, value in dict(pairs).items() if value is not None}


@settings(max_examples=100, deadline=None, derandomize=True)
@given(steps=STEPS)
def test_whatever_the_clock_does_compaction_changes_nothing_for_a_reader(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Callable[[Checked], None]]
) -> None:
    checked = Checked(tmp_path_factory.mktemp("log") / "log.db")
    for step in [*steps, *THOROUGH]:
        step(checked)
        checked.check()
    checked.log.close()


HEADERS = st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.binary(max_size=50)), max_size=6)


@given(HEADERS)
def test_headers_come_back_as_they_were(headers: list[tuple[str, bytes]]) -> None:
    assert unpack_headers(pack_headers(tuple(headers))) == tuple(headers)


WRITER = """
for call in range(int(sys.argv[2]), int(sys.argv[2]) + 1_000_000):
    offsets = log.append([Record(topic=TOPIC, key=b"%d-%d" % (call, n), value=b"x" * 200) for n in range(50)])
    print(offsets[-1], flush=True)
"""


@pytest.mark.parametrize("delay", [0.0, 0.003, 0.013, 0.05])
def test_a_writer_killed_at_any_moment_leaves_whole_calls_and_all_that_were_acknowledged(log: EmbeddedLog, delay: float) -> None:
    for turn in range(2):
        writer = python(WRITER, log.path, str(turn * 1_000_000))
        assert writer.stdout is not None
        first = writer.stdout.readline()
        time.sleep(delay)
        writer.kill()
        # The last line may be torn: it has no end.
        acknowledged = [int(line) for line in (first + writer.communicate()[0]).splitlines(keepends=True) if line.endswith("\n")]
        events = log.read(TOPIC, START, 10_000_000).events
        assert events[-1].offset >= acknowledged[-1]
        calls = [(call, [e.key for e in part]) for call, part in groupby(events, key=lambda e: e.key.split(b"-")[0])]
        assert all(keys == [b"%b-%d" % (call, n) for n in range(50)] for call, keys in calls)
        assert [event.offset for event in events] == list(range(len(events)))
        assert all(event.value == b"x" * 200 for event in events)
    add(log, ("1", "goes on"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps a file that is open")
@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_was_deleted_or_replaced_while_open_acknowledges_nothing(tmp_path: Path, *, replaced: bool) -> None:
    path = tmp_path / "log.db"
    log = EmbeddedLog(path)
    log.create({TOPIC: TopicSettings()})
    path.unlink()
    if replaced:
        EmbeddedLog(path).close()
    with pytest.raises(RetryableError, match="deleted or replaced"):
        log.append([Record(topic=TOPIC, key=b"1", value=b"x")])
    with pytest.raises(RetryableError, match="deleted or replaced"):
        log.read(TOPIC, START)
    with pytest.raises(RetryableError, match="deleted or replaced"):
        log.wait({TOPIC: START}, 1)
    log.close()


CONTROL = Topic("puente.01.control")


def test_behind_a_fence_nothing_is_appended_once_somebody_else_wrote_what_was_not_read(log: EmbeddedLog) -> None:
    """As by a process that was stopped in the midst of its work, and goes on when another one took over."""
    log.create({CONTROL: TopicSettings()})
    log.fence(CONTROL)
    heartbeat = Record(topic=CONTROL, key=b"producer", value=b"mine")
    log.append([heartbeat])
    log.read(CONTROL, START)
    log.append([heartbeat, heartbeat])
    add(log, ("1", "mine"))
    other = EmbeddedLog(log.path)
    other.append([Record(topic=CONTROL, key=b"producer", value=b"theirs")])
    for _ in range(2):
        with pytest.raises(Displaced):
            add(log, ("2", "mine, too late"))
    with pytest.raises(Displaced):
        log.append([heartbeat])
    assert kept(log) == [("1", "mine")]
    log.read(CONTROL, Offset(0), 2)
    with pytest.raises(Displaced):
        add(log, ("2", "not read to its end"))
    log.read(CONTROL, START)
    add(log, ("3", "knows of the other one"))
    other.close()
    assert kept(log) == [("1", "mine"), ("3", "knows of the other one")]
