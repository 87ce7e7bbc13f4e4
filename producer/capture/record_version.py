"""The capture mode `record-version`: every committed write and delete at the next poll, by the numbers of the transactions that wrote.

The first pass, and one a night, compare all of SAE in one snapshot and learn every raw key. A later pass asks each table what was written
from its mark on and how many rows it has (`known`), turns that into keys (`affected`), reads those in the same snapshot, and compares them
with the log index. A table that is not exact (a view, or one without a key of its own) is seen by comparing all, every so often.
"""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic

from foundation.engines.database import TransactionIds
from producer.capture.affected import Narrowed, Spellings, affected
from producer.capture.compare import COMPARE
from producer.capture.comparison import Comparison, Keys
from producer.capture.faults import faults_of
from producer.capture.known import Recording, Seen, look, read_gone
from producer.capture.marks import Compared, Looked, Memory
from producer.capture.port import Captured, CheckKeys
from producer.capture.schedule import Gate, Impatience, Pace, Table, in_order, next_night, rest_after
from producer.index import LogIndex
from producer.progress import Progress, Stage
from producer.sae.contents import StockSource, everything_with, price_lists
from producer.sae.limbo import UpToLimbo, resting_on
from producer.sae.port import Beating, Sae, Snapshot
from producer.sae.tables import KEYS, Precios

RECORD_VERSION = "record-version"
SMALL_ROWS = 1000
"""A table with at most so many is read faster than a statement of its own is prepared."""
ENOUGH_SECONDS = 0.25
"""After so long what a look found is published before other tables are looked at."""


