"""Somebody else's consumer, Confluent's client with its own Avro, reads what Puente published of a real SAE."""

import base64
import hashlib
import json
import re
import secrets
import struct
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from io import BytesIO
from pathlib import Path
from time import monotonic
from typing import Any

import avro.io
import avro.schema
import pytest
from confluent_kafka import Consumer, ConsumerGroupState, Message, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from foundation.engines import create_database, open_database
from puente.config import Settings
from puente.demo.edits import apply_edit, edits
from puente.demo.oracle.expected_rows import Sae
from puente.demo.retail import fill_sae
from puente.reference import build_sae
from puente.wiring.producing import ProducerSide
from tests.contracts.schema_docs import schema
from tests.engines.embedded import EmbeddedDatabases
from tests.integration.documented import MAIN, Documented
from tests.integration.outsider import SECONDS, consumer, headers_of, newest, read, some, text_key, to_the_end, topics_of
from tests.integration.schema_registry import schemas_of, served

PRODUCTS = 400
"""As `puente demo --products 400` has them."""
KEY_FIELDS = {
    "product_line": "line",
    "tax_scheme": "scheme",
    "currency": "currency",
    "product": "sku",
    "customer": "customer",
    "stock": "sku",
}


@dataclass(frozen=True, kw_only=True)
class Shop:
    """The demo's SAE, whose events stand on a broker: all of it first, then a day's edits. Times are around the producer's."""

    servers: str
    prefix: str
    documented: Mapping[str, Mapping[str, Mapping[str, Any]]]
    deleted: Sequence[tuple[str, str]]
    events: Mapping[str, Sequence[Message]]
    began: datetime
    ended: datetime

    def topic(self, name: str) -> str:
        """By the end of its name."""
        return f"{self.prefix}.01.{name}"

    def topics(self, entity: str) -> list[str]:
        """Of an entity; of stock one per warehouse."""
        named = self.topic(entity)
        return [topic for topic in self.events if topic == named or topic.startswith(f"{named}.")]

    def of(self, entity: str) -> list[Message]:
        """Every event of an entity, as Confluent's client has it."""
        return [message for topic in self.topics(entity) for message in self.events[topic]]


