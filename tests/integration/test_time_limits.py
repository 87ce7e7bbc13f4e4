"""A Firebird server that refuses, stays silent, is slow or breaks off: it is given up within its limits, told by name, and met again."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from foundation.engines import create_database, open_database
from foundation.engines.database import Database, Reader
from foundation.errors import ConnectionLost
from foundation.limits import DatabaseLimits
from tests.e2e.small_site import wait_until
from tests.engines.faulty_line import FaultyLine
from tests.engines.firebird_server import FirebirdServer
from tests.patience import HANG_SECONDS

SHORT = DatabaseLimits(connect=1.0, login=1.0, statement=1.0)
PATIENCE_SECONDS = HANG_SECONDS
"""Far below what the library or the system would wait by itself."""
ONE = sa.text("SELECT 1 FROM RDB$DATABASE")
MANY = sa.text("SELECT A.RDB$FIELD_NAME FROM RDB$FIELDS A, RDB$FIELDS B ROWS 20000")
LONG = sa.text("SELECT COUNT(*) FROM RDB$FIELDS A, RDB$FIELDS B, RDB$FIELDS C, RDB$FIELDS D")
LOGIN_BYTES = (1, 40, 100, 200, 400)
"""From the first of the server's to somewhere in the midst of what it says while it lets a user in."""


@pytest.fixture(scope="module")
def straight(firebird_server: FirebirdServer) -> str:
    url = firebird_server.new_url("limited")
    create_database(url)
    with closing(open_database(url)) as database, database.writing() as writer:
        writer.execute(sa.text("CREATE TABLE T (ID INTEGER)"))
    return url


@pytest.fixture
def line(firebird_server: FirebirdServer) -> Iterator[FaultyLine]:
    with closing(FaultyLine(firebird_server.port)) as made:
        yield made


def through(line: FaultyLine, straight: str, limits: DatabaseLimits = SHORT) -> Database:
    return open_database(make_url(straight).set(host="127.0.0.1", port=line.port).render_as_string(hide_password=False), limits)


@pytest.fixture
def database(line: FaultyLine, straight: str) -> Iterator[Database]:
    with closing(through(line, straight)) as opened:
        yield opened
        line.mend()


def in_time(action: Callable[[], object]) -> ConnectionLost:
    """The error that an action ends with; it must end."""
    raised: list[ConnectionLost] = []

    def run() -> None:
        with pytest.raises(ConnectionLost) as told:
            action()
        raised.append(told.value)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()
    return raised[0]


def ask(database: Database) -> None:
    with database.reading() as reader:
        assert list(reader.rows(ONE)) == [(1,)]


def count(straight: str) -> int:
    with closing(open_database(straight)) as database, database.reading() as reader:
        return int(next(iter(reader.rows(sa.text("SELECT COUNT(*) FROM T"))))[0])


# connecting


def test_a_port_that_refuses_is_told_and_met_again(line: FaultyLine, database: Database) -> None:
    line.cut()
    error = in_time(lambda: ask(database))
    assert line.address.replace(":", "/") in str(error)
    assert "cannot be reached" in str(error)
    line.mend()
    until_met(database)


def until_met(database: Database) -> None:
    """A port that was closed is open a moment later."""

    def is_met() -> bool:
        with suppress(ConnectionLost):
            ask(database)
            return True
        return False

    wait_until(is_met)


def test_a_port_that_accepts_and_says_nothing_is_given_up_and_met_again(line: FaultyLine, database: Database) -> None:
    line.silence()
    error = in_time(lambda: ask(database))
    assert line.address.replace(":", "/") in str(error)
    assert "did not answer as Firebird does, for at most 1 s" in str(error)
    assert "connect_seconds" in str(error)
    line.mend()
    ask(database)


def test_a_database_is_made_where_somebody_answers_and_only_there(line: FaultyLine, firebird_server: FirebirdServer) -> None:
    made = make_url(firebird_server.new_url("made")).set(host="127.0.0.1", port=line.port).render_as_string(hide_password=False)
    limits = DatabaseLimits(connect=1.0, statement=PATIENCE_SECONDS)
    line.silence()
    error = in_time(lambda: create_database(made, limits))
    assert "did not answer as Firebird does, for at most 1 s" in str(error)
    line.cut()
    assert "cannot be reached" in str(in_time(lambda: create_database(made, limits)))
    line.mend()
    wait_until(lambda: is_made(made, limits))
    with closing(open_database(made, limits)) as database:
        ask(database)


def is_made(url: str, limits: DatabaseLimits) -> bool:
    """A port that was closed is open a moment later."""
    with suppress(ConnectionLost):
        create_database(url, limits)
        return True
    return False


@pytest.mark.parametrize("said", LOGIN_BYTES)
def test_a_server_that_falls_silent_while_it_lets_us_in_is_given_up_and_met_again(line: FaultyLine, database: Database, said: int) -> None:
    line.after(said, line.silence, to_client=True)
    error = in_time(lambda: ask(database))
    assert "1 s" in str(error)
    wait_until(lambda: not any(thread.name == "connecting" for thread in threading.enumerate()))  # else the program would never end
    line.mend()
    ask(database)


