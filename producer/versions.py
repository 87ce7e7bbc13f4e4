"""The capture mode `record-version`: every committed write and delete at the next poll, by the numbers of the transactions that wrote.

The first pass, and one a night, compare all of SAE in one snapshot and learn every raw key. A later pass asks each table what was written
from its mark on and how many rows it has (`known`), turns that into keys (`affected`), reads those in the same snapshot, and compares them
with the view. A table that is not exact (a view, or one without a key of its own) is seen by comparing all, every so often.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import monotonic

from producer.affected import Narrowed, Spellings, affected
from producer.capture import COMPARE, Captured, CheckKeys
from producer.compare import Comparison, Keys
from producer.contents import StockSource, everything, price_lists, stock_source, warehouses
from producer.faults import Faults, faults_of
from producer.known import Known, Recording, Seen, look, read_gone
from producer.sae import Beating, Sae, Snapshot
from producer.schedule import Gate, Pace, Table, next_night, rest_after
from producer.tables import Precios
from producer.view import View
from puente.engines.database import TransactionIds
from puente.engines.errors import RowInLimbo

RECORD_VERSION = "record-version"


@dataclass(slots=True)
class _State:
    """What counts from one pass to the next.

    `key_pace` is for reading all keys of a table, apart from looking at it: after one delete the next price must not wait. `others` are
    the tables that are not exact; `compare_at` is when all may be compared again for them, on the monotonic clock.
    """

    gate: Gate
    pace: Pace
    key_pace: Pace
    known: dict[Table, Known]
    others: Collection[Table]
    spellings: Spellings
    stock: StockSource
    price_lists: tuple[int, ...]
    compare_at: float
    night: datetime
    faults: Faults


@dataclass(frozen=True, slots=True)
class _Compared:
    """The marks of a pass that compared all: another state."""

    state: _State
    ids: TransactionIds


@dataclass(frozen=True, slots=True)
class _Looked:
    """The marks of a pass that looked at some tables."""

    seen: Mapping[Table, Seen]
    price_lists: tuple[int, ...]
    faults: Faults
    ids: TransactionIds


class VersionCapture:
    """The mode `record-version`, on an engine that has it.

    A table is looked at, and its keys are read, each for at most `share` (0 to 1) of the time. `every_seconds` is how often all is compared
    where a table is not exact. `local` tells the time of the place, for the comparison at night.
    """

    mode = RECORD_VERSION

    def __init__(
        self,
        sae: Sae,
        *,
        every_seconds: float = 0.0,
        share: float = 1.0,
        clock: Callable[[], float] = monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        local: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        self._sae, self._every, self._share = sae, every_seconds, share
        self._clock, self._now, self._local = clock, now, local
        self._state: _State | None = None

    def changes(self, view: View, check: CheckKeys, beat: Callable[[], None]) -> Captured | None:
        state = self._state
        if state is not None and not check and not self._may_look(state):
            return None
        with self._sae.snapshot() as snapshot:
            ids = snapshot.ids
            assert ids is not None, "an engine that tells versions numbers its transactions"
            if state is None or state.gate.session != self._sae.connections:
                return self._compare_all(snapshot, ids, view, beat)
            state.gate.enter(ids)
            tables = state.gate.restless(state.pace.due(state.known))
            if self._compares_now(state) or (tables and stock_source(snapshot) != state.stock):
                return self._compare_all(snapshot, ids, view, beat)
            return self._look(snapshot, ids, view, state, tables, check, beat) if tables or check else None

    def _may_look(self, state: _State) -> bool:
        """Whether it is time for anything; asked before SAE is."""
        compares = bool(state.others) and self._clock() >= state.compare_at
        return compares or self._local() >= state.night or bool(state.pace.due(state.known))

    def _compares_now(self, state: _State) -> bool:
        """At night also where nothing changed, for that proves the rest; for tables that are not exact only where something may have."""
        if self._local() >= state.night:
            return True
        return self._clock() >= state.compare_at and bool(state.gate.restless(state.others))

    def _compare_all(self, snapshot: Snapshot, ids: TransactionIds, view: View, beat: Callable[[], None]) -> Captured:
        began, at, night = self._clock(), self._now(), next_night(self._local())
        rows, comparison = Recording(snapshot), Comparison(view)
        for row in everything(Beating(rows, beat)):
            comparison.add(row)
        known, spellings = rows.known(ids), Spellings()
        for table, keys in rows.keys.items():
            spellings.learn(table, keys)
        found = comparison.warehouses | warehouses(snapshot)
        ended = self._clock()
        state = _State(
            gate=Gate(self._sae.connections, ids.own),
            pace=Pace(self._share, self._clock),
            key_pace=Pace(self._share, self._clock),
            known=known,
            others=rows.keys.keys() - known.keys(),
            spellings=spellings,
            stock=stock_source(snapshot),
            price_lists=price_lists(snapshot),
            compare_at=ended + max(self._every, rest_after(ended - began, self._share)),
            night=night,
            faults=faults_of(comparison),
        )
        return self._captured(COMPARE, at, comparison, None, found, _Compared(state, ids))

    def _look(
        self,
        snapshot: Snapshot,
        ids: TransactionIds,
        view: View,
        state: _State,
        tables: Collection[Table],
        check: CheckKeys,
        beat: Callable[[], None],
    ) -> Captured:
        at = self._now()
        seen, stuck = {}, dict[Table, RowInLimbo]()
        for table in tables:
            try:
                seen[table] = self._look_at(snapshot, ids, state, table)
            except RowInLimbo as error:  # its mark stays, so nothing of it is missed once it can be read
                stuck[table] = error
        for table, one in seen.items():
            state.spellings.learn(table, one.added)
        keys = affected(snapshot, seen, state.stock, check)
        comparison = Comparison(view, keys)
        wanted = Beating(Narrowed(snapshot, keys, state.spellings, state.stock), beat)
        for row in everything(wanted) if keys else ():
            comparison.add(row)
        faults = state.faults.after(comparison, keys)
        lists = price_lists(snapshot) if Precios in seen and any(seen[Precios].touched) else state.price_lists
        found = comparison.warehouses | warehouses(snapshot)
        return replace(self._captured(self.mode, at, comparison, keys, found, _Looked(seen, lists, faults, ids)), stuck=stuck)

    def _look_at(self, snapshot: Snapshot, ids: TransactionIds, state: _State, table: Table) -> Seen:
        began, known = self._clock(), state.known[table]
        seen = look(snapshot, table, known, ids)
        looked = self._clock()
        state.pace.looked(table, began, looked)
        if seen.lacks and state.key_pace.due([table]):
            seen = read_gone(snapshot, table, known, seen)
            state.key_pace.looked(table, looked, self._clock())
        return seen

    def _captured(
        self,
        mode: str,
        at: datetime,
        comparison: Comparison,
        only: Keys | None,
        found: Collection[int],
        marks: _Compared | _Looked,
    ) -> Captured:
        known = marks.state if isinstance(marks, _Compared) else marks
        return Captured(
            at=at,
            mode=mode,
            differences=comparison.differences,
            only=only,
            warehouses=frozenset(found),
            price_lists=known.price_lists,
            read=comparison.read,
            problems=tuple(known.faults.problems.values()),
            collisions=known.faults.collisions,
            marks=marks,
        )

    def keep(self, captured: Captured) -> None:
        match captured.marks:
            case _Compared(state, ids):
                self._state = state
                state.gate.looked([*state.known, *state.others], ids)
            case _Looked(seen, lists, faults, ids):
                assert self._state is not None
                for table, one in seen.items():
                    self._state.known[table].keep(one)
                self._state.gate.looked([table for table, one in seen.items() if not one.lacks], ids)
                self._state.price_lists, self._state.faults = lists, faults
            case _:
                raise TypeError(captured.marks)

    def forget(self) -> None:
        self._state = None
