"""An idle poll of a large table, against counting its rows, which is the least that reads them all.

First the statement that finds what changed: rows counted, those of a newer version picked out, in one SELECT. Then the producer's whole
idle pass, which is to know that nothing happened without reading a row.
"""

from contextlib import closing
from typing import Any

from bench.benchmark import Benchmark, Figures, Setting
from bench.engines import Engine, connect
from bench.measure import AtMost, Figure, Way
from bench.sae import TABLE, build_wide, settings
from producer.poll import Pass
from puente.wiring.producing import ProducerSide

POLLS = 10
"""Of each kind in one run: one alone is too short to be timed well."""

COUNT = f"SELECT COUNT(*) FROM {TABLE}"
FIND = f"SELECT COUNT(*), COUNT(CASE WHEN RDB$RECORD_VERSION >= ? THEN 1 END) FROM {TABLE}"


class _Driver:
    """Statements on a connection of the driver's own, each in a transaction of its own, as a poll is."""

    def __init__(self, url: str) -> None:
        self._connection = connect(url)
        self._cursor = self._connection.cursor()
        self._count, self._find = self._cursor.prepare(COUNT), self._cursor.prepare(FIND)
        self._mark = 0
        self._found: list[tuple[Any, ...]] = []

    def look(self) -> None:
        """The mark is the transaction that begins here: nothing is newer."""
        self._connection.begin()
        self._mark = self._connection.main_transaction.info.id
        self._connection.commit()

    def count(self) -> None:
        self._found = [self._fetch(self._count) for _ in range(POLLS)]

    def find(self) -> None:
        self._found = [self._fetch(self._find, self._mark) for _ in range(POLLS)]

    def _fetch(self, statement: Any, *parameters: int) -> tuple[Any, ...]:
        self._connection.begin()
        row: tuple[Any, ...] = self._cursor.execute(statement, parameters).fetchone()
        self._connection.commit()
        return row

    def check(self, *expected: int) -> None:
        assert self._found == [expected] * POLLS, self._found

    def check_find(self, rows: int) -> None:
        """Nothing was newer than the mark, and everything is newer than none."""
        self.check(rows, 0)
        assert self._fetch(self._find, 0) == (rows, rows)

    def close(self) -> None:
        self._cursor.close()
        for statement in (self._count, self._find):
            statement.free()
        self._connection.close()


class _Producer:
    """A producer whose log holds all of SAE."""

    def __init__(self, side: ProducerSide, rows: int) -> None:
        self._side, self._passes = side, [side.run_pass()]
        assert self._passes[0].published >= rows

    def settle(self) -> None:
        """Looks until it knows that nothing else happened: counting was another session's transaction."""
        while self._side.run_pass().looked:
            pass

    def idle(self) -> None:
        self._passes = [self._side.run_pass() for _ in range(POLLS)]

    def check(self) -> None:
        assert self._passes == [Pass(looked=False)] * POLLS, self._passes

    def close(self) -> None:
        self._side.release()


def figures(at: Setting, engine: Engine) -> Figures:
    url = engine.new("sae")
    at.told("fills SAE")
    build_wide(url, at.rows)
    with closing(_Driver(url)) as driver:
        find = Way(name="count and filter", prepare=driver.look, run=driver.find, check=lambda: driver.check_find(at.rows))
        yield _figure("find what changed", find, driver, at.rows)
        at.told("publishes SAE")
        with closing(_Producer(ProducerSide(settings(at.folder, url, "log.db")), at.rows)) as producer:
            idle = Way(name="producer's idle pass", prepare=producer.settle, run=producer.idle, check=producer.check)
            yield _figure("idle pass", idle, driver, at.rows)


def _figure(name: str, ours: Way, driver: _Driver, rows: int) -> Figure:
    count = Way(name="SELECT COUNT(*)", run=driver.count, check=lambda: driver.check(rows))
    return Figure(name=f"{name}, {rows:,} rows", unit="poll", count=POLLS, ours=ours, other=count, target=AtMost(20), as_time=True)


BENCHMARK = Benchmark(
    name="poll", about="an idle poll of a large table, against counting its rows", rows=100_000, rounds=7, on_engine=figures, since=3
)
