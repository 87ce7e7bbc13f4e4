"""A CAJA behind a `Database`: parameters, stores, unposted sales and the ledger, by SQLAlchemy Core alone."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from consumer import ledger
from consumer.caja import Holder, Store, Switches
from consumer.entries import Switch
from consumer.ledger import Guard, Reason, State, Waiting, subject_of, warehouse_of
from consumer.mapping import RowMapper
from consumer.profile import Profile
from puente.engines.database import Database, Reader, RowWrite, Writer, Written
from puente.engines.errors import LockConflict
from puente.errors import ConfigError, LostGuard
from puente.eventlog.history import LastEvent, Position
from puente.eventlog.port import Identity, Offset, Topic
from puente.texts import text
from schemas.changes import Entity, Key, Subject, trim

ONLY_ROW = 1
DETAIL_LENGTH = 500


class SqlCaja:
    """`Caja` on any engine that `Database` has."""

    def __init__(self, name: str, database: Database, profile: Profile, mappers: Mapping[Entity, RowMapper]) -> None:
        self._name, self._database, self._profile, self._mappers = name, database, profile, mappers

    def switches(self) -> Switches:
        with self._database.reading() as reader:
            return read_switches(reader, self._profile)

    def stores(self) -> list[Store]:
        with self._database.reading() as reader:
            return read_stores(reader, self._profile)

    def read_guard(self) -> Guard:
        if not self._database.catalogue([ledger.guard.name]):
            raise ConfigError(text("{caja}: the ledger is missing: run puente setup", caja=self._name))
        with self._database.reading() as reader:
            found = list(reader.rows(sa.select(*ledger.guard.c).where(ledger.guard.c.ID == ONLY_ROW)))
        if not found:
            raise ConfigError(text("{caja}: the ledger is missing: run puente setup", caja=self._name))
        _, version, caja, token, beat, host, process, started = found[0]
        if version != ledger.VERSION:
            raise ConfigError(
                text(
                    "{caja}: its ledger is of version {found}, this Puente's is {wanted}",
                    caja=self._name,
                    found=version,
                    wanted=ledger.VERSION,
                )
            )
        if caja != self._name:
            raise ConfigError(
                text(
                    "{caja}: its ledger belongs to the CAJA {found}; if this is a copy of it, run puente setup --adopt",
                    caja=self._name,
                    found=caja,
                )
            )
        return Guard(caja=caja, version=version, token=token, beat=beat, host=host, process=process, process_started=started)

    def claim(self, seen: Guard, token: str, holder: Holder) -> bool:
        same_holder = ledger.guard.c.TOKEN.is_(None) if seen.token is None else ledger.guard.c.TOKEN == seen.token
        update = (
            sa.update(ledger.guard)
            .where(ledger.guard.c.ID == ONLY_ROW, same_holder, ledger.guard.c.BEAT == seen.beat)
            .values(TOKEN=token, BEAT=seen.beat + 1, HOST=holder.host, PROCESS=holder.process, PROCESS_STARTED=holder.started)
        )
        try:
            with self._database.writing() as writer:
                return writer.execute(update) == 1
        except LockConflict:
            return False

    def free(self, token: str) -> None:
        update = sa.update(ledger.guard).where(ledger.guard.c.TOKEN == token).values(TOKEN=sa.null(), BEAT=ledger.guard.c.BEAT + 1)
        with suppress(LockConflict), self._database.writing() as writer:  # whoever holds the row is taking it
            writer.execute(update)

    def state(self) -> State:
        with self._database.reading() as reader:
            return State(
                positions=dict(_position(row) for row in reader.rows(sa.select(*ledger.positions.c))),
                hashes=_hashes(reader),
                waiting={item.place: item for item in map(_waiting, reader.rows(sa.select(*ledger.waiting.c)))},
            )

    @contextmanager
    def transaction(self, token: str) -> Iterator["SqlTransaction"]:
        beat = (
            sa.update(ledger.guard).where(ledger.guard.c.ID == ONLY_ROW, ledger.guard.c.TOKEN == token).values(BEAT=ledger.guard.c.BEAT + 1)
        )
        with self._database.writing() as writer:
            try:
                held = writer.execute(beat) == 1
            except LockConflict as error:
                raise LostGuard(text("{caja}: another process writes to it now", caja=self._name)) from error
            if not held:
                raise LostGuard(text("{caja}: another process writes to it now", caja=self._name))
            yield SqlTransaction(writer, self._profile, self._mappers)


class SqlTransaction:
    """`Transaction` on a `Writer`."""

    def __init__(self, writer: Writer, profile: Profile, mappers: Mapping[Entity, RowMapper]) -> None:
        self._writer, self._profile, self._mappers = writer, profile, mappers

    @cached_property
    def switches(self) -> Switches:
        return read_switches(self._writer, self._profile)

    def unposted(self) -> Collection[tuple[int, Key]]:
        s = self._profile.sales
        notes = sa.table(s.table, *map(sa.column, (s.note, s.store, s.cancelled.column, s.posted.column)))
        lines = sa.table(s.lines.table, *map(sa.column, (s.lines.note, s.lines.product)))
        query = (
            sa.select(notes.c[s.store], lines.c[s.lines.product])
            .distinct()
            .select_from(notes.join(lines, lines.c[s.lines.note] == notes.c[s.note]))
            .where(_is_not(notes.c[s.posted.column], s.posted.value), _is_not(notes.c[s.cancelled.column], s.cancelled.value))
        )
        return {(store, trim(product)) for store, product in self._writer.rows(query) if product is not None}

    def write(self, entity: Entity, rows: Sequence[RowWrite]) -> Written:
        return self._writer.write(self._mappers[entity].plan, rows)

    def set_aside(self, changes: Iterable[Waiting]) -> None:
        self._writer.insert(ledger.waiting, [_waiting_row(item) for item in changes])

    def release(self, places: Iterable[tuple[Subject, Key]]) -> None:
        keys = [{"e": subject.entity.value, "w": warehouse_of(subject), "k": key} for subject, key in places]
        w = ledger.waiting.c
        delete = sa.delete(ledger.waiting).where(
            w.ENTITY == sa.bindparam("e"), w.WAREHOUSE == sa.bindparam("w"), w.ROW_KEY == sa.bindparam("k")
        )
        if keys:
            self._writer.execute(delete, keys)

    def save(self, topic: Topic, position: Position) -> None:
        values = {
            "TOPIC_IDENTITY": position.identity,
            "NEXT_OFFSET": position.next_offset,
            "LAST_OFFSET": position.last.offset if position.last else None,
            "LAST_DIGEST": position.last.digest if position.last else None,
            "APPLIED_AT": datetime.now(UTC).replace(tzinfo=None),
        }
        if not self._writer.execute(sa.update(ledger.positions).where(ledger.positions.c.TOPIC == topic).values(**values)):
            self._writer.execute(sa.insert(ledger.positions).values(TOPIC=topic, **values))


def _is_not(column: sa.ColumnElement[str], value: str) -> sa.ColumnElement[bool]:
    return sa.or_(column.is_(None), column != value)


def read_switches(reader: Reader, profile: Profile) -> Switches:
    p = profile.parameters
    query: sa.Select[*tuple[Any, ...]] = sa.select(sa.column(p.name), sa.column(p.value)).select_from(sa.table(p.table))
    found = {str(name).strip(): str(value or "").strip() for name, value in reader.rows(query)}

    def on(switch: Switch) -> bool:
        return found.get(switch.name) == switch.yes

    return Switches(interface=on(p.interface), stock_changes=on(p.stock_changes), tax_included=on(p.tax_included))


def read_stores(reader: Reader, profile: Profile) -> list[Store]:
    """The stores that CAJA knows, by number; none where the profile names no table of stores."""
    s = profile.stores
    if s is None:
        return []
    query: sa.Select[*tuple[Any, ...]] = sa.select(*map(sa.column, (s.number, s.warehouse, s.description))).select_from(sa.table(s.table))
    found = [Store(number=number, warehouse=warehouse, name=(name or "").strip()) for number, warehouse, name in reader.rows(query)]
    return sorted(found, key=lambda store: store.number)


def _position(row: Sequence[object]) -> tuple[Topic, Position]:
    topic, identity, next_offset, last_offset, digest, _ = row
    last = None if last_offset is None else LastEvent(Offset(int(str(last_offset))), str(digest))
    return Topic(str(topic)), Position(Identity(str(identity)), Offset(int(str(next_offset))), last)


def _hashes(reader: Reader) -> dict[Subject, dict[Key, str]]:
    r = ledger.rows.c
    hashes: dict[Subject, dict[Key, str]] = defaultdict(dict)
    for entity, warehouse, key, content in reader.rows(sa.select(r.ENTITY, r.WAREHOUSE, r.ROW_KEY, r.CONTENT_HASH)):
        hashes[subject_of(entity, warehouse)][key] = content or ledger.TOMBSTONE
    return hashes


def _waiting(row: Sequence[object]) -> Waiting:
    entity, warehouse, key, reason, detail, short, long, content, since = row
    value = long if short is None else short
    assert isinstance(warehouse, int)
    assert isinstance(value, bytes | None)
    assert isinstance(since, datetime)
    return Waiting(
        subject=subject_of(str(entity), warehouse),
        key=Key(str(key)),
        reason=Reason(str(reason)),
        detail=str(detail),
        value=value,
        content_hash=str(content or ledger.TOMBSTONE),
        since=since.replace(tzinfo=UTC),
    )


def _waiting_row(item: Waiting) -> dict[str, object]:
    is_short = item.value is not None and len(item.value) <= ledger.SHORT_VALUE
    return {
        "ENTITY": item.subject.entity.value,
        "WAREHOUSE": warehouse_of(item.subject),
        "ROW_KEY": item.key,
        "REASON": item.reason.value,
        "DETAIL": item.detail[:DETAIL_LENGTH],
        "SHORT_VALUE": item.value if is_short else None,
        "LONG_VALUE": None if is_short else item.value,
        "CONTENT_HASH": item.content_hash,
        "SINCE": item.since.astimezone(UTC).replace(tzinfo=None),
    }
