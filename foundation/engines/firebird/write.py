"""Rows into a table by the packed statement, and what became of each."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Protocol

from sqlalchemy import Connection

from foundation.engines.errors import Unmet
from foundation.engines.firebird import packing
from foundation.engines.firebird.codes import Gds
from foundation.engines.firebird.errors import message_of_trigger, row_error
from foundation.engines.firebird.opening import DONE, NO_OPENING, UNMET, Opening
from foundation.engines.firebird.packed import PackedBlock
from foundation.engines.writing import Prior, RowError, RowWrite, WritePlan, Written
from foundation.errors import ConnectionLost, PuenteError
from foundation.texts import Text

TRIED = "PUENTE_TRIED"
EXPLAINED = 20
"""Rows of one write whose error is asked for by name, each by a call of its own."""


class Statements(Protocol):
    """Of `FirebirdDatabase`, what a transaction needs."""

    def asking(self) -> AbstractContextManager[None]: ...

    def as_puente_error(self, error: BaseException) -> PuenteError: ...

    def opening(self, prior: Sequence[Prior]) -> Opening: ...

    def block(self, plan: WritePlan, *, aloud: bool = False, opening: Opening = NO_OPENING) -> PackedBlock: ...

    def run_packed(self, connection: Connection, sql: str, parameters: Sequence[Any]) -> list[Any]: ...


class RowWriter:
    """Of one transaction."""

    def __init__(self, statements: Statements, connection: Connection) -> None:
        self._statements, self._connection = statements, connection

    def open(self, prior: Sequence[Prior]) -> None:
        """Runs these alone."""
        opening = self._statements.opening(prior)
        for place, code, *_ in self._call(opening.sql, opening.values(prior)):
            if place == UNMET:
                raise Unmet(code)

    def write(self, plan: WritePlan, rows: Sequence[RowWrite], prior: Sequence[Prior] = ()) -> Written:
        """`prior` with the first call."""
        opening = self._statements.opening(prior)
        block = self._statements.block(plan, opening=opening)
        values = opening.values(prior)
        touched, errors = 0, []
        for places, packed_rows in packing.calls(map(block.pack, rows)):
            for row_no, code, state, seen in self._call(block.sql, [*values, *packed_rows]):
                if row_no == UNMET:
                    raise Unmet(code)
                if row_no == DONE:
                    touched += code
                else:
                    errors.append(row_error(places[row_no], code, state, seen=bool(seen), plan=plan))
            block, values = self._statements.block(plan), []
        return Written(touched, self._explained(plan, rows, errors))

    def _call(self, sql: str, parameters: Sequence[Any]) -> list[tuple[int, int, str | None, int]]:
        with self._statements.asking():
            return self._statements.run_packed(self._connection, sql, parameters)

    def _explained(self, plan: WritePlan, rows: Sequence[RowWrite], errors: Sequence[RowError]) -> list[RowError]:
        """What a trigger of the site's own says of a row, which a block cannot know before Firebird 4: such rows are tried once more."""
        called_off = [error for error in errors if error.code == Gds.EXCEPT][:EXPLAINED]
        reasons = {error.index: self._reason(plan, rows[error.index]) for error in called_off}
        return [replace(error, message=reasons.get(error.index) or error.message) for error in errors]

    def _reason(self, plan: WritePlan, row: RowWrite) -> Text | None:
        """Nothing of it stays: Firebird takes back what a statement did that failed, and else it is taken back here."""
        native: Any = self._connection.connection.dbapi_connection
        transaction = native.main_transaction
        with self._statements.asking():
            transaction.savepoint(TRIED)
        try:
            block = self._statements.block(plan, aloud=True)
            self._call(block.sql, [block.pack(row), ""])
        except ConnectionLost:
            raise
        except PuenteError as error:
            return message_of_trigger(error.__cause__)
        with self._statements.asking():
            transaction.rollback(savepoint=TRIED)
        return None
