"""A CAJA in memory: the port's semantics, one dictionary per table, faults planted by the test."""

import copy
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from consumer.caja.port import CodeInRow, Holder, Store, Switches, SwitchesChanged
from consumer.ledger.lease_row import LeaseRow
from consumer.ledger.parked import Parked, ParkedChanges, SubjectKey
from consumer.ledger.state import UNSEEN, Progress, State, subject_of, warehouse_of
from consumer.ledger.tables import VERSION
from consumer.leftout import LeftOut, Notes, summary
from consumer.mapping.mapper import RowMapper
from foundation.engines.catalogue import Catalogue, Column, Kind, Scalar, Table
from foundation.engines.errors import LockConflict
from foundation.engines.writing import Action, Refusal, RowError, RowWrite, WritePlan, Written
from foundation.errors import LostLease
from foundation.eventlog.port import Topic
from foundation.texts import text
from puente.reference.columns import caja_metadata
from schemas.entities import Entity, Subject
from schemas.keys import Key, trim

Row = dict[str, Any]
LOCKED, FORBIDDEN = 335544345, 335544517
"""Firebird's numbers: another transaction holds the row; a trigger of CAJA's own raised an exception."""


def reference_catalogue() -> Catalogue:
    """What a database's catalogue says of the reference CAJA."""
    return catalogue_of(caja_metadata())


def catalogue_of(metadata: sa.MetaData) -> Catalogue:
    """What a database's catalogue says once these tables were made in it."""
    return {table.name: _table(table) for table in metadata.sorted_tables}


def _table(table: sa.Table) -> Table:
    unique = [frozenset((column.name,)) for column in table.columns if column.unique]
    keys = [frozenset(column.name for column in table.primary_key), *unique]
    return Table(name=table.name, columns={column.name: _column(column) for column in table.columns}, keys=keys)


def _column(column: sa.Column[Any]) -> Column:
    kinds = ((sa.String, Kind.TEXT), (sa.Integer, Kind.INTEGER), (sa.DOUBLE_PRECISION, Kind.FLOAT), (sa.DateTime, Kind.TIMESTAMP))
    kind = next((kind for of, kind in kinds if isinstance(column.type, of)), Kind.OTHER)
    length = column.type.length if isinstance(column.type, sa.String) else None
    charset = "ISO8859_1" if kind is Kind.TEXT else None
    return Column(name=column.name, kind=kind, length=length, nullable=bool(column.nullable), charset=charset)


@dataclass
class Content:
    """All that commits together."""

    rows: dict[str, dict[tuple[Any, ...], Row]] = field(default_factory=dict)
    hashes: dict[Subject, MutableMapping[Key, str]] = field(default_factory=dict)
    parked: dict[tuple[Subject, Key], Parked] = field(default_factory=dict)
    left_out: dict[SubjectKey, Notes] = field(default_factory=dict)
    progress: dict[Topic, Progress] = field(default_factory=dict)
    quantities: dict[tuple[int, Key], float] = field(default_factory=dict)
    """(warehouse, product) → the ledger's."""
    lease: LeaseRow = field(
        default_factory=lambda: LeaseRow(caja="centro", version=VERSION, token=None, beat=0, host=None, process=None, process_started=None)
    )

    def table(self, name: str) -> dict[tuple[Any, ...], Row]:
        return self.rows.setdefault(name, {})

    def totals(self, plan: WritePlan) -> dict[Any, float]:
        """What the plan's rows add up to, by the key of the total."""
        total, found = plan.total, dict[Any, float]()
        assert total is not None
        for row in self.table(plan.table).values():
            found[row[total.own_key]] = found.get(row[total.own_key], 0) + (row[total.of] or 0)
        return found


