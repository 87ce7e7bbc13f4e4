"""CAJA in memory, with tills: the fake of the unit tests as a database that several processes, and tills, share.

A transaction may be stopped before its commit. Meanwhile it holds the lease and the rows that it wrote: a till waits for those. What
a till wrote in the meantime is locked for the transaction, whose snapshot is older.
"""

import copy
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal

from consumer.ledger.adopt import unproved
from consumer.ledger.lease_row import LeaseRow
from consumer.ledger.state import UNSEEN, PositionState, Progress
from consumer.ledger.tables import VERSION
from consumer.mapping.mapper import RowMapper, mappers
from consumer.policies import Policies
from foundation.eventlog.port import Topic
from schemas.entities import CATALOGUES, Entity, Subject
from schemas.keys import Key
from tests.fakes.caja import Content, MemoryCaja, MemoryTransaction, reference_catalogue
from tests.simulation.truth import SubjectKey
from tests.unit.consuming import PROFILE

Match = tuple[Any, ...]
Broken = Literal["before", "after"]
"""Whether a commit that was never answered took no effect, or all of it."""
OWN_PRODUCT, OWN_CUSTOMER = "X1", "Y1"
CATALOGUE = reference_catalogue()


@dataclass
class SimContent(Content):
    """Quickly copied: its rows are dictionaries, all else in it is frozen."""

    def __deepcopy__(self, _memo: dict[int, Any]) -> "SimContent":
        return SimContent(
            rows={name: {match: dict(row) for match, row in table.items()} for name, table in self.rows.items()},
            hashes={subject: dict(found) for subject, found in self.hashes.items()},
            parked=dict(self.parked),
            left_out=dict(self.left_out),
            progress=dict(self.progress),
            quantities=dict(self.quantities),
            lease=self.lease,
        )


@cache
def mappers_of(ticked: tuple[Entity, ...]) -> dict[Entity, RowMapper]:
    return mappers(PROFILE, CATALOGUE, {}, ticked)


def mappers_for(policies: Policies) -> dict[Entity, RowMapper]:
    """Those of a CAJA that has these boxes ticked."""
    return mappers_of(tuple(entity for entity in CATALOGUES if entity in policies.entities))


def new_lease(name: str) -> LeaseRow:
    return LeaseRow(caja=name, version=VERSION, token=None, beat=0, host=None, process=None, process_started=None)


@dataclass
class Memory:
    """What the checker knows of one CAJA: the event that each row shows, by topic and place."""

    shown: dict[SubjectKey, int] = field(default_factory=dict)


@dataclass
class Backup:
    """The database as it was, and what the checker knew of it."""

    content: Content
    sold: dict[tuple[int, Key], int]
    memory: Memory


