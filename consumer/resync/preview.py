"""What a resync would change, read and compared only: nothing is written and no lease is needed.

It tells the same as a resync that ran at this moment would do, but for rows that tills have locked then.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from struct import pack, unpack
from typing import Protocol

from consumer.batch import Incoming, Pending, Planner, incoming
from consumer.ledger.parked import ParkedChanges, Reason
from consumer.ledger.state import TOMBSTONE, UNSEEN, Moment, State
from consumer.leftout import Notes
from consumer.mapping.mapper import RowMapper
from consumer.resync.sweep import Found, find
from consumer.resync.topic import READ_AT_ONCE, Resync
from foundation.engines.catalogue import Kind, Scalar
from foundation.engines.writing import Action, WriteColumn, written
from foundation.eventlog.port import START, EventLog, Topic, TopicId
from schemas.entities import Entity, Subject
from schemas.keys import Key, trim

Match = tuple[Scalar, ...]
NEVER = Moment(TopicId(""), START)


class Readable(Protocol):
    """A CAJA that is only read. Errors are those of `Database`."""

    def rows(self, entity: Entity) -> Iterator[Sequence[Scalar]]:
        """All rows of an entity's table, in the order of its plan's columns."""
        ...

    def unposted(self) -> Collection[tuple[int, Key]]:
        """(store, product) with sales that SAE does not have yet."""
        ...

    def active(self, entity: Entity) -> list[Key]: ...

    def wrong_totals(self) -> list[str]: ...


@dataclass(kw_only=True)
class Preview:
    """What would happen to the keys of one topic; `equal` counts those whose row is as it should be."""

    subject: Subject
    equal: int = 0
    added: list[Key] = field(default_factory=list)
    changed: list[Key] = field(default_factory=list)
    inactivated: list[Key] = field(default_factory=list)
    parked: dict[Key, Reason] = field(default_factory=dict)
    left_out: dict[Key, Notes] = field(default_factory=dict)
    swept: Found = field(default_factory=lambda: Found([], 0))


class Previewer:
    """Looks at topics in order of dependency: what one adds, the next may need.

    `unpublished` tells of a subject the keys that SAE has though the log lacks them: no sweep takes them.
    """

    def __init__(
        self,
        caja: Readable,
        log: EventLog,
        planner: Planner,
        now: datetime,
        watch: Callable[[Subject, int, int], None] = lambda _subject, _done, _of: None,
        unpublished: Callable[[Subject], Collection[Key]] = lambda _subject: (),
    ) -> None:
        self._caja, self._log, self._planner, self._now, self._watch = caja, log, planner, now, watch
        self._unpublished = unpublished
        self._tables: dict[Entity, _Table] = {}
        self._products: set[Key] | None = None
        """Those that the log holds and that do not wait: stock without a row of theirs is kept out."""
        self._unposted = caja.unposted() if planner.policies.stock.respects_caja else ()
        self._wrong_totals: set[Key] | None = None

    def preview(self, subject: Subject, topic: Topic, known: State) -> Preview:
        """Raises what reading the log and CAJA raises."""
        found, before = Preview(subject=subject), known.hashes.get(subject, {})
        hashes = {key: content if content == TOMBSTONE else UNSEEN for key, content in before.items()}
        parked: dict[Key, Reason] = found.parked
        if self._products is None:
            self._products = set(known.hashes.get(Subject(Entity.PRODUCT), ()))
        for changes in self._newest(subject, topic):
            plan = self._planner.plan(changes, known, rewrite=True)
            parked.update({item.key: item.reason for item in plan.parked})
            for pending in plan.pending:
                self._judge(pending, found)
                if pending.notes and pending.incoming.key not in parked:
                    found.left_out[pending.incoming.key] = pending.notes
                hashes[pending.incoming.key] = pending.incoming.content_hash
        after = State(progress={}, hashes={**known.hashes, subject: hashes}, parked=ParkedChanges())
        if subject.entity is Entity.PRODUCT:
            self._products = {key for key, content in hashes.items() if content != UNSEEN and key not in parked}
        candidates = find(subject, self._caja, after, self._planner.policies, warehouses=self._planner.stores)
        spared = {*parked, *found.inactivated, *self._unpublished(subject)}
        found.swept = replace(candidates, gone=[key for key in candidates.gone if key not in spared])
        return found

    def _newest(self, subject: Subject, topic: Topic) -> Iterator[list[Incoming]]:
        resync = Resync(log=self._log, topic=topic, subject=subject, started=self._now, moment=lambda: NEVER)
        is_last = False
        while not is_last:
            chunk = resync.read(READ_AT_ONCE)
            self._watch(subject, *resync.done)
            if chunk is not None:
                yield incoming(chunk.events, subject, self._now)
                is_last = chunk.is_last

    def _table(self, entity: Entity) -> "_Table":
        if entity not in self._tables:
            self._tables[entity] = _Table(self._planner.mappers[entity], self._caja.rows(entity))
        return self._tables[entity]

    def _judge(self, pending: Pending, found: Preview) -> None:
        subject, key, row = found.subject, pending.incoming.key, pending.row
        table = self._table(subject.entity)
        reason = self._reason(pending)
        if reason is not None:
            found.parked[key] = reason
            return
        effect = table.effect(row.action, row.values)
        if subject.entity is Entity.STOCK and self._mends_total(key) and effect == "equal":
            effect = "changed"
        match effect:
            case "added":
                found.added.append(key)
            case "changed":
                found.changed.append(key)
            case "inactivated":
                found.inactivated.append(key)
            case _:
                found.equal += 1

    def _mends_total(self, key: Key) -> bool:
        """Whether the product's total is wrong, and this is the first of its rows that goes in."""
        if self._wrong_totals is None:
            sold = {product for _, product in self._unposted}
            self._wrong_totals = {trim(wrong) for wrong in self._caja.wrong_totals()} - sold
        is_wrong = key in self._wrong_totals
        self._wrong_totals.discard(key)
        return is_wrong

    def _reason(self, pending: Pending) -> Reason | None:
        """Why a row would not go in."""
        subject, key, row = pending.incoming.subject, pending.incoming.key, pending.row
        if subject.entity is Entity.STOCK and (self._planner.store_of(subject), key) in self._unposted:
            return Reason.UNPOSTED_SALES
        if row.action in (Action.PUT, Action.CHANGE):
            plan = self._planner.mappers[subject.entity].plan
            owns = [row.values[[column.name for column in plan.columns].index(parent.own)] for parent in plan.parents]
            parents = sorted(self._planner.parents(subject.entity))
            if any(own is not None and not self._table(parent).holds((own,)) for parent, own in zip(parents, owns, strict=True)):
                return Reason.KEPT_OUT if key in (self._products or ()) else Reason.PARENT
        return None