@pytest.fixture(scope="module")
def shop(kafka_servers: str, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder, prefix, began = tmp_path_factory.mktemp("shop"), f"t{secrets.token_hex(4)}", datetime.now(UTC)
    url = EmbeddedDatabases(folder).url("sae")
    create_database(url)
    log = {"kind": "kafka", "bootstrap_servers": kafka_servers, "prefix": prefix}
    side = ProducerSide(Settings.model_validate({"sae": {"url": url}, "log": log, "folder": folder}))
    with closing(open_database(url)) as database:
        build_sae(database)
        fill_sae(database, count=PRODUCTS)
        assert side.step() is not None
        day = edits(database)
        for edit in day:
            assert apply_edit(database, edit)
        while (done := side.step()) is not None and done.goes_on:  # where the machine is slow
            pass
        assert done is not None
        side.release()
        catalogue = database.catalogue()
        with database.reading() as reader:
            documented = Documented(Sae(reader, catalogue, "01"))
            values = {entity: documented.events(entity) for entity in MAIN}
    topics = topics_of(kafka_servers, f"{prefix}.01.")
    events: dict[str, list[Message]] = {topic: [] for topic in topics}
    for message in read(kafka_servers, topics):
        events[str(message.topic())].append(message)
    return Shop(
        servers=kafka_servers,
        prefix=prefix,
        documented=values,
        deleted=[(str(look.subject), key) for edit in day if "deleted" in edit.name.template for look in edit.looks for key in look.keys],
        events=events,
        began=began,
        ended=datetime.now(UTC),
    )


@pytest.fixture(scope="module")
def schemas(shop: Shop) -> Mapping[int, str]:
    return schemas_of(shop.servers, shop.prefix)


@pytest.fixture(scope="module")
def registry(schemas: Mapping[int, str]) -> Iterator[SchemaRegistryClient]:
    """Confluent's own client of a registry, whose answers come from Puente's topic."""
    with served(schemas) as url, SchemaRegistryClient({"url": url}) as client:
        yield client


@pytest.fixture(scope="module")
def decode(registry: SchemaRegistryClient) -> AvroDeserializer:
    made: AvroDeserializer = AvroDeserializer(registry)
    return made


def value_of(decode: AvroDeserializer, message: Message) -> Any:
    """As a consumer of Confluent's has it, None for a tombstone."""
    topic = message.topic()
    assert topic is not None
    return decode(message.value(), SerializationContext(topic, MessageField.VALUE))


def decimals(value: Any) -> Iterator[Decimal]:
    match value:
        case Decimal():
            yield value
        case dict():
            yield from decimals(list(value.values()))
        case list():
            for part in value:
                yield from decimals(part)
        case _:
            pass


# values


@pytest.mark.parametrize("entity", MAIN)
def test_the_newest_values_are_what_the_documentation_says_of_saes_rows_in_every_field(
    shop: Shop, decode: AvroDeserializer, entity: str
) -> None:
    found: dict[str, Any] = {}
    for topic in shop.topics(entity):
        warehouse = f"{topic.rpartition('.')[2]}/" if entity == "stock" else ""
        live = {key: value_of(decode, message) for key, message in newest(shop.events[topic]).items()}
        found |= {f"{warehouse}{key}": value for key, value in live.items() if value is not None}
    assert found == shop.documented[entity]
    assert all(set(value) == {field["name"] for field in schema(entity)["fields"]} for value in found.values())


def test_the_shop_holds_what_is_hard_to_get_right(shop: Shop) -> None:
    """Else the test above would prove little."""
    products, customers = shop.documented["product"].values(), shop.documented["customer"].values()
    assert any(value["description"] and not value["description"].isascii() for value in products)
    assert any("€" in (value["description"] or "") for value in products)
    assert {value["line"] is None for value in products} == {True, False}
    assert {value["average_cost"] is None for value in products} == {True, False}
    assert {value["kind"] for value in products} == {"product", "kit", "group", "service"}
    assert {key["kind"] for value in products for key in value["alternate_keys"]} == {"none", "customer", "supplier"}
    assert {price["tax_included"] for value in products for price in value["prices"]} == {True, False}
    assert {value["status"] for value in customers} == {"active", "inactive", "delinquent", "suspended"}
    assert any(value["quantity"] < 0 for value in shop.documented["stock"].values())
    assert all(shop.documented.values())


@pytest.mark.parametrize("entity", MAIN)
def test_every_decimal_arrives_as_a_decimal_of_its_places(shop: Shop, decode: AvroDeserializer, entity: str) -> None:
    found = [amount for message in shop.of(entity) for amount in decimals(value_of(decode, message))]
    places = {-int(scale) for scale in re.findall(r'"scale": (\d+)', json.dumps(schema(entity)))}
    assert {amount.as_tuple().exponent for amount in found} == places


@pytest.mark.parametrize("entity", MAIN)
def test_another_avro_reads_the_same(shop: Shop, schemas: Mapping[int, str], decode: AvroDeserializer, entity: str) -> None:
    """Confluent's reads with fastavro, which Puente has, too; this one is Apache's own."""
    number = schema(entity)["puente.id"]
    reader = avro.io.DatumReader(avro.schema.parse(schemas[number]))
    for message in shop.of(entity)[-200:]:
        framed = message.value()
        if framed is not None:
            assert reader.read(avro.io.BinaryDecoder(BytesIO(framed[5:]))) == value_of(decode, message)


def test_a_reader_with_a_schema_of_its_own_gets_its_own_fields_and_its_own_defaults(shop: Shop, registry: SchemaRegistryClient) -> None:
    own = {
        "type": "record",
        "name": "Product",
        "namespace": "mx.puente",
        "fields": [{"name": "sku", "type": "string"}, {"name": "colour", "type": ["null", "string"], "default": None}],
    }
    decode = AvroDeserializer(registry, json.dumps(own))
    found = {key: value_of(decode, message) for key, message in newest(shop.of("product")).items()}
    live = {key: value for key, value in found.items() if value is not None}
    assert live == {key: {"sku": key, "colour": None} for key in shop.documented["product"]}


# keys, headers, frames


@pytest.mark.parametrize("entity", MAIN)
def test_a_key_is_the_values_own_as_plain_text(shop: Shop, decode: AvroDeserializer, entity: str) -> None:
    for message in shop.of(entity):
        value = value_of(decode, message)
        if value is not None:
            assert text_key(message) == str(value[KEY_FIELDS[entity]])
            assert "warehouse" not in value or f".stock.{value['warehouse']}" in str(message.topic())


def test_what_is_deleted_from_sae_is_a_tombstone_and_the_last_event_of_its_key(shop: Shop, decode: AvroDeserializer) -> None:
    assert {subject.partition(".")[0] for subject, _ in shop.deleted} == {"product", "customer", "stock"}
    for subject, key in shop.deleted:
        of_key = [message for message in shop.events[shop.topic(subject)] if text_key(message) == key]
        assert [value_of(decode, message) is None for message in of_key] == [False, True]
        headers = headers_of(of_key[-1])
        assert headers.keys() == {"captured", "run", "mode"}
        assert headers["mode"] == b"record-version"


@pytest.mark.parametrize("entity", MAIN)
def test_headers_tell_the_content_the_capture_the_run_and_the_mode(shop: Shop, entity: str) -> None:
    said = {headers_of(message)["run"] for message in shop.of("control")}
    for message in shop.of(entity):
        framed, headers = message.value(), headers_of(message)
        captured = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(headers["captured"]))
        assert shop.began < captured < shop.ended
        assert headers["mode"] in (b"compare", b"record-version")
        assert {headers["run"]} == said
        if framed is not None:
            assert headers["hash"] == base64.b64encode(hashlib.blake2b(framed[5:], digest_size=12).digest())


