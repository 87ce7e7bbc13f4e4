"""`python -m bench.day`: the day, its record as JSON, and its picture in both languages."""

import json
import logging
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import quantiles

import click
import psutil

from bench.day.day import Day
from bench.day.gauge import Gauge, Sample, Work
from bench.day.plot import WORDS, draw
from bench.day.script import ACTORS
from bench.machine import facts
from tests.e2e.running import Running
from tests.e2e.small_site import TWO, SmallSite, build
from tests.engines.firebird_server import FirebirdServer, PrivateServer, external_server
from tests.engines.users import make_users


@click.command(help="A day of a shop in so many minutes, beside puente run with its default settings. Half a minute at least.")
@click.option("--minutes", type=click.FloatRange(min=0.5), default=60.0, show_default=True)
@click.option("--products", type=click.IntRange(min=100), default=20_000, show_default=True)
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), default=Path("bench/results"), show_default=True)
def main(minutes: float, products: int, into: Path) -> None:
    logging.getLogger("puente").setLevel(logging.ERROR)
    into.mkdir(parents=True, exist_ok=True)
    server = _server()
    with tempfile.TemporaryDirectory(prefix="puente-day-") as folder:
        site = _site(Path(folder) / "site", server, products)
        click.echo("SAE and the CAJAs are filled: the day begins")
        day, samples = _play(site, 60 * minutes, Path(folder))
    record = {
        "machine": facts(),
        "server": str(server),
        "products": products,
        "length": day.length,
        "marks": day.marks,
        "rows": day.rows,
        "arrived": [asdict(one) for one in day.arrived],
        "samples": [asdict(one) for one in samples],
    }
    (into / "day.json").write_text(json.dumps(record, indent=1), encoding="utf-8")
    for language in WORDS:
        name = "day.svg" if language == "en" else f"day.{language}.svg"
        (into / name).write_text(draw(day.length, day.marks, day.arrived, samples, language), encoding="utf-8")
    _tell(day, samples)


def _server() -> FirebirdServer:
    external = external_server()
    if external is None:
        return PrivateServer.create()
    make_users(external)
    return external


def _site(folder: Path, server: FirebirdServer, products: int) -> SmallSite:
    """With the settings that everybody begins with."""
    site = build(folder, server.new_url, TWO, products=products)
    for line in ("poll_seconds = 0.1\n", "reconcile_seconds = 0\n", "scan_share = 1.0\n"):
        site.edit_settings(line, "")
    site.fill()
    return site


def _play(site: SmallSite, length: float, folder: Path) -> tuple[Day, Sequence[Sample]]:
    """Ends with every CAJA equal to SAE, by code that shares nothing with Puente's."""
    program = Running(site, "run")
    try:
        site.becomes_equal()
        day = Day(site, length, folder)
        gauge = Gauge(day, psutil.Process(program.process.pid))
        day.play(ACTORS)
        gauge.join()
        site.becomes_equal()
        assert "Traceback" not in program.said, program.said
        program.ends()
    finally:
        program.kill()
    return day, gauge.samples


def _tell(day: Day, samples: Sequence[Sample]) -> None:
    took = [one.took for one in day.arrived if one.took is not None]
    cuts, late = quantiles(took, n=100), len(day.arrived) - len(took)
    click.echo(f"edits {len(day.arrived)}, too late {late}, p50 {cuts[49]:.3f} s, p99 {cuts[98]:.3f} s, longest {max(took):.2f} s")
    seconds = sum(one.seconds for one in samples)
    everybody, puente = sum((one.all for one in samples), Work()), sum((one.puente for one in samples), Work())
    _tell_of("transactions", sum(one.numbers for one in samples), sum(one.ours for one in samples), seconds)
    for name, value in asdict(everybody).items():
        _tell_of(name.replace("_", " "), value, getattr(puente, name), seconds)
    cpu, memory = sum(one.cpu * one.seconds for one in samples) / seconds, max(one.memory for one in samples)
    click.echo(f"CPU {100 * cpu:.1f} % of a core, memory {memory:.0f} MB")
    click.echo(f"rows written by people {day.rows:,}; all equal at the end")


def _tell_of(name: str, everybody: int, puente: int, seconds: float) -> None:
    click.echo(f"{name}: {everybody:,}, Puente's {puente:,} ({puente / seconds:.2f} a second)")


if __name__ == "__main__":
    main(prog_name="python -m bench.day")
