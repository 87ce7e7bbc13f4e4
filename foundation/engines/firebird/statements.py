"""Statements that stay prepared from one transaction to the next.

To prepare one takes two round trips, and the driver more time than to run it. But while it is prepared nobody can drop an index that it
uses: so one that was not used for a minute is freed. Written against firebird-driver 2.1.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any

from firebird.driver import StatementType
from sqlalchemy.engine.interfaces import ExecutionContext

from foundation.engines.firebird.text import to_database

KEPT_SECONDS = 60.0
MOST = 100
"""How many are kept: there are some forty."""


class PreparedStatements:
    """Those of one connection. Where they are not `kept`, each is freed with the transaction that used it."""

    def __init__(self, *, kept: bool) -> None:
        self._kept = kept
        self._free: dict[str, tuple[Any, float]] = {}
        """By its text, with when it was used last."""
        self._lent: list[tuple[str, Any, Any]] = []
        """Text, statement and the cursor that runs it."""

    def execute(self, cursor: Any, sql: str, parameters: Sequence[Any], context: ExecutionContext) -> bool:
        """SQLAlchemy's hook in place of its own call: the result may be read until `give_back`."""
        prepared: Any = self._take(cursor, sql)
        context.dialect.do_execute(cursor, prepared, parameters, context)
        return True

    @contextmanager
    def prepared(self, cursor: Any, sql: str) -> Iterator[tuple[Any, Any]]:
        """The cursor and a statement that may be used again as soon as the block ends: its results must have been read by then."""
        statement = self._take(cursor, sql)
        yield cursor, statement
        self._lent.remove((sql, statement, cursor))
        self._put_back(sql, statement, cursor)

    def _take(self, cursor: Any, sql: str) -> Any:
        statement, _ = self._free.pop(sql, (None, 0.0))
        if statement is None:
            statement = cursor.prepare(sql)
        self._lent.append((sql, statement, cursor))
        return statement

    def _put_back(self, sql: str, statement: Any, cursor: Any) -> None:
        cursor.close()
        if sql in self._free or statement.type is StatementType.DDL:  # two at once of one text are hardly needed again
            statement.free()
        else:
            self._free[sql] = statement, monotonic()

    def give_back(self) -> None:
        """When a transaction is over."""
        lent, self._lent = self._lent, []
        for one in lent:
            self._put_back(*one)
        unused = monotonic() - KEPT_SECONDS
        old = [sql for place, (sql, (_, used)) in enumerate(self._free.items()) if used < unused or place < len(self._free) - MOST]
        for sql in old if self._kept else list(self._free):
            self._free.pop(sql)[0].free()

    def forget(self) -> None:
        """When the connection has ended, and they with it."""
        self._lent, self._free = [], {}


def encode_parameters(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, executemany: bool) -> tuple[str, Any]:
    """SQLAlchemy's hook: texts on their way to the database."""
    if executemany:
        return statement, [_encoded(row) for row in parameters]
    return statement, _encoded(parameters)


def _encoded(values: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(to_database(value) if isinstance(value, str) else value for value in values)
