"""The ledger: the consumer's tables inside the CAJA database, so that what was applied and how far commit together.

PUENTE_GUARD      one row: which CAJA this is, who may write, and that he lives
PUENTE_POSITIONS  per topic, how far it was applied, the event read last, and what the last resync left to be done
PUENTE_ROWS       per key, what was applied: hash of the event's content, hash of the row, the quantity of stock
PUENTE_WAITING    per key, the newest change that could not be applied yet, and why
PUENTE_LEFT_OUT   per key, what its row in CAJA lacks of what SAE holds, and why
"""

from dataclasses import dataclass, field
from datetime import datetime

from consumer.ledger.parked import ParkedChanges, SubjectKey
from consumer.ledger.tables import NO_WAREHOUSE
from consumer.leftout import Notes
from foundation.eventlog.lineage import Position
from foundation.eventlog.port import Offset, Topic, TopicId
from schemas.entities import Entity, Subject
from schemas.keys import Key

TOMBSTONE = ""
"""The content hash of a tombstone."""
UNSEEN = "?"
"""The content hash of a key that the log did not hold at the last resync: no event's."""
ASKED_FOR, UNFINISHED, DOUBTED = "", "-", "!"
"""The fingerprints of a position whose topic somebody wants resynced, and of one up to which a resync has read that is not finished: of a
log that is the one read before, and of another one, in which some keys may be older than what CAJA has."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A place in the control topic of this topic id: only a heartbeat that the producer gave at or after it counts."""

    topic_id: TopicId
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
    parked: ParkedChanges
    left_out: dict[SubjectKey, Notes] = field(default_factory=dict)
    ready_at: datetime | None = None


def warehouse_of(subject: Subject) -> int:
    return NO_WAREHOUSE if subject.warehouse is None else subject.warehouse


def subject_of(entity: str, warehouse: int) -> Subject:
    return Subject(Entity(entity), warehouse if Entity(entity) is Entity.STOCK else None)
