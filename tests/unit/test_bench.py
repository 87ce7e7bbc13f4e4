"""The harness of the measurements: what it times, in which order, and what it makes of it."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from bench.measure import AtLeastRate, AtLeastRatio, AtMost, AtMostTimes, Figure, Measured, Target, Way, measure
from bench.report import Line, table, write


def figure(ours: Way, other: Way, target: Target | None = None, count: int = 100) -> Figure:
    return Figure(name="work", unit="row", count=count, ours=ours, other=other, target=target)


def idle(name: str = "idle") -> Way:
    return Way(name=name, run=lambda: None)


def measured(ours: list[float], other: list[float], target: Target | None = None) -> Measured:
    return Measured(figure=figure(idle("ours"), idle("other"), target), ours=ours, other=other)


def test_both_ways_take_turns_and_each_run_is_prepared_before_and_checked_after() -> None:
    done: list[str] = []

    def way(name: str) -> Way:
        return Way(
            name=name,
            prepare=lambda: done.append(f"prepare {name}"),
            run=lambda: done.append(f"run {name}"),
            check=lambda: done.append(f"check {name}"),
        )

    measure(figure(way("a"), way("b")), rounds=1)
    one_round = ["prepare a", "run a", "check a", "prepare b", "run b", "check b"]
    assert done == one_round * 2


def test_the_first_round_is_not_counted_and_every_run_is_told() -> None:
    told: list[None] = []
    result = measure(figure(idle(), idle()), rounds=3, ran=lambda: told.append(None))
    assert (len(result.ours), len(result.other), len(told)) == (3, 3, 8)


def test_work_that_was_not_right_ends_the_measurement() -> None:
    def wrong() -> None:
        raise AssertionError("a row is missing")

    with pytest.raises(AssertionError, match="a row is missing"):
        measure(figure(Way(name="ours", run=lambda: None, check=wrong), idle()), rounds=1)


def test_the_ratio_is_the_median_of_the_rounds_ratios_not_the_ratio_of_medians() -> None:
    ratio = measured(ours=[1.0, 2.0, 10.0], other=[5.0, 20.0, 10.0]).ratio
    assert (ratio.median, ratio.lowest, ratio.highest) == (5.0, 1.0, 10.0)


@pytest.mark.parametrize(
    ("target", "reached"),
    [
        (AtLeastRatio(10), True),
        (AtLeastRatio(10.1), False),
        (AtLeastRate(50), True),
        (AtLeastRate(50.1), False),
        (AtMost(20), True),
        (AtMost(19.9), False),
        (AtMost(20, p99=90), True),
        (AtMost(20, p99=80), False),
        (AtMostTimes(0.1, p99=0.11), True),
        (AtMostTimes(0.09, p99=0.11), False),
        (AtMostTimes(0.1, p99=0.09), False),
        (None, None),
    ],
)
def test_a_target_is_reached_by_the_median(target: Target | None, reached: bool | None) -> None:
    assert measured(ours=[2.0, 1.0, 9.0], other=[20.0, 20.0, 90.0], target=target).reached is reached


def test_of_many_runs_the_slowest_are_told_as_time() -> None:
    seconds = [0.001 * number for number in range(1, 102)]
    many = Measured(
        figure=Figure(name="work", unit="edit", count=1, ours=idle("ours"), other=idle("other"), as_time=True),
        ours=seconds,
        other=[2 * second for second in seconds],
    )
    console = Console(width=150, record=True, file=io.StringIO())
    console.print(table([Line(benchmark="latency", engine="", measured=many)]))
    assert "51.00 ms" in (shown := console.export_text())
    assert "p99 100" in shown
    assert "p99 2.00 ×" in shown


def test_table_and_file_hold_ratio_target_and_every_time(tmp_path: Path) -> None:
    lines = [Line(benchmark="apply", engine="Firebird 5", measured=measured([1.0, 2.0], [20.0, 40.0], AtLeastRatio(10)))]
    console = Console(width=150, record=True, file=io.StringIO())
    console.print(table(lines))
    shown = console.export_text()
    assert "20.00 ×" in shown
    assert "≥ 10 ×" in shown
    assert "reached" in shown
    path = write(tmp_path / "results", lines, {"cores": 2}, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    document = json.loads(path.read_text(encoding="utf-8"))
    assert path.name == "2026-01-02-030405.json"
    assert document["machine"] == {"cores": 2}
    (found,) = document["figures"]
    assert (found["ours"]["seconds"], found["other"]["seconds"]) == ([1.0, 2.0], [20.0, 40.0])
    assert (found["ratio"]["median"], found["reached"]) == (20.0, True)
