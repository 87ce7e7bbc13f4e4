"""An idle poll of a large table, against counting its rows, which is the least that reads them all.

First what finds changes in one table: its rows counted, those of a newer version picked out, in one SELECT. Then the producer's whole pass
where nothing changed: all tables asked because somebody else had a transaction, and none because nobody had.
"""

from contextlib import closing

from bench.benchmark import Benchmark, Figures, Setting
from bench.engines import Engine, connect
from bench.measure import AtMost, Figure, Way
from bench.sae import TABLE, build_wide, embedded_log, settings
from foundation.engines import open_database
from foundation.engines.database import Database, Survey
from producer.poll import Pass
from puente.wiring.producing import ProducerSide

POLLS = 10
"""Of each kind in one run: one alone is too short to be timed well."""


class _Counting:
    """`SELECT COUNT(*)` by the driver alone; and somebody else's transactions."""

    name = "SELECT COUNT(*)"

    def __init__(self, url: str) -> None:
        self._connection = connect(url)
        self._cursor = self._connection.cursor()
        self._statement = self._cursor.prepare(f"SELECT COUNT(*) FROM {TABLE}")
        self._counts: list[int] = []

    def run(self) -> None:
        self._counts = [self._count() for _ in range(POLLS)]

    def _count(self) -> int:
        self._connection.begin()
        (count,) = self._cursor.execute(self._statement).fetchone()
        self._connection.commit()
        return int(count)

    def check(self, rows: int) -> None:
        assert self._counts == [rows] * POLLS, self._counts

    def begin_and_end(self) -> None:
        """A transaction that does nothing."""
        self._connection.begin()
        self._connection.commit()

    def close(self) -> None:
        self._cursor.close()
        self._statement.free()
        self._connection.close()


class _Survey:
    """What finds changes in one table; the mark is the number of a transaction that began after all was written."""

    name = "survey of one table"

    def __init__(self, database: Database) -> None:
        self._database = database
        self._key = [database.catalogue([TABLE])[TABLE].columns["CVE_ART"]]
        self._mark = 0
        self._found: list[Survey] = []

    def prepare(self) -> None:
        with self._database.reading() as reader:
            assert reader.ids is not None
            self._mark = reader.ids.own

    def run(self) -> None:
        self._found = [self._survey(self._mark) for _ in range(POLLS)]

    def _survey(self, since: int) -> Survey:
        with self._database.reading() as reader:
            return reader.survey(TABLE, self._key, since)

    def check(self, rows: int) -> None:
        """Nothing was newer than the mark, and everything is newer than none."""
        assert all((found.rows, len(found.written)) == (rows, 0) for found in self._found)
        assert len(self._survey(0).written) == rows

    def close(self) -> None:
        self._database.close()


class _Passes:
    """A producer whose log holds all of SAE, and which has nothing to do."""

    def __init__(self, side: ProducerSide, rows: int) -> None:
        self._side = side
        self._passes = [self._pass()]
        assert self._passes[0].published >= rows

    def _pass(self) -> Pass:
        done = self._side.step()
        assert done is not None, "another producer holds the log"
        return done

    def settle(self) -> None:
        """Looks until it knows that nothing else happened: counting was somebody else's transaction."""
        while self._pass().looked:
            pass

    def run(self, other: _Counting | None = None) -> None:
        """With a transaction of somebody else's before each pass, if there is somebody."""
        self._passes = []
        for _ in range(POLLS):
            if other is not None:
                other.begin_and_end()
            self._passes.append(self._pass())

    def check(self, *, looked: bool) -> None:
        assert [(done.looked, done.published) for done in self._passes] == [(looked, 0)] * POLLS, self._passes

    def close(self) -> None:
        self._side.release()


def figures(at: Setting, engine: Engine) -> Figures:
    url, rows = engine.new("sae"), at.rows
    at.told("fills SAE")
    build_wide(url, rows)
    with closing(_Counting(url)) as counting, closing(_Survey(open_database(url))) as survey:
        yield _figure(
            "find what changed",
            Way(name=survey.name, prepare=survey.prepare, run=survey.run, check=lambda: survey.check(rows)),
            counting,
            rows,
        )
        at.told("publishes SAE")
        with closing(_Passes(ProducerSide(settings(at.folder, url, embedded_log("log.db"))), rows)) as passes:
            busy = Way(name="producer's pass", run=lambda: passes.run(counting), check=lambda: passes.check(looked=True))
            yield _figure("pass, others active", busy, counting, rows)
            idle = Way(name="producer's pass", prepare=passes.settle, run=passes.run, check=lambda: passes.check(looked=False))
            yield _figure("pass, nobody active", idle, counting, rows)


def _figure(name: str, ours: Way, counting: _Counting, rows: int) -> Figure:
    other = Way(name=counting.name, run=counting.run, check=lambda: counting.check(rows))
    return Figure(name=f"{name}, {rows:,} rows", unit="poll", count=POLLS, ours=ours, other=other, target=AtMost(20), as_time=True)


BENCHMARK = Benchmark(
    name="poll", about="an idle poll of a large table, against counting its rows", rows=100_000, rounds=7, on_engine=figures, since=3
)
