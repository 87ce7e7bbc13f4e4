"""Many who wait for one embedded log in one process: one of them looks, all of them are woken, and none is forgotten."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from foundation.errors import RetryableError
from foundation.eventlog.embedded.log import EmbeddedLog
from foundation.eventlog.port import START, Offset, Record, Topic, TopicSettings
from foundation.eventlog.watch import Watch

A, B = Topic("puente.01.product"), Topic("puente.01.customer")
LONG = 120.0
MANY = 8


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with closing(EmbeddedLog(tmp_path / "log.db")) as log:
        log.create({A: TopicSettings(), B: TopicSettings()})
    return tmp_path / "log.db"


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2 * MANY) as pool:
        yield pool


def wait_for(path: Path, topic: Topic, seconds: float, has_opened: threading.Semaphore) -> bool:
    with closing(EmbeddedLog(path)) as log:
        has_opened.release()
        return log.wait({topic: START}, seconds)


def parked(threads: ThreadPoolExecutor, path: Path, topic: Topic, seconds: float = LONG, count: int = MANY) -> list[Future[bool]]:
    """So many who have opened the log and wait, or are about to."""
    has_opened = threading.Semaphore(0)
    found = [threads.submit(wait_for, path, topic, seconds, has_opened) for _ in range(count)]
    for _ in found:
        has_opened.acquire()
    return found


def append(path: Path, topic: Topic) -> None:
    with closing(EmbeddedLog(path)) as log:
        log.append([Record(topic=topic, key=b"1", value=b"x")])


def results(futures: list[Future[bool]]) -> list[bool]:
    return [future.result(timeout=LONG / 2) for future in futures]


def test_all_who_wait_are_woken_by_one_append(path: Path, threads: ThreadPoolExecutor) -> None:
    found = parked(threads, path, A)
    append(path, A)
    assert results(found) == [True] * MANY


def test_those_who_wait_for_another_topic_go_on_waiting_and_are_not_forgotten(path: Path, threads: ThreadPoolExecutor) -> None:
    """Whoever looked may be among those who leave."""
    others, found = parked(threads, path, B), parked(threads, path, A)
    append(path, A)
    assert results(found) == [True] * MANY
    assert not any(future.done() for future in others)
    append(path, B)
    assert results(others) == [True] * MANY


def test_who_waits_no_longer_leaves_the_looking_to_another(path: Path, threads: ThreadPoolExecutor) -> None:
    short, found = parked(threads, path, A, seconds=0.0, count=1), parked(threads, path, A)
    assert results(short) == [False]
    append(path, A)
    assert results(found) == [True] * MANY


def test_one_whose_file_is_gone_is_told_and_so_is_the_next_one(path: Path, threads: ThreadPoolExecutor) -> None:
    found = parked(threads, path, A, count=2)
    for file in path.parent.iterdir():
        file.unlink()
    for future in found:
        with pytest.raises(RetryableError, match="deleted or replaced"):
            future.result(timeout=LONG / 2)


class File:
    """What can be asked of a file; counts how often."""

    def __init__(self) -> None:
        self.version, self.ends, self.looks = 0, {A: Offset(0)}, 0
        self.was_read = threading.Event()

    def read_version(self) -> int:
        return self.version

    def read_ends(self) -> dict[Topic, Offset]:
        self.looks += 1
        self.was_read.set()
        return self.ends


def test_a_file_that_does_not_change_is_read_once_by_all_who_wait(threads: ThreadPoolExecutor) -> None:
    """But for those to whom the looking is left."""
    watch, file = Watch(), File()
    found = [threads.submit(watch.wait, {A: Offset(0)}, LONG, file.read_version, file.read_ends) for _ in range(MANY)]
    assert file.was_read.wait(LONG)
    file.ends, file.version = {A: Offset(1)}, 1
    assert results(found) == [True] * MANY
    assert file.looks <= 2 + MANY


def test_what_was_seen_of_a_file_that_lost_its_end_wakes_nobody(threads: ThreadPoolExecutor) -> None:
    watch, file = Watch(), File()
    watch.appended({A: Offset(9)})
    assert not watch.wait({A: Offset(5)}, 0.0, file.read_version, file.read_ends)
