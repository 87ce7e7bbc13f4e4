"""How many rows a transaction writes follows what a row takes, whatever a transaction takes besides."""

from collections.abc import Callable
from random import Random
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.pace import LARGEST, SMALLEST, TRANSACTION_SECONDS, BatchSize

FIXED = st.floats(0.0, 3.0)
"""Of a transaction, in seconds: a line of 30 ms with ten round trips, and worse."""
ROW = st.floats(1e-5, 1e-2)


def ideal(row: float) -> float:
    return min(LARGEST, max(SMALLEST, TRANSACTION_SECONDS / row))


def limits(pace: BatchSize, batches: int, seconds: Callable[[int], float]) -> list[int]:
    """Those of full batches, one after another."""
    found = []
    for _ in range(batches):
        found.append(pace.limit)
        pace.learn(pace.limit, seconds(pace.limit))
    return found


@given(fixed=FIXED, row=ROW)
def test_batches_are_as_large_as_their_rows_allow_however_long_the_rest_takes(fixed: float, row: float) -> None:
    pace = BatchSize()
    limits(pace, 30, lambda rows: fixed + row * rows)
    found = limits(pace, 200, lambda rows: fixed + row * rows)
    assert 0.5 * ideal(row) <= median(found) <= 1.1 * ideal(row)
    assert max(found) <= 2.1 * ideal(row)


@given(fixed=FIXED, row=ROW)
def test_rows_that_take_longer_from_some_moment_on_are_fewer_at_once(fixed: float, row: float) -> None:
    pace = BatchSize()
    limits(pace, 100, lambda rows: fixed + row / 10 * rows)
    limits(pace, 12, lambda rows: fixed + row * rows)
    found = limits(pace, 100, lambda rows: fixed + row * rows)
    assert median(found) <= 2 * ideal(row)


@pytest.mark.parametrize("row", [0.00005, 0.0005, 0.003])
@pytest.mark.parametrize("seed", range(5))
def test_a_machine_that_lets_a_batch_wait_by_chance_does_not_make_batches_small(row: float, seed: int) -> None:
    chance = Random(seed)
    pace = BatchSize()
    found = limits(pace, 400, lambda rows: row * rows + chance.expovariate(1 / 0.05))
    assert median(found) >= ideal(row) / 3


@given(st.lists(st.tuples(st.integers(1, SMALLEST - 1), st.floats(0.0, 10.0)), max_size=100))
def test_single_edits_leave_the_size_as_it_was(edits: list[tuple[int, float]]) -> None:
    pace = BatchSize()
    before = pace.limit
    for rows, seconds in edits:
        pace.learn(rows, seconds)
    assert pace.limit == before


@given(st.lists(st.tuples(st.integers(0, LARGEST), st.floats(0.0, 100.0)), max_size=60))
def test_whatever_comes_the_size_stays_within_its_bounds(batches: list[tuple[int, float]]) -> None:
    pace = BatchSize()
    for rows, seconds in batches:
        pace.learn(rows, seconds)
        assert SMALLEST * 0.4 <= pace.limit <= LARGEST
