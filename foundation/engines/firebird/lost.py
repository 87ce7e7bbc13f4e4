"""Giving up a connection whose server is gone.

The driver would free each statement and cursor by a call that fails on a broken connection, keep them, and free them again in garbage
collection, when the client library has released them with the attachment: a crash. Here nothing is asked of them any more: the driver's
objects forget what they hold (some hundred bytes stay allocated in the client library), then the attachment ends as a whole, which closes
its socket. Written against firebird-driver 2.1, whose private attributes these are.
"""
# ruff: noqa: SLF001 - nothing public of the driver ends a broken connection

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from firebird.driver import CancelType, Connection, Cursor, Error, Statement, TransactionManager
from firebird.driver.interfaces import iAttachment


def end(connection: Connection) -> None:
    """Closes a connection and all that belongs to it; abandons it where its server turns out to be gone."""
    attachment = connection._att
    try:
        connection.close()
    except Error:
        connection._att = attachment  # the driver drops it at an error, with all that it still holds
        abandon(connection)


def abandon(connection: Connection) -> None:
    """Ends a broken connection; afterwards it counts as closed, and so does all that belongs to it."""
    if connection._att is not None:
        _cut(connection._att)
    for transaction in connection.transactions:
        for cursor in transaction.cursors:
            if cursor is not None:
                _forget_cursor(cursor)
    for statement in [reference() for reference in connection._statements]:
        if statement is not None:
            _forget_statement(statement)
    for transaction in connection.transactions:
        _end_transaction(transaction)
    attachment, connection._att = connection._att, None
    if attachment is not None:
        _finish(attachment, attachment.detach)


@contextmanager
def kept(connection: Connection) -> Iterator[None]:
    """What it is attached by stays in memory: another thread may interrupt the very call that would release it."""
    attachment = connection._att
    if attachment is None:
        yield
        return
    attachment.add_ref()
    try:
        yield
    finally:
        attachment.release()


def interrupt(connection: Connection) -> None:
    """Ends what another thread asks of it now, and the connection: that thread's call fails. The server is told to stop working on it."""
    if connection._att is not None:
        with suppress(Error):  # Firebird 2.1 cannot be told
            connection._att.cancel_operation(CancelType.RAISE)
        _cut(connection._att)


def _cut(attachment: iAttachment) -> None:
    """Closes its socket. A server that lives, whose database was shut down, may never answer what is asked of it from now on."""
    with suppress(Error):
        attachment.cancel_operation(CancelType.ABORT)


def _forget_cursor(cursor: Cursor) -> None:
    result, cursor._result = cursor._result, None
    if result is not None:
        result._refcnt = 0
    if cursor._stmt is not None:
        _forget_statement(cursor._stmt)
        cursor._stmt = None


def _forget_statement(statement: Statement) -> None:
    for name in ("_istmt", "_in_meta", "_out_meta"):
        held = getattr(statement, name)
        if held is not None:
            held._refcnt = 0
            setattr(statement, name, None)


def _end_transaction(transaction: TransactionManager) -> None:
    held, transaction._tra = transaction._tra, None
    if held is not None:
        _finish(held, held.rollback)


def _finish(held: Any, how: Callable[[], None]) -> None:
    """By its own call, which releases it; where that fails it is never touched again."""
    with suppress(Error):
        how()
    held._refcnt = 0
