"""`python -m bench.peers`: Puente's consumer as it runs, beside others that write rows from Kafka into Firebird."""

import logging
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import click
import psutil

from bench.broker import Kafka, broker
from bench.engines import SERVER, Engine, opened
from bench.machine import ROOT, facts
from bench.peers import executemany, plot, report
from bench.peers.debezium import POM, Debezium, Worker
from bench.peers.executemany import ExecuteMany
from bench.peers.figures import BEFORE, PUENTE
from bench.peers.puente import Puente
from bench.peers.rows import Products
from bench.peers.side import Side
from bench.peers.trial import Condition, Found, Trial
from bench.report import Facts
from tests.engines.kafka_broker import java_version
from tests.engines.kafka_jars import BrokerUnavailableError

DEBEZIUM = "debezium"
OTHERS = (DEBEZIUM, *executemany.MODULES)
WARMING_ROWS, WARMING_EDITS = 5000, 5
"""Of a round that is not counted: a Java machine compiles what it runs often."""

log = logging.getLogger("bench")


@click.command(help="Puente's consumer as it runs, in turn with others that write rows from Kafka into Firebird.")
@click.option(
    "--rows", "sizes", multiple=True, type=click.IntRange(min=10), default=[20_000], show_default=True, help="Again for more sizes."
)
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--edits", type=click.IntRange(min=0), default=20, show_default=True, help="Single ones, of a round.")
@click.option("--quiet/--no-quiet", default=True, help="Without neighbours, and near: the rest is measured besides.")
@click.option("--cold", is_flag=True, help="Also with a Java machine that has just been started, in each round.")
@click.option("--busy", is_flag=True, help="Also beside a neighbour for each core that takes all it can get.")
@click.option("--line", "lines", multiple=True, type=click.FloatRange(min=1), help="Also over a line of so many ms, there and back.")
@click.option("--line-rows", type=click.IntRange(min=10), default=1000, show_default=True, help="Over a line.")
@click.option("--beside", multiple=True, type=click.Choice([*OTHERS, "nobody"]), default=[DEBEZIUM, executemany.FDB], show_default=True)
@click.option("--against", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Another checkout of Puente.")
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), default=ROOT / "bench/results", show_default=True)
def main(
    sizes: Sequence[int],
    rounds: int,
    edits: int,
    quiet: bool,
    cold: bool,
    busy: bool,
    lines: Sequence[float],
    line_rows: int,
    beside: Sequence[str],
    against: Path | None,
    into: Path,
) -> None:
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("kafka").setLevel(logging.ERROR)  # it tells of its own turns that take long
    machine, now = facts(), datetime.now(UTC).astimezone()
    conditions = [
        *(Condition(rows=rows) for rows in sizes if quiet),
        *(Condition(rows=rows, cold=True) for rows in sizes if cold),
        *(Condition(rows=rows, busy=True) for rows in sizes if busy),
        *(Condition(rows=line_rows, line=line) for line in lines),
    ]
    found: dict[tuple[Condition, str], Found] = {}
    with _ground() as (engine, kafka, folder):
        machine = {**machine, "engine": str(engine), **_versions()}
        with sides_of(engine, kafka, folder, beside, against) as sides:
            trial = Trial(engine, kafka, sides, click.echo)
            if any(isinstance(side, Debezium) for side in sides):
                list(trial.under(Condition(rows=min(WARMING_ROWS, max(sizes))), 1, WARMING_EDITS))
            try:
                for one in chain.from_iterable(chain.from_iterable(trial.under(condition, rounds, edits) for condition in conditions)):
                    found.setdefault((one.condition, one.side), Found(condition=one.condition, side=one.side)).add(one)
            finally:  # whole rounds that were measured count, also where something after them went wrong
                if found:
                    _write(into, list(found.values()), {**machine, "load_at_the_end": round(psutil.getloadavg()[0], 2)}, now)


@contextmanager
def _ground() -> Iterator[tuple[Engine, Kafka, Path]]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="puente-peers-")))
        engine, kafka = stack.enter_context(opened(SERVER, folder)), stack.enter_context(broker())
        if engine is None or kafka is None:
            raise click.ClickException("this machine lacks a Firebird server or a broker")
        yield engine, kafka, folder


@contextmanager
def sides_of(engine: Engine, kafka: Kafka, folder: Path, beside: Sequence[str], against: Path | None) -> Iterator[list[Side]]:
    """Those that can be had here; of another it is said why not."""
    products = Products(engine)
    sides: list[Side] = [Puente(products, ROOT, folder / "puente", PUENTE)]
    with ExitStack() as stack:
        if against is not None:
            sides.append(Puente(products, against.resolve(), folder / "before", BEFORE))
        if DEBEZIUM in beside:
            try:
                worker = Worker(kafka.servers)
                stack.callback(worker.remove)
                sides.append(Debezium(products, worker))
            except BrokerUnavailableError as error:
                log.warning("Not measured: %s", error)
        for driver in executemany.MODULES:
            if driver in beside and executemany.is_installed(driver):
                sides.append(ExecuteMany(products, driver, folder))
            elif driver in beside:
                log.warning("Not measured: %s is not installed; `make bench-peers` installs it", driver)
        yield sides


def _versions() -> Mapping[str, str]:
    """Of what the others are made of."""
    found = dict(re.findall(r"<([a-z]+)\.version>(.+)</", POM.read_text(encoding="utf-8")))
    return {**found, "java": java_version()} if shutil.which("java") else found


def _write(into: Path, found: Sequence[Found], machine: Facts, now: datetime) -> None:
    page = report.write(into, found, machine, now)
    click.echo(page.read_text(encoding="utf-8"))
    try:
        for picture in plot.draw(page.with_suffix(""), found):
            click.echo(f"Written to {picture}")
    except ImportError:
        log.warning("No pictures: matplotlib is not installed; `make bench-peers` installs it")
    click.echo(f"Written to {page}")


if __name__ == "__main__":
    main(prog_name="make bench-peers")
