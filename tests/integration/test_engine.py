"""The Firebird engine on real servers: errors, broken connections, texts, catalogues, locks."""

import contextlib
import gc
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import firebird.driver
import psutil
import pytest
import sqlalchemy as sa
from firebird.driver.core import isc_info_end
from firebird.driver.types import SrvInfoCode
from sqlalchemy.engine import make_url

from consumer.ledger import tables as ledger
from foundation.engines import create_database, open_database
from foundation.engines.catalogue import Kind, Scalar
from foundation.engines.database import Database
from foundation.engines.errors import LockConflict
from foundation.engines.firebird.attach import dsn_of
from foundation.engines.firebird.client import load_client
from foundation.engines.firebird.connection import FirebirdDatabase
from foundation.engines.firebird.lost import abandon
from foundation.engines.writing import Action, RowWrite, WriteColumn, WritePlan
from foundation.errors import ConfigError, ConnectionLost, PuenteError
from tests.engines.embedded import Engine
from tests.engines.firebird_server import FirebirdServer, PrivateServer
from tests.engines.ports import HOST

tables = sa.MetaData()
things = sa.Table("THINGS", tables, sa.Column("ID", sa.Integer, primary_key=True, autoincrement=False), sa.Column("NAME", sa.String(40)))
PLAN = WritePlan(
    table="THINGS",
    columns=(WriteColumn(name="ID", kind=Kind.INTEGER), WriteColumn(name="NAME", kind=Kind.TEXT, width=40)),
    match=("ID",),
    ledger=ledger.ROWS,
)
ALL_OF_CP1252 = "".join(bytes([byte]).decode("cp1252") for byte in (*range(0x20, 0x7F), *range(0xA0, 0x100), 0x80, 0x93, 0x94, 0x9F))
UNDEFINED = "\x81\x8d\x8f\x90\x9d"
"""The five bytes that CP1252 leaves undefined."""


@pytest.fixture
def url(engine: Engine) -> str:
    """A new, empty database on each engine."""
    made = engine.new_url("engine")
    create_database(made)
    return made


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with closing(open_database(url)) as opened:
        opened.create_tables(tables)
        opened.create_tables(ledger.metadata)
        yield opened


def put(number: int, name: str | None) -> RowWrite:
    return RowWrite(Action.PUT, (number, name), ("thing", 0, str(number), "applied", "c", "r", None))


def write(database: Database, *rows: RowWrite) -> int:
    with database.writing() as writer:
        written = writer.write(PLAN, rows)
        assert list(written.errors) == []
        return written.touched


def names(database: Database) -> dict[int, str | None]:
    with database.reading() as reader:
        return {row[0]: row[1] for row in reader.rows(sa.select(things.c.ID, things.c.NAME))}


# Errors


def test_a_wrong_password_is_told_with_the_database_and_without_the_password(firebird_server: FirebirdServer) -> None:
    url = make_url(firebird_server.url("x")).set(password="hunter2")
    with closing(open_database(url.render_as_string(hide_password=False))) as database, pytest.raises(ConfigError) as raised:
        database.catalogue()
    assert f"{firebird_server.host}/{firebird_server.port}" in str(raised.value)
    assert "password" in str(raised.value)
    assert "hunter2" not in str(raised.value) + database.label + repr(raised.value)


def test_a_port_where_nobody_listens_is_a_lost_connection(second_firebird_server: PrivateServer) -> None:
    second_firebird_server.stop()
    with closing(open_database(second_firebird_server.url("x"))) as database, pytest.raises(ConnectionLost, match=HOST):
        database.catalogue()


def test_a_host_that_does_not_exist_is_a_lost_connection() -> None:
    with closing(open_database("firebird+firebird://u:p@nowhere.invalid/x")) as database, pytest.raises(ConnectionLost, match="nowhere"):
        database.catalogue()


def test_a_missing_file_is_an_error_of_configuration(firebird_server: FirebirdServer, embedded: Any) -> None:
    for url in (firebird_server.url("nowhere"), embedded.url("nowhere")):
        with closing(open_database(url)) as database, pytest.raises(ConfigError, match=r"nowhere\.fdb"):
            database.catalogue()


