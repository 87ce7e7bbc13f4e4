"""What was measured: a table for people, JSON for comparisons."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.table import Table

from bench.measure import Figure, Measured, spread

Facts = Mapping[str, str | int | float]
MANY = 20
"""Runs from which on it is worth telling how slow the slowest are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A figure that was measured, by which benchmark and on what."""

    benchmark: str
    engine: str
    measured: Measured


def table(lines: Sequence[Line]) -> Table:
    """Medians, of each way's runs and of the rounds' ratios; below or behind them the lowest and the highest."""
    made = Table()
    for name in ("benchmark", "figure"):
        made.add_column(name, overflow="fold")
    for name in ("Puente", "compared with", "ratio", "target"):
        made.add_column(name, justify="right", overflow="fold")
    for line in lines:
        measured = line.measured
        figure = measured.figure
        made.add_row(
            f"{line.benchmark}\n[dim]{line.engine}",
            f"{figure.name}\n[dim]{figure.count:,} {figure.unit}s",
            f"{_told(figure, measured.ours)}\n[dim]{figure.ours.name}",
            f"{_told(figure, measured.other)}\n[dim]{figure.other.name}",
            _ratio(measured),
            _target(measured),
        )
    return made


def _told(figure: Figure, seconds: list[float]) -> str:
    if figure.as_time:
        taken = spread([s / figure.count * 1000 for s in seconds])
        tail = f", p99 {taken.p99:,.0f}" if len(seconds) >= MANY else ""
        return f"{taken.median:,.2f} ms ({taken.lowest:,.2f} - {taken.highest:,.2f}{tail})"
    rate = spread([figure.count / s for s in seconds])
    return f"{rate.median:,.0f}/s ({rate.lowest:,.0f} - {rate.highest:,.0f})"


def _ratio(measured: Measured) -> str:
    """Of many times also that of the slowest: what 99 of 100 are not above, of either way."""
    ratio = measured.ratio
    told = f"[bold]{ratio.median:.2f} ×[/]\n[dim]{ratio.lowest:.2f} - {ratio.highest:.2f}"
    if measured.figure.as_time and len(measured.ours) >= MANY:
        told += f"\np99 {spread(measured.other).p99 / spread(measured.ours).p99:.2f} ×"
    return told


def _target(measured: Measured) -> str:
    if measured.reached is None:
        return ""
    return f"{measured.figure.target}\n" + ("[green]reached" if measured.reached else "[red]missed")


def write(folder: Path, lines: Sequence[Line], machine: Facts, now: datetime) -> Path:
    """A file per run, named by its date and time."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{now:%Y-%m-%d-%H%M%S}.json"
    document = {"date": now.isoformat(timespec="seconds"), "machine": dict(machine), "figures": [_document(line) for line in lines]}
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _document(line: Line) -> dict[str, Any]:
    measured, figure = line.measured, line.measured.figure
    return {
        "benchmark": line.benchmark,
        "engine": line.engine,
        "figure": figure.name,
        "unit": figure.unit,
        "count": figure.count,
        "ours": {"name": figure.ours.name, "seconds": measured.ours, **asdict(spread(measured.ours))},
        "other": {"name": figure.other.name, "seconds": measured.other, **asdict(spread(measured.other))},
        "ratio": asdict(measured.ratio),
        "target": None if figure.target is None else str(figure.target),
        "reached": measured.reached,
    }
