"""What is known of the producer and of each CAJA. What is not known is None, never 0."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from consumer.ledger.parked import Reason
from consumer.leftout import LeftOut
from foundation.errors import ExitCode, PuenteError, gravest
from foundation.eventlog.port import Topic
from foundation.texts import marked
from puente.commands.heartbeat import PRODUCES, ProducerStatus
from schemas.entities import Subject
from schemas.keys import Key

LISTED = 5
"""How many keys of a kind are named."""


class State(StrEnum):
    """What the consumer of a CAJA does, in one word."""

    WORKING = marked("working")
    """All that stands in the log is applied, or set aside."""
    CATCHING_UP = marked("catching up")
    RESYNCING = marked("resyncing")
    """A topic is compared with CAJA from its start, or waits for the producer's heartbeat to be."""
    STOPPED = marked("stopped")
    """Nobody writes to this CAJA."""
    FAILED = marked("failed")
    """An error keeps it from going on: `error` names it."""
    INTERFACE_OFF = marked("interface off")
    UNREACHABLE = marked("unreachable")
    NEVER_LOADED = marked("never loaded")
    """Nothing was ever applied, and nobody is at it."""


class Lacks(StrEnum):
    """What a CAJA still waits for before it is ready to sell."""

    RESYNC = "resync"
    """Some topics were never compared with it."""
    PERSON = "person"
    """Rows that SAE lacks wait until somebody lets them be inactivated."""
    PUBLISHED = "unpublished rows"
    """SAE has rows that cannot be published, so nobody knows that the log holds all."""
    PRODUCER = "producer"
    """The producer is to say that the log holds all of SAE."""
    ENTITIES = "entities"
    """Its settings leave an entity out."""
    CONSUMER = "consumer"
    """All is there; its consumer has yet to say so."""


WORKS = frozenset((State.WORKING, State.CATCHING_UP, State.RESYNCING))


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """A change that was set aside, and why."""

    subject: Subject
    key: Key
    detail: str


@dataclass(kw_only=True)
class Parked:
    """Changes set aside for one reason: how many, since when the oldest, and the first of them."""

    count: int = 0
    oldest: datetime | None = None
    first: list[Example] = field(default_factory=list)


@dataclass(kw_only=True)
class CajaStatus:
    """One CAJA, as far as it takes changes: what its ledger still holds of a store or an entity that it no longer takes is left out.

    `behind` counts places of the log not applied yet, an upper bound of events; `lag_seconds` is how long ago the oldest of them was
    captured from SAE, 0 where there is none. `silent_seconds`: since the last heartbeat of the lease, by the database server's clock.
    `ready_at` is when it had all that it needs to sell; `lacks` what it waits for until then, None where that is not known. `resyncs`
    are topics that are still to be compared with it from their start, `sweeps` those whose missing rows wait for the producer's heartbeat,
    `held` those where that many rows wait for a person. `left_out` is what rows that are there lack of what SAE holds.
    `last_error` is the newest that its consumer met; `error` what keeps it, or this look at it, from working now.
    """

    name: str
    state: State = State.UNREACHABLE
    behind: int | None = None
    lag_seconds: float | None = None
    applied_at: datetime | None = None
    silent_seconds: float | None = None
    holder: str | None = None
    ready_at: datetime | None = None
    lacks: Lacks | None = None
    parked: dict[Reason, Parked] = field(default_factory=dict)
    left_out: Sequence[LeftOut] = ()
    resyncs: list[Topic] = field(default_factory=list)
    sweeps: list[Topic] = field(default_factory=list)
    held: dict[Topic, int] = field(default_factory=dict)
    last_error: str | None = None
    last_error_seconds: float | None = None
    error: PuenteError | None = None


@dataclass(kw_only=True)
class Status:
    """All of it; `topics` has each one's end."""

    company: str = ""
    producer: ProducerStatus = field(default_factory=ProducerStatus)
    topics: dict[Topic, int] = field(default_factory=dict)
    cajas: Sequence[CajaStatus] = ()
    error: PuenteError | None = None

    def exit_code(self, max_lag: float | None = None) -> ExitCode:
        """`DOWN` where something does not work, or is behind for longer than `max_lag` seconds."""
        errors = [error for error in (self.error, *(caja.error for caja in self.cajas)) if error]
        codes = [error.exit_code for error in errors]
        if self.producer.state not in PRODUCES or any(caja.state not in WORKS or is_late(caja, max_lag) for caja in self.cajas):
            codes.append(ExitCode.DOWN)
        return gravest(codes)


def is_late(caja: CajaStatus, max_lag: float | None) -> bool:
    return max_lag is not None and caja.lag_seconds is not None and caja.lag_seconds > max_lag
