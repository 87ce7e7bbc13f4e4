"""What the mode `record-version` knows from one pass to the next, and what a pass adds to it once all of it is acknowledged."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from foundation.engines.database import TransactionIds
from producer.capture.affected import Spellings, own_table
from producer.capture.faults import Faults
from producer.capture.known import Known, Seen
from producer.capture.port import CheckKeys
from producer.capture.schedule import Gate, Impatience, Pace, Table
from producer.sae.contents import StockSource
from producer.sae.limbo import Stuck
from schemas.entities import Entity


@dataclass(slots=True)
class Memory:
    """What counts from one pass to the next.

    `key_pace` is for reading all keys of a table, apart from looking at it: after one delete the next price must not wait. `others` are
    the tables that are not exact, or of which not all could be read when all was compared; `compare_at` is when all may be compared again
    for them, on the monotonic clock. Tables are `stuck` where a row is in limbo; the keys of `owed` could not be checked for that.
    Those in `recent` were looked at in looks that had to go on: others come first now.
    `stock` is None where that kept it from being known where stock stands; all is compared as soon as it is.
    """

    gate: Gate
    impatience: Impatience
    pace: Pace
    key_pace: Pace
    known: dict[Table, Known]
    others: Collection[Table]
    spellings: Spellings
    stock: StockSource | None
    price_lists: tuple[int, ...] | None
    compare_at: float
    night: datetime
    faults: Faults
    stuck: Stuck
    owed: CheckKeys = ()
    recent: frozenset[Table] = frozenset()

    def due(self, now: float) -> list[Table]:
        """What may be looked at, or compared, by now."""
        return [*self.pace.due(self.known), *(self.others if now >= self.compare_at else ())]

    def unproven(self, seen: Collection[Table]) -> set[Entity]:
        """Of which a look at the tables in `seen` proves no key gone: its row may be there in a spelling that nobody has seen yet."""
        own = {entity: own_table(entity, self.stock) for entity in Entity}
        unseen = {table for table in self.gate.restless(self.known) if table not in seen}
        return {entity for entity, table in own.items() if table in unseen}


@dataclass(frozen=True, slots=True)
class Compared:
    """The marks of a pass that compared all: another state."""

    state: Memory
    ids: TransactionIds


@dataclass(frozen=True, slots=True)
class Looked:
    """The marks of a pass that looked at some tables."""

    seen: Mapping[Table, Seen]
    price_lists: tuple[int, ...] | None
    faults: Faults
    stuck: Stuck
    owed: CheckKeys
    ids: TransactionIds
