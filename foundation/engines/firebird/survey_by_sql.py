"""Which transaction wrote a row: `RDB$RECORD_VERSION`, a column that Firebird has from version 3 on. (Before that: `survey_by_blr`.)

One query reads the table once on the server, for the number of rows and the newest transaction; in most polls nothing comes after that.
(The greatest number costs a sixth less than counting those from the mark on.)
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from foundation.engines.catalogue import Column
from foundation.engines.database import Survey

FIRST_ENGINE = 3.0
VERSION: sa.ColumnClause[int] = sa.literal_column("RDB$RECORD_VERSION", sa.BigInteger())

OLDEST_IN_LIMBO = "SELECT MIN(RDB$TRANSACTION_ID) FROM RDB$TRANSACTIONS WHERE RDB$TRANSACTION_STATE = 1"


def newest(table: str) -> sa.Select[int, int | None]:
    """One row: how many rows the table has, and the newest transaction that wrote one (none where there are no rows)."""
    return sa.select(sa.func.count(), sa.func.max(VERSION)).select_from(sa.table(table))


def newest_of_each(tables: Sequence[str]) -> sa.CompoundSelect[Any]:
    """The same of several tables in one statement, each row with the table's place among them."""
    each = [
        sa.select(sa.literal_column(str(place), sa.Integer()), sa.func.count(), sa.func.max(VERSION)).select_from(sa.table(table))
        for place, table in enumerate(tables)
    ]
    return sa.union_all(*each)


def written(table: str, keys: Sequence[Column], since: int) -> sa.Select[Any]:
    """The key columns and the transaction's number of those rows."""
    columns: list[sa.ColumnClause[Any]] = [sa.column(key.name) for key in keys]
    return sa.select(*columns, VERSION).select_from(sa.table(table)).where(VERSION >= since)


def survey(rows: int, found: Sequence[Sequence[Any]]) -> Survey:
    """Of what the two queries gave."""
    return Survey(rows, [(tuple(row[:-1]), row[-1]) for row in found])
