"""Watching the CAJAs of the demo: when did an edit's events arrive, and did a row change?

A change has arrived when its ledger row says so, for that commits with the row; a row that is as before was kept by policy.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter, sleep
from typing import Any

import sqlalchemy as sa

from consumer.ledger import tables
from consumer.ledger.state import warehouse_of
from foundation.engines.database import Reader
from puente.config import CajaSettings
from puente.demo.edits import Look
from puente.wiring.opening import open_caja
from schemas.keys import Key

LOOK_EVERY_SECONDS = 0.01

Seen = Mapping[tuple[str, str], Any]


@dataclass(frozen=True, slots=True)
class Arrival:
    """What one CAJA showed of one edit: `seconds` is None where nothing arrived in time or the edit is not for this CAJA.

    `kept` names what arrived and left its rows as they were.
    """

    caja: str
    concerned: bool
    seconds: float | None = None
    changed: bool = False
    kept: tuple[str, ...] = ()


class Watcher:
    """One CAJA, through a connection of its own."""

    def __init__(self, settings: CajaSettings) -> None:
        checked = open_caja(settings)
        self.name, self._database, self._stores = settings.name, checked.database, checked.stores
        self._mappers = checked.mappers

    def close(self) -> None:
        self._database.close()

    def concerned(self, looks: Iterable[Look]) -> list[Look]:
        """Stock of a warehouse that no store here has is nothing to wait for."""
        warehouses = {store.warehouse for store in self._stores}
        return [look for look in looks if look.subject.warehouse is None or look.subject.warehouse in warehouses]

    def ledger(self, looks: Sequence[Look]) -> Seen:
        """What was applied or set aside of each key: the hash of its content."""
        with self._database.reading() as reader:
            return {(str(look.subject), key): _applied(reader, look, key) for look in looks for key in look.keys}

    def rows(self, looks: Sequence[Look]) -> Seen:
        """CAJA's own rows of each key."""
        with self._database.reading() as reader:
            return {(str(look.subject), key): self._row(reader, look, key) for look in looks for key in look.keys}

    def _row(self, reader: Reader, look: Look, key: str) -> Any:
        """What SAE feeds of the row: the total of a product's stock, say, is another entity's."""
        mapper = self._mappers[look.subject.entity]
        store = next((store.number for store in self._stores if store.warehouse == look.subject.warehouse), None)
        found = dict(zip(mapper.plan.match, mapper.match(Key(key), store), strict=True))
        columns: list[sa.ColumnClause[Any]] = [sa.column(column.name) for column in mapper.plan.columns]
        query = sa.select(*columns).select_from(sa.table(mapper.plan.table))
        is_it = (_typed(name, value) == value for name, value in found.items())
        return [tuple(row) for row in reader.rows(query.where(*is_it))]


def _typed(name: str, value: object) -> sa.ColumnClause[Any]:
    """Without its type a text is sent as a large object, for which no index is used."""
    return sa.column(name, sa.String() if isinstance(value, str) else sa.Integer())


def _applied(reader: Reader, look: Look, key: str) -> Any:
    where = {"ENTITY": look.subject.entity.value, "WAREHOUSE": warehouse_of(look.subject), "ROW_KEY": key}
    for table in (tables.parked, tables.rows):
        found = list(reader.rows(sa.select(table.c.CONTENT_HASH).where(*(table.c[name] == value for name, value in where.items()))))
        if found:
            return found[0][0]
    return None


@dataclass(frozen=True, slots=True)
class Before:
    """What a CAJA held before an edit."""

    watcher: Watcher
    looks: list[Look]
    ledger: Seen
    rows: Seen


def before(watchers: Sequence[Watcher], looks: Sequence[Look]) -> list[Before]:
    found = []
    for watcher in watchers:
        mine = watcher.concerned(looks)
        found.append(Before(watcher, mine, watcher.ledger(mine), watcher.rows(mine)))
    return found


def wait_for(held: Sequence[Before], since: float, timeout: float) -> list[Arrival]:
    """Waits until every event of the edit arrived in every CAJA; `since` is the moment of SAE's commit (`perf_counter`)."""
    missing = {item.watcher.name: item for item in held if item.looks}
    arrived: dict[str, float] = {}
    while missing and perf_counter() - since < timeout:
        for name, item in list(missing.items()):
            now = item.watcher.ledger(item.looks)
            if all(now[place] != was for place, was in item.ledger.items()):
                arrived[name] = perf_counter() - since
                del missing[name]
        sleep(LOOK_EVERY_SECONDS)
    return [_arrival(item, arrived) for item in held]


def _arrival(item: Before, arrived: Mapping[str, float]) -> Arrival:
    if not item.looks:
        return Arrival(item.watcher.name, concerned=False)
    rows = item.watcher.rows(item.looks)
    kept = {subject for (subject, key), row in rows.items() if row == item.rows[subject, key]}
    changed = any(row != item.rows[place] for place, row in rows.items())
    return Arrival(item.watcher.name, concerned=True, seconds=arrived.get(item.watcher.name), changed=changed, kept=tuple(sorted(kept)))


def open_all(settings: Sequence[CajaSettings]) -> list[Watcher]:
    return [Watcher(caja) for caja in settings]
