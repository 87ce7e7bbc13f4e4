"""Which transaction wrote a row: `RDB$RECORD_VERSION`, which Firebird tells from version 3 on.

The filter runs on the server. Counting and filtering in one query reads the table once, and in most polls no row comes after that.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from puente.engines.database import Survey

FIRST_ENGINE = 3.0
VERSION: sa.ColumnClause[int] = sa.literal_column("RDB$RECORD_VERSION", sa.BigInteger())


def count(table: str, since: int) -> sa.Select[int, int]:
    """One row: how many rows the table has, and how many of them transaction `since` or a later one wrote."""
    return sa.select(sa.func.count(), sa.func.count(sa.case((VERSION >= since, 1)))).select_from(sa.table(table))


def written(table: str, keys: Sequence[str], since: int) -> sa.Select[Any]:
    """The key columns and the transaction's number of those rows."""
    columns: list[sa.ColumnClause[Any]] = [sa.column(key) for key in keys]
    return sa.select(*columns, VERSION).select_from(sa.table(table)).where(VERSION >= since)


def survey(rows: int, found: Sequence[Sequence[Any]]) -> Survey:
    """Of what the two queries gave."""
    return Survey(rows, [(tuple(row[:-1]), row[-1]) for row in found])
