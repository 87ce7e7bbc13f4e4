"""Histories for the convergence of the consumer: a SAE, a log and a CAJA in memory, consumers that come and go, and what may happen.

Few keys and many operations, so that they meet: a fault matters where it hits the key that is being changed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from consumer.assignment import Assignment
from consumer.batch import Planner
from consumer.consume import Consumer
from consumer.lease import Lease
from consumer.policies import Policies
from foundation.errors import ConnectionLost
from foundation.eventlog.memory import MemoryLog, MemoryStore
from foundation.eventlog.port import Record, TopicSettings
from foundation.texts import text
from schemas.codec import Decoder, content_hash, encode, frame
from schemas.entities import CATALOGUES, Entity, Subject
from schemas.headers import EventHeaders
from schemas.keys import Key
from schemas.registry import RegistryReader
from tests.fakes.caja import MemoryCaja
from tests.unit.consuming import HERE, MAPPERS, NOW, TOPICS, customer, product, say

PRODUCT, CUSTOMER = Subject(Entity.PRODUCT), Subject(Entity.CUSTOMER)
FIRST, SECOND = Subject(Entity.STOCK, 1), Subject(Entity.STOCK, 2)
SUBJECTS = (*map(Subject, CATALOGUES), FIRST, SECOND)

SubjectKey = tuple[Subject, str]
PLACES: Sequence[SubjectKey] = (
    *[(PRODUCT, "P1")] * 4,
    *[(PRODUCT, "P2")] * 2,
    *[(FIRST, "P1")] * 4,
    *[(FIRST, "P2")] * 2,
    *[(SECOND, "P1")] * 2,
    *[(CUSTOMER, "C1")] * 2,
    (CUSTOMER, "C2"),
    (Subject(Entity.PRODUCT_LINE), "L1"),
    (Subject(Entity.TAX_SCHEME), "1"),
    (Subject(Entity.CURRENCY), "1"),
)


def value(place: SubjectKey, n: int, *, inactive: bool) -> dict[str, Any]:
    """A full event value whose content follows from `n` and the status."""
    (subject, key), status = place, "inactive" if inactive else "active"
    match subject.entity:
        case Entity.PRODUCT_LINE:
            return {"line": key, "description": f"línea {n}", "is_group": False, "status": status}
        case Entity.TAX_SCHEME:
            taxes = [{"percent": Decimal(n), "base": 0}] * 4
            return {"scheme": int(key), "description": None, "taxes": taxes, "status": status}
        case Entity.CURRENCY:
            return {
                "currency": int(key),
                "description": None,
                "symbol": "$",
                "rate": Decimal(n),
                "sat_code": None,
                "status": status,
                "exact_rate": None,
            }
        case Entity.PRODUCT:
            prices = [{"list": number, "amount": Decimal(n), "tax_included": False} for number in range(1, n + 1)]
            return product(key, prices=prices, status=status)
        case Entity.CUSTOMER:
            return customer(key, name=f"cliente {n}", status=status)
        case Entity.STOCK:
            return {"sku": key, "warehouse": subject.warehouse, "quantity": Decimal(n)}


@dataclass
class World:
    """`sae` is what SAE holds now: `n` and whether it is inactive."""

    policies: Policies
    store: MemoryStore = field(default_factory=MemoryStore)
    caja: MemoryCaja = field(default_factory=lambda: MemoryCaja(MAPPERS))
    now: float = 0.0
    sae: dict[SubjectKey, tuple[int, bool]] = field(default_factory=dict)
    ever: set[SubjectKey] = field(default_factory=set)
    ever_active: set[SubjectKey] = field(default_factory=set)
    ever_inactive: set[SubjectKey] = field(default_factory=set)
    spoilt: set[SubjectKey] = field(default_factory=set)
    """Whose newest event cannot be read."""

    def __post_init__(self) -> None:
        self.log = MemoryLog(self.store)
        self.log.create(TOPICS.fixed() | {TOPICS.of(subject): TopicSettings() for subject in SUBJECTS})
        self.start()

    def start(self) -> None:
        """Another process, after the last one is gone: nothing in memory survives."""
        self.caja.content.lease = MemoryCaja(MAPPERS).content.lease
        decoder = Decoder()
        self.consumer = Consumer(
            Assignment(
                name="centro",
                caja=self.caja,
                log=self.log,
                topics=TOPICS,
                registry=RegistryReader(self.log, TOPICS.registry, decoder),
                planner=Planner(decoder, MAPPERS, self.policies, {1: 1, 2: 2}),
                lease=Lease(self.caja, HERE, lambda: self.now),
                fingerprint="print",
                clock=lambda: self.now,
                now=lambda: NOW + timedelta(seconds=self.now),
            )
        )

    def publish(self, place: SubjectKey, n: int, *, inactive: bool) -> None:
        name = place[0].entity.value
        body = encode(name, value(place, n, inactive=inactive))
        self.sae[place] = (n, inactive)
        (self.ever_inactive if inactive else self.ever_active).add(place)
        self.append(place, frame(name, body), EventHeaders(hash=content_hash(body), captured=NOW, run="r", mode="m"))

    def append(self, place: SubjectKey, framed: bytes | None, headers: EventHeaders | None = None) -> None:
        """An event; without a hash it is a tombstone, or one that cannot be read."""
        found = headers or EventHeaders(hash=None, captured=NOW, run="r", mode="m")
        self.ever.add(place)
        self.spoilt.discard(place)
        self.log.append([Record(topic=TOPICS.of(place[0]), key=place[1].encode(), value=framed, headers=found.encode())])

    def make_good(self) -> None:
        """Every key whose newest event cannot be read is sent once more."""
        for place in sorted(self.spoilt):
            if place in self.sae:
                self.publish(place, self.sae[place][0], inactive=self.sae[place][1])
            else:
                self.append(place, None)

    def rest(self) -> None:
        """Whatever was planted goes away, and time passes."""
        for planted in (self.caja.locked, self.caja.sales, self.caja.crash_before, self.caja.crash_after):
            planted.clear()
        self.caja.parameters = replace(self.caja.parameters, stock_changes=True)
        for _ in range(40):
            self.now += 100.0
            step = self.consumer.step()
            if self.consumer.listening:
                say(self.log)
            elif step is not None and step.at_end and not step.applied:
                return
        raise AssertionError("never rests")


def edit(world: World, place: SubjectKey, n: int, dice: int) -> None:
    world.publish(place, n, inactive=dice == 0 and place[0].entity is not Entity.STOCK)


def remove(world: World, place: SubjectKey, _n: int, _dice: int) -> None:
    if world.sae.pop(place, None):
        world.append(place, None)


def spoil(world: World, place: SubjectKey, _n: int, _dice: int) -> None:
    """An event that cannot be read, which a later good one replaces."""
    world.append(place, b"garbage")
    world.spoilt.add(place)


def step(world: World, _place: SubjectKey, n: int, _dice: int) -> None:
    world.now += n
    try:
        world.consumer.step()
    except ConnectionLost:
        world.start()


def restart(world: World, _place: SubjectKey, _n: int, _dice: int) -> None:
    world.start()


def narrow(world: World, _place: SubjectKey, n: int, _dice: int) -> None:
    """The next batches are cut short."""
    world.consumer.pace.limit = n


def crash(world: World, _place: SubjectKey, _n: int, dice: int) -> None:
    """At the next commit, before it took effect or after."""
    planted = world.caja.crash_before if dice % 2 else world.caja.crash_after
    planted.append(ConnectionLost(text("gone")))


def lock(world: World, place: SubjectKey, _n: int, _dice: int) -> None:
    """A till takes the row, or lets it go."""
    plan, (subject, key) = MAPPERS[place[0].entity].plan, place
    number = key if subject.entity not in (Entity.TAX_SCHEME, Entity.CURRENCY) else int(key)
    world.caja.locked.symmetric_difference_update({(plan.table, (number,) if subject.warehouse is None else (number, subject.warehouse))})


def sell(world: World, place: SubjectKey, _n: int, _dice: int) -> None:
    """A sale that SAE does not have yet, or no longer."""
    subject, key = place
    if subject.warehouse is not None:
        world.caja.sales.symmetric_difference_update({(subject.warehouse, Key(key))})


def switch(world: World, _place: SubjectKey, _n: int, _dice: int) -> None:
    """Somebody turns «Cambio a existencias» off, or on again."""
    world.caja.parameters = replace(world.caja.parameters, stock_changes=not world.caja.parameters.stock_changes)


def go_back(world: World, place: SubjectKey, _n: int, _dice: int) -> None:
    """Everything of one topic is delivered again."""
    world.caja.content.progress.pop(TOPICS.of(place[0]), None)
    world.start()


def compact(world: World, _place: SubjectKey, _n: int, _dice: int) -> None:
    world.store.compact()


OPERATIONS: Sequence[Callable[[World, SubjectKey, int, int], None]] = (
    *[edit] * 8,
    *[step] * 8,
    *[remove] * 3,
    *[lock] * 2,
    *[sell] * 3,
    *(spoil, restart, narrow, crash, switch, go_back, compact),
)
