"""Runs benchmarks one after the other, on the engines that are there, and shows what is being done."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.benchmark import Benchmark, Figures, Setting
from bench.engines import Engine, opened
from bench.measure import Figure, measure, runs_of
from bench.report import Line


class Shown:
    """What is being done, for whoever waits."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self.progress = Progress(*columns, console=console, transient=True)
        self._task = self.progress.add_task("", total=None)
        self._title = ""

    def begin(self, title: str) -> None:
        self._title = title
        self.told("begins")

    def told(self, what: str) -> None:
        self.progress.reset(self._task, total=None, description=f"{self._title}: {what}")

    def measures(self, figure: Figure, runs: int) -> None:
        self.progress.reset(self._task, total=runs, description=f"{self._title}: {figure.name}")

    def ran(self) -> None:
        self.progress.advance(self._task)

    def measured(self, line: Line) -> None:
        """A line for whoever reads a file: a terminal has its bar, and the table in the end."""
        if not self.progress.console.is_terminal:
            ratio = line.measured.ratio.median
            self.progress.console.print(f"{self._title}: {line.measured.figure.name}: {ratio:.2f} ×", highlight=False)


@dataclass(frozen=True, kw_only=True)
class Session:
    """What was asked for; None leaves a benchmark its own size and number of rounds."""

    shown: Shown
    rows: int | None = None
    rounds: int | None = None

    def run(self, benchmarks: Sequence[Benchmark], engines: Sequence[str]) -> Iterator[Line]:
        """Measures every figure of the benchmarks; raises `AssertionError` where work was not done right."""
        for benchmark in benchmarks:
            if benchmark.plain is not None:
                with _folder() as folder:
                    yield from self._measure(benchmark, benchmark.plain(self._setting(benchmark, folder)), None)
        for name in engines:
            with _folder() as folder, opened(name, folder) as engine:
                if engine is not None:
                    yield from self._on(engine, benchmarks)

    def _on(self, engine: Engine, benchmarks: Sequence[Benchmark]) -> Iterator[Line]:
        for benchmark in benchmarks:
            if benchmark.on_engine is not None and engine.major >= benchmark.since:
                with _folder() as folder:
                    yield from self._measure(benchmark, benchmark.on_engine(self._setting(benchmark, folder), engine), engine)

    def _setting(self, benchmark: Benchmark, folder: Path) -> Setting:
        return Setting(folder=folder, rows=self.rows or benchmark.rows, told=self.shown.told)

    def _measure(self, benchmark: Benchmark, figures: Figures, engine: Engine | None) -> Iterator[Line]:
        rounds, where = self.rounds or benchmark.rounds, str(engine or "")
        self.shown.begin(f"{benchmark.name} {where}".rstrip())
        with closing(figures):
            for figure in figures:
                self.shown.measures(figure, runs_of(rounds))
                yield Line(benchmark=benchmark.name, engine=where, measured=measure(figure, rounds, self.shown.ran))


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="puente-bench-") as folder:
        yield Path(folder)