class VersionCapture:
    """The mode `record-version`, on an engine that has it.

    A table is looked at, and its keys are read, each for at most `share` (0 to 1) of the time. `every_seconds` is how often all is compared
    where a table is not exact. `local` tells the time of the place, for the comparison at night. A look that found something goes on with
    no other table once it took `enough` seconds: the next one does.
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
        progress: Progress | None = None,
        enough: float = ENOUGH_SECONDS,
    ) -> None:
        self._sae, self._every, self._share, self._enough = sae, every_seconds, share, enough
        self._clock, self._now, self._local = clock, now, local
        self._state: Memory | None = None
        self._progress = progress or Progress()

    def changes(self, index: LogIndex, check: CheckKeys, beat: Callable[[], None]) -> Captured | None:
        state = self._state
        if state is not None and not check and not (self._may_look(state) and self._may_find(state)):
            return None
        if state is not None and self._local() >= state.night:
            self._sae.look_anew()
        with self._sae.snapshot() as snapshot:
            check = {*check, *(state.owed if state else ())}
            ids = snapshot.ids
            assert ids is not None, "an exact table"
            if state is None or state.gate.session != self._sae.connections:
                return self._compare_all(snapshot, ids, index, beat)
            if state.gate.enter(ids):
                state.impatience.begin(self._clock())
            tables = state.gate.restless(state.pace.due(state.known))
            if self._compares_now(state):
                return self._compare_all(snapshot, ids, index, beat)
            if not tables and not check:
                return None
            rows = UpToLimbo(snapshot)
            if rows.places.source not in (None, state.stock):
                return self._compare_all(snapshot, ids, index, beat)
            return self._look(rows, ids, index, state, tables, check, beat)

    def has_news(self) -> bool:
        state, now = self._state, self._clock()
        if state is None or not (due := state.due(now)):
            return False
        match state.gate.is_newest(self._sae):
            case None:
                return False
            case False:
                return True
            case True:  # whether one that ran has ended the look itself asks
                return bool(state.gate.restless(due)) and state.impatience.takes(now)

    def _may_look(self, state: Memory) -> bool:
        """Whether it is time for anything; asked before SAE is."""
        return bool(state.due(self._clock())) or self._local() >= state.night

    def _may_find(self, state: Memory) -> bool:
        """Whether a look may find anything, asked of SAE in a way that costs it nothing; at night all is proved, whatever happened."""
        if state.owed or self._local() >= state.night:
            return True
        return not state.gate.is_closed(self._sae, state.due(self._clock()))

    def _compares_now(self, state: Memory) -> bool:
        """At night also where nothing changed, for that proves the rest; for tables that are not exact only where something may have."""
        if self._local() >= state.night:
            return True
        return self._clock() >= state.compare_at and bool(state.gate.restless(state.others))

    def _compare_all(self, snapshot: Snapshot, ids: TransactionIds, index: LogIndex, beat: Callable[[], None]) -> Captured:
        began, at, night = self._clock(), self._now(), next_night(self._local())
        rows, comparison = Recording(snapshot), Comparison(index)
        self._progress.begin(Stage.READ, rows.inner.count())
        for row in everything_with(Beating(rows, self._progress.with_beat(beat)), rows.places.source):
            comparison.add(row)
        self._progress.end()
        known, spellings = rows.known(ids), Spellings()
        for table, keys in rows.keys.items():
            spellings.learn(table, keys.untrimmed)
        found, stock, lists = comparison.warehouses | rows.places.warehouses, rows.places.source, price_lists(rows)
        comparison.skip(resting_on(rows.stuck, stock))
        ended = self._clock()
        state = Memory(
            gate=Gate(self._sae.connections, ids.own),
            impatience=Impatience(),
            pace=Pace(self._share, self._clock),
            key_pace=Pace(self._share, self._clock),
            known=known,
            others=rows.keys.keys() - known.keys(),
            spellings=spellings,
            stock=stock,
            price_lists=None if Precios in rows.stuck else lists,
            compare_at=ended + max(self._every, rest_after(ended - began, self._share)),
            night=night,
            faults=faults_of(comparison),
            stuck=rows.stuck,
        )
        return self._captured(COMPARE, at, comparison, None, found, stock, Compared(state, ids))

    def _look(
        self,
        rows: UpToLimbo,
        ids: TransactionIds,
        index: LogIndex,
        state: Memory,
        tables: Collection[Table],
        check: CheckKeys,
        beat: Callable[[], None],
    ) -> Captured:
        at, snapshot = self._now(), rows.inner
        looking = UpToLimbo(snapshot)
        seen = self._look_at_each(looking, ids, state, tables)
        for table, one in seen.items():
            state.spellings.learn(table, (raw[0] for raw in one.added))
        keys = affected(rows, seen, state.stock, check)
        comparison = Comparison(index, keys)
        wanted = Beating(Narrowed(rows, keys, state.spellings, state.stock), beat)
        for row in everything_with(wanted, rows.places.source) if keys else ():
            comparison.add(row)
        unread = resting_on(rows.stuck, state.stock)
        comparison.skip(unread)
        aside = comparison.set_aside(state.unproven(seen))
        keys = {subject: some for subject, some in (comparison.only or {}).items() if subject.entity not in unread}
        seen = {table: one for table, one in seen.items() if not unread & resting_on([table], state.stock)}
        faults = state.faults.after(comparison, keys)
        lists = price_lists(snapshot) if Precios in seen and any(seen[Precios].touched) else state.price_lists
        found = comparison.warehouses | rows.places.warehouses
        still = {table: error for table, error in state.stuck.items() if table in KEYS and table not in seen}  # the others were read again
        new = [
            (one.subject, one.key) for one in comparison.differences if one.body is not None and one.key not in index.hashes(one.subject)
        ]
        later = unread | state.unproven(seen)  # a row that was found by another table's: its own does not know yet that it is there
        owed = [place for place in {*check, *new} if place[0].entity in later or place in aside]
        marks = Looked(seen, lists, faults, {**still, **looking.stuck, **rows.stuck}, owed, ids)
        captured = self._captured(self.mode, at, comparison, keys, found, state.stock, marks)
        return replace(captured, goes_on=not {*seen, *looking.stuck, *state.recent}.issuperset(tables))

    def _look_at_each(self, rows: UpToLimbo, ids: TransactionIds, state: Memory, tables: Collection[Table]) -> dict[Table, Seen]:
        """The most urgent first; where that took long and found something, the rest is for the next look, which begins with it."""
        began, snapshot, seen = self._clock(), rows.inner, dict[Table, Seen]()
        small = [table for table in tables if len(state.known[table].keys) <= SMALL_ROWS]
        snapshot.survey_together(small)
        later = frozenset[Table]() if state.recent.issuperset(tables) else state.recent
        for table in in_order(tables, small, later):
            with rows.noting(table):  # a mark that is not kept stays where it was: nothing is missed once all can be read
                seen[table] = self._look_at(snapshot, ids, state, table)
            if self._clock() - began >= self._enough and any(one.found for one in seen.values()):
                break
        return seen

    def _look_at(self, snapshot: Snapshot, ids: TransactionIds, state: Memory, table: Table) -> Seen:
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
        stock: StockSource | None,
        marks: Compared | Looked,
    ) -> Captured:
        known = marks.state if isinstance(marks, Compared) else marks
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
            stuck=known.stuck,
            stock=stock,
            marks=marks,
        )

    def keep(self, captured: Captured) -> None:
        match captured.marks:
            case Compared(state, ids):
                self._state = state
                state.gate.looked([*state.known, *state.others], ids)
            case Looked(seen, lists, faults, stuck, owed, ids):
                assert self._state is not None
                self._state.recent = self._state.recent | seen.keys() if captured.goes_on else frozenset()
                for table, one in seen.items():
                    self._state.known[table].keep(one)
                self._state.gate.looked([table for table, one in seen.items() if not one.lacks], ids)
                self._state.price_lists, self._state.faults = lists, faults
                self._state.stuck, self._state.owed = stuck, owed
            case _:
                raise TypeError(captured.marks)

    def forget(self) -> None:
        self._state = None