@dataclass
class MemoryCaja:
    """`Caja`; `locked` holds (table, match values), `crash` is raised at the next commit: before it took effect, or after."""

    mappers: Mapping[Entity, RowMapper]
    known_stores: list[Store] = field(default_factory=lambda: [Store(number=1, warehouse=1), Store(number=2, warehouse=2)])
    parameters: Switches = field(default_factory=lambda: Switches(interface=True, stock_changes=True, tax_included=False))
    content: Content = field(default_factory=Content)
    locked: set[tuple[str, tuple[Any, ...]]] = field(default_factory=set)
    forbidden: set[tuple[str, tuple[Any, ...]]] = field(default_factory=set)
    """Rows that a trigger of CAJA's own lets nobody write."""
    sales: set[tuple[int, Key]] = field(default_factory=set)
    crash_before: list[BaseException] = field(default_factory=list)
    crash_after: list[BaseException] = field(default_factory=list)
    locked_by: str | None = None
    """Who keeps the lease's row locked: somebody "idle", "busy", or whose connection we "may not" end."""
    touched: int = 0
    over_sales: list[tuple[int, Key]] = field(default_factory=list)
    """Stock that was written over unposted sales."""

    def refused(self, table: str, match: tuple[Any, ...]) -> int:
        """Why a row cannot be written (0: it can); a locked one may be what another transaction adds and has not committed."""
        return FORBIDDEN if (table, match) in self.forbidden else LOCKED if (table, match) in self.locked else 0

    def switches(self) -> Switches:
        return self.parameters

    def stores(self) -> list[Store]:
        return self.known_stores

    def read_lease(self) -> LeaseRow:
        return self.content.lease

    def claim(self, seen: LeaseRow, token: str, holder: Holder) -> bool:
        lease = self.content.lease
        if self.locked_by or (lease.token, lease.beat) != (seen.token, seen.beat):
            return False
        self._hold(token, holder)
        return True

    def end_idle(self) -> int | None:
        if self.locked_by == "idle":
            self.locked_by = None
            return 1
        return None if self.locked_by == "may not" else 0

    def _hold(self, token: str | None, holder: Holder | None) -> None:
        self.content.lease = LeaseRow(
            caja=self.content.lease.caja,
            version=VERSION,
            token=token,
            beat=self.content.lease.beat + 1,
            host=holder.host if holder else None,
            process=holder.process if holder else None,
            process_started=holder.started if holder else None,
            boot=holder.boot if holder else None,
            ready_at=self.content.lease.ready_at,
        )

    def free(self, token: str) -> None:
        if self.content.lease.token == token:
            self._hold(None, None)

    def state(self, beat: Callable[[], None] | None = None) -> State:
        c = copy.deepcopy(self.content)
        found = State(
            progress=c.progress, hashes=c.hashes, parked=ParkedChanges(c.parked.values()), left_out=c.left_out, ready_at=c.lease.ready_at
        )
        for subject in c.hashes if beat else ():
            assert beat is not None
            beat()
            found.hashes[subject] = dict(self.content.hashes.get(subject, {}))
        return found

    def left_out(self, takes: Callable[[Subject], bool], known: Mapping[SubjectKey, Notes] | None = None) -> list[LeftOut]:
        return summary(self.content.left_out if known is None else known, takes)

    def active(self, entity: Entity) -> list[Key]:
        mapper = self.mappers[entity]
        assert mapper.active is not None
        flag, yes, column = mapper.active.column, mapper.active.yes, mapper.key_column
        rows = self.content.table(mapper.plan.table).values()
        return [trim(str(row[column])) for row in rows if row[flag] == yes and row[column] is not None]

    def rows(self, entity: Entity, store: int | None = None, beat: Callable[[], None] | None = None) -> Iterator[Sequence[Scalar]]:
        plan = self.mappers[entity].plan
        for number, row in enumerate(list(self.content.table(plan.table).values())):
            if beat is not None and number:
                beat()
            if store is None or row[self.mappers[entity].column_of("store")] == store:
                yield tuple(row.get(column.name) for column in plan.columns)

    def unposted(self) -> Collection[tuple[int, Key]]:
        return set(self.sales)

    def codes(self) -> list[CodeInRow]:
        mapper = self.mappers[Entity.PRODUCT]
        names = [list(mapper.columns)[place] for place in mapper.code_places]
        rows = [row for row in self.content.table(mapper.plan.table).values() if row["ALTA"] == "T"]
        return [CodeInRow(key=trim(row["PRODUCTO"]), column=n, code=row[n]) for row in rows for n in names if row.get(n) is not None]

    def drifted(self, stock: Subject, store: int) -> dict[Key, float]:
        mapper, number = self.mappers[Entity.STOCK], warehouse_of(stock)
        table, column = self.content.table(mapper.plan.table), mapper.column_of("quantity")
        found = {}
        for (warehouse, key), wanted in self.content.quantities.items():
            row = table.get((key, store))
            if warehouse == number and self.content.hashes[stock].get(key) != UNSEEN and (row[column] if row else 0) != wanted:
                found[key] = wanted
        return found

    def wrong_totals(self) -> list[str]:
        plan = self.mappers[Entity.STOCK].plan
        assert plan.total is not None
        holders, column = self.content.table(plan.total.table), plan.total.column
        return [key for key, added_up in self.content.totals(plan).items() if (key,) in holders and holders[key,][column] != added_up]

    @contextmanager
    def transaction(self, token: str, known: Switches | None = None) -> Iterator["MemoryTransaction"]:
        if self.content.lease.token != token:
            raise LostLease(text("{caja}: another process writes to it now", caja=self.content.lease.caja))
        if known not in (None, self.parameters):
            raise SwitchesChanged(self.parameters)
        transaction = self.begin()
        transaction.content.lease = replace(self.content.lease, beat=self.content.lease.beat + 1)
        yield transaction
        if self.crash_before:
            raise self.crash_before.pop()
        self.content = transaction.content
        self.touched += transaction.touched
        if self.crash_after:
            raise self.crash_after.pop()

    def begin(self) -> "MemoryTransaction":
        return MemoryTransaction(self, copy.deepcopy(self.content))


