"""`make bench`: Puente against plain ways of doing the same work, on real engines."""

import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console

from bench import apply, chain, codec, fetch, kafka, latency, log, neighbours, poll, proving, replay, sales, snapshot
from bench.engines import ENGINES
from bench.machine import facts
from bench.report import Line, table, write
from bench.session import Session, Shown

MODULES = (apply, poll, replay, sales, snapshot, fetch, codec, log, kafka, proving, latency, chain, neighbours)
BENCHMARKS = {module.BENCHMARK.name: module.BENCHMARK for module in MODULES}
RESULTS = Path(__file__).resolve().parent / "results"
FILE_WIDTH = 150
"""Characters of the table where no terminal says how many."""
LISTED = "\n\n".join(f"{benchmark.name}: {benchmark.about}" for benchmark in BENCHMARKS.values())


@click.command(help=f"Measures the benchmarks named, or all.\n\n{LISTED}")
@click.argument("names", nargs=-1, type=click.Choice(sorted(BENCHMARKS)), metavar="[BENCHMARK]…")
@click.option("--rows", type=click.IntRange(min=10), help="Rows to work on; each benchmark has its own number.")
@click.option("--rounds", type=click.IntRange(min=1), help="Runs of either way that are timed; each benchmark has its own number.")
@click.option("--engine", "engines", multiple=True, type=click.Choice(ENGINES), help="Only this engine (again for another).")
@click.option("--results", type=click.Path(path_type=Path), default=RESULTS, help="Where the result is written.")
def main(names: Sequence[str], rows: int | None, rounds: int | None, engines: Sequence[str], results: Path) -> None:
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("puente").setLevel(logging.ERROR)  # the shop's SAE has odd keys on purpose
    logging.getLogger("kafka").setLevel(logging.ERROR)  # it tells of its own turns that take long
    machine, now = facts(), datetime.now(UTC).astimezone()
    console = Console(width=None if sys.stdout.isatty() else FILE_WIDTH)
    shown = Shown(Console(stderr=True))
    chosen = [benchmark for name, benchmark in BENCHMARKS.items() if not names or name in names]
    lines: list[Line] = []
    try:
        with shown.progress:
            for line in Session(shown=shown, rows=rows, rounds=rounds).run(chosen, engines or ENGINES):
                lines.append(line)
                shown.measured(line)
    finally:  # what was measured counts, also where something after it went wrong
        console.print(table(lines))
        console.print(" · ".join(f"{name} {value}" for name, value in machine.items()), style="dim", highlight=False)
        console.print(f"Written to {write(results, lines, machine, now)}", highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main(prog_name="make bench")
