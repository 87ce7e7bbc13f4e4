"""Stock that is not what the ledger says, and totals that are not what the stores have: found by the database itself."""

from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from consumer.ledger import tables
from consumer.ledger.state import RowState, warehouse_of
from consumer.mapping.cells import STORE
from consumer.mapping.mapper import RowMapper
from foundation.engines.charset import like
from foundation.engines.writing import Total, WriteColumn, WritePlan
from schemas.entities import Subject
from schemas.keys import KEY_WIDTH

DIGITS = 18
"""Of an exact number in eight bytes."""


def of_rows(mapper: RowMapper, stock: Subject, store: int) -> sa.Select[Any]:
    """The keys of one store with the ledger's quantity, where CAJA's is another one."""
    r = tables.rows.c
    names = (mapper.key_column, mapper.column_of(STORE), mapper.column_of("quantity"))
    caja = sa.table(mapper.plan.table, *map(sa.column, names))
    product, number, quantity = (caja.c[name] for name in names)
    written = {column.name: column for column in mapper.plan.columns}
    wanted, key = _as_kept(r.QUANTITY, written[names[-1]]), like(r.ROW_KEY, KEY_WIDTH, written[names[0]].charset)
    return (
        sa.select(r.ROW_KEY, r.QUANTITY)
        .select_from(tables.rows.outerjoin(caja, sa.and_(product == key, number == store)))
        .where(r.ENTITY == stock.entity.value, r.WAREHOUSE == warehouse_of(stock), r.STATE != RowState.UNSEEN.value)
        .where(quantity.is_distinct_from(wanted), sa.or_(quantity.is_not(None), r.QUANTITY != 0))
    )


def _as_kept(value: sa.ColumnElement[Any], column: WriteColumn) -> sa.ColumnElement[Any]:
    """A number of the ledger as this column keeps it."""
    if column.scale is not None:
        return sa.cast(value, sa.Numeric(DIGITS, column.scale))
    return sa.cast(value, sa.REAL) if column.single else value


def of_totals(plan: WritePlan) -> sa.Select[tuple[str]] | None:
    """The keys whose total differs from the sum by more than how its column keeps it, or the order of adding up, makes of it."""
    total = plan.total
    if total is None:
        return None
    own = sa.table(plan.table, sa.column(total.own_key), sa.column(total.of))
    holder = sa.table(total.table, sa.column(total.key), sa.column(total.column))
    key, found = holder.c[total.key], holder.c[total.column]
    sums = sa.select(own.c[total.own_key].label("OWN"), sa.func.sum(own.c[total.of]).label("ADDED_UP")).group_by(own.c[total.own_key])
    added_up = sums.subquery("SUMS")
    differs = sa.func.abs(found - added_up.c.ADDED_UP) > _tolerance(total, found)
    is_new = sa.and_(found.is_(None), added_up.c.ADDED_UP.is_not(None))
    return sa.select(key).select_from(holder.join(added_up, added_up.c.OWN == key)).where(sa.or_(differs, is_new))


def _tolerance(total: Total, found: sa.ColumnElement[float]) -> sa.ColumnElement[float]:
    smallest: sa.ColumnElement[float] = sa.literal_column("0.000001")
    if total.single:
        return sa.func.abs(found) * smallest + smallest
    return smallest if total.scale is None else smallest + sa.literal_column(format(Decimal(5).scaleb(-total.scale - 1), "f"))
