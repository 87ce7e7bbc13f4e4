"""Copying a log into another: any history, cut short anywhere, ends with the same newest event of each key; what is foreign is refused."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.errors import ConfigError, ExitCode, RetryableError
from foundation.eventlog import lineage as history
from foundation.eventlog.lineage import BrokenLineage, digest
from foundation.eventlog.memory import MemoryLog
from foundation.eventlog.port import DAY_MS, Batch, Event, Headers, Offset, Record, Topic, TopicSettings
from puente.commands import logcopy
from puente.commands.logcopy import Result, Side
from tests.fakes.failing_log import FailingLog

Content = tuple[bytes, bytes | None, Headers]
PRODUCT, CUSTOMER, CONTROL, REGISTRY = "01.product", "01.customer", "01.control", "schemas"
ENTITIES = (PRODUCT, CUSTOMER)
ALL = (CONTROL, CUSTOMER, PRODUCT, REGISTRY)


class Move:
    """A log of the prefix `puente` with a heartbeat in it, and another one, of the prefix `moved`, where nothing is yet."""

    def __init__(self) -> None:
        self.source, self.target = FailingLog(), FailingLog()
        self.source.create({self.topic(name): TopicSettings() for name in ALL})
        self.write(CONTROL, "producer", "word")
        self.write(REGISTRY, "1", "schema")
        self.told: list[tuple[Topic, float]] = []

    @staticmethod
    def topic(name: str, prefix: str = "puente") -> Topic:
        return Topic(f"{prefix}.{name}")

    def write(self, name: str, key: str, value: str | None, headers: Headers = ()) -> None:
        self.source.slip_in(record(self.topic(name), key, value, headers))

    def write_there(self, name: str, key: str, value: str | None) -> None:
        self.target.create({self.topic(name, "moved"): TopicSettings()})
        self.target.slip_in(record(self.topic(name, "moved"), key, value))

    def sides(self) -> tuple[Side, Side]:
        return Side(log=self.source, prefix="puente"), Side(log=self.target, prefix="moved")

    def copy(self) -> Result:
        of, into = self.sides()
        return logcopy.copy(of, into, logcopy.plan(of, into, self.watch), self.watch)

    def watch(self, topic: Topic, done: float) -> None:
        assert 0 <= done <= 1
        self.told.append((topic, done))

    def sent(self, name: str) -> list[Content]:
        return [content(event) for event in self.source.store.topics[self.topic(name)].events]

    def kept(self, name: str) -> list[Content]:
        stored = self.target.store.topics.get(self.topic(name, "moved"))
        return [content(event) for event in stored.events] if stored else []

    def live(self, log: FailingLog, name: str, prefix: str) -> dict[bytes, bytes | None]:
        return {key: event.value for key, event in log.newest(self.topic(name, prefix)).items()}

    def is_moved(self) -> bool:
        return all(self.live(self.source, name, "puente") == self.live(self.target, name, "moved") for name in (*ENTITIES, REGISTRY))

    def expire(self) -> None:
        """The source is compacted, and its tombstones have been kept for as long as they are; a topic's last event stays."""
        self.source.store.compact()
        for stored in self.source.store.topics.values():
            stored.events = [event for event in stored.events if event.value is not None or event.offset == stored.end - 1]

    def cannot_go_on(self) -> bool:
        """Whether of some topic the source has nothing left that the target has, or has forgotten a key that lives there."""
        forgotten = [
            self.live(self.target, name, "moved").keys() - {event.key for event in self.source.store.topics[self.topic(name)].events}
            for name in ENTITIES
        ]
        sent, kept = ({name: digests(log, self.topic(name, prefix)) for name in ALL} for log, prefix in self.logs())
        return any(forgotten) or any(kept[name] and not kept[name] & sent[name] for name in ALL)

    def logs(self) -> tuple[tuple[MemoryLog, str], ...]:
        return (self.source, "puente"), (self.target, "moved")


def record(topic: Topic, key: str, value: str | None, headers: Headers = ()) -> Record:
    return Record(topic=topic, key=key.encode(), value=None if value is None else value.encode(), headers=headers)


