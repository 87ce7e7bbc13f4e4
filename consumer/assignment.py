"""One CAJA, and what it takes to serve it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic

from consumer.batch import Planner
from consumer.caja.port import Caja, Store, Switches
from consumer.lease import Lease
from consumer.subscribe import takes
from consumer.switches import check
from foundation.eventlog.port import EventLog
from schemas.entities import Subject
from schemas.registry import RegistryReader
from schemas.topics import Topics


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """Made once, with the connections that it holds.

    `fingerprint` stands for profile, policies, stores and mapping: another one in the ledger is a resync. `prices` are those that the site
    names: one of a list that SAE does not have, as soon as the producer told its lists, is an error. `stores` are those that CAJA had when
    the planner was made. `now` gives UTC.
    """

    name: str
    caja: Caja
    log: EventLog
    topics: Topics
    registry: RegistryReader
    planner: Planner
    lease: Lease
    fingerprint: str
    prices: Mapping[str, int] = field(default_factory=dict)
    stores: Sequence[Store] | None = None
    clock: Callable[[], float] = monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def check(self, switches: Switches) -> None:
        """Raises what forbids writing."""
        check(switches, self.planner.policies, self.name)

    def takes(self, subject: Subject) -> bool:
        """Whether this CAJA takes changes of a subject."""
        return takes(self.planner.policies, self.planner.stores, subject)
