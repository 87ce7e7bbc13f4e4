"""Any history of SAE, however interleaved, cut short, delivered again or crashed, ends with CAJA equal to the mapping of SAE."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from consumer import profile as profiles
from consumer.batch import Planner
from consumer.caja import Holder
from consumer.consume import Consumer
from consumer.guard import GuardKeeper
from consumer.ledger import Reason
from consumer.mapping import mappers
from consumer.policies import Policies, SoftDeleted, StockPolicy
from puente.errors import ConnectionLost
from puente.eventlog.memory import MemoryLog, MemoryStore
from puente.eventlog.port import Record
from puente.texts import text
from schemas.changes import CATALOGUES, Entity, Key, Subject
from schemas.codec import Decoder, content_hash, encode, frame
from schemas.headers import EventHeaders
from schemas.registry import RegistryReader
from schemas.topics import Topics
from tests.fakes.caja import MemoryCaja, reference_catalogue

TOPICS = Topics("puente", "01")
NOW = datetime(2026, 1, 2, tzinfo=UTC)
SUBJECTS = (*(Subject(entity) for entity in CATALOGUES), Subject(Entity.STOCK, 1), Subject(Entity.STOCK, 2))
PRODUCTS, CUSTOMERS, LINES, NUMBERS = ("P1", "P2", "P3"), ("C1", "C2"), ("L1", "L2"), ("1", "2")
KEYS = {
    Entity.PRODUCT_LINE: LINES,
    Entity.TAX_SCHEME: NUMBERS,
    Entity.CURRENCY: NUMBERS,
    Entity.PRODUCT: PRODUCTS,
    Entity.CUSTOMER: CUSTOMERS,
    Entity.STOCK: PRODUCTS,
}
KEY_COLUMN = {"CATLINEA": "LINEA", "ESQIMP": "CLAVE", "CATMONED": "MONEDA", "CATINVEN": "PRODUCTO", "CATCLIEN": "CLAVESAE"}
PROFILE = profiles.load("caja50")
MADE = mappers(PROFILE, reference_catalogue(), {}, CATALOGUES)


def value(subject: Subject, key: str, n: int, *, inactive: bool) -> dict[str, Any]:
    """A full event value whose content follows from `n` and the status."""
    status = "inactive" if inactive else "active"
    match subject.entity:
        case Entity.PRODUCT_LINE:
            return {"line": key, "description": f"línea {n}", "is_group": False, "status": status}
        case Entity.TAX_SCHEME:
            taxes = [{"percent": Decimal(n), "base": 0}] * 4
            return {"scheme": int(key), "description": None, "taxes": taxes, "status": status}
        case Entity.CURRENCY:
            return {"currency": int(key), "description": None, "symbol": "$", "rate": Decimal(n), "sat_code": None, "status": status}
        case Entity.PRODUCT:
            return product(key, n, status)
        case Entity.CUSTOMER:
            fields = [name for name in CUSTOMER_TEXTS if name != "name"]
            none = dict.fromkeys((*fields, "price_list", "discount", "credit_days", "credit_limit"))
            return {"customer": key, "name": f"cliente {n}", "has_credit": False, "status": status, **none}
        case Entity.STOCK:
            return {"sku": key, "warehouse": subject.warehouse, "quantity": Decimal(n)}


CUSTOMER_TEXTS = (
    *("name", "rfc", "street", "outer_number", "inner_number", "neighbourhood", "postal_code", "municipality", "state"),
    *("country", "telephone", "email", "cfdi_use", "tax_regime"),
)


def product(key: str, n: int, status: str) -> dict[str, Any]:
    none = ("unit_in", "unit_out", "unit_factor", "tax_scheme", "currency", "average_cost", "sat_product", "sat_unit", "ieps")
    prices = [{"list": 1, "amount": Decimal(n), "tax_included": False}]
    more = {"kind": "product", "taxes": [], "prices": prices, "alternate_keys": [], "status": status}
    return {"sku": key, "description": f"artículo {n}", "line": "L1", **more, **dict.fromkeys(none)}


@dataclass
class World:
    """A log, a CAJA in memory, and consumers that come and go."""

    policies: Policies
    store: MemoryStore = field(default_factory=MemoryStore)
    caja: MemoryCaja = field(default_factory=lambda: MemoryCaja(MADE))
    now: float = 0.0
    sae: dict[tuple[Subject, str], tuple[int, bool]] = field(default_factory=dict)
    ever: set[tuple[Subject, str]] = field(default_factory=set)
    spoilt: set[tuple[Subject, str]] = field(default_factory=set)
    """Keys whose newest event cannot be read."""

    def __post_init__(self) -> None:
        self.log = MemoryLog(self.store)
        self.log.create(TOPICS.fixed() | {TOPICS.of(subject): next(iter(TOPICS.fixed().values())) for subject in SUBJECTS})
        self.consumer = self.new_consumer()

    def new_consumer(self) -> Consumer:
        """After a crash: nothing in memory survives, and the old process is gone."""
        self.caja.content.guard = MemoryCaja(MADE).content.guard
        decoder = Decoder()
        return Consumer(
            name="centro",
            caja=self.caja,
            log=self.log,
            topics=TOPICS,
            registry=RegistryReader(self.log, TOPICS.registry, decoder),
            planner=Planner(decoder, MADE, self.policies, {1: 1, 2: 2}),
            keeper=GuardKeeper(self.caja, Holder(host="here", process=1, started=1), lambda: self.now),
            clock=lambda: self.now,
        )

    def publish(self, subject: Subject, key: str, n: int, *, inactive: bool) -> None:
        content = value(subject, key, n, inactive=inactive)
        body = encode(subject.entity.value, content)
        self.sae[subject, key] = (n, inactive)
        self.append(subject, key, frame(subject.entity.value, body), EventHeaders(hash=content_hash(body), captured=NOW, run="r", mode="m"))

    def delete(self, subject: Subject, key: str) -> None:
        if self.sae.pop((subject, key), None):
            self.append(subject, key, None, EventHeaders(hash=None, captured=NOW, run="r", mode="m"))

    def append(self, subject: Subject, key: str, framed: bytes | None, headers: EventHeaders) -> None:
        self.ever.add((subject, key))
        self.spoilt.discard((subject, key))
        self.log.append([Record(topic=TOPICS.of(subject), key=key.encode(), value=framed, headers=headers.encode())])

    def step(self) -> None:
        self.now += 0.5
        try:
            self.consumer.step()
        except ConnectionLost:
            self.consumer = self.new_consumer()

    def make_good(self) -> None:
        """Every key whose newest event cannot be read is sent once more."""
        for subject, key in sorted(self.spoilt):
            if (subject, key) in self.sae:
                n, inactive = self.sae[subject, key]
                self.publish(subject, key, n, inactive=inactive)
            else:
                self.append(subject, key, None, EventHeaders(hash=None, captured=NOW, run="r", mode="m"))

    def rest(self) -> None:
        """Whatever was planted goes away, and time passes."""
        self.caja.locked.clear()
        self.caja.sales.clear()
        self.caja.crash_before.clear()
        self.caja.crash_after.clear()
        self.caja.parameters = replace(self.caja.parameters, stock_changes=True)
        for _ in range(40):
            self.now += 100.0
            step = self.consumer.step()
            if step is not None and step.at_end and not step.applied:
                return
        raise AssertionError("never rests")


def go_back(world: World, chance: int) -> None:
    """Everything of one topic is delivered again."""
    topics = sorted(world.caja.content.positions)
    if topics:
        del world.caja.content.positions[topics[chance % len(topics)]]
        world.consumer = world.new_consumer()


def crash(world: World, chance: int) -> None:
    planted = world.caja.crash_before if chance % 2 else world.caja.crash_after
    planted.append(ConnectionLost(text("gone")))


def lock(world: World, chance: int) -> None:
    rows = sorted((table, key) for table, found in world.caja.content.rows.items() for key in found)
    if rows:
        world.caja.locked.symmetric_difference_update({rows[chance % len(rows)]})


def sell(world: World, chance: int) -> None:
    world.caja.sales.symmetric_difference_update({(1 + chance % 2, Key(PRODUCTS[chance % 3]))})


def narrow(world: World, chance: int) -> None:
    """The next batches are cut short."""
    world.consumer._limit = 1 + chance % 3


def edit(world: World, chance: int) -> None:
    subject = SUBJECTS[chance % len(SUBJECTS)]
    keys = KEYS[subject.entity]
    world.publish(
        subject, keys[chance // 7 % len(keys)], chance // 3 % 5 + 1, inactive=chance % 5 == 0 and subject.entity is not Entity.STOCK
    )


def remove(world: World, chance: int) -> None:
    subject = SUBJECTS[chance % len(SUBJECTS)]
    keys = KEYS[subject.entity]
    world.delete(subject, keys[chance // 7 % len(keys)])


def step(world: World, _chance: int) -> None:
    world.step()


def switch(world: World, _chance: int) -> None:
    """Somebody turns «Cambio a existencias» off, or on again."""
    world.caja.parameters = replace(world.caja.parameters, stock_changes=not world.caja.parameters.stock_changes)


def garbage(world: World, chance: int) -> None:
    """An event that cannot be read, which a later good one replaces."""
    subject = SUBJECTS[chance % len(SUBJECTS)]
    key = KEYS[subject.entity][chance // 7 % len(KEYS[subject.entity])]
    world.append(subject, key, b"garbage", EventHeaders(hash=None, captured=NOW, run="r", mode="m"))
    world.spoilt.add((subject, key))


def restart(world: World, _chance: int) -> None:
    world.consumer = world.new_consumer()


def compaction(world: World, _chance: int) -> None:
    world.store.compact()


OPERATIONS: Sequence[Callable[[World, int], None]] = (
    *(edit, edit, edit, edit, edit, remove, remove, step, step, step, step),
    *(narrow, crash, restart, go_back, lock, sell, compaction, switch, garbage),
)
POLICIES = st.builds(
    Policies,
    stock=st.sampled_from([StockPolicy.GUARDED, StockPolicy.OVERWRITE]),
    inactivate_missing_products=st.booleans(),
    inactivate_missing_customers=st.booleans(),
    soft_deleted=st.sampled_from(SoftDeleted),
)
HISTORY = st.lists(st.tuples(st.sampled_from(range(len(OPERATIONS))), st.integers(0, 999)), min_size=5, max_size=60)


def wrong(world: World) -> list[str]:
    """What differs from a mapping of SAE that shares nothing with the consumer but the reference's names."""
    content, found = world.caja.content, []
    for subject, key in sorted(world.ever):
        if subject.entity is Entity.STOCK:
            found += wrong_stock(world, subject, key)
            continue
        table = MADE[subject.entity].plan.table
        row = next((r for r in content.table(table).values() if str(r[KEY_COLUMN[table]]) == key), None)
        found += wrong_row(world, subject, key, row)
    waiting = {item.reason for item in content.waiting.values()}
    return [*found, *(f"waits: {reason}" for reason in waiting - {Reason.KEPT_OUT, Reason.PARENT})]


