"""One writing transaction of a CAJA behind a `Database`."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa

from consumer.caja import opening
from consumer.caja.opening import Unchanged
from consumer.caja.parameters import read_stores, read_switches
from consumer.caja.port import CodeInRow, Store, Switches, SwitchesChanged
from consumer.caja.sales import read_unposted
from consumer.caja.spelling import Spelling
from consumer.ledger import tables
from consumer.ledger.parked import Parked, SubjectKey
from consumer.ledger.rows import PLACE, left_out_rows, naive, parked_row, place_values
from consumer.ledger.state import Progress, RowState, warehouse_of
from consumer.leftout import Notes
from consumer.mapping.mapper import RowMapper
from consumer.mapping.profile import Profile
from foundation.engines.database import Writer
from foundation.engines.errors import LockConflict, Unmet
from foundation.engines.writing import Prior, RowWrite, Written
from foundation.errors import LostLease
from foundation.eventlog.port import Topic
from foundation.once import once
from foundation.texts import text
from schemas.entities import Entity, Subject
from schemas.keys import Key

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """What a CAJA looks like, and how its rows are written."""

    name: str
    profile: Profile
    mappers: Mapping[Entity, RowMapper]
    unchanged: Unchanged
    spelling: Spelling


class SqlTransaction:
    """`Transaction` on a `Writer`. It opens with its first statement that changes anything, in the same call where that writes rows."""

    def __init__(self, caja: Form, writer: Writer, token: str, known: Switches | None) -> None:
        self._caja, self._writer, self._known = caja, writer, known
        self._prior: list[Prior] | None = [opening.beat(token), *([caja.unchanged.prior(known)] if known else [])]
        """None once it is open."""

    @once
    def switches(self) -> Switches:
        return read_switches(self._writer, self._caja.profile, self._caja.name)

    def stores(self) -> list[Store]:
        return read_stores(self._writer, self._caja.profile)

    def unposted(self) -> Collection[tuple[int, Key]]:
        return read_unposted(self._writer, self._caja.profile)

    def open(self) -> None:
        """Unless it is open."""
        if self._prior is not None:
            self._opening(self._writer.open)

    def _opening(self, run: Callable[[Sequence[Prior]], Result]) -> Result:
        prior, self._prior = self._prior or [], None
        try:
            return run(prior)
        except LockConflict as error:
            if not prior:
                raise
            raise self._lost() from error
        except Unmet as error:
            if error.place == 0:
                raise self._lost() from error
            if self.switches != self._known:
                raise SwitchesChanged(self.switches) from error
            return run(opening.without_proof(prior))  # they are the same, written in another way

    def _lost(self) -> LostLease:
        return LostLease(text("{caja}: another process writes to it now", caja=self._caja.name))

    def write(self, entity: Entity, rows: Sequence[RowWrite]) -> Written:
        mapper = self._caja.mappers[entity]
        spelled = self._caja.spelling.spelled(mapper, rows)
        return self._opening(lambda prior: self._writer.write(mapper.plan, spelled, prior))

    def park(self, changes: Iterable[Parked]) -> None:
        self.open()
        self._writer.insert(tables.parked, [parked_row(item) for item in changes])

    def release(self, places: Iterable[tuple[Subject, Key]]) -> None:
        self._delete(tables.parked, places)

    def leave_out(self, found: Mapping[SubjectKey, Notes], before: Iterable[SubjectKey]) -> None:
        self._delete(tables.left_out, before)
        rows = list(left_out_rows(found))
        if rows:
            self.open()
            self._writer.insert(tables.left_out, rows)

    def _delete(self, table: sa.Table, places: Iterable[SubjectKey]) -> None:
        rows = [place_values(*place) for place in places]
        if rows:
            self.open()
            self._writer.delete(table, PLACE, rows)

    def save(self, topic: Topic, progress: Progress) -> None:
        saved = opening.saved(topic, progress)
        if self._prior is None or any(one.otherwise is not None for one in self._prior):
            self.open()
            self._writer.open([saved])
        else:
            self._prior.append(saved)

    def unsee(self, subject: Subject, keys: Iterable[Key]) -> None:
        r = tables.rows.c
        update = (
            sa.update(tables.rows)
            .where(r.ENTITY == subject.entity.value, r.WAREHOUSE == warehouse_of(subject), r.ROW_KEY == sa.bindparam("k"))
            .values(STATE=RowState.UNSEEN.value, CONTENT_HASH="")
        )
        bound = [{"k": key} for key in keys]
        if bound:
            self.open()
            self._writer.execute(update, bound)

    def free_codes(self, found: Iterable[CodeInRow]) -> None:
        self.open()
        mapper = self._caja.mappers[Entity.PRODUCT]
        for one in found:
            key, column = (sa.column(name, sa.String(60)) for name in (mapper.key_column, one.column))
            raw = self._caja.spelling.odd.get(Entity.PRODUCT, {}).get(one.key, one.key)
            update = sa.update(sa.table(mapper.plan.table, key, column)).where(key == raw, column == one.code)
            self._writer.execute(update.values({one.column: sa.null()}))

    def set_ready(self, at: datetime) -> None:
        self.open()
        self._writer.execute(sa.update(tables.lease).values(READY_AT=naive(at)))
