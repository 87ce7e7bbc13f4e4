"""Events → what is to be written. Pure: it knows the ledger as read, no driver.

The newest event of each key, without those whose content the ledger has already (equal hash: nothing is decoded), unless the key waits.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from consumer.ledger.parked import Parked, Reason
from consumer.ledger.state import TOMBSTONE, RowState, State, warehouse_of
from consumer.leftout import Notes
from consumer.mapping.action import action
from consumer.mapping.mapper import MappedRow, RowMapper
from consumer.policies import Policies
from foundation.engines.catalogue import Scalar
from foundation.engines.writing import Action, RowWrite
from foundation.errors import PoisonError
from foundation.eventlog.lineage import newest
from foundation.eventlog.port import Event, Offset
from foundation.texts import text
from schemas.codec import FRAME, Decoder, content_hash
from schemas.entities import Entity, Subject
from schemas.headers import HASH
from schemas.keys import KEY_FIELD, Key, label, trim


@dataclass(frozen=True, kw_only=True, slots=True)
class Incoming:
    """A change as it stands in the log (at `offset`) or waits in the ledger."""

    subject: Subject
    key: Key
    value: bytes | None
    content_hash: str
    since: datetime
    offset: Offset | None = None

    def parked(self, reason: Reason, detail: str) -> Parked:
        return Parked(
            subject=self.subject,
            key=self.key,
            reason=reason,
            detail=detail,
            value=self.value,
            content_hash=self.content_hash,
            since=self.since,
        )


@dataclass(frozen=True, slots=True)
class Pending:
    """A change and the row that it becomes."""

    incoming: Incoming
    row: RowWrite
    notes: Notes = ()


@dataclass(kw_only=True)
class Plan:
    """What is to be done with a batch; `equal` counts events that the ledger had already."""

    pending: list[Pending] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)
    equal: int = 0


class Rows(Protocol):
    """CAJA's own rows of one subject."""

    def holds(self, key: Key, values: Sequence[Scalar]) -> bool:
        """Whether the row of this key holds all of these, which were mapped."""
        ...


