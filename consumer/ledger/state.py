"""The ledger: the consumer's tables inside the CAJA database, so that what was applied and how far commit together.

PUENTE_GUARD      one row: which CAJA this is, who may write, and that he lives
PUENTE_POSITIONS  per topic, how far it was applied, the event read last, and what the last resync left to be done
PUENTE_ROWS       per key, what was applied: hash of the event's content, hash of the row, the quantity of stock
PUENTE_WAITING    per key, the newest change that could not be applied yet, and why
PUENTE_LEFT_OUT   per key, what its row in CAJA lacks of what SAE holds, and why
"""

from collections.abc import Collection, Iterable, Iterator, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from consumer.leftout import Notes
from foundation.eventlog.history import Position
from foundation.eventlog.port import Identity, Offset, Topic
from schemas.changes import Entity, Key, Subject

VERSION, OLDEST = 3, 2
"""`puente setup` gives a ledger of version `OLDEST` or later what it lacks; an older one is made anew: a resync fills both."""
NO_WAREHOUSE = 0
"""What stands in WAREHOUSE for every entity but stock."""
TOMBSTONE = ""
"""The content hash of a tombstone."""
UNSEEN = "?"
"""The content hash of a key that the log did not hold at the last resync: no event's."""
ROWS = "PUENTE_ROWS"
ASKED_FOR, UNFINISHED, DOUBTED = "", "-", "!"
"""The fingerprints of a position whose topic somebody wants resynced, and of one up to which a resync has read that is not finished: of a
log that is the one read before, and of another one, in which some keys may be older than what CAJA has."""
KEY_WIDTH = 32
SHORT_VALUE = 1000
"""Bytes of an event that wait in their row; longer ones are large objects, each of which costs several round trips to be read.

(Reading them by a cast is no way out: Firebird 2.5 then turns every unprintable byte into a dot.) A tombstone has neither.
"""

metadata = sa.MetaData(info={"charset": "ISO8859_1"})
"""Its texts are the bytes of CP1252, whatever character set the database makes tables in."""

