"""A column added to a table that is there."""

import sqlalchemy as sa
from sqlalchemy.engine import Dialect


def add_column(column: sa.Column[object], dialect: Dialect) -> sa.TextClause:
    """The column must be one that may be empty: the table has rows."""
    assert column.nullable
    return sa.text(f"ALTER TABLE {column.table.name} ADD {sa.schema.CreateColumn(column).compile(dialect=dialect)}")
