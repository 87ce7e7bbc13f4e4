"""The log index is known by reading the log alone; a log that is not the one that was read is started over with."""

from collections.abc import Callable, Iterable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import RetryableError
from foundation.eventlog.lineage import BrokenLineage
from foundation.eventlog.port import Event, Headers, Offset, Record, Topic
from producer.index import READ_AT_ONCE, UNREADABLE, LogChanged, LogIndex
from producer.poll import HEARTBEAT_SECONDS
from producer.sae.tables import Clin, Mult
from schemas.entities import Entity, Subject
from schemas.headers import HASH
from schemas.keys import Key
from tests.fakes.sae import row
from tests.unit.producing import TOPICS, Site, foreign

LINES = Subject(Entity.PRODUCT_LINE)
STOCK = Subject(Entity.STOCK, 1)
TOPIC = TOPICS.of(LINES)
LINE = {"line": "X", "description": None, "is_group": False, "status": "active"}


def settled_site() -> Site:
    site = Site(row(Clin, "L"), row(Clin, "M"), row(Mult, "A", 1, exist=1.0))
    site.settled()
    return site


def starts_over(site: Site) -> None:
    """The pass before the next heartbeat fails in a way that is worth trying again, the ones after it mend the log."""
    site.clock.seconds += HEARTBEAT_SECONDS
    with pytest.raises(RetryableError) as raised:
        site.run()
    assert isinstance(raised.value, LogChanged | BrokenLineage)
    site.settled()
    assert site.agrees()
    assert site.heartbeats()[-1].complete


# what is read


def test_a_look_at_a_log_that_did_not_grow_reads_no_topic_and_before_a_heartbeat_all_are_read() -> None:
    site = settled_site()
    site.run()
    site.log.plan(0)
    site.run()
    assert site.log.calls == 1  # which topics there are, and where they end
    site.clock.seconds += HEARTBEAT_SECONDS
    site.log.plan(0)
    site.run()
    topics = sum(TOPICS.subject(topic) is not None or topic == TOPICS.control for topic in site.log.store.topics)
    assert site.log.calls == 1 + topics + 1  # the last one says it


def test_a_topic_that_grew_is_read_at_once() -> None:
    site = settled_site()
    site.run()
    site.log.slip_in(foreign(LINES, Key("L"), None))
    assert site.run().published == 1
    assert site.agrees()


def test_the_log_index_holds_what_the_log_holds() -> None:
    site = settled_site()
    index = LogIndex(site.log, TOPICS)
    index.read()
    assert {key: index.hashes(LINES)[key] for key in (b"L", b"M")} == {key.encode(): site.in_log()[LINES, key.encode()] for key in "LM"}
    assert set(index.subjects()) == {Subject(entity) for entity in Entity if entity is not Entity.STOCK} | {STOCK}


def test_the_log_index_does_not_change_by_sending() -> None:
    site = settled_site()
    index = LogIndex(site.log, TOPICS)
    index.read()
    record = foreign(LINES, "N", LINE)
    index.acknowledged([record], site.log.append([record]))
    assert b"N" not in index.hashes(LINES)
    index.read()
    assert b"N" in index.hashes(LINES)
    assert index.take_foreign() == set()


def test_a_tombstone_takes_its_key_out() -> None:
    site = settled_site()
    index = LogIndex(site.log, TOPICS)
    index.read()
    site.log.slip_in(foreign(LINES, "L", None))
    index.read()
    assert set(index.hashes(LINES)) == {b"M"}


def test_an_event_of_somebody_else_enters_the_log_index_and_is_told_once() -> None:
    site = settled_site()
    index = LogIndex(site.log, TOPICS)
    index.read()
    assert index.take_foreign() == set()
    site.log.slip_in(foreign(LINES, "X", LINE))
    index.read()
    assert b"X" in index.hashes(LINES)
    assert index.take_foreign() == {(LINES, b"X")}
    assert index.take_foreign() == set()


