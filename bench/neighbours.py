"""From the commit of an edit in SAE to the commit of its row in a CAJA that is well, beside three that are ill, and by itself.

Each of the two ways is a `puente run` of its own, with a SAE, a log and a CAJA of its own. One of them also serves a CAJA whose host takes
connections and says nothing, one whose host refuses, and one whose profile names a column that it does not have, with the time limits that
come with Puente. Edits come at any moment between two looks at SAE; the one whose turn it is not looks on, so that what else the machine
does meets both.
"""

import itertools
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from importlib.resources import files
from pathlib import Path
from random import Random
from time import perf_counter, sleep

from bench.benchmark import Benchmark, Figures, Setting
from bench.engines import Engine
from bench.measure import AtMostTimes, Figure, Way
from bench.program import Program
from bench.sae import COMPANY, build_shop, dearer, embedded_log, priced_products
from foundation.engines import open_database
from puente.commands import setup
from puente.config import Settings, load
from puente.demo.edits import Look
from puente.demo.statements import run
from puente.demo.watch import Arrival, Before, Watcher, before, wait_for
from puente.reference import Store, build_caja
from schemas.entities import Entity, Subject
from tests.engines.faulty_line import FaultyLine
from tests.engines.ports import HOST, free_port

POLL_SECONDS = 0.2
LOAD_SECONDS, ARRIVAL_SECONDS, ILL_SECONDS, LOOK_SECONDS = 120.0, 30.0, 60.0, 0.05
SAME, SAME_P99 = 1.1, 1.35
"""How much longer still counts as the same: the p99 of two hundred edits hangs on the three slowest, and drawn again from the same edits it
differs by as much as a third."""
SETTINGS, PROFILE = "puente.toml", "otro.toml"
WELL, SILENT, REFUSING, UNFIT = "sano", "mudo", "cerrado", "ajeno"
ILL = (SILENT, REFUSING, UNFIT)
NO_COLUMN = "NO_PRECIO"


class _Site:
    """A SAE, a CAJA that is well, and the process that serves them and those that are ill; `ill` are the latter's settings."""

    def __init__(self, name: str, folder: Path, engine: Engine, products: int, ill: Sequence[str]) -> None:
        self.name, self._ill = name, ILL if ill else ()
        folder.mkdir()
        sae, caja = engine.new("sae"), _new_caja(engine)
        build_shop(sae, products)
        (folder / PROFILE).write_text(_with_a_column_that_no_caja_has(), encoding="utf-8")
        settings = _settings(folder / SETTINGS, sae, [*ill, _caja(WELL, caja)])
        well = settings.caja[-1:]
        for action in setup.plan(settings, well, adopt=False):
            action.run()
        self._sae, self._watcher = open_database(sae), Watcher(well[0])
        self._keys = itertools.cycle(priced_products(self._sae))
        self._chance = Random(1)  # noqa: S311 - when somebody edits
        self._key, self._before, self._arrived = "", list[Before](), list[Arrival]()
        self._program = Program(folder)

    def start(self) -> None:
        """Until an edit arrives, and each CAJA that is ill has been told of."""
        self._program.start(SETTINGS)
        self.prepare()
        self.edit(LOAD_SECONDS)
        _wait_until(lambda: self._told("failed") == set(self._ill))
        self.check()

    def prepare(self) -> None:
        """The next product, at some moment between two looks."""
        self._key = next(self._keys)
        self._before = before([self._watcher], [Look(Subject(Entity.PRODUCT), (self._key,))])
        sleep(POLL_SECONDS * self._chance.random())

    def edit(self, timeout: float = ARRIVAL_SECONDS) -> None:
        """Until the row has arrived."""
        with self._sae.writing() as writer:
            assert run(writer, dearer(self._key)) == 1
        self._arrived = wait_for(self._before, perf_counter(), timeout)

    def check(self) -> None:
        (arrival,) = self._arrived
        assert arrival.seconds is not None, f"{self._key} did not arrive:\n{self._program.said}"
        assert arrival.changed, f"{self._key} arrived and is as before"
        assert self._told("failed") == set(self._ill), self._program.said
        assert self._told("recovered") == set(), self._program.said
        assert (NO_COLUMN in self._program.said) is (UNFIT in self._ill)

    def _told(self, action: str) -> set[str]:
        return {name for name in (WELL, *ILL) if self._program.told(action, name)}

    def close(self) -> None:
        self._program.stop()
        self._watcher.close()
        self._sae.close()


def _new_caja(engine: Engine) -> str:
    url = engine.new("caja")
    with closing(open_database(url)) as database:
        build_caja(database, [Store(1, "Tienda", 1)])
    return url


def _settings(path: Path, sae: str, cajas: Sequence[str]) -> Settings:
    tables = (f'company = "{COMPANY}"\n[sae]\nurl = "{sae}"\npoll_seconds = {POLL_SECONDS}', f"[log]\n{embedded_log('log.db')}", *cajas)
    path.write_text("\n\n".join(tables) + "\n", encoding="utf-8")
    return load(path, {})


def _caja(name: str, url: str, *lines: str) -> str:
    return "\n".join(("[[caja]]", f'name = "{name}"', f'url = "{url}"', *lines))


def _with_a_column_that_no_caja_has() -> str:
    """The profile that comes with Puente, but for the column of the first price."""
    shipped = files("consumer.profiles") / "caja50.toml"
    return shipped.read_text(encoding="utf-8").replace("\nPRECIOP = ", f"\n{NO_COLUMN} = ")


def _wait_until(is_so: Callable[[], bool]) -> None:
    until = perf_counter() + ILL_SECONDS
    while not is_so():
        assert perf_counter() < until, "not each of those that are ill was told of"
        sleep(LOOK_SECONDS)  # nothing tells when a process has written


def figures(at: Setting, engine: Engine) -> Figures:
    with ExitStack() as stack:
        silent = stack.enter_context(closing(FaultyLine(target=free_port())))
        silent.silence()
        ill = [
            _caja(SILENT, f"firebird+firebird://{silent.address}/caja.fdb"),
            _caja(REFUSING, f"firebird+firebird://{HOST}:{free_port()}/caja.fdb"),
            _caja(UNFIT, _new_caja(engine), f'profile = "{PROFILE}"'),
        ]
        at.told("makes two sites")
        ours, other = (
            stack.enter_context(closing(_Site(name, at.folder / name.replace(" ", "-"), engine, at.rows, neighbours)))
            for name, neighbours in (("beside three that are ill", ill), ("alone", []))
        )
        for site in (ours, other):
            site.start()
        yield Figure(
            name=f"edit in SAE to row in a CAJA that is well, poll {POLL_SECONDS:g} s",
            unit="edit",
            count=1,
            ours=_way(ours),
            other=_way(other),
            target=AtMostTimes(SAME, p99=SAME_P99),
            as_time=True,
        )


def _way(site: _Site) -> Way:
    return Way(name=site.name, prepare=site.prepare, run=site.edit, check=site.check)


BENCHMARK = Benchmark(
    name="neighbours",
    about="from an edit in SAE to the row in a CAJA, beside one whose host is silent, one whose host refuses and one whose profile does "
    "not fit, in one process, against the same alone",
    rows=2000,
    rounds=200,
    on_engine=figures,
    since=3,
)
