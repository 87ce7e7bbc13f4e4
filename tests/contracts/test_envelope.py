"""What stands around a value: the frame, the headers, the names of topics, the registry, the producer's word."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import ConfigError, PoisonError
from foundation.eventlog.memory import MemoryLog
from foundation.eventlog.port import Event, Headers, Offset, Record, Topic, TopicId, TopicSettings
from schemas.codec import FRAME, NAMES, Decoder, UnknownSchemaError, bundled, encode, frame, schema_id
from schemas.control import KEY, Duplicate, Heartbeat, HeldDeletes, HeldUpdates, StuckTable, TopicHeartbeat, Unpublished, parse, record
from schemas.entities import CATALOGUES, Entity, Subject
from schemas.headers import EventHeaders, read_hash, read_headers
from schemas.registry import RegistryReader, publish_schemas, read_schemas
from schemas.topics import Topics
from tests.contracts.schema_values import values

TOPICS = Topics("puente", "01")
SUBJECTS = st.one_of(
    st.sampled_from(CATALOGUES).map(Subject),
    st.integers(-(2**31), 2**31 - 1).map(lambda warehouse: Subject(Entity.STOCK, warehouse)),
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


# the frame


@given(st.data(), st.binary(max_size=300))
def test_garbage_is_poison_and_nothing_else(data: st.DataObject, garbage: bytes) -> None:
    """Whatever the bytes are, the reader knows what to do next."""
    name = data.draw(st.sampled_from(NAMES))
    try:
        found = Decoder().decode(name, FRAME.pack(0, bundled(name).id) + garbage)
    except PoisonError:
        return
    assert found.keys() == {field["name"] for field in json.loads(bundled(name).text)["fields"]}


@given(st.data())
def test_a_body_with_bytes_changed_missing_or_added_is_never_an_unknown_error(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(NAMES))
    framed = bytearray(frame(name, encode(name, data.draw(values(json.loads(bundled(name).text))))))
    for place in data.draw(st.lists(st.integers(FRAME.size, len(framed) - 1), max_size=3)):
        framed[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(FRAME.size, len(framed)))
    try:
        Decoder().decode(name, bytes(framed[:cut]) + data.draw(st.binary(max_size=2)))
    except PoisonError:
        return


@pytest.mark.parametrize("framed", [b"", b"\0", b"\0\0\0\0", b"\1\0\0\0\6AB", b'{"sku": "A"}'], ids=repr)
def test_what_has_no_frame_is_poison(framed: bytes) -> None:
    with pytest.raises(PoisonError):
        Decoder().decode("stock", framed)


def test_bytes_after_the_end_are_poison() -> None:
    body = encode("product_line", {"line": "A", "description": None, "is_group": False, "status": "active"})
    with pytest.raises(PoisonError, match="after its end"):
        Decoder().decode("product_line", frame("product_line", body) + b"\0")


def test_another_entity_in_the_frame_is_poison() -> None:
    body = encode("product_line", {"line": "A", "description": None, "is_group": False, "status": "active"})
    with pytest.raises(PoisonError, match="product_line"):
        Decoder().decode("stock", frame("product_line", body))


def test_the_id_of_the_frame_is_the_schemas() -> None:
    for name in NAMES:
        assert schema_id(frame(name, b"")) == bundled(name).id


def test_an_unknown_schema_stops_the_reader_and_is_no_bad_event() -> None:
    with pytest.raises(UnknownSchemaError) as raised:
        Decoder().decode("stock", FRAME.pack(0, 1234) + b"\0")
    assert isinstance(raised.value, ConfigError)
    assert "1234" in str(raised.value)


# headers

HEADERS = st.builds(
    EventHeaders,
    hash=st.one_of(st.none(), st.just("0123456789abcdef")),
    captured=st.datetimes(timezones=st.just(UTC)),
    run=TEXTS,
    mode=TEXTS,
)


@given(HEADERS)
def test_headers_are_read_as_they_were_written(headers: EventHeaders) -> None:
    value = None if headers.hash is None else b"value"
    assert read_headers(Event(Offset(3), b"key", value, headers.encode())) == headers


@given(HEADERS, st.randoms())
def test_headers_may_stand_in_any_order_and_among_others(headers: EventHeaders, chance: Random) -> None:
    turned = [*headers.encode(), ("traceparent", b"00")]
    chance.shuffle(turned)
    event = Event(Offset(3), b"key", None if headers.hash is None else b"value", tuple(turned))
    assert (read_headers(event), read_hash(event)) == (headers, headers.hash)


GOOD = EventHeaders(hash=None, captured=datetime(2026, 1, 2, 3, 4, 5, 678901, UTC), run="r", mode="compare").encode()
UNREADABLE: dict[str, Headers] = {
    "none at all": (),
    "no hash": GOOD,
    "a hash that is no text": (("hash", b"\xff"), *GOOD),
    "a time that is no number": (("hash", b"h"), *GOOD[1:], ("captured", b"now")),
    "a time past all calendars": (("hash", b"h"), *GOOD[1:], ("captured", b"9" * 30)),
    "a run that is no text": (("hash", b"h"), *GOOD[:1], ("run", b"\xff"), *GOOD[2:]),
    "no mode": (("hash", b"h"), *GOOD[:2]),
}


@pytest.mark.parametrize("unreadable", UNREADABLE)
def test_unreadable_headers_are_poison_that_names_the_offset(unreadable: str) -> None:
    with pytest.raises(PoisonError, match="17"):
        read_headers(Event(Offset(17), b"key", b"value", UNREADABLE[unreadable]))
    with pytest.raises(PoisonError, match="17"):
        read_hash(Event(Offset(17), b"key", b"value", UNREADABLE[unreadable]))


def test_a_tombstone_needs_no_hash() -> None:
    assert read_headers(Event(Offset(0), b"key", None, GOOD)).hash is None


# topics


@given(SUBJECTS)
def test_a_topic_leads_back_to_its_subject(subject: Subject) -> None:
    assert TOPICS.subject(TOPICS.of(subject)) == subject


@given(SUBJECTS, SUBJECTS)
def test_two_subjects_never_share_a_topic(one: Subject, other: Subject) -> None:
    assert (TOPICS.of(one) == TOPICS.of(other)) == (one == other)


FOREIGN = [
    "", "puente", "puente.01", "puente.01.", "puente.schemas", "puente.01.control", "puente.02.product", "otro.01.product",
    "puente.01.product.", "puente.01.product.1", "puente.01.stock", "puente.01.stock.", "puente.01.stock.01", "puente.01.stock.-0",
    "puente.01.stock.+1", "puente.01.stock.1_0", "puente.01.stock.1.2", "puente.01.stock.٣", "puente.01.Product", "puente.01.word",
    "puente.01.stock. 1", "puente.01.stock.1\n",
]  # fmt: skip


@pytest.mark.parametrize("topic", FOREIGN)
def test_a_foreign_topic_is_nobodys(topic: str) -> None:
    assert TOPICS.subject(Topic(topic)) is None


@given(st.text(max_size=30))
def test_any_name_is_nobodys_or_leads_back_to_itself(rest: str) -> None:
    topic = Topic(f"puente.01.{rest}")
    subject = TOPICS.subject(topic)
    assert subject is None or TOPICS.of(subject) == topic


def test_the_topics_that_always_exist_are_the_catalogues_the_control_and_the_registry() -> None:
    assert set(TOPICS.fixed()) == {*(TOPICS.of(Subject(e)) for e in CATALOGUES), TOPICS.control, TOPICS.registry}


# registry


@pytest.fixture
def log() -> MemoryLog:
    log = MemoryLog()
    log.create({TOPICS.registry: TopicSettings()})
    return log


def test_the_registry_holds_every_schema_and_publishing_again_adds_none(log: MemoryLog) -> None:
    assert publish_schemas(log, TOPICS.registry) == len(NAMES)
    assert publish_schemas(log, TOPICS.registry) == 0
    found, end = read_schemas(log, TOPICS.registry)
    assert found == {bundled(name).id: bundled(name).text for name in NAMES}
    assert read_schemas(log, TOPICS.registry, end) == ({}, end)


def test_a_schema_that_was_damaged_or_lost_is_published_again(log: MemoryLog) -> None:
    publish_schemas(log, TOPICS.registry)
    log.append([Record(topic=TOPICS.registry, key=b"4", value=b"{}"), Record(topic=TOPICS.registry, key=b"5", value=None)])
    assert publish_schemas(log, TOPICS.registry) == 2
    assert read_schemas(log, TOPICS.registry)[0][4] == bundled("product").text


STOCK = frame("stock", encode("stock", {"sku": "A", "warehouse": 1, "quantity": Decimal(1)}))


def test_the_registry_teaches_a_schema_that_this_release_does_not_know(log: MemoryLog) -> None:
    decoder = Decoder()
    reader = RegistryReader(log, TOPICS.registry, decoder)
    reader.refresh()
    body = STOCK[FRAME.size :]
    with pytest.raises(UnknownSchemaError):
        decoder.decode("stock", FRAME.pack(0, 70) + body)
    log.append([Record(topic=TOPICS.registry, key=b"70", value=bundled("stock").text.encode())])
    reader.refresh()
    assert decoder.decode("stock", FRAME.pack(0, 70) + body) == decoder.decode("stock", STOCK)


NO_SCHEMAS = {b"71": b"{", b"72": b"[]", b"73": b"{}", b"74": b'{"type": "record", "name": "A", "fields": 1}', b"75": b"\xff", b"x": b"?"}


def test_what_is_no_schema_is_passed_over_and_an_event_of_it_stays_unknown(log: MemoryLog) -> None:
    log.append(Record(topic=TOPICS.registry, key=key, value=value) for key, value in NO_SCHEMAS.items())
    decoder = Decoder()
    RegistryReader(log, TOPICS.registry, decoder).refresh()
    for number in range(71, 76):
        with pytest.raises(UnknownSchemaError):
            decoder.decode("stock", FRAME.pack(0, number) + STOCK[FRAME.size :])
    assert decoder.decode("stock", STOCK)["sku"] == "A"


def test_a_schema_that_cannot_become_ours_asks_for_an_upgrade(log: MemoryLog) -> None:
    other = json.loads(bundled("stock").text)
    other["fields"][1]["type"] = "string"
    decoder = Decoder()
    decoder.learn({76: json.dumps(other)})
    with pytest.raises(UnknownSchemaError, match="76"):
        decoder.decode("stock", FRAME.pack(0, 76) + b"\x02A\x02B\x02\x01")


def test_the_registry_never_replaces_a_schema_of_this_release(log: MemoryLog) -> None:
    log.append([Record(topic=TOPICS.registry, key=b"6", value=bundled("product").text.encode())])
    decoder = Decoder()
    RegistryReader(log, TOPICS.registry, decoder).refresh()
    assert decoder.decode("stock", STOCK)["sku"] == "A"


def test_a_log_without_a_registry_teaches_nothing() -> None:
    RegistryReader(MemoryLog(), TOPICS.registry, Decoder()).refresh()


# the producer's word

WORDS = st.builds(
    Heartbeat,
    run=TEXTS,
    time=st.datetimes(timezones=st.just(UTC)),
    topics=st.lists(
        st.builds(
            TopicHeartbeat,
            topic=TEXTS.map(Topic),
            topic_id=TEXTS.map(TopicId),
            end=st.integers(0, 2**63 - 1).map(Offset),
            complete=st.booleans(),
        ),
        max_size=4,
    ).map(tuple),
    price_lists=st.none() | st.lists(st.integers(-(2**31), 2**31 - 1), max_size=4).map(tuple),
    unpublished=st.lists(st.builds(Unpublished, entity=TEXTS, key=TEXTS, reason=TEXTS), max_size=4).map(tuple),
    unpublished_count=st.integers(0, 2**31 - 1),
    stuck=st.lists(
        st.builds(
            StuckTable,
            table=TEXTS,
            transaction=st.none() | st.integers(0, 2**63 - 1),
            entities=st.lists(TEXTS, max_size=3).map(tuple),
        ),
        max_size=3,
    ).map(tuple),
    held_deletes=st.lists(
        st.builds(
            HeldDeletes,
            entity=TEXTS,
            count=st.integers(0, 2**31 - 1),
            warehouses=st.lists(st.integers(-(2**31), 2**31 - 1), max_size=3).map(tuple),
        ),
        max_size=3,
    ).map(tuple),
    held_updates=st.lists(st.builds(HeldUpdates, kind=TEXTS, entity=TEXTS, count=st.integers(0, 2**31 - 1)), max_size=3).map(tuple),
    duplicates=st.lists(st.builds(Duplicate, entity=TEXTS, key=TEXTS), max_size=4).map(tuple),
    duplicate_count=st.integers(0, 2**31 - 1),
)


@given(WORDS)
def test_the_word_is_read_as_it_was_said(heartbeat: Heartbeat) -> None:
    said = record(TOPICS.control, heartbeat)
    assert (said.topic, said.key) == (TOPICS.control, KEY)
    assert said.value is not None
    assert parse(Decoder(), said.value) == heartbeat


def test_the_word_is_complete_where_every_topic_is() -> None:
    def heartbeat(*complete: bool) -> Heartbeat:
        told = [TopicHeartbeat(topic=Topic("t"), topic_id=TopicId("i"), end=Offset(0), complete=one) for one in complete]
        return Heartbeat(run="r", time=datetime(2026, 1, 1, tzinfo=UTC), topics=tuple(told), compared=False)

    assert heartbeat(True, True).complete
    assert not heartbeat(True, False).complete
    assert not heartbeat().complete