def test_a_file_that_is_no_database_is_an_error_of_configuration(embedded: Any) -> None:
    embedded.path("text").write_text("no database " * 5000)
    with closing(open_database(embedded.url("text"))) as database, pytest.raises(ConfigError, match=r"text\.fdb"):
        database.catalogue()


def test_a_missing_table_or_column_is_an_error_of_configuration(database: Database) -> None:
    queries: list[sa.Select[Any]] = [
        sa.select(sa.column("X")).select_from(sa.table("NOWHERE")),
        sa.select(sa.column("NOWHERE")).select_from(things),
    ]
    for query in queries:
        with pytest.raises(ConfigError, match="table or column"), database.reading() as reader:
            list(reader.rows(query))
    assert names(database) == {}


def test_the_same_connection_goes_on_after_an_error(database: Database) -> None:
    with contextlib.suppress(KeyError), database.writing() as writer:
        writer.execute(sa.insert(things).values(ID=1, NAME="a"))
        raise KeyError
    assert names(database) == {}
    assert database.connections == 1


# Transactions


def test_a_packed_write_alone_commits_at_the_end_of_its_block(url: str, database: Database) -> None:
    write(database, put(1, "a"))
    with closing(open_database(url)) as other:
        assert names(other) == {1: "a"}


def test_a_packed_write_alone_is_rolled_back_by_an_exception(url: str, database: Database) -> None:
    with contextlib.suppress(KeyError), database.writing() as writer:
        writer.write(PLAN, [put(1, "a")])
        raise KeyError
    assert names(database) == {}
    with closing(open_database(url)) as other:
        assert names(other) == {}


def test_a_reader_sees_one_moment_and_writes_nothing(url: str, database: Database) -> None:
    write(database, put(1, "a"))
    with closing(open_database(url)) as other, database.reading() as reader:
        assert len(list(reader.rows(sa.select(things.c.ID)))) == 1
        write(other, put(2, "b"))
        assert len(list(reader.rows(sa.select(things.c.ID)))) == 1
    assert names(database) == {1: "a", 2: "b"}


def test_a_lock_is_a_conflict_at_once_and_the_next_transaction_succeeds(url: str, database: Database) -> None:
    write(database, put(1, "a"))
    update = sa.update(things).values(NAME="b")
    with closing(open_database(url)) as other:
        with other.writing() as holder:
            holder.execute(update)
            with pytest.raises(LockConflict), database.writing() as writer:
                writer.execute(update)
        with database.writing() as writer:
            assert writer.execute(update) == 1
    assert database.connections == 1


def test_a_row_that_another_one_changed_after_the_snapshot_is_a_conflict_too(url: str, database: Database) -> None:
    write(database, put(1, "a"))
    with closing(open_database(url)) as other, database.writing() as writer:
        list(writer.rows(sa.select(things.c.ID)))
        write(other, put(1, "b"))
        with pytest.raises(LockConflict):
            writer.execute(sa.update(things).values(NAME="c"))
    assert names(database) == {1: "b"}


def test_iterators_that_nobody_finishes_leave_nothing_open(database: Database) -> None:
    write(database, *(put(number, "x" * 40) for number in range(3000)))
    kept = []
    for _ in range(3):
        with database.reading() as reader:
            rows = reader.rows(sa.select(things.c.ID))
            next(rows)
            kept.append(rows)
    kept.pop()
    gc.collect()
    with database.writing() as writer:
        assert writer.execute(sa.delete(things)) == 3000
    database.close()
    del kept
    gc.collect()
    assert database.catalogue() != {}
    with database.writing() as writer:
        writer.execute(sa.schema.DropTable(things))  # fails while anybody uses it


def test_transactions_are_numbered(database: Database) -> None:
    with database.reading() as reader:
        first = reader.ids
    write(database, put(1, "a"))
    with database.reading() as reader:
        then = reader.ids
    assert first is not None
    assert then is not None
    assert first.own < then.own
    assert then.oldest_active <= then.own


# Broken connections


def many(database: Database) -> None:
    write(database, *(put(number, "x" * 40) for number in range(3000)))


