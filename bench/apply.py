"""Rows into CAJA: the consumer's packed write with its ledger rows against the driver's `executemany` of the same upsert without a ledger.

Both commit in equal parts. After every run each database is read back and compared with what had to be written.
"""

from collections.abc import Sequence
from contextlib import closing
from typing import Any, Protocol

from bench.benchmark import Benchmark, Figures, Setting
from bench.caja import TOKEN, build, fourteen_columns, opened, rows_of
from bench.engines import Engine, connect
from bench.measure import AtLeastRatio, Figure, Way, nothing
from bench.products import product
from consumer.ledger.tables import ROWS
from foundation.engines import open_database
from foundation.engines.catalogue import Scalar
from foundation.engines.writing import Action, RowWrite, WritePlan
from schemas.entities import Entity

COMMITTED_AT_ONCE = 2000
"""By either. How many rows the consumer itself puts into a transaction follows what they take: bench/peers measures it as it runs."""

Values = Sequence[tuple[Scalar, ...]]


class _Rows:
    """The same products twice over, every one of the second variant different from the first."""

    def __init__(self, engine: Engine, count: int) -> None:
        url = engine.new("plan")
        build(url)
        with closing(open_database(url)) as database:
            mapper = opened(database, fourteen_columns())[1][Entity.PRODUCT]
        engine.drop(url)
        self.plan: WritePlan = mapper.plan
        self.variants = [[mapper.row(product(number, variant), None).values for number in range(count)] for variant in (0, 1)]

    @property
    def columns(self) -> list[str]:
        return [column.name for column in self.plan.columns]

    def expected(self, variant: int) -> list[tuple[Any, ...]]:
        """What must be read back, by key: amounts are floats in CAJA."""
        return sorted(tuple(v if isinstance(v, str | int | None) else float(v) for v in row) for row in self.variants[variant])


class _Side(Protocol):
    """One CAJA and how it is written; `variant` is the one that it holds, or is about to."""

    name: str
    variant: int

    def renew(self) -> None: ...
    def write(self) -> None: ...
    def check(self, touched: int) -> None:
        """CAJA holds the variant, row by row; `touched` rows were written, where that is told."""
        ...


class _Packed:
    """As the consumer writes: each row with its ledger row, errors told row by row."""

    name = "packed, with ledger"

    def __init__(self, engine: Engine, rows: _Rows) -> None:
        self._engine, self._rows = engine, rows
        self.variant, self._touched = 0, 0
        self._writes = [[self._row(values, variant) for values in rows.variants[variant]] for variant in (0, 1)]
        self._open()

    def _row(self, values: tuple[Scalar, ...], variant: int) -> RowWrite:
        return RowWrite(Action.PUT, values, (Entity.PRODUCT.value, 0, values[0], "applied", f"{variant:016d}", f"{variant:016d}", None))

    def _open(self) -> None:
        self._url = self._engine.new("ours")
        build(self._url)
        self._database = open_database(self._url, keep_prepared=True)
        self._caja, _ = opened(self._database, fourteen_columns())

    def renew(self) -> None:
        self.close()
        self._open()

    def write(self) -> None:
        self._touched = 0
        writes = self._writes[self.variant]
        for start in range(0, len(writes), COMMITTED_AT_ONCE):
            with self._caja.transaction(TOKEN) as transaction:
                written = transaction.write(Entity.PRODUCT, writes[start : start + COMMITTED_AT_ONCE])
            assert not written.errors, written.errors[:3]
            self._touched += written.touched

    def check(self, touched: int) -> None:
        assert self._touched == touched, f"{self._touched} rows touched instead of {touched}"
        plan = self._rows.plan
        found = rows_of(self._database, f"{', '.join(self._rows.columns)} FROM {plan.table}")
        assert sorted(found) == self._rows.expected(self.variant)
        hashes = rows_of(self._database, f"COUNT(*) FROM {ROWS} WHERE CONTENT_HASH = '{self.variant:016d}'")
        assert hashes == [(len(found),)], "a ledger row is missing or old"

    def close(self) -> None:
        self._database.close()
        self._engine.drop(self._url)


class _Driver:
    """As the driver alone does it: one parameter per value, no ledger."""

    name = "executemany, without"

    def __init__(self, engine: Engine, rows: _Rows) -> None:
        self._engine, self._rows = engine, rows
        self.variant = 0
        names, match = ", ".join(rows.columns), ", ".join(rows.plan.match)
        marks = ", ".join("?" * len(rows.columns))
        self._sql = f"UPDATE OR INSERT INTO {rows.plan.table} ({names}) VALUES ({marks}) MATCHING ({match})"
        self._open()

    def _open(self) -> None:
        self._url = self._engine.new("other")
        build(self._url)
        self._connection = connect(self._url)
        self._cursor = self._connection.cursor()
        self._statement = self._cursor.prepare(self._sql)

    def renew(self) -> None:
        self.close()
        self._open()

    def write(self) -> None:
        values = self._rows.variants[self.variant]
        for start in range(0, len(values), COMMITTED_AT_ONCE):
            self._cursor.executemany(self._statement, values[start : start + COMMITTED_AT_ONCE])
            self._connection.commit()

    def check(self, touched: int) -> None:  # noqa: ARG002 - the driver does not tell, and writes equal rows again
        with closing(self._connection.cursor()) as cursor:
            found = cursor.execute(f"SELECT {', '.join(self._rows.columns)} FROM {self._rows.plan.table}").fetchall()
        self._connection.commit()
        assert sorted(found) == self._rows.expected(self.variant)

    def close(self) -> None:
        self._cursor.close()
        self._statement.free()
        self._connection.close()
        self._engine.drop(self._url)


def figures(at: Setting, engine: Engine) -> Figures:
    at.told("maps products")
    rows = _Rows(engine, at.rows)
    at.told("makes two CAJAs")
    with closing(_Packed(engine, rows)) as ours, closing(_Driver(engine, rows)) as other:
        for name, way in (("insert", _inserting), ("update", _updating), ("unchanged", _rewriting)):
            yield Figure(
                name=f"{name}, {len(rows.columns)} columns",
                unit="row",
                count=at.rows,
                ours=way(ours, at.rows),
                other=way(other, at.rows),
                target=AtLeastRatio(10),
            )


def _inserting(side: _Side, count: int) -> Way:
    return Way(name=side.name, prepare=side.renew, run=side.write, check=lambda: side.check(count))


def _updating(side: _Side, count: int) -> Way:
    def other_variant() -> None:
        side.variant = 1 - side.variant

    return Way(name=side.name, prepare=other_variant, run=side.write, check=lambda: side.check(count))


def _rewriting(side: _Side, _count: int) -> Way:
    return Way(name=side.name, prepare=nothing, run=side.write, check=lambda: side.check(0))


BENCHMARK = Benchmark(
    name="apply", about="rows into CAJA with their ledger rows, against executemany without", rows=10_000, rounds=5, on_engine=figures
)
