"""gds codes → Puente's errors, in one place: by number, never by text."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import sqlalchemy.exc
from firebird.driver import DatabaseError, Error

from foundation.engines.errors import LockConflict, MissingName, RowInLimbo, StatementEnded
from foundation.engines.firebird import maintenance
from foundation.engines.firebird.codes import Gds
from foundation.engines.writing import Refusal, RowError, WritePlan
from foundation.errors import ConfigError, ConnectionLost, PuenteError, RetryableError
from foundation.texts import Text, text

LOCK_CODES = frozenset((Gds.DEADLOCK, Gds.LOCK_CONFLICT, Gds.UPDATE_CONFLICT, Gds.CONCURRENT_TRANSACTION, Gds.LOCK_TIMEOUT))
DUPLICATE_CODES = frozenset((Gds.UNIQUE_KEY_VIOLATION, Gds.NO_DUP))
"""Of a row that another transaction has not committed, too."""
_FOREIGN_KEY_CODES = frozenset((Gds.FOREIGN_KEY, Gds.FOREIGN_KEY_TARGET_DOESNT_EXIST))
"""Where another transaction has not committed that row, too."""
PERMISSION_CODES = frozenset((Gds.NO_PRIV, Gds.DYN_NO_PRIV, Gds.DYN_NO_CREATE_PRIV))
"""The others are what Firebird 3 and 5 say of a table that may not be made."""

_NETWORK = (Gds.NETWORK_ERROR, Gds.NET_CONNECT_ERR, Gds.NET_READ_ERR, Gds.NET_WRITE_ERR, Gds.CONN_LOST, Gds.LOST_DB_CONNECTION)
_ENDED = (Gds.ATT_SHUTDOWN, Gds.ATT_SHUT_KILLED, Gds.ATT_SHUT_IDLE, Gds.ATT_SHUT_ENGINE)
_LOST = frozenset((*_NETWORK, *_ENDED, Gds.BAD_DB_HANDLE, Gds.UNAVAILABLE))
_SHUT = frozenset((Gds.SHUTDOWN, Gds.ATT_SHUT_DB_DOWN))
_FORMAT = frozenset((Gds.WRONG_ODS, Gds.BAD_DB_FORMAT))
_NO_SPACE = frozenset((Gds.IO_WRITE_ERR, Gds.OUT_OF_TEMP_SPACE))
_OPEN = frozenset((Gds.IO_OPEN_ERR, Gds.IO_CREATE_ERR))
_UNKNOWN = frozenset((Gds.DSQL_RELATION_ERR, Gds.DSQL_FIELD_ERR))

_NUMBER = re.compile(r"\d+", re.ASCII)

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
    if Gds.REC_IN_LIMBO in codes:  # of which Firebird 2.5 says that it is locked, too
        return _in_limbo(label, said)
    if codes & LOCK_CODES:
        return LockConflict(text("{label}: another transaction holds the row", label=label))
    if Gds.LOGIN in codes:
        return ConfigError(text("{label}: the user name or the password is wrong", label=label))
    if codes & _FORMAT:
        return ConfigError(text("{label}: the file is no database that this Firebird can open ({said})", label=label, said=said))
    if codes & (_LOST | _SHUT):
        return _lost(codes, label, said)
    if Gds.IO_ERROR in codes and codes & _OPEN:
        return ConfigError(text("{label}: there is no such database, or it cannot be opened ({said})", label=label, said=said))
    if codes & PERMISSION_CODES:
        return ConfigError(text("{label}: the user lacks a permission ({said})", label=label, said=said))
    if codes & _UNKNOWN:
        return MissingName(text("{label}: a table or column is missing ({said})", label=label, said=said))
    if isinstance(origin, DatabaseError) and codes:
        return _passing(codes, label, said)
    return ConnectionLost(text("{label}: the driver failed ({said})", label=label, said=said))


def _lost(codes: set[int], label: str, said: str) -> ConnectionLost:
    if codes & _SHUT:
        return maintenance.shut(label)
    return ConnectionLost(text("{label}: the server cannot be reached or closed the connection ({said})", label=label, said=said))


def _passing(codes: set[int], label: str, said: str) -> PuenteError:
    """What may be gone at the next try."""
    if Gds.CANCELLED in codes:
        return StatementEnded(text("{label}: the server ended a statement before it was done ({said})", label=label, said=said))
    if codes & _NO_SPACE:
        return RetryableError(text("{label}: Firebird cannot write to its disk; is it full? ({said})", label=label, said=said))
    return RetryableError(text("{label}: Firebird refused ({said})", label=label, said=said))


def _in_limbo(label: str, said: str) -> RowInLimbo:
    number = _NUMBER.search(said)  # the message's only value; the driver gives values in no other way
    return RowInLimbo(
        text(
            "{label}: a row waits for a transaction of two databases that was prepared and never ended ({said}). Its administrator "
            "ends it: gfix -list shows such transactions, gfix -commit {number} or gfix -rollback {number} ends this one",
            label=label,
            said=said,
            number=number[0] if number else "?",
        ),
        int(number[0]) if number else None,
    )


def _first_line(error: BaseException | None) -> str:
    lines = [line.strip(" -") for line in str(error).splitlines() if line.strip(" -")]
    return "; ".join(lines[:3])


_STATES = {  # of `ARITH_EXCEPT`
    "22001": text("a text is longer than its column"),
    "22003": text("a number does not fit its column"),
    "22012": text("a trigger divides by zero"),
    "22018": text("a text has characters that its column's character set lacks"),
    "22021": text("a text has characters that its column's character set lacks"),
}
_ROW_MESSAGES: Mapping[int, Text] = {
    Gds.CONVERT_ERROR: text("a value is no number"),
    Gds.NOT_VALID: text("a column that must not be empty would be"),
    Gds.CHECK_CONSTRAINT: text("a check constraint of the table forbids it"),
    Gds.UNIQUE_KEY_VIOLATION: text("another row has the same unique value"),
    Gds.NO_DUP: text("another row has the same unique value"),
    Gds.FOREIGN_KEY: text("a foreign key of the table forbids it"),
    Gds.FOREIGN_KEY_TARGET_DOESNT_EXIST: text("a foreign key of the table forbids it"),
    Gds.STRING_TRUNCATION: text("a text is longer than its column"),
    Gds.NO_PRIV: text("the user lacks a permission"),
    Gds.EXCEPT: text("a trigger of the table forbids it"),
}
_HELD = text("another transaction holds the row")


def row_error(index: int, code: int, state: str | None, *, seen: bool, plan: WritePlan) -> RowError:
    """What the code of a row that failed inside the packed write means.

    `seen`: the row that has the same unique value stands in the write's own snapshot, so it is committed.
    """
    by_state = _STATES.get(state or "") if code == Gds.ARITH_EXCEPT else None
    message = by_state or _ROW_MESSAGES.get(code) or text("Firebird's error {code}", code=code)
    if code in LOCK_CODES or (code in DUPLICATE_CODES and not seen and not plan.hidden_keys):
        return RowError(index, code, True, _HELD)
    if code in _FOREIGN_KEY_CODES:
        return RowError(index, Refusal.PARENT, False, message, unsure=True)
    taken = code in DUPLICATE_CODES
    return RowError(index, code, False, message, unsure=taken and not seen, taken=taken)


def message_of_trigger(error: BaseException | None) -> Text | None:
    """Of an exception that a trigger raised: its name and its text; None of any other error."""
    if error is None or Gds.EXCEPT not in codes_of(error):
        return None
    _, *lines = [line.strip(" -") for line in str(error).splitlines()]
    return text("a trigger of the table forbids it: {said}", said=": ".join(lines[:2]))
