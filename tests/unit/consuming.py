"""A consumer of one CAJA in memory, for unit tests."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from consumer.assignment import Assignment
from consumer.batch import Planner
from consumer.batch_writer import Step
from consumer.caja.port import Holder, Store
from consumer.consume import Consumer
from consumer.lease import Lease, this_process
from consumer.mapping import profile as profiles
from consumer.mapping.mapper import mappers
from consumer.policies import Policies
from foundation.eventlog.memory import MemoryLog
from foundation.eventlog.port import EventLog, Offset, Record, TopicSettings
from schemas.codec import Decoder, content_hash, encode, frame
from schemas.control import Heartbeat, StuckTable, TopicHeartbeat, Unpublished, record
from schemas.entities import CATALOGUES, Entity, Subject
from schemas.headers import EventHeaders
from schemas.registry import RegistryReader, publish_schemas
from schemas.topics import Topics
from tests.fakes.caja import MemoryCaja, reference_catalogue

TOPICS = Topics("puente", "01")
PROFILE = profiles.load("caja50")
MAPPERS = mappers(PROFILE, reference_catalogue(), {}, CATALOGUES)
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HERE = replace(this_process(), process=1, started=-1)
"""A process of this machine that no longer runs: what it held is taken over at once."""


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now

    def utc(self) -> datetime:
        return NOW + timedelta(seconds=self.now)


@dataclass
class Site:
    """A log, a CAJA in memory and its consumer."""

    policies: Policies = field(default_factory=Policies)
    caja: MemoryCaja = field(default_factory=lambda: MemoryCaja(MAPPERS))
    log: MemoryLog = field(default_factory=MemoryLog)
    clock: Clock = field(default_factory=Clock)
    fingerprint: str = "print 1"
    run: str = "r"
    """Of the producer that publishes and speaks."""
    allow_deletes: int | None = None
    prices: Mapping[str, int] = field(default_factory=dict)
    """Those that the site names."""
    stores: tuple[Store, ...] | None = None
    """Those that the consumer is made for."""
    warehouses: Mapping[int, int] = field(default_factory=lambda: {1: 1, 2: 2})
    """Warehouse → store."""

    def __post_init__(self) -> None:
        self.log.create(TOPICS.fixed())
        publish_schemas(self.log, TOPICS.registry)
        self.decoder = Decoder()
        self.consumer = self.another()

    def another(self, holder: Holder = HERE) -> Consumer:
        return Consumer(
            Assignment(
                name="centro",
                caja=self.caja,
                log=self.log,
                topics=TOPICS,
                registry=RegistryReader(self.log, TOPICS.registry, self.decoder),
                planner=Planner(self.decoder, MAPPERS, self.policies, self.warehouses),
                lease=Lease(self.caja, holder, self.clock),
                fingerprint=self.fingerprint,
                prices=self.prices,
                stores=self.stores,
                clock=self.clock,
                now=self.clock.utc,
            ),
            allow_deletes=self.allow_deletes,
        )

    def step(self, consumer: Consumer | None = None) -> Step | None:
        """Steps until everything that is there was read, resyncs included; what all of them did."""
        total = Step()
        for _ in range(200):
            step = (consumer or self.consumer).step()
            if step is None:
                return None
            total.add(step)
            if step.at_end:
                total.at_end = True
                return total
        raise AssertionError("never at the end")

    def publish(self, subject: Subject, key: str, value: dict[str, Any] | None) -> None:
        """One event, as the producer would write it."""
        name = subject.entity.value
        body = None if value is None else encode(name, value)
        headers = EventHeaders(hash=None if body is None else content_hash(body), captured=NOW, run=self.run, mode="compare")
        self.append(subject, key.encode(), None if body is None else frame(name, body), headers.encode())

    def append(self, subject: Subject, key: bytes, value: bytes | None, headers: tuple[tuple[str, bytes], ...] = ()) -> None:
        self.log.create({TOPICS.of(subject): TopicSettings()})
        self.log.append([Record(topic=TOPICS.of(subject), key=key, value=value, headers=headers)])

    def say(
        self,
        *,
        lacking: Collection[Subject] = (),
        compared: bool = True,
        end_of: Mapping[Subject, int] | None = None,
        held: Collection[Subject] = (),
        unpublished: Collection[tuple[Subject, str]] = (),
        unpublished_count: int | None = None,
        stuck: Sequence[StuckTable] = (),
    ) -> None:
        say(
            self.log,
            run=self.run,
            lacking=lacking,
            compared=compared,
            end_of=end_of,
            held=held,
            unpublished=unpublished,
            unpublished_count=unpublished_count,
            stuck=stuck,
        )

    def append_heartbeat(self, key: bytes, value: bytes | None) -> None:
        self.log.append([Record(topic=TOPICS.control, key=key, value=value)])

    def hear(self) -> Step | None:
        """A broken lineage is noticed; the producer compares it with SAE and says so; it is read."""
        self.step()
        self.say()
        return self.step()

    def product(self, key: str = "P1", **changed: Any) -> None:
        self.publish(Subject(Entity.PRODUCT), key, product(key, **changed))

    def stock(self, key: str, quantity: Any, warehouse: int = 1) -> None:
        value = {"sku": key, "warehouse": warehouse, "quantity": quantity}
        self.publish(Subject(Entity.STOCK, warehouse), key, value)

    def row(self, table: str, *key: Any) -> dict[str, Any] | None:
        return self.caja.content.table(table).get(key)

    def parked(self) -> dict[str, str]:
        """Key → reason."""
        return {place[1]: item.reason.value for place, item in self.caja.content.parked.items()}


def say(
    log: EventLog,
    *,
    run: str = "r",
    lacking: Collection[Subject] = (),
    compared: bool = True,
    end_of: Mapping[Subject, int] | None = None,
    held: Collection[Subject] = (),
    unpublished: Collection[tuple[Subject, str]] = (),
    unpublished_count: int | None = None,
    price_lists: tuple[int, ...] | None = None,
    stuck: Sequence[StuckTable] = (),
) -> None:
    """The producer's heartbeat: each topic with its end, complete but for those that lack something; deletes of those that are held wait.

    `unpublished` names rows that no event can hold, all of them unless there are more.
    """
    ends = {TOPICS.subject(topic): (topic, state) for topic, state in log.topics().items()}
    words = tuple(
        TopicHeartbeat(
            topic=topic,
            topic_id=state.topic_id,
            end=Offset((end_of or {}).get(subject, state.end)),
            complete=subject not in lacking,
        )
        for subject, (topic, state) in ends.items()
        if subject is not None
    )
    said = Heartbeat(
        run=run,
        price_lists=price_lists,
        time=NOW,
        topics=words,
        compared=compared,
        held=[TOPICS.of(subject) for subject in held],
        unpublished=tuple(Unpublished(str(subject), key, "too large") for subject, key in unpublished),
        unpublished_count=len(unpublished) if unpublished_count is None else unpublished_count,
        stuck=tuple(stuck),
    )
    log.append([record(TOPICS.control, said)])


def product(key: str, **changed: Any) -> dict[str, Any]:
    names = ("description", "line", "unit_in", "unit_out", "unit_factor", "tax_scheme", "currency", "average_cost", "sat_product")
    none = dict.fromkeys((*names, "sat_unit", "ieps"))
    lists: dict[str, Any] = {"taxes": [], "prices": [], "alternate_keys": []}
    return {"sku": key, "kind": "product", "status": "active", **none, **lists, **changed}


def customer(key: str, **changed: Any) -> dict[str, Any]:
    texts = ("name", "rfc", "street", "outer_number", "inner_number", "neighbourhood", "postal_code", "municipality", "state")
    more = ("country", "telephone", "email", "cfdi_use", "tax_regime", "price_list", "discount", "credit_days", "credit_limit")
    return {"customer": key, "has_credit": False, "status": "active", **dict.fromkeys((*texts, *more)), **changed}
