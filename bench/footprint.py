"""What Puente takes of its machine: memory of a first load and of a start, CPU of an idle run with many CAJAs; and of SAE's (`felt`).

`python -m bench.footprint --against CHECKOUT` measures another checkout of Puente beside this one, on the same SAE: both by their commands
alone, each in processes of its own. Needs Linux, as it reads what the kernel keeps of a process that has ended.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic, sleep

import click
import psutil

from bench.felt import Felt, felt
from bench.machine import ROOT, facts
from bench.sae import build_shop
from foundation.engines import create_database, open_database
from puente.reference import Store, build_caja
from tests.engines.firebird_server import FirebirdServer, PrivateServer, external_server

IDLE_PRODUCTS = 200
SETTLE_SECONDS = 60.0
"""A start at 100,000 products takes half of it."""
ENTRY = """
import sys
sys.argv[0] = "puente"
try:
    from puente.cli.main import main
except ImportError:  # where older checkouts have it
    from puente.cli import main
main()
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Used:
    """By one process: at most so many MB of memory, and so many seconds of CPU, in so many seconds."""

    what: str
    memory: float
    cpu: float
    seconds: float

    def __str__(self) -> str:
        about = f"CPU {self.cpu:.1f} s of {self.seconds:.0f} s ({100 * self.cpu / self.seconds:.1f} %)"
        return f"{self.what}: {self.memory:.0f} MB, {about}"


class Checkout:
    """A Puente whose commands run in a folder of their own."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root, self._folder = root, folder
        folder.mkdir(parents=True)

    def settings(self, sae: str, cajas: Sequence[str]) -> None:
        tables = [f'company = "01"\n[sae]\nurl = "{sae}"', *(f'[[caja]]\nname = "t{n:02}"\nurl = "{url}"' for n, url in enumerate(cajas))]
        (self._folder / "puente.toml").write_text("\n\n".join(tables) + "\n", encoding="utf-8")

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": str(self.root), "PUENTE_LANG": "en"}
        with (self._folder / "output").open("ab") as output:
            command = [sys.executable, "-W", "ignore", "-c", ENTRY, *arguments]
            return subprocess.Popen(command, cwd=self._folder, env=environment, stdout=output, stderr=output)

    def run(self, what: str, *arguments: str) -> Used:
        """A command that comes to its end; raises where it does not end well."""
        began, process = monotonic(), self.start(*arguments)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise click.ClickException(f"{self.root}: puente {' '.join(arguments)} failed: {(self._folder / 'output').read_text()[-2000:]}")
        return Used(what=what, memory=used.ru_maxrss / 1024, cpu=used.ru_utime + used.ru_stime, seconds=monotonic() - began)

    @contextmanager
    def running(self, command: str) -> Iterator[psutil.Process]:
        """Once it has settled."""
        process = self.start(command)
        try:
            sleep(SETTLE_SECONDS)
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait()

    def idle(self, what: str, seconds: float) -> Used:
        with self.running("run") as watched:
            began, before = monotonic(), watched.cpu_times()
            sleep(seconds)
            now = watched.cpu_times()
            cpu = now.user + now.system - before.user - before.system
            return Used(what=what, memory=watched.memory_info().rss / 2**20, cpu=cpu, seconds=monotonic() - began)


@click.command(help="Memory of a first load and a start, what an idle SAE spends, and CPU of an idle run; of another checkout, too.")
@click.option("--products", type=click.IntRange(min=10), default=100_000, show_default=True, help="Of the SAE that is loaded.")
@click.option("--cajas", type=click.IntRange(min=1), default=20, show_default=True, help="Of the idle run.")
@click.option("--seconds", type=click.FloatRange(min=0.5), default=60.0, show_default=True, help="For how long it is watched.")
@click.option("--against", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Another checkout of Puente.")
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), default=ROOT / "bench/results", show_default=True)
def main(products: int, cajas: int, seconds: float, against: Path | None, into: Path) -> None:
    server: FirebirdServer = external_server() or PrivateServer.create()
    large, small = _shop(server, "large", products), _shop(server, "small", IDLE_PRODUCTS)
    process = psutil.Process(server.pid) if isinstance(server, PrivateServer) else None
    found: dict[str, list[Used | Felt]] = {}
    with tempfile.TemporaryDirectory(prefix="puente-footprint-") as folder:
        for root in filter(None, (ROOT, against and against.resolve())):
            place = Path(folder) / str(len(found))
            found[str(root)] = []
            for used in _measure(root, place, large, small, [_caja(server) for _ in range(cajas)], seconds, process):
                found[str(root)].append(used)
                click.echo(f"{root} · {used}")
    into.mkdir(parents=True, exist_ok=True)
    measured = {root: [asdict(one) for one in used] for root, used in found.items()}
    record = {"machine": facts(), "products": products, "cajas": cajas, "found": measured}
    (into / "footprint.json").write_text(json.dumps(record, indent=1), encoding="utf-8")


def _measure(
    root: Path, place: Path, large: str, small: str, cajas: Sequence[str], seconds: float, server: psutil.Process | None
) -> Iterator[Used | Felt]:
    loading, idle = Checkout(root, place / "loading"), Checkout(root, place / "idle")
    loading.settings(large, [])
    loading.run("setup", "setup", "--yes")
    yield loading.run("first load", "produce", "--once")
    yield loading.run("start", "produce", "--once")
    with loading.running("produce"):
        yield from felt(large, seconds, server)
    idle.settings(small, cajas)
    idle.run("setup", "setup", "--yes")
    idle.run("fill", "run", "--once")
    yield idle.idle(f"idle, {len(cajas)} CAJAs", seconds)


def _shop(server: FirebirdServer, name: str, products: int) -> str:
    url = server.new_url(name)
    create_database(url)
    build_shop(url, products)
    return url


def _caja(server: FirebirdServer) -> str:
    url = server.new_url("caja")
    create_database(url)
    with closing(open_database(url)) as database:
        build_caja(database, [Store(1, "Tienda", 1)])
    return url


if __name__ == "__main__":
    main(prog_name="python -m bench.footprint")