@pytest.mark.parametrize("entity", MAIN)
def test_the_frame_is_confluents_and_names_a_schema_of_the_registry(shop: Shop, schemas: Mapping[int, str], entity: str) -> None:
    frames = {framed[:5] for message in shop.of(entity) if (framed := message.value()) is not None}
    ((magic, number),) = {struct.unpack(">bI", frame) for frame in frames}
    assert magic == 0
    assert json.loads(schemas[number]) == schema(entity)


# the producer's heartbeat


def said_in_full(shop: Shop, decode: AvroDeserializer) -> Any:
    """The newest."""
    words = [value_of(decode, message) for message in shop.of("control")]
    return [heartbeat for heartbeat in words if heartbeat is not None and heartbeat["repeats"] is None][-1]


def test_the_heartbeat_says_how_far_each_topic_goes_and_that_it_is_complete(shop: Shop, decode: AvroDeserializer) -> None:
    assert value_of(decode, shop.of("control")[-1]) is None  # it was released
    heartbeat = said_in_full(shop, decode)
    entities = sorted(
        topic for entity in MAIN for topic in shop.topics(f"{entity}.") + shop.topics(entity) if topic != f"{shop.prefix}.01."
    )
    assert [told["topic"] for told in heartbeat["topics"]] == sorted(set(entities))
    assert shop.began < heartbeat["time"] < shop.ended
    with closing(consumer(shop.servers)) as reader:
        ends = {topic: reader.get_watermark_offsets(TopicPartition(topic, 0), timeout=SECONDS)[1] for topic in entities}
    assert {told["topic"]: (told["end"], told["complete"]) for told in heartbeat["topics"]} == {
        topic: (end, True) for topic, end in ends.items()
    }


def test_a_topic_id_is_the_one_that_kafka_gave(shop: Shop, decode: AvroDeserializer) -> None:
    heartbeat = said_in_full(shop, decode)
    asked = [told["topic"] for told in heartbeat["topics"]]
    admin = AdminClient({"bootstrap.servers": shop.servers})
    ids = {name: future.result(SECONDS).topic_id for name, future in admin.describe_topics(TopicCollection(asked)).items()}
    halves = {name: (found.get_most_significant_bits(), found.get_least_significant_bits()) for name, found in ids.items()}
    assert {told["topic"]: told["identity"] for told in heartbeat["topics"]} == {
        name: "".join(f"{half % 2**64:016x}" for half in both) for name, both in halves.items()
    }


# groups