def packed(database: Database, server: PrivateServer) -> None:
    with database.writing() as writer:
        writer.write(PLAN, [put(9000, "a")])
        server.kill()
        writer.write(PLAN, [put(9001, "a")])


def at_commit(database: Database, server: PrivateServer) -> None:
    with database.writing() as writer:
        writer.execute(sa.insert(things).values(ID=9002, NAME="a"))
        writer.write(PLAN, [put(9000, "a")])
        server.kill()


def fetching(database: Database, server: PrivateServer) -> None:
    with database.reading() as reader:
        rows = reader.rows(sa.select(things.c.ID, things.c.NAME))
        next(rows)
        server.kill()
        list(rows)


def with_an_open_iterator(database: Database, server: PrivateServer) -> None:
    with database.reading() as reader:
        rows = reader.rows(sa.select(things.c.ID, things.c.NAME))
        next(rows)
        server.kill()
        list(reader.rows(sa.select(things.c.ID)))


def between_transactions(database: Database, server: PrivateServer) -> None:
    write(database, put(9000, "a"))
    server.kill()
    write(database, put(9001, "a"))


@pytest.mark.parametrize("lose", [packed, at_commit, fetching, with_an_open_iterator, between_transactions])
def test_a_server_killed_at_any_moment_is_a_lost_connection_and_the_same_database_works_again(
    second_firebird_server: PrivateServer, lose: Any, caplog: pytest.LogCaptureFixture
) -> None:
    url = second_firebird_server.new_url("killed")
    create_database(url)
    with closing(open_database(url)) as database:
        database.create_tables(tables)
        database.create_tables(ledger.metadata)
        many(database)
        before = sockets()
        for _ in range(3):
            with pytest.raises(ConnectionLost):
                lose(database, second_firebird_server)
            gc.collect()
            with pytest.raises(ConnectionLost):
                names(database)
            second_firebird_server.start()
            assert len(names(database)) >= 3000
            assert write(database, put(9003, None)) in (0, 1)
        gc.collect()
        assert sockets() == before
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_closing_a_database_whose_server_is_gone_is_quiet(second_firebird_server: PrivateServer, caplog: pytest.LogCaptureFixture) -> None:
    url = second_firebird_server.new_url("killed")
    create_database(url)
    with closing(open_database(url)) as database:
        database.create_tables(tables)
        database.create_tables(ledger.metadata)
        many(database)
        second_firebird_server.kill()
    del database
    gc.collect()
    assert caplog.records == []


def test_a_connection_is_given_up_without_asking_a_server_that_may_never_answer(second_firebird_server: PrivateServer) -> None:
    """As one whose database was shut down under a transaction did not: the rollback waited for ever."""
    url = second_firebird_server.new_url("silent")
    create_database(url)
    with closing(open_database(url)) as database, suppress(ConnectionLost), database.reading() as reader:
        list(reader.rows(sa.select(sa.column("RDB$RELATION_ID")).select_from(sa.table("RDB$DATABASE"))))
        opened = database._opened  # type: ignore[attr-defined]  # the failure itself cannot be had for the asking
        second_firebird_server.pause()
        giving_up = threading.Thread(target=abandon, args=(opened,), daemon=True)
        giving_up.start()
        giving_up.join(20)
        was_stuck = giving_up.is_alive()
        second_firebird_server.resume()
        giving_up.join()
        assert not was_stuck


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux can be told")
def test_a_host_that_vanishes_is_noticed_within_half_a_minute(firebird_server: FirebirdServer) -> None:
    url = firebird_server.new_url("watched")
    create_database(url)
    with closing(open_database(url)) as database:
        database.catalogue()
        found = [c for c in psutil.Process().net_connections(kind="tcp") if c.raddr and c.raddr.port == firebird_server.port and c.fd >= 0]
        assert found
        for connection in found:
            with socket.socket(fileno=os.dup(connection.fd)) as line:
                assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
                assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 10


def sockets() -> int:
    """Open sockets of this process; always 0 where the system does not tell."""
    folder = Path("/proc/self/fd")
    found = [str(path.readlink()) for path in folder.iterdir() if path.is_symlink()] if folder.exists() else []
    return sum(name.startswith("socket:") for name in found)


