"""A ledger of an older version becomes one of this version, and what it knows stays, wherever `setup` is killed."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from firebird.driver import TraAccessMode

from consumer.caja.sql import SqlCaja
from consumer.ledger import making, tables
from consumer.ledger.parked import Parked, Reason
from consumer.ledger.rows import parked_row, place_values, progress_values
from consumer.ledger.state import PositionState, Progress, RowState, State
from foundation.engines import create_database, open_database
from foundation.engines.database import Database
from foundation.eventlog.lineage import LastEvent, Position
from foundation.eventlog.port import Offset, Topic, TopicId
from schemas.entities import Entity, Subject
from schemas.keys import Key
from tests.engines.embedded import EmbeddedDatabases
from tests.engines.old_ledger import AS_VERSION_2, AS_VERSION_3
from tests.unit.consuming import PROFILE

NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
PRODUCT, STOCK = Subject(Entity.PRODUCT), Subject(Entity.STOCK, 2)
LONG = bytes(range(256)) * 10


@pytest.fixture(params=["embedded", "server"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    if request.param == "server":
        url = request.getfixturevalue("firebird_server").new_url("old")
    else:
        embedded: EmbeddedDatabases = request.getfixturevalue("embedded")
        url = embedded.url("old")
    create_database(url)
    with closing(open_database(url)) as opened:
        yield opened


def position(state: PositionState) -> Progress:
    fingerprint = "0123456789abcdef" if state is PositionState.FOLLOWED else ""  # elsewhere the state stood in its place
    at = Position(TopicId("an id"), Offset(7), LastEvent(Offset(6), "digest"))
    return Progress(position=at, end_reached=NOW, state=state, fingerprint=fingerprint)


def parked(key: str, reason: Reason, value: bytes | None) -> Parked:
    return Parked(subject=STOCK, key=Key(key), reason=reason, detail="ñ", value=value, content_hash="h", since=NOW)


PARKED = [parked("A", Reason.UNPOSTED_SALES, b"x"), parked("B", Reason.DOUBTFUL, LONG), parked("C", Reason.KEPT_OUT, None)]
PARKED += [parked("D", Reason.LOCKED, b""), parked("E", Reason.REJECTED, b"y"), parked("F", Reason.PARENT, b"z")]


def fill(database: Database) -> None:
    """All that a ledger may know."""
    database.create_tables(tables.metadata)
    row = {"ROW_HASH": "r", "QUANTITY": None}
    with database.writing() as writer:
        making.create(writer, "centro", [(STOCK, Key("U"))])
        for key, state, content in (("P1", RowState.APPLIED, "h1"), ("P2", RowState.DELETED, ""), ("P3", RowState.UNSEEN, "")):
            values = {**place_values(PRODUCT, Key(key)), "STATE": state.value, "CONTENT_HASH": content, **row}
            writer.execute(sa.insert(tables.rows).values(**values))
        writer.insert(tables.parked, list(map(parked_row, PARKED)))
        for of_topic in PositionState:
            writer.execute(sa.insert(tables.positions).values(TOPIC=of_topic.value, **progress_values(position(of_topic), NOW)))
        writer.execute(sa.update(tables.lease).values(HOST="aquí", READY_AT=NOW.replace(tzinfo=None), FENCING_TOKEN="t"))


def known(database: Database) -> tuple[State, Any]:
    caja = SqlCaja("centro", database, PROFILE, {})  # the ledger alone is read
    with database.reading() as reader:
        rows = sorted(map(tuple, reader.rows(sa.select(*tables.rows.c))))
    state = caja.overview()
    return state, (rows, dict(state.parked), state.progress, caja.read_lease().host)


def make_old(database: Database, statements: tuple[str, ...]) -> None:
    database.close()  # what it has prepared keeps the tables in use
    for statement in statements:
        with database.writing() as writer:
            writer.execute(sa.text(statement.replace(":", r"\:")))
    database.close()


def test_a_ledger_of_version_3_is_the_same_one_afterwards(database: Database) -> None:
    fill(database)
    before = known(database)[1]
    make_old(database, AS_VERSION_3)
    catalogue = database.catalogue()
    with database.reading() as reader:
        assert making.version_and_owner(reader, catalogue) == (3, "centro")
    making.upgrade(database)
    state, after = known(database)
    assert after == before
    assert state.ready_at == NOW
    assert not set(making.names_of_old()) & set(database.catalogue())


def test_one_of_version_2_is_compared_again_for_it_does_not_know_what_rows_lack(database: Database) -> None:
    fill(database)
    make_old(database, AS_VERSION_2)
    making.upgrade(database)
    states = {topic: progress.state for topic, progress in known(database)[0].progress.items()}
    assert states.pop(Topic("followed")) is PositionState.RESYNC_ASKED
    assert all(topic == state.value for topic, state in states.items())


class Killed(BaseException):
    pass


@contextmanager
def killed_at_its_first_change(database: Any) -> Iterator[None]:
    """Ends the process, as it were, once a transaction that writes was committed."""
    whole = database._transaction

    @contextmanager
    def dying(mode: TraAccessMode) -> Iterator[Any]:
        with whole(mode) as transaction:
            yield transaction
        if mode is TraAccessMode.WRITE:
            raise Killed

    database._transaction = dying
    try:
        yield
    finally:
        del database._transaction


def test_killed_after_each_of_its_transactions_it_goes_on_the_next_time(database: Database) -> None:
    fill(database)
    before = known(database)[1]
    make_old(database, AS_VERSION_3)
    killed, is_done = 0, False
    while not is_done:
        with killed_at_its_first_change(database):
            try:
                making.upgrade(database)
                is_done = True
            except Killed:
                killed += 1
    assert killed > 6
    assert known(database)[1] == before
