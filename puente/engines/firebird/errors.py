"""gds codes → Puente's errors, in one place: by number, never by text.

The numbers are Firebird's own (`iberror.h`), the same in every version from 2.5 on.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy.exc
from firebird.driver import DatabaseError, Error

from puente.engines.database import Refusal, RowError, WritePlan
from puente.engines.errors import LockConflict, RowInLimbo
from puente.errors import ConfigError, ConnectionLost, PuenteError, RetryableError
from puente.texts import text

LOCK_CODES = frozenset((335544336, 335544345, 335544451, 335544878, 335544510))
"""deadlock, lock_conflict, update_conflict, concurrent_transaction, lock_timeout."""

DUPLICATE_CODES = frozenset((335544665, 335544349))
"""unique_key_violation, no_dup: of a row that another transaction has not committed, too."""
_FOREIGN_KEY_CODES = frozenset((335544466, 335544838))
"""foreign_key, foreign_key_target_doesnt_exist: where another transaction has not committed that row, too."""

_LOST = frozenset((335544721, 335544722, 335544726, 335544727, 335544648, 335544741, 335544856, 335544324, 335544528, 335545131, 335544375))
"""network_error, net_connect_err, net_read_err, net_write_err, conn_lost, lost_db_connection, att_shutdown, bad_db_handle, shutdown,
no_server_group (a server that is just stopping), unavailable."""
_LOGIN = frozenset((335544472, 335544794))
PERMISSION_CODES = frozenset((335544352, 335545094, 335545264))
"""no_priv, and what Firebird 3 and 5 say of a table that may not be made."""
_FORMAT = frozenset((335544379, 335544323))
_NO_SPACE = frozenset((335544737, 335544735, 335545032))
"""io_write_err, io_open_err is 335544734, io_read_err; the first is what a full disk gives."""
_OPEN = frozenset((335544734, 335544733))
_IO = 335544344
_LIMBO = 335544459
"""rec_in_limbo."""
_UNKNOWN = frozenset((335544580, 335544578))

FOREIGN = (Error, sqlalchemy.exc.DBAPIError, sqlalchemy.exc.ResourceClosedError)


def codes_of(error: BaseException) -> tuple[int, ...]:
    """The gds codes of a driver's error, the first being the principal one."""
    origin = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
    return tuple(getattr(origin, "gds_codes", None) or ())


def is_lock(error: BaseException) -> bool:
    return bool(LOCK_CODES.intersection(codes_of(error)))


@contextmanager
def translated(label: str) -> Iterator[None]:
    """Translates what the driver and SQLAlchemy raise inside the block; `label` names the database."""
    try:
        yield
    except FOREIGN as error:
        raise translate(error, label) from error


def translate(error: BaseException, label: str) -> PuenteError:
    """The error of ours that says what to do next."""
    codes = set(codes_of(error))
    origin = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
    said = _first_line(origin)
    if codes & LOCK_CODES:
        return LockConflict(text("{label}: another transaction holds the row", label=label))
    if codes & _LOGIN:
        return ConfigError(text("{label}: the user name or the password is wrong", label=label))
    if codes & _FORMAT:
        return ConfigError(text("{label}: the file is no database that this Firebird can open ({said})", label=label, said=said))
    if codes & _LOST:
        return ConnectionLost(text("{label}: the server cannot be reached or closed the connection ({said})", label=label, said=said))
    if codes & _NO_SPACE:
        return RetryableError(text("{label}: Firebird cannot write to its disk; is it full? ({said})", label=label, said=said))
    if _IO in codes and codes & _OPEN:
        return ConfigError(text("{label}: there is no such database, or it cannot be opened ({said})", label=label, said=said))
    if codes & PERMISSION_CODES:
        return ConfigError(text("{label}: the user lacks a permission ({said})", label=label, said=said))
    if codes & _UNKNOWN:
        return ConfigError(text("{label}: a table or column is missing ({said})", label=label, said=said))
    if isinstance(origin, DatabaseError) and codes:
        return _refused(codes, label, said)
    return ConnectionLost(text("{label}: the driver failed ({said})", label=label, said=said))


def _refused(codes: set[int], label: str, said: str) -> RetryableError:
    if _LIMBO in codes:
        return RowInLimbo(
            text(
                "{label}: a row waits for a transaction of two databases that was prepared and never ended ({said}). Its administrator "
                "ends it: gfix -list shows such transactions, gfix -commit NUMBER or gfix -rollback NUMBER ends one",
                label=label,
                said=said,
            )
        )
    return RetryableError(text("{label}: Firebird refused ({said})", label=label, said=said))


def _first_line(error: BaseException | None) -> str:
    lines = [line.strip(" -") for line in str(error).splitlines() if line.strip(" -")]
    return "; ".join(lines[:3])


_ROW_MESSAGES = {
    335544321: text("a number does not fit its column"),
    335544334: text("a value is no number"),
    335544347: text("a column that must not be empty would be"),
    335544558: text("a check constraint of the table forbids it"),
    335544665: text("another row has the same unique value"),
    335544349: text("another row has the same unique value"),
    335544466: text("a foreign key of the table forbids it"),
    335544838: text("a foreign key of the table forbids it"),
    335544914: text("a text is longer than its column"),
    335544352: text("the user lacks a permission"),
}
_HELD = text("another transaction holds the row")


def row_error(index: int, code: int, *, seen: bool, plan: WritePlan) -> RowError:
    """What the code of a row that failed inside the packed write means.

    `seen`: the row that has the same unique value stands in the write's own snapshot, so it is committed.
    """
    message = _ROW_MESSAGES.get(code) or text("Firebird's error {code}", code=code)
    if code in LOCK_CODES or (code in DUPLICATE_CODES and not seen and not plan.hidden_keys):
        return RowError(index, code, True, _HELD)
    if code in _FOREIGN_KEY_CODES:
        return RowError(index, Refusal.PARENT, False, message, unsure=True)
    return RowError(index, code, False, message, unsure=code in DUPLICATE_CODES and not seen)