# Texts


def raw(url: str) -> firebird.driver.Connection:
    """Past the engine: the bytes as the database has them, each as the character of its number."""
    parsed = make_url(url)
    return firebird.driver.connect(dsn_of(parsed), user=parsed.username or "SYSDBA", password=parsed.password, charset="ISO8859_1")


def test_texts_cross_as_cp1252_by_a_statement_by_the_packed_write_and_back(url: str, database: Database) -> None:
    texts = [*(ALL_OF_CP1252[start : start + 40].strip() for start in range(0, len(ALL_OF_CP1252), 40)), "“ñ” € — …", UNDEFINED]
    write(database, *(put(number, text) for number, text in enumerate(texts)))
    with database.writing() as writer:
        writer.execute(sa.insert(things), [{"ID": 100 + number, "NAME": text} for number, text in enumerate(texts)])
    expected = {**dict(enumerate(texts)), **dict(enumerate(texts, start=100))}
    assert names(database) == expected
    with raw(url) as connection, closing(connection.cursor()) as cursor:
        stored = dict(cursor.execute("select ID, NAME from THINGS").fetchall())
    wanted = {number: (text if text == UNDEFINED else text.encode("cp1252").decode("latin-1")) for number, text in expected.items()}
    assert stored == wanted


def test_a_condition_finds_the_text_that_was_meant(database: Database) -> None:
    write(database, put(1, "“ñ” €"))
    with database.reading() as reader:
        assert list(reader.rows(sa.select(things.c.ID).where(things.c.NAME == "“ñ” €"))) == [(1,)]


def test_what_cp1252_lacks_becomes_a_question_mark(database: Database) -> None:
    write(database, put(1, "中ñ🙂"))
    assert names(database) == {1: "?ñ?"}


def test_nothing_is_not_an_empty_text(database: Database) -> None:
    write(database, put(1, None), put(2, ""))
    assert names(database) == {1: None, 2: ""}


def without_charset(url: str) -> str:
    """Another database, made with the character set NONE, as old installations of Aspel are."""
    made = make_url(url).set(database=str(make_url(url).database).replace("engine", "none"))
    firebird.driver.driver_config.db_defaults.db_charset.value = "NONE"
    firebird.driver.create_database(dsn_of(made), user=made.username or "SYSDBA", password=made.password, charset="ISO8859_1").close()
    return made.render_as_string(hide_password=False)


def test_texts_cross_in_a_database_of_character_set_none_as_well(url: str) -> None:
    with closing(open_database(without_charset(url))) as database:
        database.create_tables(tables)
        database.create_tables(ledger.metadata)
        assert database.catalogue()["THINGS"].columns["NAME"].charset == "NONE"
        write(database, put(1, "“ñ” €"), put(2, UNDEFINED))
        with database.writing() as writer:
            writer.execute(sa.insert(things).values(ID=3, NAME="“ñ” €"))
        assert names(database) == {1: "“ñ” €", 2: UNDEFINED, 3: "“ñ” €"}
        assert write(database, put(1, "“ñ” €")) == 0
        with database.reading() as reader:
            assert {row[0] for row in reader.rows(sa.select(things.c.ID).where(things.c.NAME == "“ñ” €"))} == {1, 3}


# Addresses


def test_two_servers_with_the_same_alias_stay_apart(firebird_server: FirebirdServer, second_firebird_server: PrivateServer) -> None:
    if not isinstance(firebird_server, PrivateServer):  # a server from outside has no aliases of ours: the same path tells as much
        urls = [server.new_url("same") for server in (firebird_server, second_firebird_server)]
    else:
        urls = [server.alias_url("sae") for server in (firebird_server, second_firebird_server)]
    for url, name in zip(urls, ("first", "second"), strict=True):
        create_database(url)
        with closing(open_database(url)) as database:
            database.create_tables(tables)
            with database.writing() as writer:
                writer.execute(sa.insert(things).values(ID=1, NAME=name))
    with closing(open_database(urls[0])) as first, closing(open_database(urls[1])) as second:
        assert names(first) == {1: "first"}
        assert names(second) == {1: "second"}
        assert names(first) == {1: "first"}