def wrong_row(world: World, subject: Subject, key: str, row: dict[str, Any] | None) -> list[str]:
    truth, policies = world.sae.get((subject, key)), world.policies
    soft = subject.entity in (Entity.PRODUCT, Entity.CUSTOMER)
    if truth is None:
        kept = (subject.entity is Entity.PRODUCT and not policies.inactivate_missing_products) or (
            subject.entity is Entity.CUSTOMER and not policies.inactivate_missing_customers
        )
        return [f"{subject} {key} is active, and SAE lacks it"] if row and row["ALTA"] == "T" and not kept else []
    n, inactive = truth
    if inactive and soft and (row is None or policies.soft_deleted is SoftDeleted.IGNORE):
        return []
    if row is None:
        return [f"{subject} {key} is missing"]
    shown = {"CATLINEA": "DESCRIPCIO", "ESQIMP": "PORCEN1", "CATMONED": "TCAMBIO", "CATINVEN": "PRECIOP", "CATCLIEN": "NOMBRE"}
    expected = {Entity.PRODUCT_LINE: f"línea {n}", Entity.CUSTOMER: f"cliente {n}"}.get(subject.entity, float(n))
    column = shown[MADE[subject.entity].plan.table]
    good = row[column] == expected and row["ALTA"] == ("F" if inactive else "T")
    return [] if good else [f"{subject} {key}: {row[column]} {row['ALTA']} instead of {expected}, inactive {inactive}"]