def content(event: Event) -> Content:
    return event.key, event.value, event.headers


def digests(log: MemoryLog, topic: Topic) -> set[str]:
    stored = log.store.topics.get(topic)
    return {digest(event) for event in stored.events} if stored else set()


def copied(result: Result) -> dict[str, int]:
    return {topic.topic.removeprefix("puente."): topic.copied for topic in result.topics}


def test_every_topic_but_the_producers_heartbeats_is_copied_with_all_that_its_events_hold() -> None:
    move = Move()
    headers = (("hash", bytes(range(256))), ("same", b"1"), ("same", b""), ("ñ", b"\x00"))
    move.write(PRODUCT, "MART-16", "Martillo", headers)
    move.write(PRODUCT, "MART-16", None)
    move.write(PRODUCT, "", "", ())
    result = move.copy()
    assert {topic: state.end for topic, state in move.target.topics().items()} == {
        "moved.schemas": 1,
        "moved.01.product": 3,
        "moved.01.customer": 0,
    }
    assert move.kept(PRODUCT) == move.sent(PRODUCT) == [(b"MART-16", b"Martillo", headers), (b"MART-16", None, ()), (b"", b"", ())]
    assert result.exit_code is ExitCode.OK
    assert result.grew == []
    product = next(topic for topic in result.topics if topic.topic == "puente.01.product")
    assert (product.source.events, product.source.keys, product.source.tombstones, product.copied) == (3, 1, 1, 3)
    assert (product.into, product.target, product.equal) == ("moved.01.product", product.source, True)
    assert result.topics[0].topic == "puente.schemas"


def test_topics_of_other_prefixes_in_the_same_file_stay_where_they_are() -> None:
    move = Move()
    other = Topic("puente2.01.product")
    move.source.create({other: TopicSettings()})
    move.source.slip_in(record(other, "1", "a"))
    move.copy()
    assert set(move.target.topics()) == {"moved.schemas", "moved.01.product", "moved.01.customer"}


def test_a_topic_that_the_target_lacks_is_kept_as_puente_needs_it() -> None:
    move = Move()
    move.copy()
    kept = {topic: stored.settings for topic, stored in move.target.store.topics.items()}
    assert kept[Topic("moved.01.product")] == TopicSettings(min_compaction_lag_ms=DAY_MS, delete_retention_ms=90 * DAY_MS)


def test_a_second_copy_adds_what_came_since_and_a_third_one_nothing() -> None:
    move = Move()
    for number in range(2500):
        move.write(PRODUCT, str(number), "a")
    assert copied(move.copy())[PRODUCT] == 2500
    move.write(PRODUCT, "7", "b")
    move.write(CUSTOMER, "1", "c")
    assert copied(move.copy()) == {REGISTRY: 0, CUSTOMER: 1, PRODUCT: 1}
    assert copied(move.copy()) == {REGISTRY: 0, CUSTOMER: 0, PRODUCT: 0}
    assert move.kept(PRODUCT) == move.sent(PRODUCT)


def test_it_is_told_how_far_each_topic_is() -> None:
    move = Move()
    for number in range(2500):
        move.write(PRODUCT, str(number), "a")
    move.copy()
    told = [done for topic, done in move.told if topic == "puente.01.product"]
    assert told == sorted(told)
    assert told[-1] == 1
    assert len(set(told)) > 8


def test_what_is_planned_is_counted_and_nothing_is_written() -> None:
    move = Move()
    move.write(PRODUCT, "1", "a")
    of, into = move.sides()
    found = logcopy.count(of, logcopy.plan(of, into, move.watch))
    assert {task.into: (task.target is None, events) for task, events in found} == {
        "moved.schemas": (True, 1),
        "moved.01.customer": (True, 0),
        "moved.01.product": (True, 1),
    }
    assert move.target.topics() == {}
    move.copy()
    move.write(PRODUCT, "2", "b")
    found = logcopy.count(of, logcopy.plan(of, into, move.watch))
    assert {task.into: (task.target is None, events) for task, events in found} == {
        "moved.schemas": (False, 0),
        "moved.01.customer": (False, 0),
        "moved.01.product": (False, 1),
    }


