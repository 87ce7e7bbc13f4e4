"""A chain over Kafka, served by one process: how long an edit in SAE takes to the last of nineteen CAJAs, with a twentieth down and up.

Before each run the command is started anew, with the one settings or the other, and an edit that is not timed has arrived everywhere.
"""

import itertools
import shutil
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from time import perf_counter

from bench.benchmark import Benchmark, Figures, Setting
from bench.broker import Kafka, broker
from bench.measure import AtLeastRatio, Figure, Way
from bench.program import Program
from bench.sae import COMPANY, build_shop, dearer, kafka_log, priced_products
from foundation.engines import create_database, open_database
from puente.commands import setup
from puente.config import Settings, load
from puente.demo.edits import Look
from puente.demo.statements import run
from puente.demo.watch import Arrival, Watcher, before, wait_for
from puente.reference import Store, build_caja
from schemas.entities import Entity, Subject
from tests.engines.ports import HOST, free_port

OTHERS = 19
EDITS = 10
POLL_SECONDS = 0.2
LOAD_SECONDS, ARRIVAL_SECONDS = 120.0, 30.0


class _Chain:
    """A SAE and twenty CAJAs; the last is the one that is down at times."""

    def __init__(self, folder: Path, kafka: Kafka, products: int) -> None:
        sae, *cajas = (f"firebird+firebird:///{folder / name}.fdb" for name in ("sae", *(f"caja-{n}" for n in range(OTHERS + 1))))
        create_database(sae)
        build_shop(sae, products)
        _build_alike(cajas)
        nowhere = f"firebird+firebird://{HOST}:{free_port()}/caja.fdb"
        self._up = _settings(folder / "up.toml", kafka, sae, cajas)
        self._down = _settings(folder / "down.toml", kafka, sae, [*cajas[:-1], nowhere])
        for action in setup.plan(self._up, self._up.caja, adopt=False):
            action.run()
        self._sae = open_database(sae)
        self._watchers = [Watcher(caja) for caja in self._up.caja]
        self._keys = itertools.cycle(priced_products(self._sae))
        self._program = Program(folder)
        self._arrivals: list[Arrival] = []

    def start(self, *, up: bool) -> None:
        self._program.start("up.toml" if up else "down.toml")
        watchers = self._watchers if up else self._watchers[:-1]
        assert all(arrival.seconds is not None for arrival in self._edit(watchers, LOAD_SECONDS)), "the chain does not work"

    def edit(self) -> None:
        """One after the other, each when the one before has arrived."""
        self._arrivals = [arrival for _ in range(EDITS) for arrival in self._edit(self._watchers[:-1], ARRIVAL_SECONDS)]

    def _edit(self, watchers: list[Watcher], timeout: float) -> list[Arrival]:
        key = next(self._keys)
        held = before(watchers, [Look(Subject(Entity.PRODUCT), (key,))])
        with self._sae.writing() as writer:
            assert run(writer, dearer(key)) == 1
        return wait_for(held, perf_counter(), timeout)

    def check(self) -> None:
        assert len(self._arrivals) == EDITS * OTHERS
        missing = {arrival.caja for arrival in self._arrivals if arrival.seconds is None or not arrival.changed}
        assert not missing, f"an edit did not arrive in {sorted(missing)}"

    def close(self) -> None:
        self._program.stop()
        for watcher in self._watchers:
            watcher.close()
        self._sae.close()


def _build_alike(urls: list[str]) -> None:
    first, *others = (Path(url.removeprefix("firebird+firebird:///")) for url in urls)
    create_database(urls[0])
    with closing(open_database(urls[0])) as database:
        build_caja(database, [Store(1, "Tienda", 1)])
    for other in others:
        shutil.copyfile(first, other)


def _settings(path: Path, kafka: Kafka, sae: str, cajas: list[str]) -> Settings:
    tables = [
        f'company = "{COMPANY}"\n[sae]\nurl = "{sae}"\npoll_seconds = {POLL_SECONDS}',
        f"[log]\n{kafka_log(kafka.servers, kafka.prefix)}",
        *(f'[[caja]]\nname = "tienda-{number:02}"\nurl = "{url}"' for number, url in enumerate(cajas)),
    ]
    path.write_text("\n\n".join(tables) + "\n", encoding="utf-8")
    return load(path, {})


def figures(at: Setting) -> Figures:
    with ExitStack() as stack:
        kafka = stack.enter_context(broker())
        if kafka is None:
            return
        at.told("makes twenty CAJAs")
        chain = stack.enter_context(closing(_Chain(at.folder, kafka, at.rows)))
        ours, other = (
            Way(name=name, prepare=partial(chain.start, up=up), run=chain.edit, check=chain.check)
            for name, up in (("the twentieth down", False), ("all up", True))
        )
        yield Figure(
            name=f"edit in SAE to row in the last of {OTHERS} CAJAs, poll {POLL_SECONDS:g} s",
            unit="edit",
            count=EDITS,
            ours=ours,
            other=other,
            target=AtLeastRatio(0.9),
            as_time=True,
        )


BENCHMARK = Benchmark(
    name="chain",
    about="from an edit in SAE to the rows in nineteen CAJAs over Kafka, a twentieth being down, against all being up",
    rows=500,
    rounds=7,
    plain=figures,
)
