"""One Firebird database through one connection: transactions, queries, the packed write.

`create_engine` lives here alone. The dialect would register databases by path alone, so that two servers with the same path read each
other's data; hence the `creator`, with `host/port:path`.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cache, partial
from typing import Any

import firebird.driver
import sqlalchemy
from firebird.driver import DbAccessMode, DbInfoCode, Isolation, TraAccessMode, tpb
from sqlalchemy import event
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.schema import MetaData

from foundation.engines.catalogue import Catalogue
from foundation.engines.database import ActiveTransactions, Reader, Writer
from foundation.engines.firebird import active, alter, catalogue, keepalive, maintenance, opening, packed
from foundation.engines.firebird.attach import PORT, attach, dsn_of
from foundation.engines.firebird.errors import FOREIGN, translate, translated
from foundation.engines.firebird.limit import CallLimit
from foundation.engines.firebird.lost import abandon, end, interrupt, kept
from foundation.engines.firebird.opening import NO_OPENING, Opening
from foundation.engines.firebird.statements import PreparedStatements, encode_parameters
from foundation.engines.firebird.transaction import Transaction, native
from foundation.engines.writing import Prior, WritePlan
from foundation.errors import ConnectionLost, PuenteError
from foundation.limits import DatabaseLimits
from foundation.texts import text

READING, WRITING = TraAccessMode.READ, TraAccessMode.WRITE


@cache
def _parameters(mode: TraAccessMode) -> bytes:
    """Of a transaction in a snapshot that waits for nobody's lock. Not at import: making them loads the client library."""
    made: bytes = tpb(Isolation.SNAPSHOT, lock_timeout=0, access_mode=mode)
    return made