def refused(move: Move, saying: str) -> None:
    """Before anything is written."""
    before = {topic: list(stored.events) for topic, stored in move.target.store.topics.items()}
    with pytest.raises(ConfigError, match=saying):
        move.copy()
    assert {topic: stored.events for topic, stored in move.target.store.topics.items()} == before


def in_another_order(move: Move) -> None:
    move.write_there(PRODUCT, "2", "b")
    move.write_there(PRODUCT, "1", "a")


@pytest.mark.parametrize(
    "prepare",
    [
        pytest.param(lambda move: move.write_there(PRODUCT, "1", "theirs"), id="another event"),
        pytest.param(in_another_order, id="another order"),
        pytest.param(lambda move: move.write_there("01.stock.9", "1", "a"), id="a topic that the source lacks"),
        pytest.param(lambda move: move.write_there(CUSTOMER, "1", "a"), id="a topic that is empty in the source"),
        pytest.param(lambda move: move.write_there(REGISTRY, "9", "a newer schema"), id="another registry"),
    ],
)
def test_a_target_that_holds_something_else_is_refused_and_named(prepare: Callable[[Move], None]) -> None:
    move = Move()
    move.write(PRODUCT, "1", "a")
    move.write(PRODUCT, "2", "b")
    prepare(move)
    topic = next(iter(move.target.store.topics))
    refused(move, rf"{topic} of the target holds what the source does not.*another prefix.*delete")


def test_a_target_that_is_ahead_of_the_source_is_refused() -> None:
    move = Move()
    move.write(PRODUCT, "1", "a")
    move.copy()
    move.write_there(PRODUCT, "1", "b")
    refused(move, r"moved\.01\.product")


@pytest.mark.parametrize("last", ["a word", None])
def test_a_target_where_a_producer_lives_or_lived_is_refused(last: str | None) -> None:
    move = Move()
    move.copy()
    move.write_there(CONTROL, "producer", last)
    refused(move, r"A producer has written to the target already \(moved\.01\.control\).*another prefix.*delete")


def test_topics_that_setup_made_are_no_obstacle() -> None:
    move = Move()
    move.write(PRODUCT, "1", "a")
    move.target.create({move.topic(name, "moved"): TopicSettings() for name in ALL})
    move.write_there(REGISTRY, "1", "schema")
    assert copied(move.copy()) == {REGISTRY: 0, CUSTOMER: 0, PRODUCT: 1}


def test_a_log_is_not_copied_into_itself() -> None:
    move = Move()
    side = Side(log=move.source, prefix="puente")
    with pytest.raises(ConfigError, match="the source itself"):
        logcopy.plan(side, side, move.watch)


def test_a_log_may_be_copied_to_another_prefix_of_the_same_file() -> None:
    move = Move()
    move.write(PRODUCT, "1", "a")
    move.target = move.source
    assert move.copy().exit_code is ExitCode.OK
    assert move.kept(PRODUCT) == move.sent(PRODUCT)


def test_a_source_with_no_topic_is_no_log_to_copy() -> None:
    move = Move()
    move.source = FailingLog()
    refused(move, "nothing to copy")


def test_what_compaction_took_from_the_source_since_is_no_obstacle() -> None:
    move = Move()
    for key in "12345":
        move.write(PRODUCT, key, "a")
    move.copy()
    for key in "1245":  # the first ones of the target, and its last
        move.write(PRODUCT, key, "b")
    move.source.store.compact()
    assert copied(move.copy())[PRODUCT] == 4
    assert [key for key, _, _ in move.kept(PRODUCT)] == [b"1", b"2", b"3", b"4", b"5", b"1", b"2", b"4", b"5"]


