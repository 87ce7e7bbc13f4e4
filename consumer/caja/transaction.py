"""One writing transaction of a CAJA behind a `Database`."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime

import sqlalchemy as sa

from consumer.caja.parameters import read_stores, read_switches
from consumer.caja.port import CodeInRow, Store, Switches
from consumer.caja.sales import read_unposted
from consumer.caja.spelling import Spelling
from consumer.ledger import tables
from consumer.ledger.parked import Parked, SubjectKey
from consumer.ledger.rows import PLACE, left_out_rows, naive, parked_row, place_values, progress_values
from consumer.ledger.state import Progress, RowState, warehouse_of
from consumer.leftout import Notes
from consumer.mapping.mapper import RowMapper
from consumer.mapping.profile import Profile
from foundation.engines.database import Writer
from foundation.engines.writing import RowWrite, Written
from foundation.eventlog.port import Topic
from foundation.once import once
from schemas.entities import Entity, Subject
from schemas.keys import Key


class SqlTransaction:
    """`Transaction` on a `Writer`."""

    def __init__(self, writer: Writer, profile: Profile, mappers: Mapping[Entity, RowMapper], name: str, spelling: Spelling) -> None:
        self._writer, self._profile, self._mappers, self._name, self._spelling = writer, profile, mappers, name, spelling

    @once
    def switches(self) -> Switches:
        return read_switches(self._writer, self._profile, self._name)

    def stores(self) -> list[Store]:
        return read_stores(self._writer, self._profile)

    def unposted(self) -> Collection[tuple[int, Key]]:
        return read_unposted(self._writer, self._profile)

    def write(self, entity: Entity, rows: Sequence[RowWrite]) -> Written:
        mapper = self._mappers[entity]
        return self._writer.write(mapper.plan, self._spelling.spelled(mapper, rows))

    def park(self, changes: Iterable[Parked]) -> None:
        self._writer.insert(tables.parked, [parked_row(item) for item in changes])

    def release(self, places: Iterable[tuple[Subject, Key]]) -> None:
        self._delete(tables.parked, places)

    def leave_out(self, found: Mapping[SubjectKey, Notes], before: Iterable[SubjectKey]) -> None:
        self._delete(tables.left_out, before)
        rows = list(left_out_rows(found))
        if rows:
            self._writer.insert(tables.left_out, rows)

    def _delete(self, table: sa.Table, places: Iterable[SubjectKey]) -> None:
        rows = [place_values(*place) for place in places]
        if rows:
            self._writer.delete(table, PLACE, rows)

    def save(self, topic: Topic, progress: Progress) -> None:
        values = progress_values(progress, datetime.now(UTC))
        if not self._writer.execute(sa.update(tables.positions).where(tables.positions.c.TOPIC == topic).values(**values)):
            self._writer.execute(sa.insert(tables.positions).values(TOPIC=topic, **values))

    def unsee(self, subject: Subject, keys: Iterable[Key]) -> None:
        r = tables.rows.c
        update = (
            sa.update(tables.rows)
            .where(r.ENTITY == subject.entity.value, r.WAREHOUSE == warehouse_of(subject), r.ROW_KEY == sa.bindparam("k"))
            .values(STATE=RowState.UNSEEN.value, CONTENT_HASH="")
        )
        bound = [{"k": key} for key in keys]
        if bound:
            self._writer.execute(update, bound)

    def free_codes(self, found: Iterable[CodeInRow]) -> None:
        mapper = self._mappers[Entity.PRODUCT]
        for one in found:
            key, column = (sa.column(name, sa.String(60)) for name in (mapper.key_column, one.column))
            raw = self._spelling.odd.get(Entity.PRODUCT, {}).get(one.key, one.key)
            update = sa.update(sa.table(mapper.plan.table, key, column)).where(key == raw, column == one.code)
            self._writer.execute(update.values({one.column: sa.null()}))

    def set_ready(self, at: datetime) -> None:
        self._writer.execute(sa.update(tables.lease).values(READY_AT=naive(at)))
