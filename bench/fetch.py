"""All rows of SAE as the engine reads them, against what the driver gives in public: its `fetchall`, and texts as they were meant."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import sqlalchemy as sa

from bench.benchmark import Benchmark, Figures, Setting
from bench.engines import Engine, connect
from bench.measure import Figure, Way
from bench.sae import build_shop
from bench.snapshot import QUERIES
from foundation.engines import open_database
from foundation.engines.firebird.text import from_database

Rows = list[tuple[Any, ...]]


def figures(at: Setting, engine: Engine) -> Figures:
    url = engine.new("sae")
    at.told("fills SAE")
    build_shop(url, at.rows)
    found: Rows = []
    with closing(open_database(url)) as database, closing(connect(url)) as connection:

        def by_the_engine() -> None:
            with database.reading() as reader:
                for query in QUERIES:
                    found.extend(reader.rows(sa.text(query)))  # type: ignore[arg-type]  # tuples

        def by_the_driver(meant: Callable[[Any], Rows]) -> None:
            with closing(connection.cursor()) as cursor:
                for query in QUERIES:
                    found.extend(meant(cursor.execute(query).fetchall()))
            connection.commit()

        by_the_engine()
        expected = list(found)
        found.clear()
        ours = Way(name="Reader.rows", run=by_the_engine, check=lambda: _check(found, expected))
        texts = Way(name="fetchall, texts as meant", run=lambda: by_the_driver(_as_meant), check=lambda: _check(found, expected))
        yield Figure(name="rows of SAE", unit="row", count=len(expected), ours=ours, other=texts)
        raw = Way(name="fetchall", run=lambda: by_the_driver(list), check=lambda: _check(_as_meant(found), expected, found))
        yield Figure(name="rows of SAE", unit="row", count=len(expected), ours=ours, other=raw)


def _as_meant(rows: Rows) -> Rows:
    return [tuple(from_database(value) if isinstance(value, str) else value for value in row) for row in rows]


def _check(found: Rows, expected: Rows, made: Rows | None = None) -> None:
    assert found == expected, "other rows were read"
    (found if made is None else made).clear()


BENCHMARK = Benchmark(
    name="fetch", about="the rows of SAE, against the driver's own fetch of them", rows=20_000, rounds=5, on_engine=figures
)