def test_what_compaction_took_from_the_target_since_is_not_copied_again() -> None:
    move = Move()
    for key, value in (("1", "a"), ("2", "a"), ("1", "b"), ("3", "a"), ("2", None)):
        move.write(PRODUCT, key, value)
    move.copy()
    move.target.store.compact()
    move.write(PRODUCT, "4", "a")
    assert copied(move.copy())[PRODUCT] == 1


def test_a_target_that_lacks_an_event_in_the_middle_is_refused() -> None:
    move = Move()
    for key in "123":
        move.write(PRODUCT, key, "a")
    move.write_there(PRODUCT, "1", "a")
    move.write_there(PRODUCT, "3", "a")
    refused(move, r"moved\.01\.product")


def test_an_event_that_comes_again_after_its_twin_was_superseded_and_compacted_is_copied_again() -> None:
    move = Move()
    for key, value in (("1", "a"), ("2", "a"), ("1", "b")):
        move.write(PRODUCT, key, value)
    move.copy()
    move.source.store.compact()
    move.write(PRODUCT, "1", "a")
    assert copied(move.copy())[PRODUCT] == 1
    assert move.is_moved()


def test_keys_and_tombstones_are_counted_by_their_newest_event() -> None:
    move = Move()
    for key, value in (("1", "a"), ("2", "a"), ("2", None), ("3", None), ("3", "a"), ("1", "b"), ("4", None)):
        move.write(PRODUCT, key, value)
    product = move.copy().topics[-1].source
    assert (product.events, product.keys, product.tombstones) == (7, 2, 2)


