"""From the commit of an edit in SAE to the commit of its row in CAJA, over Kafka and with the log in a file.

Both sides are at work as `puente run` has them. Edits come at any moment between two looks at SAE. Each of the two has a SAE and a CAJA
of its own; the one whose turn it is not looks on.
"""

import itertools
import threading
from contextlib import ExitStack, closing
from pathlib import Path
from random import Random
from time import perf_counter, sleep

from bench.benchmark import Benchmark, Figures, Setting
from bench.broker import broker
from bench.engines import Engine
from bench.measure import AtMost, Figure, Way
from bench.sae import build_shop, dearer, embedded_log, kafka_log, priced_products
from foundation.engines import open_database
from puente.commands import setup
from puente.commands.run import forever, once
from puente.config import Settings, load
from puente.demo.edits import Look
from puente.demo.statements import run
from puente.demo.watch import Arrival, Before, Watcher, before, wait_for
from puente.loop import Stop
from puente.reference import Store, build_caja
from schemas.entities import Entity, Subject

POLL_SECONDS = 1.0
TIMEOUT_SECONDS = 20.0


class _Site:
    """A SAE and a CAJA that has all of it, with producer and consumer at work."""

    def __init__(self, name: str, folder: Path, engine: Engine, products: int, log: str) -> None:
        self.name = name
        sae, caja = engine.new("sae"), engine.new("caja")
        build_shop(sae, products)
        with closing(open_database(caja)) as database:
            build_caja(database, [Store(1, "Centro", 1)])
        settings = _settings(folder / f"{name}.toml", sae, caja, log)
        for action in setup.plan(settings, settings.caja, adopt=False):
            action.run()
        for error in once(settings, Stop(), produce=True, cajas=settings.caja).errors:
            raise error
        self._sae, self._watcher = open_database(sae), Watcher(settings.caja[0])
        self._keys = itertools.cycle(priced_products(self._sae))
        self._chance = Random(1)  # noqa: S311 - when somebody edits
        self._stop = Stop()
        self._thread = threading.Thread(target=forever, args=(settings, self._stop), kwargs={"produce": True, "cajas": settings.caja})
        self._thread.start()
        self._key, self._before, self._arrived = "", list[Before](), list[Arrival]()

    def prepare(self) -> None:
        """The next product, at some moment between two looks."""
        self._key = next(self._keys)
        self._before = before([self._watcher], [Look(Subject(Entity.PRODUCT), (self._key,))])
        sleep(POLL_SECONDS * self._chance.random())

    def edit(self) -> None:
        """Until the row has arrived."""
        with self._sae.writing() as writer:
            assert run(writer, dearer(self._key)) == 1
        self._arrived = wait_for(self._before, perf_counter(), TIMEOUT_SECONDS)

    def check(self) -> None:
        (arrival,) = self._arrived
        assert arrival.seconds is not None, f"{self._key} did not arrive"
        assert arrival.changed, f"{self._key} arrived and is as before"

    def close(self) -> None:
        self._stop.ask()
        self._thread.join()
        self._watcher.close()
        self._sae.close()


def _settings(path: Path, sae: str, caja: str, log: str) -> Settings:
    tables = (f'[sae]\nurl = "{sae}"\npoll_seconds = {POLL_SECONDS}', f"[log]\n{log}", f'[[caja]]\nname = "centro"\nurl = "{caja}"')
    path.write_text("\n\n".join(tables) + "\n", encoding="utf-8")
    return load(path, {})


def figures(at: Setting, engine: Engine) -> Figures:
    with ExitStack() as stack:
        kafka = stack.enter_context(broker())
        if kafka is None:
            return
        logs = {"over Kafka": kafka_log(kafka.servers, kafka.prefix), "in a file": embedded_log("log.db")}
        at.told("makes two sites")
        ours, other = (stack.enter_context(closing(_Site(name, at.folder, engine, at.rows, log))) for name, log in logs.items())
        yield Figure(
            name=f"edit in SAE to row in CAJA, poll {POLL_SECONDS:g} s",
            unit="edit",
            count=1,
            ours=_way(ours),
            other=_way(other),
            target=AtMost(350, p99=900),
            as_time=True,
        )


def _way(site: _Site) -> Way:
    return Way(name=site.name, prepare=site.prepare, run=site.edit, check=site.check)


BENCHMARK = Benchmark(
    name="latency",
    about="from an edit in SAE to the row in CAJA over Kafka, against a log in a file",
    rows=2000,
    rounds=100,
    on_engine=figures,
    since=3,
)
