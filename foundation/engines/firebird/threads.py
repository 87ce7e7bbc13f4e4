"""What firebird-driver lets threads share, and must not.

It asks for the engine's version, once per connection, through one object for all of them, which holds the connection that is asked and the
buffer of the answer: of two threads that connect at the same time one fails, takes the other's answer, or writes into memory that is gone.

Its statements refer to themselves, by the method that each wants called when its connection ends. So they stay until a garbage collection,
and that may happen in any thread, while the thread that has the connection closes it: one of them then looks for what the other has
removed, or frees what went with the connection. Without that method, which does nothing that is needed, a statement ends with its last
reference, in the thread that had it.

Written against firebird-driver 2.1.
"""

from contextlib import suppress
from weakref import ref

from firebird.driver import Connection, Statement, TransactionManager, core


class _OneForEach:
    """Stands in for the shared object: each question has one of its own, new, whose method it is."""

    def __getattr__(self, name: str) -> object:
        return getattr(core.EngineVersionProvider("utf8"), name)


def _forget(connection: Connection, statement: "ref[Statement]") -> None:
    """Called when a statement has ended. One that an exception's traceback held still ends in any thread."""
    with suppress(ValueError):  # the connection was closed since
        connection._statements.remove(statement)  # noqa: SLF001 - there is no public way


def separate() -> None:
    """From now on no two threads meet there."""
    core._engine_version_provider = _OneForEach()  # noqa: SLF001 - there is no public way
    for owner, private, other in (
        (Statement, "dead_con", None),
        (TransactionManager, "dead_con", None),
        (Connection, "stmt_deleted", _forget),
    ):
        name = f"_{owner.__name__}__{private}"
        getattr(owner, name)  # a driver that has it no more is another one than this was written for
        setattr(owner, name, other)