def test_addresses_become_the_drivers_strings() -> None:
    wanted = {
        "firebird+firebird:////var/caja.fdb": "/var/caja.fdb",
        "firebird+firebird:///C:/Aspel/caja.fdb": "C:/Aspel/caja.fdb",
        "firebird+firebird://u:p@host/caja": "host/3050:caja",
        "firebird+firebird://u:p@host:3051//var/caja.fdb": "host/3051:/var/caja.fdb",
        "firebird+firebird://u:p@[::1]:3051/C:/caja.fdb": "[::1]/3051:C:/caja.fdb",
        "firebird://host/caja": "host/3050:caja",
    }
    assert {url: dsn_of(make_url(url)) for url in wanted} == wanted


def test_other_engines_and_nonsense_are_errors_of_configuration() -> None:
    for url in ("nonsense", "postgresql://host/x", "", "firebird+firebird://host:port/x"):
        with pytest.raises(ConfigError, match=r"firebird\+firebird://"):
            open_database(url)


# Catalogues


def test_the_catalogue_tells_kinds_lengths_and_keys(database: Database) -> None:
    statements = [
        "create domain NAME_OF as varchar(7) not null",
        """create table VARIED (A smallint not null, B bigint, C numeric(9,2), D decimal(15,6), E float, F double precision,
        G char(3), H NAME_OF, I timestamp, J date, K blob sub_type 1, L numeric(4,0), M varchar(5) character set none,
        N varchar(6) character set utf8, constraint PK_VARIED primary key (A), constraint U_VARIED unique (H, G))""",
        "create unique index X_VARIED on VARIED (L)",
        "create index Y_VARIED on VARIED (B)",
        "create view SEEN as select A, H from VARIED",
    ]
    for statement in statements:
        with database.writing() as writer:
            writer.execute(sa.text(statement))
    table = database.catalogue(["VARIED", "MISSING"])["VARIED"]
    assert {name: (column.kind, column.length, column.charset) for name, column in table.columns.items()} == {
        "A": (Kind.INTEGER, None, None),
        "B": (Kind.INTEGER, None, None),
        "C": (Kind.FLOAT, None, None),
        "D": (Kind.FLOAT, None, None),
        "E": (Kind.FLOAT, None, None),
        "F": (Kind.FLOAT, None, None),
        "G": (Kind.TEXT, 3, "ISO8859_1"),
        "H": (Kind.TEXT, 7, "ISO8859_1"),
        "I": (Kind.TIMESTAMP, None, None),
        "J": (Kind.OTHER, None, None),
        "K": (Kind.OTHER, None, None),
        "L": (Kind.INTEGER, None, None),
        "M": (Kind.TEXT, 5, "NONE"),
        "N": (Kind.TEXT, 6, "UTF8"),
    }
    assert [name for name, column in table.columns.items() if not column.nullable] == ["A", "H"]
    assert {frozenset(key) for key in table.keys} == {frozenset("A"), frozenset("HG"), frozenset("L")}
    assert set(database.catalogue()) == {"VARIED", "SEEN", "THINGS", *ledger.metadata.tables}


def test_names_may_be_as_long_as_every_firebird_allows(database: Database) -> None:
    table, column, index = (f"{name:_<31}" for name in ("TABLE", "COLUMN", "INDEX"))
    with database.writing() as writer:
        writer.execute(sa.text(f"create table {table} ({column} integer not null primary key)"))
    database.create_index(index, table, f"{column} + 1")
    found = database.catalogue()[table]
    assert (list(found.columns), found.keys, list(found.computed)) == ([column], [frozenset([column])], [index])


def test_tables_are_created_once(database: Database) -> None:
    assert database.create_tables(tables) == []
    with database.writing() as writer:
        writer.execute(sa.schema.DropTable(things))
    assert database.create_tables(tables) == ["THINGS"]
    assert write(database, put(1, "a")) == 1


def test_a_database_that_exists_is_never_created_over(url: str, database: Database) -> None:
    write(database, put(1, "a"))
    with pytest.raises(Exception, match="engine"):
        create_database(url)
    assert names(database) == {1: "a"}