class MemoryTransaction:
    """`Transaction` on a copy that replaces the content at its end."""

    def __init__(self, caja: MemoryCaja, content: Content) -> None:
        self._caja, self.content, self.touched = caja, content, 0

    @property
    def switches(self) -> Switches:
        return self._caja.parameters

    def stores(self) -> list[Store]:
        return self._caja.known_stores

    def unposted(self) -> Collection[tuple[int, Key]]:
        return set(self._caja.sales)

    def write(self, entity: Entity, rows: Sequence[RowWrite]) -> Written:
        plan, errors, touched = self._caja.mappers[entity].plan, [], 0
        for index, row in enumerate(rows):
            code, changed = self._write(plan, row)
            touched += changed
            if code:
                errors.append(RowError(index, code, code == LOCKED, text("planted")))
            elif row.action is not Action.TOTAL:
                entity_name, warehouse, key, _, content_hash, _, quantity = row.ledger
                subject = subject_of(str(entity_name), int(str(warehouse)))
                self.content.hashes.setdefault(subject, {})[Key(str(key))] = str(content_hash)
                if quantity is not None:
                    self.content.quantities[int(str(warehouse)), Key(str(key))] = float(quantity)
        self.touched += touched
        return Written(touched, errors)

    def _write(self, plan: WritePlan, row: RowWrite) -> tuple[int, bool]:
        """The refusal (0: none) and whether a row was touched."""
        table = self.content.table(plan.table)
        match = _spelled(row.values[: len(plan.match)], table)
        found = table.get(match)
        new: Row | None = None
        match row.action:
            case Action.NOTE:
                return 0, False
            case Action.TOTAL:
                return self._add_up(plan, match)
            case Action.RETIRE:
                new = found and {**found, **plan.retire}
            case Action.CHANGE | Action.PUT:
                values = {c.name: _stored(v) for c, v in zip(plan.columns, (*match, *row.values[len(match) :]), strict=True)}
                if self._lacks_a_parent(plan, values):
                    return Refusal.PARENT, False
                if plan.numbered and found is None:
                    values[plan.numbered] = _numbered(values[plan.numbered], [of[plan.numbered] for of in table.values()])
                fixed = {name: found[name] for name in plan.only_new} if found else dict(plan.added)
                new = None if found is None and row.action is Action.CHANGE else {**(found or {}), **values, **fixed}
        if new is None or new == found:
            return 0, False
        code = self._caja.refused(plan.table, match)
        if code:
            return code, False
        table[match] = new
        refusal, _ = self._add_up(plan, match)
        if refusal:  # all or none
            table.pop(match) if found is None else table.update({match: found})
            return refusal, False
        self._caja.over_sales += [sale for sale in self._caja.sales if plan.table == "EXIST" and match == (sale[1], sale[0])]
        return 0, True

    def _lacks_a_parent(self, plan: WritePlan, values: Row) -> bool:
        return any(
            all(trim(row[parent.column]) != trim(values[parent.own]) for row in self.content.table(parent.table).values())
            for parent in plan.parents
        )

    def _add_up(self, plan: WritePlan, match: tuple[Any, ...]) -> tuple[int, bool]:
        """The refusal (0: none) and whether the total was another one."""
        total = plan.total
        if total is None:
            return 0, False
        key = match[plan.match.index(total.own_key)]
        found = self.content.table(total.table).get((key,))
        added_up = self.content.totals(plan).get(key)
        if found is None or found[total.column] == added_up:
            return 0, False
        if (total.table, (key,)) in self._caja.locked:
            return LOCKED, False
        found[total.column] = added_up
        return 0, True

    def park(self, changes: Iterable[Parked]) -> None:
        for item in changes:
            assert item.place not in self.content.parked, "release it first"
            self.content.parked[item.place] = item

    def release(self, places: Iterable[tuple[Subject, Key]]) -> None:
        for place in places:
            self.content.parked.pop(place, None)

    def leave_out(self, found: Mapping[SubjectKey, Notes], before: Iterable[SubjectKey]) -> None:
        for place in before:
            del self.content.left_out[place]
        for place, notes in found.items():
            assert place not in self.content.left_out, "name it as one of before"
            if notes:
                self.content.left_out[place] = notes

    def save(self, topic: Topic, progress: Progress) -> None:
        self.content.progress[topic] = progress

    def unsee(self, subject: Subject, keys: Iterable[Key]) -> None:
        self.content.hashes.setdefault(subject, {}).update(dict.fromkeys(keys, UNSEEN))

    def free_codes(self, found: Iterable[CodeInRow]) -> None:
        for one in found:
            if ("CATINVEN", (one.key,)) in self._caja.locked:
                raise LockConflict(text("planted"))
            self.content.table("CATINVEN")[one.key,][one.column] = None

    def set_ready(self, at: datetime) -> None:
        self.content.lease = replace(self.content.lease, ready_at=at)


def _stored(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def _spelled(match: tuple[Any, ...], table: Collection[tuple[Any, ...]]) -> tuple[Any, ...]:
    """As the table writes the key, where it writes it with blanks around."""
    if match in table:
        return match
    trimmed = (found for found in table if tuple(trim(part) if isinstance(part, str) else part for part in found) == match)
    return next(trimmed, match)


def _numbered(wanted: Any, taken: list[Any]) -> Any:
    """The key that a row gets which is added."""
    return str(max((int(key) for key in taken if str(key).isdigit()), default=0) + 1) if wanted in taken else wanted
