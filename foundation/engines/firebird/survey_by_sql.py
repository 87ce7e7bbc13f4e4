"""Which transaction wrote a row: `RDB$RECORD_VERSION`, a column that Firebird has from version 3 on. (Before that: `survey_by_blr`.)

One query reads the table once on the server, for the number of rows and the newest transaction; in most polls nothing comes after that.
(The greatest number costs a sixth less than counting those from the mark on.)

Who is asked for no column of a row need not unpack it, which is three quarters of the work where rows are as wide as those of INVE. So the
rows that were written are found by their place alone, and only those are read.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from foundation.engines.catalogue import Column
from foundation.engines.database import Survey

FIRST_ENGINE = 3.0
VERSION: sa.ColumnClause[int] = sa.literal_column("RDB$RECORD_VERSION", sa.BigInteger())
PLACE: sa.ColumnClause[bytes] = sa.literal_column("RDB$DB_KEY", sa.LargeBinary())
"""Where the row stands, as long as the transaction lasts."""

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
    found = sa.select(PLACE.label("PLACE"), VERSION.label("VERSION")).select_from(sa.table(table)).where(VERSION >= since).subquery("FOUND")
    rows = sa.table(table, *(sa.column(key.name) for key in keys)).alias("WRITTEN")
    here = sa.literal_column(f'"WRITTEN".{PLACE}', sa.LargeBinary())
    return sa.select(*rows.c, found.c.VERSION).select_from(found.join(rows, here == found.c.PLACE))


def survey(rows: int, found: Sequence[Sequence[Any]]) -> Survey:
    """Of what the two queries gave."""
    return Survey(rows, [(tuple(row[:-1]), row[-1]) for row in found])