# The packed write


def test_numbers_arrive_exact_and_what_does_not_fit_fails_alone(database: Database) -> None:
    numbers = sa.Table(
        "NUMBERS", sa.MetaData(), sa.Column("ID", sa.Integer, primary_key=True, autoincrement=False), sa.Column("X", sa.DOUBLE_PRECISION)
    )
    database.create_tables(numbers.metadata)
    columns = (WriteColumn(name="ID", kind=Kind.INTEGER), WriteColumn(name="X", kind=Kind.FLOAT))
    plan = WritePlan(table="NUMBERS", columns=columns, match=("ID",), ledger=ledger.ROWS)
    values: list[Scalar] = [
        Decimal("0.1"),
        Decimal("-0.000001"),
        Decimal("123456789.123456"),
        89.9,
        0,
        None,
        Decimal("99999999999999.999999"),
        -0.0,
    ]
    rows = [
        RowWrite(Action.PUT, (number, value), ("n", 0, str(number), "applied", "c", "r", None))
        for number, value in enumerate(values, start=-3)
    ]
    with database.writing() as writer:
        assert writer.write(plan, rows).touched == len(values)
        assert writer.write(plan, rows).touched == 0
    with database.reading() as reader:
        found = [row[0] for row in reader.rows(sa.select(numbers.c.X).order_by(numbers.c.ID))]
    assert found == [value and pytest.approx(float(value), rel=1e-15) for value in values]


def test_a_row_that_breaks_a_constraint_fails_alone_with_its_ledger_row(database: Database) -> None:
    with database.writing() as writer:
        writer.execute(sa.text("alter table THINGS add constraint NOT_BAD check (NAME <> 'bad')"))
    with database.writing() as writer:
        written = writer.write(PLAN, [put(1, "a"), put(2, "bad"), put(3, "c")])
    assert [(error.index, error.locked) for error in written.errors] == [(1, False)]
    assert "check constraint" in str(written.errors[0].message)
    assert written.touched == 2
    assert names(database) == {1: "a", 3: "c"}
    with database.reading() as reader:
        assert sorted(row[0] for row in reader.rows(sa.select(ledger.rows.c.ROW_KEY))) == ["1", "3"]


def test_writing_nothing_is_nothing(database: Database) -> None:
    with database.writing() as writer:
        written = writer.write(PLAN, [])
        writer.insert(ledger.parked, [])
    assert (written.touched, list(written.errors)) == (0, [])


def test_an_engine_of_its_own_class_opens_behind_the_one_door(embedded: Any) -> None:
    assert isinstance(open_database(embedded.url("x")), FirebirdDatabase)


class Asked:
    """Something that tells its version, and of which another thread may ask between the question and the answer."""

    def __init__(self, version: str, meanwhile: Callable[[], object] = lambda: None) -> None:
        self._answer, self._meanwhile = version.encode(), meanwhile
        self._svc = self

    def __call__(self) -> "Asked":
        self._meanwhile()
        return self

    def query(self, _: None, _request: bytes, answer: Any) -> None:
        said = bytes([SrvInfoCode.SERVER_VERSION, len(self._answer)]) + self._answer + bytes([isc_info_end])
        answer[: len(said)] = said


def test_threads_that_connect_at_once_do_not_meet_in_the_driver() -> None:
    def ask(whom: Asked) -> float:
        return float(firebird.driver.core._engine_version_provider.get_engine_version(whom))

    load_client()
    other: list[float] = []
    assert ask(Asked("LI-V3.0.11", lambda: other.append(ask(Asked("LI-V5.0.2"))))) == 3.0
    assert set(other) == {5.0}


