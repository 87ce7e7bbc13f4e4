"""What Puente takes of its machine: memory of a first load and of a start, CPU of an idle run with many CAJAs; and of SAE's (`felt`).

`python -m bench.footprint --against CHECKOUT` measures another checkout of Puente, too, on the same SAE.
"""

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict
from pathlib import Path

import click

from bench.checkout import Checkout, Used
from bench.engines import CLASSIC, EMBEDDED, SERVER, Engine, opened
from bench.felt import Felt, felt
from bench.machine import ROOT, facts
from bench.sae import build_shop
from foundation.engines import open_database
from puente.reference import Store, build_caja

IDLE_PRODUCTS = 200
SETTLE_SECONDS = 60.0
"""A start at 100,000 products takes half of it."""


@click.command(help="Memory of a first load and a start, what an idle SAE spends, and CPU of an idle run; of another checkout, too.")
@click.option("--products", type=click.IntRange(min=10), default=100_000, show_default=True, help="Of the SAE that is loaded.")
@click.option("--cajas", type=click.IntRange(min=1), default=20, show_default=True, help="Of the idle run.")
@click.option("--seconds", type=click.FloatRange(min=0.5), default=60.0, show_default=True, help="For how long it is watched.")
@click.option("--engine", type=click.Choice([SERVER, CLASSIC, EMBEDDED]), default=SERVER, show_default=True, help="That runs SAE.")
@click.option("--against", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Another checkout of Puente.")
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), default=ROOT / "bench/results", show_default=True)
def main(products: int, cajas: int, seconds: float, engine: str, against: Path | None, into: Path) -> None:
    found: dict[str, list[Used | Felt]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="puente-footprint-")))
        on = stack.enter_context(opened(engine, folder))
        if on is None:
            raise click.ClickException("this machine has no such engine")
        large, small = _shop(on, "large", products), _shop(on, "small", IDLE_PRODUCTS)
        for root in filter(None, (ROOT, against and against.resolve())):
            place = folder / str(len(found))
            found[str(root)] = []
            for used in _measure(root, place, large, small, [_caja(on) for _ in range(cajas)], seconds, on):
                found[str(root)].append(used)
                click.echo(f"{root} · {used}")
        record = {"machine": facts(), "engine": str(on), "products": products, "cajas": cajas}
    into.mkdir(parents=True, exist_ok=True)
    measured = {root: [asdict(one) for one in used] for root, used in found.items()}
    (into / "footprint.json").write_text(json.dumps({**record, "found": measured}, indent=1), encoding="utf-8")


def _measure(
    root: Path, place: Path, large: str, small: str, cajas: Sequence[str], seconds: float, engine: Engine
) -> Iterator[Used | Felt]:
    loading, idle = Checkout(root, place / "loading"), Checkout(root, place / "idle")
    loading.settings(large, [])
    loading.run("setup", "setup", "--yes")
    yield loading.run("first load", "produce", "--once")
    yield loading.run("start", "produce", "--once")
    with loading.running("produce", SETTLE_SECONDS):
        yield from felt(large, seconds, engine.cpu)
    idle.settings(small, cajas)
    idle.run("setup", "setup", "--yes")
    idle.run("fill", "run", "--once")
    yield idle.idle(f"idle, {len(cajas)} CAJAs", SETTLE_SECONDS, seconds)


def _shop(engine: Engine, name: str, products: int) -> str:
    url = engine.new(name)
    build_shop(url, products)
    return url


def _caja(engine: Engine) -> str:
    url = engine.new("caja")
    with closing(open_database(url)) as database:
        build_caja(database, [Store(1, "Tienda", 1)])
    return url


if __name__ == "__main__":
    main(prog_name="python -m bench.footprint")
