"""A CAJA behind a `Database`: parameters, stores, unposted sales and the ledger, by SQLAlchemy Core alone."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any

import sqlalchemy as sa

from consumer import drift
from consumer.caja.opening import NOW, Unchanged
from consumer.caja.parameters import read_stores, read_switches
from consumer.caja.port import CodeInRow, Holder, Store, Switches
from consumer.caja.sales import read_unposted
from consumer.caja.spelling import Spelling, read_spelling
from consumer.caja.transaction import Form, SqlTransaction
from consumer.lease import lives
from consumer.ledger import tables
from consumer.ledger.lease_row import LeaseRow, Life
from consumer.ledger.making import LEASES, version_and_owner
from consumer.ledger.parked import SubjectKey
from consumer.ledger.rows import ERROR_LENGTH, lease_of, read_hashes, read_left_out, read_life, read_overview, read_subjects
from consumer.ledger.state import State
from consumer.leftout import LeftOut, Notes, merged, summary
from consumer.leftout_counts import anothers_keys, count_left_out, with_stores
from consumer.mapping.cells import STORE
from consumer.mapping.mapper import RowMapper
from consumer.mapping.profile import Profile
from foundation.engines.catalogue import Kind, Scalar
from foundation.engines.database import Database, Reader
from foundation.engines.errors import LockConflict
from foundation.errors import ConfigError
from foundation.texts import text
from schemas.entities import Entity, Subject
from schemas.keys import KEY_WIDTH, Key, trim

ONLY_ROW = 1
ROWS_AT_ONCE = 5000
"""Of those that are read with a heartbeat now and then: over a line of 10 megabits a second they take two seconds."""


class SqlCaja:
    """`Caja` on any engine that `Database` has."""

    def __init__(self, name: str, database: Database, profile: Profile, mappers: Mapping[Entity, RowMapper]) -> None:
        self._name, self._database, self._profile, self._mappers = name, database, profile, mappers
        self._spelling, self._unchanged = Spelling(), Unchanged(profile)

    def switches(self) -> Switches:
        with self._database.reading() as reader:
            return read_switches(reader, self._profile, self._name)

    def stores(self) -> list[Store]:
        with self._database.reading() as reader:
            return read_stores(reader, self._profile)

    def read_lease(self) -> LeaseRow:
        present = self._database.catalogue(LEASES)
        with self._database.reading() as reader:
            version, _ = version_and_owner(reader, present)
            if version not in (None, tables.VERSION):
                raise ConfigError(
                    text(
                        "{caja}: its ledger is of version {found}, this Puente's is {wanted}: run puente setup",
                        caja=self._name,
                        found=version,
                        wanted=tables.VERSION,
                    )
                )
            found = [] if version is None else list(reader.rows(sa.select(*tables.lease.c).where(tables.lease.c.ID == ONLY_ROW)))
        if not found:
            raise ConfigError(text("{caja}: the ledger is missing: run puente setup", caja=self._name))
        lease = lease_of(found[0])
        if lease.caja != self._name:
            raise ConfigError(
                text(
                    "{caja}: its ledger belongs to the CAJA {found}; if this is a copy of it, run puente setup --adopt",
                    caja=self._name,
                    found=lease.caja,
                )
            )
        return lease

    def claim(self, seen: LeaseRow, token: str, holder: Holder) -> bool:
        same_holder = tables.lease.c.FENCING_TOKEN.is_(None) if seen.token is None else tables.lease.c.FENCING_TOKEN == seen.token
        update = (
            sa.update(tables.lease)
            .where(tables.lease.c.ID == ONLY_ROW, same_holder, tables.lease.c.HEARTBEAT == seen.beat)
            .values(FENCING_TOKEN=token, HEARTBEAT=seen.beat + 1, HEARTBEAT_AT=NOW, HOST=holder.host, PROCESS=holder.process)
            .values(PROCESS_STARTED=holder.started, BOOT=holder.boot)
        )
        try:
            with self._database.writing() as writer:
                writer.sign()
                return writer.execute(update) == 1
        except LockConflict:
            return False

    def end_idle(self) -> int | None:
        with self._database.writing() as writer:
            return writer.end_idle()

    def free(self, token: str) -> None:
        update = (
            sa.update(tables.lease)
            .where(tables.lease.c.FENCING_TOKEN == token)
            .values(FENCING_TOKEN=sa.null(), HEARTBEAT=tables.lease.c.HEARTBEAT + 1)
        )
        with suppress(LockConflict), self._database.writing() as writer:  # another process holds the row: it is taking the lease
            writer.execute(update)

    def record_error(self, reason: str, token: str | None) -> None:
        """Keeps the newest error of the process that holds the lease with `token`, or would take it, where `puente status` finds it.

        The lease of another process that runs is left alone: it would take the lock for the loss of it.
        """
        life = self.life()
        if life.token != token and lives(life):
            return
        update = sa.update(tables.lease).values(LAST_ERROR=reason[:ERROR_LENGTH], LAST_ERROR_AT=NOW)
        with suppress(LockConflict), self._database.writing() as writer:
            writer.execute(update)

    def life(self) -> Life:
        """Whether anybody writes to this CAJA, and what went wrong last."""
        with self._database.reading() as reader:
            return read_life(reader)

    def overview(self) -> State:
        """The ledger but for what was applied and what was left out of it: `hashes` and `left_out` are empty."""
        with self._database.reading() as reader:
            return read_overview(reader)

    def left_out(self, takes: Callable[[Subject], bool], known: Mapping[SubjectKey, Notes] | None = None) -> list[LeftOut]:
        with self._database.reading() as reader:
            found = count_left_out(reader, takes) if known is None else summary(known, takes)
            mapper = self._mappers[Entity.PRODUCT]
            if takes(Subject(Entity.PRODUCT)):
                found = merged([*found, *anothers_keys(reader, mapper)])
            stores = read_stores(reader, self._profile)
        return [with_stores(one, stores, mapper.price_columns) for one in found]

    def state(self, beat: Callable[[], None] | None = None) -> State:
        with self._database.reading() as reader:
            found, subjects = read_overview(reader), read_subjects(reader)
            found.left_out = read_left_out(reader)
            self._spelling = read_spelling(reader, self._mappers, self._name)
            if beat is None:
                found.hashes = {subject: read_hashes(reader, subject) for subject in subjects}
                return found
        for subject in subjects:
            beat()
            with self._database.reading() as reader:
                found.hashes[subject] = read_hashes(reader, subject)
        return found

    def active(self, entity: Entity) -> list[Key]:
        mapper = self._mappers[entity]
        assert mapper.active is not None
        table = sa.table(mapper.plan.table, sa.column(mapper.key_column), sa.column(mapper.active.column))
        query = sa.select(table.c[mapper.key_column]).where(table.c[mapper.active.column] == mapper.active.yes)
        with self._database.reading() as reader:
            return [key for row in reader.rows(query) if row[0] is not None and (key := trim(str(row[0])))]

    def rows(self, entity: Entity, store: int | None = None, beat: Callable[[], None] | None = None) -> Iterator[Sequence[Scalar]]:
        mapper = self._mappers[entity]
        query = _rows_of(mapper, store)
        if beat is None:
            with self._database.reading() as reader:
                yield from reader.rows(query)
            return
        place = [column.name for column in mapper.plan.columns].index(mapper.key_column)
        is_text = mapper.plan.columns[place].kind is Kind.TEXT
        key = sa.column(mapper.key_column, sa.String(KEY_WIDTH) if is_text else sa.Integer())
        part = [*self._some(query.where(key.is_not(None)).order_by(key))]
        yield from part
        while len(part) == ROWS_AT_ONCE:
            beat()
            part = [*self._some(query.where(key > part[-1][place]).order_by(key))]
            yield from part

    def _some(self, query: sa.Select[Any]) -> Iterator[Sequence[Scalar]]:
        with self._database.reading() as reader:
            yield from islice(reader.rows(query), ROWS_AT_ONCE)

    def unposted(self) -> Collection[tuple[int, Key]]:
        with self._database.reading() as reader:
            return read_unposted(reader, self._profile)

    def codes(self) -> Iterator[CodeInRow]:
        mapper = self._mappers[Entity.PRODUCT]
        names = [list(mapper.columns)[place] for place in mapper.code_places]
        table = sa.table(mapper.plan.table, *map(sa.column, (mapper.key_column, *names)))
        query = sa.select(table.c[mapper.key_column], *(table.c[name] for name in names))
        query = query.where(sa.or_(sa.false(), *(table.c[name].is_not(None) for name in names)))
        if mapper.active is not None:
            query = query.where(sa.column(mapper.active.column, sa.String(len(mapper.active.yes))) == mapper.active.yes)
        with self._database.reading() as reader:
            for raw, *codes in reader.rows(query):
                for name, code in zip(names, codes, strict=True):
                    if code is not None:
                        yield CodeInRow(key=trim(str(raw)), column=name, code=str(code).rstrip(" "))

    def drifted(self, stock: Subject, store: int) -> dict[Key, float]:
        with self._database.reading() as reader:
            found = reader.rows(drift.of_rows(self._mappers[Entity.STOCK], stock, store))
            return {Key(key): float(wanted) for key, wanted in found if wanted is not None}

    def wrong_totals(self) -> list[str]:
        query = drift.of_totals(self._mappers[Entity.STOCK].plan)
        if query is None:
            return []
        with self._database.reading() as reader:
            return [str(key) for (key,) in reader.rows(query)]

    @contextmanager
    def transaction(self, token: str, known: Switches | None = None) -> Iterator[SqlTransaction]:
        form = Form(name=self._name, profile=self._profile, mappers=self._mappers, unchanged=self._unchanged, spelling=self._spelling)
        with self._database.writing() as writer:
            transaction = SqlTransaction(form, writer, token, known)
            yield transaction
            transaction.open()


def rows_of(reader: Reader, mapper: RowMapper) -> Iterator[Sequence[Scalar]]:
    """All rows of an entity's table, in the order of its plan's columns."""
    return reader.rows(_rows_of(mapper))


def _rows_of(mapper: RowMapper, store: int | None = None) -> sa.Select[Any]:
    table = sa.table(mapper.plan.table, *(sa.column(column.name) for column in mapper.plan.columns))
    query: sa.Select[Any] = sa.select(*table.c)
    return query if store is None else query.where(table.c[mapper.column_of(STORE)] == store)