@pytest.fixture
def uncollected() -> Iterator[None]:
    """No garbage is collected, so that what goes goes with its last reference."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
def test_a_statement_ends_with_its_last_reference_and_waits_for_no_garbage_collection(database: Database) -> None:
    """Which any thread may run, and at any moment."""
    assert isinstance(database, FirebirdDatabase)
    with database.reading() as reader:
        assert database._opened is not None
        ended = database._opened._statements
        assert len(list(reader.rows(sa.text("SELECT RDB$RELATION_NAME FROM RDB$RELATIONS")))) > 0
        assert ended == []
        with pytest.raises(PuenteError):
            list(reader.rows(sa.text("SELECT 1 / 0 FROM RDB$DATABASE")))
        assert ended == []


def test_a_statement_that_its_connection_has_removed_goes_in_silence(url: str) -> None:
    """As one does that a traceback held, when another thread's garbage collection finds it while the connection is closed."""
    with closing(raw(url)) as connection, closing(connection.cursor()) as cursor:
        with cursor.prepare("SELECT 1 FROM RDB$DATABASE") as held:
            (reference,) = connection._statements
            connection._statements.clear()
        del held
        assert reference() is None


def test_what_could_not_be_committed_is_not_committed_later_either(url: str, database: Database) -> None:
    """The driver's own begin commits what is open: a row of a transaction whose commit failed would come back with the next one."""
    database.create_index("BY_NAME", "THINGS", "UPPER(NAME)")

    def commit_what_is_refused() -> None:
        with database.writing() as writer:
            writer.execute(sa.insert(things).values(ID=1, NAME="never"))
            writer.execute(sa.text("DROP INDEX BY_NAME"))

    with closing(open_database(url, keep_prepared=True)) as user:
        with user.reading() as reader:
            list(reader.rows(sa.text("SELECT ID FROM THINGS WHERE UPPER(NAME) = 'X'")))
        with pytest.raises(LockConflict):
            commit_what_is_refused()
    for _ in range(2):
        assert names(database) == {}


# statements that stay prepared


def prepared(outside: Database, about: str) -> int:
    """How many statements that hold these words all connections have, but for this one."""
    asked = f"SELECT COUNT(*) FROM MON$STATEMENTS WHERE MON$ATTACHMENT_ID <> CURRENT_CONNECTION AND MON$SQL_TEXT CONTAINING '{about}'"
    with outside.reading() as reader:
        ((count,),) = reader.rows(sa.text(asked))
    return int(count)


def test_a_statement_stays_prepared_for_a_minute_after_its_last_use_where_that_was_asked_for(
    url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.create_index("BY_NAME", "THINGS", "UPPER(NAME)")
    query = sa.text("SELECT NAME FROM THINGS WHERE UPPER(NAME) = 'X'")
    drop = sa.text("DROP INDEX BY_NAME")
    with closing(open_database(url)) as plain, plain.reading() as reader:
        list(reader.rows(query))
    assert prepared(database, "FROM THINGS") == 0
    with closing(open_database(url, keep_prepared=True)) as keeping:
        for _ in range(3):
            with keeping.reading() as reader:
                first, second = reader.rows(query), reader.rows(query)
                assert list(first) == list(second)
            assert prepared(database, "FROM THINGS") == 1
        with suppress(PuenteError), keeping.reading() as reader:
            list(reader.rows(query))
            list(reader.rows(sa.text("SELECT 1 / 0 FROM THINGS")))
        assert prepared(database, "FROM THINGS") > 0
        with pytest.raises(LockConflict), database.writing() as writer:
            writer.execute(drop)
        monkeypatch.setattr("foundation.engines.firebird.statements.KEPT_SECONDS", -1.0)
        with keeping.reading() as reader:
            assert list(reader.rows(sa.text("SELECT 1 FROM RDB$DATABASE"))) == [(1,)]
        assert prepared(database, "FROM THINGS") == 0
        with database.writing() as writer:
            writer.execute(drop)


def test_what_is_kept_is_read_whole_and_anew_each_time(url: str, database: Database) -> None:
    by_id = sa.select(things.c.NAME).where(things.c.ID == sa.bindparam("wanted"))
    with closing(open_database(url, keep_prepared=True)) as keeping:
        for turn in range(3):
            write(database, put(turn, f"name {turn}"))
            with keeping.reading() as reader:
                found = [list(reader.rows(by_id.params(wanted=one))) for one in range(turn + 1)]
            assert found == [[(f"name {one}",)] for one in range(turn + 1)]