class _Table:
    """One table of CAJA as a resync would leave it, row by row."""

    def __init__(self, mapper: RowMapper, rows: Iterable[Sequence[Scalar]]) -> None:
        self._plan = plan = mapper.plan
        self._names = [column.name for column in plan.columns]
        self._matched = len(plan.match)
        self._keys = frozenset(place for place, column in enumerate(mapper.columns.values()) if column.conversion == "key")
        self._rows: dict[Match, int] = {}
        self._inactive: set[Match] = set()
        for row in rows:
            self._keep(self._trimmed(tuple(map(_plain, row))))

    def _trimmed(self, row: tuple[Scalar, ...]) -> tuple[Scalar, ...]:
        """However CAJA writes a key, it is the same one."""
        return tuple(trim(value) if place in self._keys and isinstance(value, str) else value for place, value in enumerate(row))

    def _keep(self, row: tuple[Scalar, ...]) -> None:
        match = row[: self._matched]
        self._rows[match] = hash(self._compared(row))
        self._inactive.discard(match)
        if self._is_retired(row):
            self._inactive.add(match)

    def _compared(self, row: tuple[Scalar, ...]) -> tuple[Scalar, ...]:
        return tuple(value for name, value in zip(self._names, row, strict=True) if name not in self._plan.only_new)

    def _is_retired(self, row: tuple[Scalar, ...]) -> bool:
        shown = dict(zip(self._names, row, strict=True))
        return all(shown.get(name, value) == _plain(value) for name, value in self._plan.retire.items())

    def holds(self, match: Match) -> bool:
        return tuple(map(_plain, match)) in self._rows

    def effect(self, action: Action, values: Sequence[Scalar]) -> str:
        """What writing these values would do; from then on the table counts as written."""
        plain = tuple(_written(value, column) for value, column in zip(values, self._plan.columns, strict=False))
        match = plain[: self._matched]
        found = self._rows.get(match)
        match action:
            case Action.NOTE | Action.TOTAL:
                return "equal"
            case Action.RETIRE:
                effect = "equal" if found is None or match in self._inactive else "inactivated"
                self._inactive.add(match)
                return effect
            case Action.PUT | Action.CHANGE:
                return self._put(action, plain, match, found)

    def _put(self, action: Action, row: tuple[Scalar, ...], match: Match, found: int | None) -> str:
        if found == hash(self._compared(row)) or (found is None and action is Action.CHANGE):
            return "equal"
        was_inactive = match in self._inactive
        self._keep(row)
        if found is None:
            return "added"
        return "inactivated" if match in self._inactive and not was_inactive and self._plan.retire else "changed"


def _plain(value: Scalar) -> Scalar:
    """As the database compares: blanks at the end of a text count for nothing."""
    if isinstance(value, str):
        return value.rstrip(" ")
    return float(value) if isinstance(value, Decimal) else value


def _written(value: Scalar, column: WriteColumn) -> Scalar:
    """As it would stand in the database."""
    if value is None or isinstance(value, str) or column.kind is not Kind.FLOAT:
        return _plain(value)
    number = float(written(value))
    return float(unpack("f", pack("f", number))[0]) if column.single else number
