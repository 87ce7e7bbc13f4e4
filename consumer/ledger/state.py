"""The ledger as it was read: how far each topic was applied, and what of each key."""

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from consumer.ledger.applied import Applied
from consumer.ledger.parked import ParkedChanges, SubjectKey
from consumer.ledger.tables import NO_WAREHOUSE
from consumer.leftout import Notes
from foundation.eventlog.lineage import Position
from foundation.eventlog.port import Offset, Topic, TopicId
from schemas.entities import Entity, Subject
from schemas.keys import Key

TOMBSTONE, UNSEEN = "", "?"
"""What stands in memory for the content hash of a key that SAE deleted, and of one that the log did not hold at the last resync."""


class RowState(StrEnum):
    """What the ledger knows of a key."""

    APPLIED = "applied"
    DELETED = "deleted"
    """SAE deleted it."""
    UNSEEN = "unseen"
    """The log did not hold it at the last resync."""

    @classmethod
    def of(cls, content_hash: str) -> "RowState":
        return _STATES.get(content_hash, cls.APPLIED)

    def in_memory(self, content_hash: str) -> str:
        """What stands for the content hash of a row of this state."""
        return content_hash if self is RowState.APPLIED else TOMBSTONE if self is RowState.DELETED else UNSEEN


_STATES = {TOMBSTONE: RowState.DELETED, UNSEEN: RowState.UNSEEN}


class PositionState(StrEnum):
    """What is done with a topic from its position on."""

    FOLLOWED = "followed"
    """What comes is applied."""
    RESYNC_ASKED = "resync asked for"
    """It is resynced, for somebody wants that."""
    RESYNC_UNFINISHED = "resync unfinished"
    """It is resynced again: the position is not how far it was applied, but the furthest that anything was applied from."""
    RESYNC_DOUBTFUL = "resync doubtful"
    """The same, from a log with a broken lineage, in which some keys may be older than what CAJA has."""

    @property
    def is_unfinished(self) -> bool:
        return self in (PositionState.RESYNC_UNFINISHED, PositionState.RESYNC_DOUBTFUL)


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
    the resync that this position goes back to; empty while it is not finished.
    """

    position: Position
    end_reached: datetime
    fingerprint: str
    state: PositionState = PositionState.FOLLOWED
    sweep: Sweep | None = None

    def is_followed(self, fingerprint: str) -> bool:
        """Whether no resync is due for a consumer of this fingerprint."""
        return self.state is PositionState.FOLLOWED and self.fingerprint == fingerprint


@dataclass(kw_only=True, slots=True)
class State:
    """The ledger as read after a connect or a take-over: nothing in memory survives one."""

    progress: dict[Topic, Progress]
    hashes: dict[Subject, MutableMapping[Key, str]]
    parked: ParkedChanges
    left_out: dict[SubjectKey, Notes] = field(default_factory=dict)
    ready_at: datetime | None = None

    def applied(self, subject: Subject) -> MutableMapping[Key, str]:
        """What was applied of a subject, to be written to."""
        return self.hashes.setdefault(subject, Applied())


def warehouse_of(subject: Subject) -> int:
    return NO_WAREHOUSE if subject.warehouse is None else subject.warehouse


def subject_of(entity: str, warehouse: int) -> Subject:
    return Subject(Entity(entity), warehouse if Entity(entity) is Entity.STOCK else None)