guard = sa.Table(
    "PUENTE_GUARD",
    metadata,
    sa.Column("ID", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("LEDGER_VERSION", sa.Integer, nullable=False),
    sa.Column("CAJA", sa.String(60), nullable=False),
    sa.Column("TOKEN", sa.String(32)),
    sa.Column("BEAT", sa.BigInteger, nullable=False),
    sa.Column("HOST", sa.String(64)),
    sa.Column("PROCESS", sa.Integer),
    sa.Column("PROCESS_STARTED", sa.BigInteger),
    sa.Column("BOOT", sa.String(64)),
    sa.Column("READY_AT", sa.DateTime),
    sa.Column("LAST_ERROR", sa.String(500)),
    sa.Column("LAST_ERROR_AT", sa.DateTime),
    sa.Column("BEAT_AT", sa.DateTime),
)
positions = sa.Table(
    "PUENTE_POSITIONS",
    metadata,
    sa.Column("TOPIC", sa.String(120), primary_key=True),
    sa.Column("TOPIC_IDENTITY", sa.String(40), nullable=False),
    sa.Column("NEXT_OFFSET", sa.BigInteger, nullable=False),
    sa.Column("LAST_OFFSET", sa.BigInteger),
    sa.Column("LAST_DIGEST", sa.String(16)),
    sa.Column("APPLIED_AT", sa.DateTime, nullable=False),
    sa.Column("END_REACHED", sa.DateTime, nullable=False),
    sa.Column("FINGERPRINT", sa.String(16), nullable=False),
    sa.Column("SWEEP_IDENTITY", sa.String(40)),
    sa.Column("SWEEP_AFTER", sa.BigInteger),
    sa.Column("SWEEP_HELD", sa.Integer),
)
rows = sa.Table(
    ROWS,
    metadata,
    sa.Column("ENTITY", sa.String(12), primary_key=True),
    sa.Column("WAREHOUSE", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("ROW_KEY", sa.String(KEY_WIDTH), primary_key=True),
    sa.Column("CONTENT_HASH", sa.String(16)),
    sa.Column("ROW_HASH", sa.String(16)),
    sa.Column("QUANTITY", sa.DOUBLE_PRECISION),
)
waiting = sa.Table(
    "PUENTE_WAITING",
    metadata,
    sa.Column("ENTITY", sa.String(12), primary_key=True),
    sa.Column("WAREHOUSE", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("ROW_KEY", sa.String(KEY_WIDTH), primary_key=True),
    sa.Column("REASON", sa.String(12), nullable=False),
    sa.Column("DETAIL", sa.String(500), nullable=False),
    sa.Column("SHORT_VALUE", sa.VARBINARY(SHORT_VALUE)),
    sa.Column("LONG_VALUE", sa.LargeBinary),
    sa.Column("CONTENT_HASH", sa.String(16), nullable=False),
    sa.Column("SINCE", sa.DateTime, nullable=False),
)
left_out = sa.Table(
    "PUENTE_LEFT_OUT",
    metadata,
    sa.Column("ENTITY", sa.String(12), primary_key=True),
    sa.Column("WAREHOUSE", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("ROW_KEY", sa.String(KEY_WIDTH), primary_key=True),
    sa.Column("REASON", sa.String(16), primary_key=True),
    sa.Column("COLUMN_NAME", sa.String(63), primary_key=True),
)


Place = tuple[Subject, Key]


class Reason(StrEnum):
    """Why a change waits."""

    PARENT = "parent"
    """The row it needs does not exist yet."""
    GUARD = "guard"
    """The store has unposted sales of the product."""
    LOCKED = "locked"
    """A till holds the row."""
    REJECTED = "rejected"
    """It cannot be read or applied as it is."""
    HELD = "held"
    """The log is another one, in which it may be older than what CAJA has; deletes wait for somebody, and one of them may be its own."""
    KEPT_OUT = "kept out"
    """Stock of a product that policy keeps out of CAJA: not trouble, it goes in with the product."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A change set aside: `value` as it stood in the log, None for a tombstone."""

    subject: Subject
    key: Key
    reason: Reason
    detail: str
    value: bytes | None
    content_hash: str
    since: datetime

    def same(self, other: "Waiting | None") -> bool:
        """Whether writing this one again would say nothing new."""
        return other is not None and (self.content_hash, self.reason, self.detail) == (other.content_hash, other.reason, other.detail)

    @property
    def place(self) -> Place:
        return self.subject, self.key


class Aside(MutableMapping[Place, Waiting]):
    """All that waits, by key; found by reason and, stock, by its product without looking at the rest: it may be very much."""

    def __init__(self, items: Iterable[Waiting] = ()) -> None:
        self._items: dict[Place, Waiting] = {}
        self._by_reason: dict[Reason, dict[Place, Waiting]] = {reason: {} for reason in Reason}
        self._stock: dict[Key, set[Place]] = {}
        for item in items:
            self[item.place] = item

    def __getitem__(self, place: Place) -> Waiting:
        return self._items[place]

    def __setitem__(self, place: Place, item: Waiting) -> None:
        if place in self._items:
            del self[place]
        self._items[place] = self._by_reason[item.reason][place] = item
        if place[0].entity is Entity.STOCK:
            self._stock.setdefault(place[1], set()).add(place)

    def __delitem__(self, place: Place) -> None:
        item = self._items.pop(place)
        del self._by_reason[item.reason][place]
        if place[0].entity is Entity.STOCK:
            self._stock[place[1]].discard(place)

    def __iter__(self) -> Iterator[Place]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def because_of(self, reason: Reason) -> Collection[Waiting]:
        return self._by_reason[reason].values()

    def stock_of(self, product: Key) -> list[Waiting]:
        return [self._items[place] for place in self._stock.get(product, ())]


@dataclass(frozen=True, kw_only=True, slots=True)
class Guard:
    """The guard row. `host`, `process` and what follows tell who holds it; `beat` grows with every writing transaction of his.

    `ready_at`: when a resync of everything, with all boxes ticked, had finished for the first time (UTC).
    """

    caja: str
    version: int
    token: str | None
    beat: int
    host: str | None
    process: int | None
    process_started: int | None
    boot: str | None = None
    ready_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Life:
    """What the guard row tells of whoever writes and of the newest error there: how many seconds ago, None where never.

    Both moments are the database server's own, so that no clocks of two machines are compared.
    """

    token: str | None
    holder: str | None
    beat_seconds: float | None
    error: str | None
    error_seconds: float | None

    @property
    def error_is_newest(self) -> bool:
        """Whether nothing was written since it."""
        return self.error_seconds is not None and (self.beat_seconds is None or self.error_seconds <= self.beat_seconds)


@dataclass(frozen=True, slots=True)
class Moment:
    """A place in the control topic of this identity: only a word that the producer gave at or after it counts."""

    identity: Identity
    after: Offset


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep that is due: the producer must have spoken `since`.

    `held` is how many rows it would inactivate, where that is more than the cap.
    """

    since: Moment
    held: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far a topic was applied; times in UTC.

    `end_reached` is when its end was last reached: a tombstone that came and went since may have been missed. `fingerprint` is that of
    the resync that this position goes back to, or `ASKED_FOR`; or `UNFINISHED` or `DOUBTED`: then the position is not how far the topic
    was applied, but the furthest that anything was applied from.
    """

    position: Position
    end_reached: datetime
    fingerprint: str
    sweep: Sweep | None = None


@dataclass(kw_only=True, slots=True)
class State:
    """The ledger as read after a connect or a take-over: nothing in memory survives one."""

    progress: dict[Topic, Progress]
    hashes: dict[Subject, dict[Key, str]]
    waiting: Aside
    left_out: dict[Place, Notes] = field(default_factory=dict)
    ready_at: datetime | None = None


def warehouse_of(subject: Subject) -> int:
    return NO_WAREHOUSE if subject.warehouse is None else subject.warehouse


def subject_of(entity: str, warehouse: int) -> Subject:
    return Subject(Entity(entity), warehouse if Entity(entity) is Entity.STOCK else None)