def wrong_stock(world: World, subject: Subject, key: str) -> list[str]:
    content = world.caja.content
    row = content.table("EXIST").get((key, subject.warehouse))
    product_row = content.table("CATINVEN").get((key,))
    truth = world.sae.get((subject, key))
    expected = float(truth[0]) if truth else 0.0
    if product_row is None:
        return [f"{subject} {key} without a product"] if row else []
    total = sum(r["EXISTIENDA"] for k, r in content.table("EXIST").items() if k[0] == key)
    found = [] if (row["EXISTIENDA"] if row else 0.0) == expected else [f"{subject} {key}: {row} instead of {expected}"]
    return found + ([] if (product_row["EXISTENCIA"] or 0) == total else [f"{key}: total {product_row['EXISTENCIA']} is not {total}"])


@settings(max_examples=600, deadline=None, derandomize=True)
@given(POLICIES, HISTORY)
def test_any_history_ends_with_caja_equal_to_the_mapping_of_sae(policies: Policies, history: list[tuple[int, int]]) -> None:
    world = World(policies)
    for operation, chance in history:
        OPERATIONS[operation](world, chance)
    assert policies.stock is StockPolicy.OVERWRITE or world.caja.over_sales == []
    world.make_good()
    world.rest()
    assert wrong(world) == []

    touched = world.caja.touched
    world.caja.content.positions.clear()
    world.consumer = world.new_consumer()
    world.rest()
    assert world.caja.touched == touched, "a second run of the same history touched a row"
    assert wrong(world) == []
