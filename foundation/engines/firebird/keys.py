"""All keys of a table, packed by the server into long texts: the driver fetches 60,000 rows a second, this way six times as many keys.

Two buffers, for a text grows by copying it: a small one takes the keys, and goes into a large one when it is full.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from foundation.engines.catalogue import Column, Kind
from foundation.engines.firebird.text import UTF8, WIDEST, from_latin

FIELD, RECORD = "\x1f", "\x1e"
NUMBER_WIDTH = 20
SMALL, LARGE = 1000, 30_000
"""Characters from which a buffer is emptied."""
LONGEST = 400

BLOCK = """
EXECUTE BLOCK RETURNS (PACKED VARCHAR(32000) CHARACTER SET NONE, ROWS_READ BIGINT) AS
DECLARE ROW_KEY VARCHAR({width}) CHARACTER SET NONE;
DECLARE SMALL_ONE VARCHAR(1500) CHARACTER SET NONE;
DECLARE LARGE_ONE VARCHAR(32000) CHARACTER SET NONE;
BEGIN
  SMALL_ONE = ''; LARGE_ONE = ''; ROWS_READ = 0;
  FOR SELECT {key} FROM {table}{where} INTO :ROW_KEY DO
  BEGIN
    ROWS_READ = ROWS_READ + 1;
    SMALL_ONE = SMALL_ONE || COALESCE(ROW_KEY, '') || ASCII_CHAR(30);
    IF (CHAR_LENGTH(SMALL_ONE) > {small}) THEN
    BEGIN
      LARGE_ONE = LARGE_ONE || SMALL_ONE; SMALL_ONE = '';
      IF (CHAR_LENGTH(LARGE_ONE) > {large}) THEN BEGIN PACKED = LARGE_ONE; SUSPEND; LARGE_ONE = ''; END
    END
  END
  PACKED = LARGE_ONE || SMALL_ONE; SUSPEND;
END
"""


def read(
    run: Callable[[str], Iterable[Sequence[Any]]],
    select: Callable[[sa.Select[Any]], Iterable[Sequence[Any]]],
    table: str,
    columns: Sequence[Column],
    of: Mapping[str, str | int],
) -> Iterator[tuple[Any, ...]]:
    """The keys: packed, or one by one where that does not serve."""
    sql = build(table, columns, of)
    found = None if sql is None else unpack(run(sql), columns)
    return map(tuple, select(plain(table, columns, of))) if found is None else found


def build(table: str, columns: Sequence[Column], of: Mapping[str, str | int]) -> str | None:
    """The statement; None where keys of this width are not worth packing, or are no texts and whole numbers.

    Texts of two character sets would be turned into one of them.
    """
    width = sum(_width(column) + 1 for column in columns)
    charsets = {column.charset for column in columns if column.kind is Kind.TEXT}
    if width > LONGEST or len(charsets) > 1 or any(column.kind not in (Kind.TEXT, Kind.INTEGER) for column in columns):
        return None
    key = " || ASCII_CHAR(31) || ".join(f'"{column.name}"' for column in columns)
    where = " AND ".join(f'"{name}" = {_literal(value)}' for name, value in of.items())
    return BLOCK.format(table=f'"{table}"', where=where and f" WHERE {where}", key=key, width=width, small=SMALL, large=LARGE)


def _literal(value: str | int) -> str:
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def plain(table: str, columns: Sequence[Column], of: Mapping[str, str | int]) -> sa.Select[Any]:
    """The keys one by one."""
    named: list[sa.ColumnClause[Any]] = [sa.column(column.name) for column in columns]
    return sa.select(*named).select_from(sa.table(table)).where(*(sa.column(name) == value for name, value in of.items()))


def _width(column: Column) -> int:
    """In bytes."""
    if column.length is None:
        return NUMBER_WIDTH
    return column.length * WIDEST if column.charset == "UTF8" else column.length


def unpack(found: Iterable[Sequence[Any]], columns: Sequence[Column]) -> Iterator[tuple[Any, ...]] | None:
    """The keys, made of one packed text after the other; None where one of them holds what stands between them."""
    parts, rows = [], 0
    for packed, rows in found:  # noqa: B007 - the last one counts them all
        parts.append(packed)
    fields = sum(packed.count(FIELD) for packed in parts)
    if sum(packed.count(RECORD) for packed in parts) != rows or fields != (len(columns) - 1) * rows:
        return None
    return _keys(parts, columns)


def _keys(parts: list[str], columns: Sequence[Column]) -> Iterator[tuple[Any, ...]]:
    """Each text goes as soon as its keys are made: those of a million would take ten times as much."""
    width = max(UTF8) if any(column.charset == "UTF8" for column in columns) else 0
    made = [int if column.kind is Kind.INTEGER else str for column in columns]
    is_text, is_one = all(make is str for make in made), len(columns) == 1
    parts.reverse()
    while parts:
        records = from_latin(parts.pop(), width).split(RECORD)[:-1]
        if is_text:
            yield from ((record,) if is_one else tuple(record.split(FIELD)) for record in records)
        else:
            yield from (tuple(make(value) for make, value in zip(made, record.split(FIELD), strict=True)) for record in records)