class Written(FailingLog):
    """A log that somebody else writes to while it is read."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], None] = lambda: None

    def read(self, topic: Topic, offset: Offset, limit: int = 1000) -> Batch:
        batch = super().read(topic, offset, limit)
        act, self.meanwhile = self.meanwhile, lambda: None
        act()
        return batch


def while_the_source_is_read(act: Callable[[Move], None]) -> Move:
    move = Move()
    move.source = source = Written()
    move.source.create({move.topic(name): TopicSettings() for name in ALL})
    move.write(REGISTRY, "1", "schema")
    move.write(PRODUCT, "1", "a")
    source.meanwhile = lambda: act(move)
    return move


@pytest.mark.parametrize("name", [PRODUCT, CONTROL, "01.stock.1"])
def test_a_source_that_grew_meanwhile_is_told_and_equal_as_far_as_it_was(name: str) -> None:
    def write(move: Move) -> None:
        move.source.create({move.topic(name): TopicSettings()})
        move.write(name, "2", "b")

    move = while_the_source_is_read(write)
    result = move.copy()
    assert result.grew == [move.topic(name)]
    assert result.exit_code is ExitCode.OK
    assert move.kept(PRODUCT) == [(b"1", b"a", ())]
    result = move.copy()
    assert result.grew == []
    assert move.kept(PRODUCT) == move.sent(PRODUCT)


@pytest.mark.parametrize("how", ["cut", "made again", "deleted"])
def test_a_source_that_is_another_one_meanwhile_is_an_error_and_nothing_is_called_equal(how: str) -> None:
    def spoil(move: Move) -> None:
        topic = move.topic(PRODUCT)
        match how:
            case "cut":
                move.source.cut(topic, 1)
            case "made again":
                move.source.make_again(topic)
                move.write(PRODUCT, "1", "a")
            case _:
                move.source.delete(topic)

    move = while_the_source_is_read(spoil)
    with pytest.raises((BrokenLineage, ConfigError), match=r"puente\.01\.product"):
        move.copy()
    assert move.kept(PRODUCT) == []


@pytest.mark.parametrize(("key", "value"), [("1", "theirs"), ("1", None), ("2", "theirs")])
def test_an_event_that_somebody_slips_into_the_target_is_a_difference(key: str, value: str | None) -> None:
    class SlippedInto(FailingLog):
        def append(self, records: Iterable[Record]) -> list[Offset]:
            offsets = super().append(records)
            if self.store.topics[slipped.topic].end:
                self.slip_in(slipped)
            return offsets

    slipped = record(Topic("moved.01.product"), key, value)
    move = Move()
    move.target = SlippedInto()
    move.write(PRODUCT, "1", "a")
    result = move.copy()
    assert {topic.topic: topic.equal for topic in result.topics} == {
        "puente.schemas": True,
        "puente.01.customer": True,
        "puente.01.product": False,
    }
    assert result.exit_code is ExitCode.DIFFERENCES


def test_a_tombstone_that_the_source_no_longer_keeps_is_no_obstacle_and_no_difference() -> None:
    move = Move()
    for key, value in (("1", "a"), ("2", "a"), ("2", None), ("3", "a")):
        move.write(PRODUCT, key, value)
    move.copy()
    move.write(PRODUCT, "4", "a")
    move.expire()
    assert [key for key, _, _ in move.sent(PRODUCT)] == [b"1", b"3", b"4"]
    result = move.copy()
    assert copied(result)[PRODUCT] == 1
    assert result.exit_code is ExitCode.OK


@pytest.mark.parametrize("value", ["b", "a"])
def test_a_tombstone_of_somebody_else_is_refused(value: str) -> None:
    move = Move()
    for key in ("1", "2", "3"):
        move.write(PRODUCT, key, "a")
    move.copy()
    move.write_there(PRODUCT, "1", None)
    move.write(PRODUCT, "2", value)
    refused(move, r"moved\.01\.product")


# Any history


WRITES = st.tuples(st.just("write"), st.sampled_from(ENTITIES), st.sampled_from("abcd"), st.booleans())
COPIES = st.tuples(st.just("copy"), st.integers(1, 14), st.sampled_from(["before", "after", "half"]))
COMPACTIONS = st.tuples(st.just("compact"), st.sampled_from(["source", "target", "expire"]))
HISTORY = st.tuples(st.lists(WRITES | COPIES | COMPACTIONS, max_size=40), st.integers(1, 4))
WITH_TWINS = st.tuples(st.lists(WRITES | COPIES, max_size=40), st.integers(1, 4))


def play(move: Move, steps: list[Any], headers: Callable[[], Headers]) -> bool:
    """Whether every copy could go on, interrupted or not."""
    for step in steps:
        match step:
            case ("write", name, key, is_gone):
                move.write(name, key, None if is_gone else "value", headers())
            case ("compact", "expire"):
                move.expire()
            case ("compact", which):
                (move.source if which == "source" else move.target).store.compact()
            case ("copy", at, how):
                move.target.plan(at, how)
                if not goes_on(move):
                    return False
            case _:
                raise AssertionError(step)
    move.target.plan(0)
    return goes_on(move)


def goes_on(move: Move) -> bool:
    try:
        move.copy()
    except RetryableError:
        pass
    except ConfigError:
        move.target.plan(0)
        assert move.cannot_go_on()
        return False
    return True


@settings(max_examples=1500, deadline=None, derandomize=True)
@given(HISTORY)
def test_any_history_copied_with_interruptions_ends_with_the_same_newest_event_of_each_key(drawn: tuple[list[Any], int]) -> None:
    (steps, part), numbers, move = drawn, count(), Move()
    with parts_of(part):
        if not play(move, steps, lambda: (("captured", str(next(numbers)).encode()),)):
            return
        assert move.is_moved()
        if not any(step[0] == "compact" for step in steps):
            assert all(move.kept(name) == move.sent(name) for name in (*ENTITIES, REGISTRY))
        again = move.copy()
        assert again.exit_code is ExitCode.OK
        assert set(copied(again).values()) == {0}


@settings(max_examples=300, deadline=None, derandomize=True)
@given(WITH_TWINS)
def test_events_that_are_alike_are_each_copied_once(drawn: tuple[list[Any], int]) -> None:
    (steps, part), move = drawn, Move()
    with parts_of(part):
        assert play(move, steps, tuple)
        assert all(move.kept(name) == move.sent(name) for name in (*ENTITIES, REGISTRY))


@contextmanager
def parts_of(size: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as small:
        small.setattr(logcopy, "APPENDED_AT_ONCE", size)
        small.setattr(history, "READ_AT_ONCE", size)
        yield
