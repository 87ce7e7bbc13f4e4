"""`python -m bench.edited`: from the commit of an edit in SAE to the commit of its row in a CAJA, with default settings.

`--against CHECKOUT` measures another checkout of Puente, too. Each has a SAE and a CAJA of its own, both are at work all the time, and the
edits come in turn, at any moment.
"""

import itertools
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import quantiles
from time import monotonic, sleep

import click
import sqlalchemy as sa

from bench.broker import broker
from bench.checkout import Checkout
from bench.engines import ENGINES, SERVER, Engine, opened
from bench.machine import ROOT, facts
from bench.sae import build_shop, dearer, embedded_log, kafka_log, priced_products
from foundation.engines import open_database
from foundation.engines.database import Database
from puente.demo.statements import run
from puente.reference import Store, build_caja

LOOK_SECONDS = 0.004
FIRST_SECONDS, ARRIVAL_SECONDS = 600.0, 60.0
"""Within which the edit that waits for a start has to arrive, and any other."""
BETWEEN_SECONDS = 2.0
"""At most, and any time below: longer than any poll that is measured."""
PRICE = sa.text("SELECT PRECIOP FROM CATINVEN WHERE PRODUCTO = :key")


@dataclass(frozen=True, slots=True)
class Edited:
    """How long each edit took, in seconds."""

    root: str
    seconds: Sequence[float]

    def __str__(self) -> str:
        cuts = quantiles(self.seconds, n=100, method="inclusive")
        return f"{self.root} · {len(self.seconds)} edits: p50 {cuts[49]:.3f} s, p99 {cuts[98]:.3f} s, longest {max(self.seconds):.3f} s"


class _Site:
    """A SAE, and a CAJA that has all of it, with `puente run` at work."""

    def __init__(self, root: Path, folder: Path, engine: Engine, products: int, log: str) -> None:
        self.root, self._checkout = root, Checkout(root, folder)
        self._urls = engine.new("sae"), engine.new("caja")
        sae, caja = self._urls
        build_shop(sae, products)
        with closing(open_database(caja)) as database:
            build_caja(database, [Store(1, "Tienda", 1)])
        self._checkout.settings(sae, [caja], f"[log]\n{log}")
        self._checkout.run("setup", "setup", "--yes")
        self._checkout.run("fill", "run", "--once")

    @contextmanager
    def at_work(self) -> Iterator[Iterator[float]]:
        """The times of one edit after another, once the first has arrived, which is not counted."""
        with (
            self._checkout.running("run", 0.0),
            closing(open_database(self._urls[0])) as sae,
            closing(open_database(self._urls[1])) as caja,
        ):
            times = _times(sae, caja)
            next(times)
            yield times


def _times(sae: Database, caja: Database) -> Iterator[float]:
    keys, timeout = itertools.cycle(priced_products(sae)), FIRST_SECONDS
    for key in keys:
        before = _price(caja, key)
        with sae.writing() as writer:
            assert run(writer, dearer(key)) == 1
        began = monotonic()
        while _price(caja, key) == before:
            if monotonic() - began > timeout:
                raise click.ClickException(f"{key} did not arrive within {timeout:.0f} s")
            sleep(LOOK_SECONDS)
        timeout = ARRIVAL_SECONDS
        yield monotonic() - began


def _price(caja: Database, key: str) -> object:
    with caja.reading() as reader:
        ((price,),) = reader.rows(PRICE.bindparams(key=key))
    return price


@click.command(help="From an edit in SAE to the row in a CAJA, with default settings: what half of the edits stay below, and 99 of 100.")
@click.option("--products", type=click.IntRange(min=10), default=2000, show_default=True)
@click.option("--edits", type=click.IntRange(min=2), default=50, show_default=True, help="Of each checkout.")
@click.option("--engine", type=click.Choice(ENGINES), default=SERVER, show_default=True)
@click.option("--log", type=click.Choice(["file", "kafka"]), default="file", show_default=True)
@click.option("--against", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Another checkout of Puente.")
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), default=ROOT / "bench/results", show_default=True)
def main(products: int, edits: int, engine: str, log: str, against: Path | None, into: Path) -> None:
    roots = [ROOT, *([against.resolve()] if against else [])]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="puente-edited-")))
        on = stack.enter_context(opened(engine, folder))
        kafka = stack.enter_context(broker()) if log == "kafka" else None
        if on is None or (log == "kafka" and kafka is None):
            raise click.ClickException("this machine lacks an engine or a broker")
        logs = [embedded_log("log.db") if kafka is None else kafka_log(kafka.servers, f"{kafka.prefix}{n}") for n in range(len(roots))]
        sites = [_Site(root, folder / str(n), on, products, logs[n]) for n, root in enumerate(roots)]
        found = [Edited(str(site.root), times) for site, times in zip(sites, _measured(sites, edits), strict=True)]
        told = {"machine": facts(), "engine": str(on), "log": log, "products": products}
    for one in found:
        click.echo(one)
    into.mkdir(parents=True, exist_ok=True)
    record = {**told, "found": {one.root: one.seconds for one in found}}
    (into / "edited.json").write_text(json.dumps(record, indent=1), encoding="utf-8")


def _measured(sites: Sequence[_Site], edits: int) -> list[list[float]]:
    """Of each site; they take turns, with all at work."""
    found: list[list[float]] = [[] for _ in sites]
    chance = Random(1)  # noqa: S311 - when somebody edits
    with ExitStack() as stack:
        working = [stack.enter_context(site.at_work()) for site in sites]
        for _ in range(edits):
            for times, kept in zip(working, found, strict=True):
                sleep(BETWEEN_SECONDS * chance.random())
                kept.append(next(times))
    return found


if __name__ == "__main__":
    main(prog_name="python -m bench.edited")
