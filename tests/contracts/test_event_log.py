"""What every event log promises: one suite for all adapters."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from secrets import token_hex
from time import monotonic, sleep

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from foundation.errors import NoTopic
from foundation.eventlog.embedded.log import EmbeddedLog
from foundation.eventlog.kafka.log import KafkaLog
from foundation.eventlog.lineage import BrokenLineage, Position, newest, read_on
from foundation.eventlog.memory import MemoryLog, MemoryStore
from foundation.eventlog.port import DAY_MS, START, Event, EventLog, Offset, Record, Topic, TopicSettings
from tests.engines.kafka_topics import delete_topics
from tests.patience import HANG_SECONDS

PREFIX = f"c{token_hex(4)}"  # no other worker of the same test run has the same topics
A, B = Topic(f"{PREFIX}.01.product"), Topic(f"{PREFIX}.01.customer")
FILLER = b"filler"
TWO_DAYS = 2 * DAY_MS / 1000


@dataclass
class Adapter:
    """`open` gives another handle on the same log, `compact` forces what the log would do by itself in time."""

    open: Callable[[], EventLog]
    compact: Callable[[], None]
    restart_empty: Callable[[], None]


def embedded(folder: Path) -> Adapter:
    path, now = folder / "log.db", [1_000_000.0]

    def compact() -> None:
        now[0] += TWO_DAYS
        log = EmbeddedLog(path, clock=lambda: now[0])
        log.compact()
        log.close()

    def restart_empty() -> None:
        for file in folder.glob("log.db*"):
            file.unlink()

    return Adapter(lambda: EmbeddedLog(path, clock=lambda: now[0]), compact, restart_empty)


def memory(_folder: Path) -> Adapter:
    stores = [MemoryStore()]

    def compact() -> None:
        stores[-1].compact()

    return Adapter(lambda: MemoryLog(stores[-1]), compact, lambda: stores.append(MemoryStore()))


class OnKafka:
    """The topics of this suite on a broker."""

    def __init__(self, servers: str) -> None:
        self._servers = servers.split(",")

    @property
    def adapter(self) -> Adapter:
        return Adapter(self.open, self.compact, self.delete)

    def open(self) -> KafkaLog:
        return KafkaLog(self._servers, PREFIX)

    def compact(self) -> None:
        """Lets the cleaner take everything but the newest segment, which one more event begins."""
        with closing(self.open()) as log, closing(KafkaAdminClient(bootstrap_servers=self._servers)) as admin:
            for topic, state in log.topics().items():
                if state.end:
                    settings = {"min.compaction.lag.ms": "0", "min.cleanable.dirty.ratio": "0.01", "segment.ms": "1"}
                    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=settings)])
                    self._wait_until_compacted(log, topic)

    @staticmethod
    def _wait_until_compacted(log: KafkaLog, topic: Topic) -> None:
        left = {event.offset for event in newest(everything(log, topic)).values()}
        until = monotonic() + HANG_SECONDS
        while {event.offset for event in everything(log, topic) if event.key != FILLER} - left:
            assert monotonic() < until, "the cleaner did not come"
            log.append([Record(topic=topic, key=FILLER, value=b"")])
            sleep(0.1)  # as often as the cleaner looks

    def delete(self) -> None:
        delete_topics(",".join(self._servers), PREFIX)


@pytest.fixture(params=["embedded", "memory", "kafka"])
def adapter(request: pytest.FixtureRequest, tmp_path: Path) -> Adapter:
    match request.param:
        case "embedded":
            return embedded(tmp_path)
        case "memory":
            return memory(tmp_path)
        case _:
            kafka = OnKafka(request.getfixturevalue("kafka_servers"))
            kafka.delete()
            return kafka.adapter


@pytest.fixture
def log(adapter: Adapter) -> Iterator[EventLog]:
    opened = adapter.open()
    opened.create({A: TopicSettings(), B: TopicSettings()})
    yield opened
    opened.close()


def record(key: str, value: str | None, topic: Topic = A) -> Record:
    return Record(topic=topic, key=key.encode(), value=None if value is None else value.encode())


def everything(log: EventLog, topic: Topic = A, limit: int = 1000) -> list[Event]:
    """All events of a topic, read as a reader must: by `next_offset`."""
    found: list[Event] = []
    position = START
    while True:
        batch = log.read(topic, position, limit)
        found += batch.events
        position = batch.next_offset
        if batch.at_end:
            return found


def test_events_are_read_in_the_order_they_were_appended(log: EventLog) -> None:
    offsets = log.append([record(str(n), f"value {n}") for n in range(25)])
    assert offsets == sorted(set(offsets))
    assert [(event.offset, event.value) for event in everything(log, limit=7)] == [
        (offset, f"value {n}".encode()) for n, offset in enumerate(offsets)
    ]


def test_topics_do_not_mix_and_each_keeps_its_order(log: EventLog) -> None:
    log.append([record("1", "a", A), record("1", "b", B), record("2", "c", A), record("2", "d", B)])
    assert [event.value for event in everything(log, A)] == [b"a", b"c"]
    assert [event.value for event in everything(log, B)] == [b"b", b"d"]


def test_bytes_arrive_exact(log: EventLog) -> None:
    headers = (("hash", bytes(range(256))), ("same", b"1"), ("same", b""), ("ñ", b"\x00"))
    log.append(
        [
            Record(topic=A, key=b"", value=b"", headers=headers),
            Record(topic=A, key=b"\x00\xff", value=None, headers=()),
            Record(topic=A, key="ñ “€”".encode(), value=b"\x00" * 70_000),
        ]
    )
    found = everything(log)
    assert [(e.key, e.value, e.headers) for e in found] == [
        (b"", b"", headers),
        (b"\x00\xff", None, ()),
        ("ñ “€”".encode(), b"\x00" * 70_000, ()),
    ]
    assert found[0].header("same") == b"1"
    assert found[1].header("hash") is None


def test_what_append_returned_another_handle_reads(adapter: Adapter, log: EventLog) -> None:
    log.append([record("1", "a")])
    other = adapter.open()
    assert [event.value for event in everything(other)] == [b"a"]
    other.append([record("2", "b")])
    assert [event.value for event in everything(log)] == [b"a", b"b"]
    other.close()


def test_appending_nothing_is_nothing(log: EventLog) -> None:
    assert log.append([]) == []
    assert everything(log) == []


def test_the_end_is_where_the_next_event_goes(log: EventLog) -> None:
    before = log.state(A)
    assert before is not None
    assert log.append([record("1", "a")]) == [before.end]
    after = log.state(A)
    assert after is not None
    assert after.end == before.end + 1
    assert after.topic_id == before.topic_id
    assert log.topics()[A] == after


def test_reading_at_or_past_the_end_gives_nothing_and_stays_there(log: EventLog) -> None:
    log.append([record("1", "a")])
    state = log.state(A)
    assert state is not None
    for offset in (state.end, Offset(state.end + 5)):
        batch = log.read(A, offset)
        assert list(batch.events) == []
        assert batch.next_offset == offset
        assert batch.at_end


def test_a_limit_is_kept_and_the_batch_says_where_to_go_on(log: EventLog) -> None:
    log.append([record(str(n), "x") for n in range(5)])
    batch = log.read(A, START, 2)
    assert len(batch.events) == 2
    assert not batch.at_end
    assert log.read(A, batch.next_offset, 100).at_end


def test_a_topic_that_is_not_there_is_an_error_of_configuration(log: EventLog) -> None:
    nowhere = Topic("nowhere")
    assert log.state(nowhere) is None
    with pytest.raises(NoTopic, match="nowhere"):
        log.read(nowhere, START)
    with pytest.raises(NoTopic, match="nowhere"):
        log.append([record("1", "a"), record("1", "a", nowhere)])
    assert everything(log) == []


def test_create_makes_what_is_missing_and_leaves_the_rest(log: EventLog) -> None:
    before = log.state(A)
    new = Topic(f"{PREFIX}.01.stock.1")
    assert log.create({A: TopicSettings(), new: TopicSettings()}) == [new]
    assert log.state(A) == before
    assert log.create({A: TopicSettings(), new: TopicSettings()}) == []


def test_a_topic_that_is_kept_for_less_than_is_asked_is_told(log: EventLog) -> None:
    short, long = Topic(f"{PREFIX}.01.stock.1"), Topic(f"{PREFIX}.01.stock.2")
    log.create({short: TopicSettings(delete_retention_ms=1000), long: TopicSettings(min_compaction_lag_ms=2 * DAY_MS)})
    asked = {topic: TopicSettings() for topic in (A, short, long, Topic("nowhere"))}
    assert [(found.topic, found.found, found.wanted) for found in log.unfit(asked)] == [(short, "1000", str(90 * DAY_MS))]
    assert log.unfit({}) == []


def test_how_long_a_topic_keeps_tombstones_is_told_and_for_ever_is_a_time_like_others(log: EventLog) -> None:
    kept = {
        Topic(f"{PREFIX}.01.stock.1"): TopicSettings(min_compaction_lag_ms=0, delete_retention_ms=DAY_MS),
        Topic(f"{PREFIX}.01.stock.2"): TopicSettings(min_compaction_lag_ms=DAY_MS, delete_retention_ms=2**63 - 1),
    }
    log.create(kept)
    assert {topic: log.settings(topic) for topic in kept} == kept
    assert log.settings(A) == TopicSettings()
    assert [kept[topic].tombstones_last // timedelta(days=1) for topic in kept] == [1, 365_000]
    with pytest.raises(NoTopic):
        log.settings(Topic(f"{PREFIX}.01.nowhere"))


def test_noting_how_far_a_reader_is_changes_nothing(log: EventLog) -> None:
    log.append([record("1", "a"), record("2", "b")])
    log.commit_offsets("puente.01.centro", {A: Offset(1)})
    log.commit_offsets("puente.01.centro", {A: Offset(2), B: Offset(0)})
    log.commit_offsets("puente.01.centro", {A: Offset(2), Topic("puente.01.nowhere"): Offset(0)})
    log.commit_offsets("puente.01.norte", {})
    assert len(everything(log)) == 2


def test_of_topics_that_are_named_those_that_there_are_are_told(log: EventLog) -> None:
    log.append([record("1", "a")])
    assert log.topics([B, A, Topic(f"{PREFIX}.01.nowhere")]) == log.topics()
    assert log.topics([A]) == {A: log.state(A)}
    assert log.topics([Topic(f"{PREFIX}.01.nowhere")]) == log.topics([]) == {}


def test_topics_have_identities_of_their_own_and_keep_them(adapter: Adapter, log: EventLog) -> None:
    ids = {topic: state.topic_id for topic, state in log.topics().items()}
    assert len(set(ids.values())) == 2
    other = adapter.open()
    assert {topic: state.topic_id for topic, state in other.topics().items()} == ids
    other.close()


def test_a_log_made_again_has_other_identities_and_is_another_history(adapter: Adapter, log: EventLog) -> None:
    log.append([record("1", "a")])
    _, position = read_on(log, A, None)
    log.close()
    adapter.restart_empty()
    again = adapter.open()
    again.create({A: TopicSettings()})
    again.append([record("1", "a"), record("2", "b")])
    with pytest.raises(BrokenLineage):
        read_on(again, A, position)
    again.close()


def test_the_newest_event_of_every_key_survives_compaction(adapter: Adapter, log: EventLog) -> None:
    log.append([record("1", "old"), record("2", None), record("1", "new"), record("3", "x"), record("3", None), record("9", "last")])
    adapter.compact()
    survived = newest(everything(log))
    assert survived[b"1"].value == b"new"
    assert survived[b"9"].value == b"last"
    for key in (b"2", b"3"):
        assert key not in survived or survived[key].value is None


def test_a_reader_goes_on_over_the_gaps_that_compaction_leaves(adapter: Adapter, log: EventLog) -> None:
    log.append([record(str(n % 3), str(n)) for n in range(30)])
    _, position = read_on(log, A, None, 4)
    log.append([record("0", "last")])
    adapter.compact()
    found = everything(log)
    assert [event.offset for event in found] == sorted(event.offset for event in found)
    state = log.state(A)
    assert state is not None
    assert state.end >= 31
    after = position.next_offset
    while not (batch := log.read(A, after)).at_end:
        assert batch.next_offset > after
        after = batch.next_offset


def test_wait_wakes_up_when_another_handle_appends(adapter: Adapter, log: EventLog) -> None:
    state = log.state(A)
    assert state is not None

    def append_soon() -> None:
        other = adapter.open()
        other.append([record("1", "a")])
        other.close()

    timer = threading.Timer(0.05, append_soon)
    timer.start()
    assert log.wait({A: state.end}, 10)
    timer.join()


def test_wait_ends_when_nothing_comes_and_at_once_when_something_is_there(log: EventLog) -> None:
    log.append([record("1", "a")])
    assert not log.wait({A: Offset(1), B: Offset(0)}, 0.02)
    assert log.wait({A: Offset(0)}, 0)
    assert not log.wait({Topic("nowhere"): Offset(0)}, 0.02)


def test_writers_at_the_same_time_lose_nothing_and_share_no_place(adapter: Adapter, log: EventLog) -> None:
    offsets: list[Offset] = []
    lock = threading.Lock()

    def write(name: int) -> None:
        own = adapter.open()
        for turn in range(20):
            got = own.append([record(f"{name}-{turn}-{n}", "x") for n in range(5)])
            assert list(got) == sorted(got)
            with lock:
                offsets.extend(got)
        own.close()

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(offsets) == len(set(offsets)) == 400
    assert {event.key.decode() for event in everything(log)} == {f"{w}-{t}-{n}" for w in range(4) for t in range(20) for n in range(5)}


EVENTS = st.lists(st.tuples(st.sampled_from("abcd"), st.none() | st.text(max_size=3), st.booleans()), max_size=25)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=EVENTS, limit=st.integers(1, 6))
def test_a_reader_that_stops_anywhere_ends_with_the_newest_of_each_key(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[str, str | None, bool]], limit: int
) -> None:
    for make in (embedded, memory):
        adapter = make(tmp_path_factory.mktemp("log"))
        reader = Reader(adapter, limit)
        for key, value, compacts in events:
            reader.log.append([record(key, value)])
            if compacts:
                adapter.compact()
                reader.read()
        while not reader.read():
            pass
        last = {key: value for key, value, _ in events}
        assert reader.live == {key.encode(): value.encode() for key, value in last.items() if value is not None}
        reader.log.close()


class Reader:
    """Reads on from where it was, and from the start when the event it read last is gone."""

    def __init__(self, adapter: Adapter, limit: int) -> None:
        self.log, self._limit = adapter.open(), limit
        self.log.create({A: TopicSettings()})
        self._position: Position | None = None
        self.live: dict[bytes, bytes] = {}

    def read(self) -> bool:
        """One batch; whether it reached the end."""
        try:
            batch, self._position = read_on(self.log, A, self._position, self._limit)
        except BrokenLineage:
            self.live.clear()
            self._position = None
            return False
        for event in batch.events:
            self.live.pop(event.key, None)
            if event.value is not None:
                self.live[event.key] = event.value
        return batch.at_end