@dataclass(kw_only=True)
class SimCaja(MemoryCaja):
    """The database of one CAJA. `on_commit` is told of each transaction before it takes effect."""

    name: str
    policies: Policies = field(default_factory=Policies)
    epoch: int = 0
    open: "SimTransaction | None" = None
    broken: Broken | None = None
    """What happens to the connection at the next commit."""
    sold: dict[tuple[int, Key], int] = field(default_factory=dict)
    """(store, product) → how many since SAE was told."""
    backup: Backup | None = None
    edited: bool = False
    """Somebody changed rows by hand; a resync is to find it."""
    memory: Memory = field(default_factory=Memory)
    on_commit: "Callable[[SimCaja, SimTransaction], None]" = lambda _caja, _transaction: None

    def __post_init__(self) -> None:
        self.content = SimContent(lease=new_lease(self.name))
        names = [column.name for column in self.mappers[Entity.PRODUCT].plan.columns]
        own = {**dict.fromkeys(names), "PRODUCTO": OWN_PRODUCT, "DESCRIPCIO": "own", "ALTA": "T", "EXISTENCIA": 0.0}
        self.content.table("CATINVEN")[OWN_PRODUCT,] = own
        self.add_own_customer(OWN_CUSTOMER)

    def add_own_customer(self, key: str) -> None:
        """One that CAJA made itself, under a key of its own; it has no «Clave en SAE»."""
        names = [column.name for column in self.mappers[Entity.CUSTOMER].plan.columns]
        self.content.table("CATCLIEN")["own", key] = {**dict.fromkeys(names), "CLIENTE": key, "NOMBRE": "own", "ALTA": "T"}

    @property
    def numbers(self) -> list[int]:
        """Of its stores; each has the number of its warehouse."""
        return [store.number for store in self.known_stores]

    # tills and people

    def by_hand(self, table: str, match: Match, **values: Any) -> bool:
        """Whether a program of CAJA's own could write the row, which it must find and nobody else may hold."""
        found = self.content.table(table).get(match)
        if found is None or self._is_held(table, match):
            return False
        found.update(values)
        if self.open is not None:
            self.open.content.table(table)[match].update(values)
            self.open.seen.locked.add((table, match))
        return True

    def _is_held(self, table: str, match: Match) -> bool:
        return self.open is not None and self.open.content.table(table).get(match) != self.content.table(table).get(match)

    def sell(self, store: int, key: Key) -> None:
        row = self.content.table("EXIST").get((key, store))
        if row is not None and self.by_hand("EXIST", (key, store), EXISTIENDA=row["EXISTIENDA"] - 1):
            self.sold[store, key] = self.sold.get((store, key), 0) + 1
            self.sales.add((store, key))

    def forget_sales(self) -> None:
        """SAE has them now."""
        self.sold.clear()
        self.sales.clear()

    def lock(self, table: str, match: Match) -> None:
        """A till takes the row, or lets it go."""
        if not self._is_held(table, match):
            self.locked.symmetric_difference_update({(table, match)})
            if self.open is not None:
                self.open.seen.locked.add((table, match))

    # the administrator

    def copied(self) -> Backup:
        return Backup(copy.deepcopy(self.content), dict(self.sold), copy.deepcopy(self.memory))

    def put_back(self, backup: Backup) -> None:
        """This CAJA's backup, or another one's, which makes it a clone. Every connection ends."""
        self.content, self.memory = copy.deepcopy(backup.content), copy.deepcopy(backup.memory)
        self.sold = dict(backup.sold)
        self.sales = set(self.sold)
        self.locked.clear()
        self.open, self.epoch = None, self.epoch + 1

    def adopt(self) -> None:
        """`puente setup --adopt`."""
        if self.content.lease.caja != self.name:
            self._begin_ledger(
                {topic: replace(found, state=PositionState.RESYNC_ASKED, sweep=None) for topic, found in self.content.progress.items()}
            )

    def renew(self) -> None:
        """`puente setup` where the ledger is of an older Puente."""
        self._begin_ledger({})

    def _begin_ledger(self, progress: dict[Topic, Progress]) -> None:
        before, mapper = self.content, self.mappers[Entity.STOCK]
        parked = (key for subject, key in before.parked if subject.entity is Entity.STOCK)
        told = {*parked, *(key for subject, keys in before.hashes.items() if subject.entity is Entity.STOCK for key in keys)}
        hashes: dict[Subject, MutableMapping[Key, str]] = {}
        for subject, key in unproved(told, self.rows(Entity.STOCK), mapper, self.known_stores):
            hashes.setdefault(subject, {})[key] = UNSEEN
        lease = replace(new_lease(self.name), beat=before.lease.beat + 1)
        self.content = SimContent(rows=before.rows, hashes=hashes, progress=progress, lease=lease)


class SimTransaction(MemoryTransaction):
    """`Transaction`, of a snapshot: `seen` is CAJA as it was when it began."""

    def __init__(
        self, caja: SimCaja, policies: Policies, mappers: Mapping[Entity, RowMapper], token: str, call: Callable[[], None]
    ) -> None:
        self.seen = MemoryCaja(mappers=mappers, parameters=caja.parameters, locked=set(caja.locked), sales=set(caja.sales))
        self.seen.forbidden = set(caja.forbidden)
        super().__init__(self.seen, copy.deepcopy(caja.content))
        self.policies, self.token, self._call = policies, token, call

    def write(self, entity: Any, rows: Any) -> Any:
        self._call()
        return super().write(entity, rows)