def test_a_topic_of_somebody_else_is_read_and_its_keys_are_checked() -> None:
    site = settled_site()
    other = Subject(Entity.STOCK, 9)
    site.log.create({TOPICS.of(other): TOPICS.fixed()[TOPICS.control]})
    site.log.slip_in(foreign(other, "A", {"sku": "A", "warehouse": 9, "quantity": Decimal(1)}))
    assert [(record.topic, record.value) for record in site.settled()] == [(TOPICS.of(other), None)]


@pytest.mark.parametrize("headers", [(), (("hash", b"\xff"),), (("hash", b"h"), ("captured", b"?"))], ids=repr)
def test_an_event_whose_headers_cannot_be_read_is_published_again(headers: tuple[tuple[str, bytes], ...]) -> None:
    site = settled_site()
    good = site.log.newest(TOPIC)[b"L"]
    site.log.slip_in(Record(topic=TOPIC, key=b"L", value=good.value, headers=headers))
    index = LogIndex(site.log, TOPICS)
    index.read()
    assert index.hashes(LINES)[b"L"] == UNREADABLE
    assert [(record.topic, record.key) for record in site.settled()] == [(TOPIC, b"L")]
    assert site.agrees()


GOOD = foreign(LINES, Key("L"), LINE).headers
HEADERS = st.sampled_from(
    [
        GOOD,
        foreign(LINES, Key("L"), LINE).headers,
        ((HASH, b"short"), *GOOD[1:]),
        ((HASH, b""), *GOOD[1:]),
        ((HASH, b"\xff" * 16), *GOOD[1:]),
        (("other", b"AAAAAAAAAAAAAAAA"), *GOOD[1:]),
        (*GOOD[1:], GOOD[0]),
        GOOD[:1],
        GOOD[1:],
        (GOOD[0], *GOOD[2:]),
        (),
    ]
)
EVENTS = st.lists(st.tuples(st.sampled_from([b"L", b"M", b"\xff"]), st.booleans(), HEADERS), max_size=20)


@given(EVENTS)
def test_what_is_read_at_a_start_and_what_is_read_later_make_the_same_index(events: list[tuple[bytes, bool, Headers]]) -> None:
    """At a start most headers are not taken apart; whatever somebody wrote there counts the same."""
    site = settled_site()
    later = LogIndex(site.log, TOPICS)
    later.read()
    for key, lives, headers in events:
        site.log.append([Record(topic=TOPIC, key=key, value=b"body" if lives else None, headers=headers)])
    at_start = LogIndex(site.log, TOPICS)
    for index in (later, at_start):
        index.read()
    assert dict(at_start.hashes(LINES)) == dict(later.hashes(LINES))
    assert at_start.take_foreign() == set()


def test_a_key_that_is_no_text_gets_a_tombstone() -> None:
    site = settled_site()
    site.log.slip_in(Record(topic=TOPIC, key=b"\xff\xfe", value=b"?"))
    assert [(record.key, record.value) for record in site.settled()] == [(b"\xff\xfe", None)]


def test_a_topic_of_many_events_is_read_in_parts() -> None:
    site = Site()
    site.run()
    site.log.slip_in(*(foreign(LINES, f"{number}", LINE) for number in range(READ_AT_ONCE + 2)))
    index = LogIndex(site.log, TOPICS)
    index.read()
    assert len(index.hashes(LINES)) == READ_AT_ONCE + 2
    index.read()
    assert index.take_foreign() == set()


def test_compaction_changes_nothing_for_the_view() -> None:
    site = settled_site()
    site.sae.put(row(Clin, "L", desc_lin="new"))
    site.run()
    site.sae.put(row(Clin, "L", desc_lin="newer"))
    site.settled()
    site.log.store.compact()
    assert site.settled() == []
    site.restart()
    assert site.settled() == []
    assert site.agrees()


# a log that is not the one that was read