@pytest.mark.parametrize("said", LOGIN_BYTES)
def test_a_server_that_breaks_off_while_it_lets_us_in_is_told_and_met_again(line: FaultyLine, database: Database, said: int) -> None:
    line.after(said, line.break_off, to_client=True)
    assert line.address.replace(":", "/") in str(in_time(lambda: ask(database)))
    ask(database)


def test_a_slow_line_takes_longer_and_is_not_given_up(line: FaultyLine, straight: str) -> None:
    line.slow(0.05)
    with closing(through(line, straight, DatabaseLimits())) as database, database.reading() as reader:
        assert len(list(reader.rows(MANY))) == 20_000


def test_several_threads_that_connect_at_once_are_all_let_in(line: FaultyLine, straight: str) -> None:
    done: list[int] = []

    def connect() -> None:
        with closing(through(line, straight, DatabaseLimits())) as database:
            ask(database)
            done.append(1)

    threads = [threading.Thread(target=connect) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == len(threads)


def test_a_silent_host_holds_up_nobody_who_connects_elsewhere(line: FaultyLine, straight: str) -> None:
    line.silence()
    with closing(through(line, straight, DatabaseLimits(connect=PATIENCE_SECONDS))) as silent:
        waiting = threading.Thread(target=lambda: suppress_lost(silent), daemon=True)
        waiting.start()
        with closing(open_database(straight)) as other:
            ask(other)
        assert waiting.is_alive()
        line.mend()
        waiting.join()


def suppress_lost(database: Database) -> None:
    with suppress(ConnectionLost):
        ask(database)


# connected


def statement(reader: Reader) -> None:
    list(reader.rows(ONE))


def fetch(reader: Reader) -> None:
    list(reader.rows(MANY))


def information(reader: Reader) -> None:
    assert reader.ids is not None


@pytest.mark.parametrize("asked", [statement, fetch, information], ids=["statement", "fetch", "information"])
def test_a_server_that_falls_silent_is_given_up_and_met_again(
    line: FaultyLine, database: Database, asked: Callable[[Reader], None]
) -> None:
    def fall_silent() -> None:
        with database.reading() as reader:
            statement(reader)
            if asked is fetch:
                line.after(100_000, line.silence, to_client=True)
            else:
                line.silence()
            asked(reader)

    error = in_time(fall_silent)
    assert "did not answer within 1 s" in str(error)
    assert line.address.replace(":", "/") in str(error)
    line.mend()
    ask(database)


@pytest.mark.parametrize("part", [20, 100_000])
def test_a_server_that_breaks_off_in_an_answer_is_told_and_met_again(line: FaultyLine, database: Database, part: int) -> None:
    def read() -> None:
        with database.reading() as reader:
            statement(reader)
            line.after(part, line.break_off, to_client=True)
            fetch(reader)

    assert "closed the connection" in str(in_time(read))
    ask(database)


def test_a_statement_that_takes_too_long_is_ended_on_the_server_too(database: Database, straight: str) -> None:
    def last_long() -> None:
        with database.reading() as reader:
            list(reader.rows(LONG))

    assert "did not answer within 1 s" in str(in_time(last_long))
    running = sa.text("SELECT COUNT(*) FROM MON$STATEMENTS WHERE MON$STATE = 1 AND MON$ATTACHMENT_ID <> CURRENT_CONNECTION")
    with closing(open_database(straight)) as other:

        def is_ended() -> bool:
            with other.reading() as reader:
                return list(reader.rows(running)) == [(0,)]

        wait_until(is_ended)


def test_what_is_read_for_longer_than_one_call_may_last_is_read_to_its_end(line: FaultyLine, straight: str) -> None:
    with closing(through(line, straight, DatabaseLimits(statement=2.0))) as database, database.reading() as reader:
        rows = reader.rows(MANY)
        next(rows)
        threading.Event().wait(3.0)  # whoever reads takes time: that is not the server's
        assert len(list(rows)) == 19_999


def write_and_lose(database: Database, lose: Callable[[], object]) -> None:
    with database.writing() as writer:
        writer.execute(sa.text("INSERT INTO T (ID) VALUES (1)"))
        lose()


def test_a_commit_that_never_arrives_counts_as_not_done(line: FaultyLine, database: Database, straight: str) -> None:
    before = count(straight)
    error = in_time(lambda: write_and_lose(database, line.silence))
    assert "did not answer within 1 s" in str(error)
    line.break_off()
    line.mend()
    assert count(straight) == before
    ask(database)


@pytest.mark.parametrize("fault", ["silence", "break_off"])
def test_a_commit_whose_answer_never_comes_is_told_as_lost_and_read_again(
    line: FaultyLine, database: Database, straight: str, fault: str
) -> None:
    """It is done, which nobody can know but by reading: whoever wrote reads before it writes again."""
    before = count(straight)
    error = in_time(lambda: write_and_lose(database, lambda: line.after(0, getattr(line, fault), to_client=True)))
    assert line.address.replace(":", "/") in str(error)
    line.mend()
    assert count(straight) == before + 1
    ask(database)


def test_a_connection_whose_server_fell_silent_is_closed_in_time(line: FaultyLine, straight: str) -> None:
    database = through(line, straight)
    ask(database)
    line.silence()
    closing_it = threading.Thread(target=database.close, daemon=True)
    closing_it.start()
    closing_it.join(PATIENCE_SECONDS)
    assert not closing_it.is_alive()