class FirebirdDatabase:
    """`Database` on Firebird 2.5 or newer."""

    def __init__(self, url: URL, limits: DatabaseLimits, *, keep_prepared: bool = False) -> None:
        self._url, self.label, self._limits = url, dsn_of(url), limits
        self._engine = sqlalchemy.create_engine("firebird+firebird://", creator=lambda: self._opened, poolclass=NullPool)
        event.listen(self._engine, "before_cursor_execute", encode_parameters, retval=True)
        event.listen(self._engine, "handle_error", self._on_error)
        self._statements = PreparedStatements(kept=keep_prepared)
        if keep_prepared:
            event.listen(self._engine, "do_execute", self._statements.execute)
        self._connection: sqlalchemy.Connection | None = None
        self._opened: firebird.driver.Connection | None = None
        self._limit: CallLimit | None = None
        self._blocks: dict[tuple[int, bool, int], tuple[WritePlan, packed.PackedBlock]] = {}
        self._openings: dict[tuple[tuple[int, int, bool], ...], tuple[Sequence[Prior], Opening]] = {}
        self.connections = 0
        self._counts, self._counted_on = False, 0

    def _connected(self) -> sqlalchemy.Connection:
        if self._connection is None:
            with translated(self.label):
                self._opened = attach(self._url, self._limits)
            if self._url.host:
                keepalive.notice(self._url.port or PORT)
                self._limit = CallLimit(self._limits.statement, partial(interrupt, self._opened))
            try:
                with self.asking():
                    maintenance.leave_alone(self._opened, self.label)
                    self._connection = self._engine.connect()
            except PuenteError:
                self._limit = None
                abandon(self._opened)  # unless it has ended, it broke over the first questions
                raise
            self.connections += 1
        return self._connection

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Around each call of the driver, which may wait for the server: not for longer than its limit. Errors come out as Puente's."""
        try:
            with self._limited():
                yield
        except FOREIGN as error:
            self.judge(error)
            raise self.as_puente_error(error) from error

    def _limited(self) -> AbstractContextManager[None]:
        return self._limit.running() if self._limit else nullcontext()

    def as_puente_error(self, error: BaseException) -> PuenteError:
        if self._limit is None or not self._limit.passed:
            return translate(error, self.label)
        return ConnectionLost(
            text(
                "{label}: the server did not answer within {seconds:g} s and was given up: it hangs, or has too much to do "
                "(statement_seconds)",
                label=self.label,
                seconds=self._limit.seconds,
            )
        )

    @contextmanager
    def _transaction(self, mode: TraAccessMode) -> Iterator["Transaction"]:
        connection = self._connected()
        try:
            with self.asking():
                connection.begin()  # else SQLAlchemy would not commit what it did not execute itself
                native(connection).begin(_parameters(mode))
            with translated(self.label):
                yield Transaction(self, connection)
            with self.asking():
                connection.commit()
                self._statements.give_back()
        except BaseException as error:
            self._after(error)
            raise

    def _on_error(self, context: ExceptionContext) -> None:
        """SQLAlchemy's hook, before it closes the cursor that failed."""
        context.is_disconnect = False  # else it would call the driver's `terminate`, which there is none of, and log that
        self.judge(context.original_exception)

    def judge(self, error: BaseException) -> None:
        """Of a connection that broke nothing may be asked any more, not even to close a cursor."""
        if self._opened is not None and isinstance(self.as_puente_error(error), ConnectionLost):
            if self._limit is not None:
                self._limit.forget()
            abandon(self._opened)

    def _after(self, error: BaseException) -> None:
        """Rolls back; gives the connection up where it is broken, so that the next transaction opens another."""
        if self._connection is None:
            return
        if not isinstance(error, ConnectionLost):
            with suppress(firebird.driver.Error, sqlalchemy.exc.SQLAlchemyError):  # what brought us here says more
                with self._limited():
                    self._connection.rollback()
                    if self._opened is not None and self._opened.is_active():
                        self._opened.rollback()  # after a commit that failed: the driver's next `begin` would commit it
                    self._statements.give_back()
                return
        if self._opened is not None:
            abandon(self._opened)
        self._forget()

    def reading(self) -> AbstractContextManager[Reader]:
        return self._transaction(READING)

    def writing(self) -> AbstractContextManager[Writer]:
        return self._transaction(WRITING)

    def newest_transaction(self) -> int | None:
        with self._informing() as connection:
            if self._counted_on != self.connections:  # whoever changes that must be alone
                is_writable = connection.info.access_mode is DbAccessMode.READ_WRITE
                self._counts, self._counted_on = is_writable, self.connections
            return int(connection.info.get_info(DbInfoCode.NEXT_TRANSACTION)) if self._counts else None

    def active_transactions(self) -> ActiveTransactions | None:
        with self._informing() as connection:
            return active.active_transactions(connection)

    @contextmanager
    def _informing(self) -> Iterator[firebird.driver.Connection]:
        """Of calls on the connection itself, outside a transaction of ours."""
        connection = self._connected()
        try:
            with self.asking():
                yield native(connection)
        except BaseException as error:
            self._after(error)
            raise

    def catalogue(self, names: Collection[str] | None = None) -> Catalogue:
        with self._transaction(READING) as transaction:
            return catalogue.build(transaction.plain(catalogue.COLUMNS), transaction.plain(catalogue.INDEXES), names)

    def create_tables(self, metadata: MetaData) -> list[str]:
        present = set(self.catalogue())
        missing = [table for table in metadata.sorted_tables if table.name not in present]
        for table in missing:  # each in its own transaction: Firebird makes a table usable at commit
            with self._transaction(WRITING) as transaction:
                transaction.run(alter.create_table(table, self._engine.dialect))
        return [table.name for table in missing]

    def create_index(self, name: str, table: str, expression: str) -> None:
        if name in self.catalogue([table])[table].computed:
            self._run(catalogue.DROP_INDEX.format(name=name))
        self._run(catalogue.CREATE_INDEX.format(name=name, table=table, expression=expression))

    def _run(self, sql: str) -> None:
        with self._transaction(WRITING) as transaction:
            transaction.run(sql)

    def add_columns(self, metadata: MetaData) -> None:
        present = self.catalogue()
        for table in metadata.sorted_tables:
            for column in table.columns if table.name in present else ():
                if column.name not in present[table.name].columns:
                    with self._transaction(WRITING) as transaction:
                        transaction.run(alter.add_column(column, self._engine.dialect))

    def rename_column(self, table: str, old: str, new: str) -> None:
        self._run(alter.rename_column(table, old, new))

    def drop_tables(self, metadata: MetaData) -> None:
        present = set(self.catalogue())
        for table in metadata.sorted_tables:
            if table.name in present:
                with self._transaction(WRITING) as transaction:
                    transaction.execute(sqlalchemy.schema.DropTable(table))

    def opening(self, prior: Sequence[Prior]) -> Opening:
        """What runs these, made once."""
        key = tuple((id(one.statement), id(one.otherwise), one.required) for one in prior)
        if key not in self._openings:
            self._openings[key] = prior, opening.build(prior, opening.named(self._engine.dialect))
        return self._openings[key][1]

    def block(self, plan: WritePlan, *, aloud: bool = False, opening: Opening = NO_OPENING) -> packed.PackedBlock:
        """The packed statement of a plan, made once."""
        key = id(plan), aloud, id(opening)
        if key not in self._blocks:
            self._blocks[key] = plan, packed.build(plan, aloud=aloud, opening=opening)
        return self._blocks[key][1]

    def run_packed(self, connection: sqlalchemy.Connection, sql: str, parameters: Sequence[Any]) -> list[Any]:
        """What a statement of a few parameters returns."""
        with self._statements.prepared(connection.connection.cursor(), sql) as (cursor, statement):
            return list(cursor.execute(statement, parameters).fetchall())

    def close(self) -> None:
        if self._opened is not None:
            with kept(self._opened), self._limited():
                end(self._opened)
        self._forget()

    def _forget(self) -> None:
        """The driver's connection has ended; SQLAlchemy's follows."""
        self._statements.forget()
        if self._connection is not None:
            with suppress(firebird.driver.Error, sqlalchemy.exc.SQLAlchemyError):
                self._connection.close()
        self._connection = self._opened = self._limit = None