def _refill(site: Site, count: int, *keys: str) -> None:
    site.log.cut(TOPIC, count)
    site.log.slip_in(*(foreign(LINES, key, LINE) for key in keys))


CHANGED: dict[str, Callable[[Site], None]] = {
    "its tail was lost": lambda site: site.log.cut(TOPIC, 1),
    "its tail was lost and others wrote as much": lambda site: _refill(site, 1, "X"),
    "its tail was lost and others wrote more": lambda site: _refill(site, 2, "X", "Y", "Z"),
    "all of it was lost": lambda site: site.log.cut(TOPIC, 100),
    "the topic was made again": lambda site: site.log.make_again(TOPIC),
    "an empty topic was made again": lambda site: site.log.make_again(TOPICS.of(Subject(Entity.CUSTOMER))),
    "the topic was deleted": lambda site: site.log.delete(TOPIC),
    "a stock topic was deleted": lambda site: site.log.delete(TOPICS.of(STOCK)),
    "the control topic was made again": lambda site: site.log.make_again(TOPICS.control),
    "the control topic lost its tail": lambda site: site.log.cut(TOPICS.control, 1),
}


@pytest.mark.parametrize("change", CHANGED)
def test_the_producer_starts_over_and_the_log_ends_equal_to_sae(change: str) -> None:
    site = settled_site()
    CHANGED[change](site)
    starts_over(site)


def test_a_tail_that_is_lost_before_it_was_read_back_is_found() -> None:
    site = settled_site()
    site.sae.put(row(Clin, "N"))
    append, lost = site.log.append, set[Topic]()

    def lose(records: Iterable[Record]) -> list[Offset]:
        part = list(records)
        offsets = append(part)
        if any(record.topic == TOPIC for record in part) and TOPIC not in lost:
            lost.add(TOPIC)
            site.log.cut(TOPIC, 1)
        return offsets

    site.log.append = lose  # type: ignore[method-assign]
    starts_over(site)


def test_another_event_at_the_place_of_an_acknowledged_one_is_found() -> None:
    site = settled_site()
    index = LogIndex(site.log, TOPICS)
    index.read()
    record = foreign(LINES, "N", LINE)
    index.acknowledged([record], site.log.append([record]))
    site.log.cut(TOPIC, 1)
    site.log.slip_in(foreign(LINES, "X", LINE))
    with pytest.raises(LogChanged, match=r"does not hold.*product_line at 2"):
        index.read()


def test_two_acknowledgements_for_one_place_are_found_at_once() -> None:
    site = settled_site()
    index = LogIndex(site.log, TOPICS)
    index.read()
    record = foreign(LINES, "N", LINE)
    index.acknowledged([record], site.log.append([record]))
    site.log.cut(TOPIC, 1)
    with pytest.raises(LogChanged, match="two events for one place"):
        index.acknowledged([record], site.log.append([record]))


def test_the_heartbeat_is_read_back_like_every_event() -> None:
    site = settled_site()
    site.sae.put(row(Clin, "N"))
    site.run()
    site.log.cut(TOPICS.control, 1)
    starts_over(site)


def test_an_event_is_the_same_only_with_its_headers() -> None:
    """Run and capture time tell two producers' equal contents apart."""
    site = settled_site()
    stored = site.log.store.topics[TOPIC]
    last = stored.events[-1]
    stored.events[-1] = Event(last.offset, last.key, last.value, (*last.headers[:-2], ("run", b"other"), last.headers[-1]))
    starts_over(site)


def test_ends_count_what_was_acknowledged_and_not_yet_read() -> None:
    site = settled_site()
    index = LogIndex(site.log, TOPICS)
    index.read()
    assert index.ends()[LINES][1] == 2
    record = foreign(LINES, Key("N"), LINE)
    index.acknowledged([record], site.log.append([record]))
    assert index.ends()[LINES][1] == 3
    assert set(index.ends()) == set(index.subjects())
