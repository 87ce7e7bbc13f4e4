"""One transaction of a Firebird database: `Reader` and `Writer`."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from types import MappingProxyType
from typing import Any

import sqlalchemy
from sqlalchemy.sql.base import Executable

from foundation.engines.catalogue import Column, Privilege
from foundation.engines.database import Survey, TransactionIds
from foundation.engines.errors import RowInLimbo
from foundation.engines.firebird import fetch, insert, keys, packing, privileges, survey_by_blr, survey_by_sql, writers
from foundation.engines.firebird.errors import FOREIGN
from foundation.engines.firebird.text import from_latin
from foundation.engines.firebird.write import RowWriter, Statements
from foundation.engines.writing import Prior, RowWrite, WritePlan, Written


def native(connection: sqlalchemy.Connection) -> Any:
    """The driver's connection behind SQLAlchemy's."""
    return connection.connection.dbapi_connection


def _decoded(result: sqlalchemy.CursorResult[Any]) -> Iterator[fetch.Row]:
    """Rows as the driver takes them apart."""
    charsets = fetch.charsets(result.cursor)
    for part in result.partitions(fetch.FETCHED_AT_ONCE):
        for row in part:
            yield tuple(from_latin(value, of) if isinstance(value, str) else value for value, of in zip(row, charsets, strict=True))


class Transaction:
    """`Reader` and `Writer`; ends with the block that gave it."""

    def __init__(self, database: Statements, connection: sqlalchemy.Connection) -> None:
        self._database, self._connection = database, connection
        self._newest: dict[str, tuple[int, int]] = {}
        """Of tables of this snapshot how many rows there are, and the newest transaction that wrote one."""

    @property
    def ids(self) -> TransactionIds:
        with self._database.asking():
            info = native(self._connection).main_transaction.info
            own, oldest_active, oldest_interesting = info.id, info.oat, info.oit
        if own == oldest_active == oldest_interesting:
            return TransactionIds(own, oldest_active)
        # One that was prepared and is neither committed nor rolled back counts as active: what it wrote may still appear
        ((undecided,),) = self.rows(sqlalchemy.text(survey_by_sql.OLDEST_IN_LIMBO))
        return TransactionIds(own, min(oldest_active, undecided or oldest_active), undecided=undecided is not None)

    def survey_together(self, tables: Sequence[str]) -> None:
        if len(tables) > 1 and self._tells_versions_by_sql():
            with suppress(RowInLimbo):  # which of them it is in shows when each is asked for
                self._newest = {tables[place]: (rows, newest) for place, rows, newest in self.rows(survey_by_sql.newest_of_each(tables))}

    def survey(self, table: str, columns: Sequence[Column], since: int) -> Survey:
        if not self._tells_versions_by_sql():
            return survey_by_blr.survey(native(self._connection), self._database.asking, table, columns, since)
        if table not in self._newest:
            ((rows, newest),) = self.rows(survey_by_sql.newest(table))
            self._newest[table] = rows, newest
        rows, newest = self._newest[table]
        found = list(self.rows(survey_by_sql.written(table, columns, since))) if rows and newest >= since else []
        return survey_by_sql.survey(rows, found)

    def _tells_versions_by_sql(self) -> bool:
        with self._database.asking():
            return bool(native(self._connection).info.engine_version >= survey_by_sql.FIRST_ENGINE)

    def keys(self, table: str, columns: Sequence[Column], of: Mapping[str, str | int] = MappingProxyType({})) -> Iterator[tuple[Any, ...]]:
        return keys.read(self.plain, self.rows, table, columns, of)

    def permits(self, privilege: Privilege, table: str, columns: Sequence[str]) -> bool:
        with self._database.asking():
            return privileges.permits(native(self._connection), privileges.statement(privilege, table, columns))

    def may_read(self, table: str) -> bool:
        return bool(self.plain(privileges.READS.format(table=table))[0][0])

    def permits_tables(self) -> bool:
        with self._database.asking():
            anybody = native(self._connection).info.engine_version < privileges.FIRST_ENGINE_THAT_ASKS
        return anybody or bool(self.plain(privileges.MAKES_TABLES)[0][0])

    def permits_index(self, table: str) -> bool:
        return bool(self.plain(privileges.OWNS.format(table=table))[0][0])

    def permits_end_idle(self) -> bool:
        return self.permits(Privilege.DELETE, writers.ATTACHMENTS, ())

    def rows(self, query: Executable) -> Iterator[Sequence[Any]]:
        return chain.from_iterable(self._parts(query))

    def _parts(self, query: Executable) -> Iterator[Sequence[Sequence[Any]]]:
        asking = self._database.asking
        with asking():
            result = self._connection.execute(query)
        yield from self._read(result, fetch.read(result.cursor, asking) or fetch.in_parts(_decoded(result), asking))

    def plain(self, sql: str) -> list[Sequence[Any]]:
        """The rows of a statement that stands in this package; of a text each byte is the character of its number."""
        asking = self._database.asking
        with asking():
            result = self._connection.exec_driver_sql(sql)
        parts = fetch.read(result.cursor, asking, plain=True) or fetch.in_parts(iter(result), asking)
        return list(chain.from_iterable(self._read(result, parts)))

    def _read(self, result: sqlalchemy.CursorResult[Any], parts: Iterator[Sequence[Sequence[Any]]]) -> Iterator[Sequence[Sequence[Any]]]:
        """All rows, each part of them under `asking`: what broke there is judged before the result is closed."""
        try:
            yield from parts
        except FOREIGN as error:
            raise self._database.as_puente_error(error) from error
        finally:
            with self._database.asking():
                result.close()

    def run(self, sql: str) -> None:
        """A statement that stands in this package and returns no rows."""
        with self._database.asking():
            self._connection.exec_driver_sql(sql)

    def execute(self, statement: Executable, parameters: Sequence[Mapping[str, Any]] = ()) -> int:
        with self._database.asking():
            return self._connection.execute(statement, list(parameters) or None).rowcount

    def sign(self) -> None:
        self.plain(writers.SIGN)

    def end_idle(self) -> int | None:
        return self.execute(sqlalchemy.text(writers.END)) if self.permits_end_idle() else None

    def insert(self, table: sqlalchemy.Table, rows: Sequence[Mapping[str, Any]]) -> None:
        packed_rows = [*map(insert.packer(table, tuple(table.columns.keys())), rows)]
        self._in_calls(insert.build(table), [row for row in packed_rows if row is not None])
        long = [row for row, packed_row in zip(rows, packed_rows, strict=True) if packed_row is None]
        if long:
            self.execute(sqlalchemy.insert(table), long)

    def delete(self, table: sqlalchemy.Table, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
        packed_rows = [*map(insert.packer(table, tuple(names)), rows)]
        assert all(packed_rows), "keys are short"
        self._in_calls(insert.build_delete(table, names), [row for row in packed_rows if row is not None])

    def _in_calls(self, sql: str, packed_rows: Sequence[str]) -> None:
        for _, parameters in packing.calls(packed_rows):
            with self._database.asking():
                self._database.run_packed(self._connection, sql, parameters)

    def open(self, prior: Sequence[Prior]) -> None:
        RowWriter(self._database, self._connection).open(prior)

    def write(self, plan: WritePlan, rows: Sequence[RowWrite], prior: Sequence[Prior] = ()) -> Written:
        if prior and not rows:
            self.open(prior)
        return RowWriter(self._database, self._connection).write(plan, rows, prior)
