"""Tables made, and columns added to those that are there."""

import re

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

_TEXT = re.compile(r"VARCHAR\(\d+\)(?! CHARACTER SET)")


def create_table(table: sa.Table, dialect: Dialect) -> str:
    """In the character set that its metadata names, where it names one."""
    return _with_charset(str(sa.schema.CreateTable(table).compile(dialect=dialect)), table)


def _with_charset(sql: str, table: sa.Table) -> str:
    charset = table.metadata.info.get("charset")
    return _TEXT.sub(rf"\g<0> CHARACTER SET {charset}", sql) if charset else sql


def add_column(column: sa.Column[object], dialect: Dialect) -> str:
    """The column must be one that may be empty: the table has rows."""
    assert column.nullable
    assert isinstance(column.table, sa.Table)
    made = _with_charset(str(sa.schema.CreateColumn(column).compile(dialect=dialect)), column.table)
    return f"ALTER TABLE {column.table.name} ADD {made}"


def rename_column(table: str, old: str, new: str) -> str:
    return f"ALTER TABLE {table} ALTER COLUMN {old} TO {new}"