def test_a_consumer_group_begins_with_the_first_event_and_goes_on_where_it_was(shop: Shop) -> None:
    group, topics = f"{shop.prefix}-shop", list(shop.events)
    with closing(consumer(shop.servers, group)) as one:
        one.subscribe(topics)
        began = some(one)
        one.commit(offsets=_after(began), asynchronous=False)
    with closing(consumer(shop.servers, group)) as other:
        other.subscribe(topics)
        rest = to_the_end(other, len(topics))
    assert _places(began + rest) == _places(message for topic in topics for message in shop.events[topic])


def _after(messages: Sequence[Message]) -> list[TopicPartition]:
    """Where to go on once these are dealt with."""
    last = {str(message.topic()): message.offset() for message in messages}
    return [TopicPartition(topic, 0, offset + 1) for topic, offset in last.items() if offset is not None]


def _places(messages: Iterable[Message]) -> list[tuple[object, object]]:
    return sorted((message.topic(), message.offset()) for message in messages)


def test_two_of_a_group_share_the_topics_where_they_take_turns(shop: Shop) -> None:
    """By default, `range`, the first partition of each topic goes to the same member, and there is only one."""
    assert sorted(map(len, _shares_of_two(shop, "range"))) == [0, len(shop.events)]
    one, other = _shares_of_two(shop, "roundrobin")
    assert one | other == set(shop.events)
    assert not one & other
    assert abs(len(one) - len(other)) <= 1


def _shares_of_two(shop: Shop, strategy: str) -> list[set[str]]:
    """The topics that each of two members of a new group has."""
    group, more = f"{shop.prefix}-{strategy}", {"partition_assignment_strategy": strategy}
    admin, until = AdminClient({"bootstrap.servers": shop.servers}), monotonic() + SECONDS
    one, other = consumer(shop.servers, group, **more), consumer(shop.servers, group, **more)
    for each in (one, other):
        each.subscribe(list(shop.events))
    while True:
        for each in (one, other):
            each.poll(0.1)
        told = admin.describe_consumer_groups([group])[group].result(SECONDS)
        if told.state is ConsumerGroupState.STABLE and len(told.members) == 2:
            break
        assert monotonic() < until, "the group was never divided"
    # The library may wait for ever where a member is closed that has not taken up yet what it was given.
    _take_up(shop, one, other)
    other.close()
    _take_up(shop, one)
    one.close()
    return [{place.topic for place in member.assignment.topic_partitions} for member in told.members]


def _take_up(shop: Shop, *members: Consumer) -> None:
    """Until these hold all topics."""
    until = monotonic() + SECONDS
    while sum(len(each.assignment()) for each in members) != len(shop.events):
        for each in members:
            each.poll(0.1)
        assert monotonic() < until, "not all topics were taken up"


# the page


PAGE = (Path(__file__).parents[2] / "docs" / "events.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def printed(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, Any]]:
    """What the reader of docs/events.md, as it stands there, prints of a topic: values by key."""
    (source,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    script = tmp_path_factory.mktemp("page") / "reader.py"
    script.write_text(source, encoding="utf-8")

    @cache
    def run(topic: str) -> dict[str, Any]:
        command = [sys.executable, "-W", "error", str(script), shop.servers, shop.prefix, "01", topic]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=SECONDS, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        lines = (re.split(r" (?=\{|None$)", line, maxsplit=1) for line in done.stdout.splitlines())
        return {key: None if value == "None" else json.loads(value) for key, value in lines}

    return run


def as_printed(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))


@pytest.mark.parametrize("topic", [entity for entity in MAIN if entity != "stock"])
def test_the_pages_reader_prints_the_newest_of_every_key(shop: Shop, printed: Callable[[str], dict[str, Any]], topic: str) -> None:
    found = printed(topic)
    assert {key: value for key, value in found.items() if value is not None} == as_printed(shop.documented[topic])
    assert {key for key, value in found.items() if value is None} == {key for subject, key in shop.deleted if subject == topic}


def test_the_pages_examples_are_the_demos(printed: Callable[[str], dict[str, Any]]) -> None:
    examples = re.findall(r"^Key `(.+?)` of `puente\.01\.(.+?)`:\n\n```json\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL)
    assert {topic.partition(".")[0] for _, topic, _ in examples} == set(MAIN)
    for key, topic, value in examples:
        assert printed(topic)[key] == json.loads(value)
    assert f"`puente demo --products {PRODUCTS}`" in PAGE