@dataclass(frozen=True, slots=True)
class Planner:
    """Turns changes into rows; `stores` gives the store of each warehouse."""

    decoder: Decoder
    mappers: Mapping[Entity, RowMapper]
    policies: Policies
    stores: Mapping[int, int]

    def plan(
        self,
        changes: Iterable[Incoming],
        state: State,
        *,
        rewrite: bool = False,
        doubted: Collection[Key] = (),
        rows: Rows | None = None,
    ) -> Plan:
        """`rewrite`: every change is held against CAJA's real row, whatever the ledger says: here, where `rows` are known, else there.

        What comes of `doubted` keys may be older than what CAJA has: it waits where the ledger does not have the same. A ledger that knows
        nothing of a key proves nothing: it may have begun anew in a copy of another CAJA.
        """
        plan, waiting = Plan(), {key for _, key in state.parked} if rows is not None else set()
        for incoming in changes:
            if not rewrite and self._is_known(incoming, state):
                plan.equal += 1
                continue
            if rewrite and self._is_doubtful(incoming, state, doubted):
                plan.parked.append(
                    incoming.parked(Reason.DOUBTFUL, str(text("CAJA may have something newer, or know that SAE deleted it")))
                )
                continue
            try:
                if rows is not None and incoming.key not in waiting and self._is_equal(incoming, state, rows):
                    plan.equal += 1
                else:
                    plan.pending.append(self.pending(incoming))
            except PoisonError as error:
                plan.parked.append(incoming.parked(Reason.REJECTED, str(error)))
        return plan

    @staticmethod
    def _is_known(incoming: Incoming, state: State) -> bool:
        known = state.hashes.get(incoming.subject, {}).get(incoming.key)
        return known == incoming.content_hash and (incoming.subject, incoming.key) not in state.parked

    def _is_equal(self, incoming: Incoming, state: State, rows: Rows) -> bool:
        """Whether nothing of it is to be written: the ledger has it, and CAJA's row holds it."""
        if not self._is_known(incoming, state):
            return False
        done, mapped = self._mapped(incoming)
        if mapped is None or done not in (Action.PUT, Action.CHANGE):
            return False
        lacks = state.left_out.get((incoming.subject, incoming.key), ())
        return mapped.notes == lacks and rows.holds(incoming.key, mapped.values)

    @staticmethod
    def _is_doubtful(incoming: Incoming, state: State, doubted: Collection[Key]) -> bool:
        waits = state.parked.get((incoming.subject, incoming.key))
        if waits is not None and waits.reason is Reason.DOUBTFUL:
            return waits.content_hash == incoming.content_hash
        return incoming.key in doubted and state.hashes.get(incoming.subject, {}).get(incoming.key) != incoming.content_hash

    def pending(self, incoming: Incoming) -> Pending:
        """Decodes and maps one change; raises `PoisonError` where that cannot be done."""
        subject = incoming.subject
        done, mapped = self._mapped(incoming)
        match = () if mapped else self.mappers[subject.entity].match(incoming.key, self._store(subject))
        ledger = (
            subject.entity.value,
            warehouse_of(subject),
            incoming.key,
            RowState.of(incoming.content_hash).value,
            incoming.content_hash,
            mapped.hash if mapped else None,
            self._quantity(subject, mapped),
        )
        return Pending(incoming, RowWrite(done, mapped.values if mapped else match, ledger), mapped.notes if mapped else ())

    def _mapped(self, incoming: Incoming) -> tuple[Action, MappedRow | None]:
        """What is done with the row, and the row where all of it is needed."""
        subject, mapper = incoming.subject, self.mappers[incoming.subject.entity]
        value = None if incoming.value is None else self.decoder.decode(subject.entity.value, incoming.value, mapper.fields)
        if value is not None and str(value[KEY_FIELD[subject.entity]]) != incoming.key:
            raise PoisonError(text("the event's key {key} is not the one in its value", key=incoming.key))
        done, store = action(subject.entity, value, self.policies), self._store(subject)
        if value is None or done is Action.NOTE:
            return done, None
        mapper.match(incoming.key, store)
        return done, mapper.row(value, store)

    def _quantity(self, subject: Subject, row: MappedRow | None) -> Scalar:
        """What stock should be, as CAJA keeps it, so that what drifts is found without reading the log; a tombstone means none."""
        if subject.entity is not Entity.STOCK:
            return None
        return 0.0 if row is None else self.mappers[Entity.STOCK].value_of(row.values, "quantity")

    def stock_again(self, subject: Subject, key: Key, quantity: float, state: State) -> RowWrite:
        """The row of stock that the ledger says is in CAJA."""
        mapper, store, content = self.mappers[Entity.STOCK], self.store_of(subject), state.hashes[subject][key]
        if content == TOMBSTONE:
            done, values, row_hash = Action.RETIRE, mapper.match(key, store), None
        else:
            mapped = mapper.row({"sku": key, "warehouse": subject.warehouse, "quantity": quantity}, store)
            done, values, row_hash = Action.PUT, mapped.values, mapped.hash
        return RowWrite(
            done, values, (subject.entity.value, warehouse_of(subject), key, RowState.of(content).value, content, row_hash, quantity)
        )

    def total_again(self, subject: Subject, key: str) -> RowWrite:
        """The total alone of the product that CAJA writes so."""
        match = self.mappers[Entity.STOCK].match(Key(key), self.store_of(subject))
        return RowWrite(Action.TOTAL, match, (subject.entity.value, warehouse_of(subject), trim(key), None, None, None, None))

    def codes(self, row: RowWrite) -> list[str]:
        """The bar codes of a product's row; none where it is left alone."""
        places = self.mappers[Entity.PRODUCT].code_places
        return [str(row.values[place]) for place in places if place < len(row.values) and row.values[place] is not None]

    def parents(self, entity: Entity) -> frozenset[Entity]:
        """The entities that must be in CAJA before rows of this one."""
        return self.mappers[entity].parents

    def _store(self, subject: Subject) -> int | None:
        return self.stores[subject.warehouse] if subject.warehouse is not None else None

    def store_of(self, subject: Subject) -> int:
        assert subject.warehouse is not None
        return self.stores[subject.warehouse]


def incoming(events: Sequence[Event], subject: Subject, now: datetime) -> list[Incoming]:
    """The newest change of each key, in order of its place in the log."""
    return [_incoming(event, subject, now) for event in newest(events).values()]


def _incoming(event: Event, subject: Subject, now: datetime) -> Incoming:
    return Incoming(
        subject=subject,
        key=label(event.key),
        value=event.value,
        content_hash=_hash(event),
        since=now,
        offset=event.offset,
    )


def _hash(event: Event) -> str:
    if event.value is None:
        return TOMBSTONE
    header = event.header(HASH)
    return header.decode("ascii", "replace")[:16] if header else content_hash(event.value[FRAME.size :])


def gone(subject: Subject, key: Key, now: datetime) -> Incoming:
    """A key that the log does not hold."""
    return Incoming(subject=subject, key=key, value=None, content_hash=TOMBSTONE, since=now)


def again(item: Parked) -> Incoming:
    """What waited, to be tried again."""
    return Incoming(subject=item.subject, key=item.key, value=item.value, content_hash=item.content_hash, since=item.since)
