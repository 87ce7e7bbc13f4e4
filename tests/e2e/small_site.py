"""A small site for tests of the installed command: a SAE, two or more CAJAs, settings, and the demo's independent comparison."""

import faulthandler
import os
import secrets
import sqlite3
import sysconfig
import time
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import sqlalchemy as sa

from foundation.engines import create_database, open_database
from foundation.eventlog.port import EventLog, Topic
from puente.commands import setup
from puente.commands.run import once
from puente.config import KafkaLogSettings, Settings, load
from puente.demo.compare import compare_all, comparing
from puente.demo.oracle.expected import Comparison
from puente.demo.retail import fill_sae
from puente.demo.statements import run as run_statement
from puente.loop import Stop
from puente.reference import Store, build_caja, build_sae
from puente.wiring.opening import open_log
from tests.e2e.command import WARNINGS, run
from tests.engines.kafka_topics import delete_topics
from tests.engines.templates import databases
from tests.engines.users import as_reader, as_writer, grant_caja, grant_sae
from tests.patience import HANG_SECONDS


@dataclass
class _Log:
    """Which log new sites have: a file, or that of a broker. Tests run with each in turn (`tests/e2e/both_logs.py`)."""

    kafka: str | None = None


LOG = _Log()
COMMAND = Path(sysconfig.get_path("scripts")) / "puente"
SETTINGS = "puente.toml"
UrlOf = Callable[[str], str]


@dataclass(kw_only=True)
class CajaSpec:
    """A CAJA of the site: its stores as (number, warehouse), and further lines of its settings."""

    name: str
    stores: Sequence[tuple[int, int]] = ((1, 1),)
    lines: Sequence[str] = ()
    switches: dict[str, bool] = field(default_factory=dict)


TWO = (
    CajaSpec(name="centro", stores=((1, 1), (2, 2))),
    CajaSpec(name="norte", stores=((1, 3),), lines=("inactivate_missing_products = true",)),
)


@dataclass(kw_only=True)
class SmallSite:
    """`folder` holds the settings and the log; the databases stand where `url_of` says.

    The URLs here are their owner's; the settings name the reader of SAE and the writer of CAJA.
    """

    folder: Path
    sae_url: str
    caja_urls: dict[str, str]

    @property
    def settings(self) -> Path:
        return self.folder / SETTINGS

    def environment(self) -> dict[str, str]:
        return {**os.environ, "PUENTE_LANG": "en", "PYTHONWARNINGS": WARNINGS, "NO_COLOR": "1", "COLUMNS": "200"}

    def puente(self, *arguments: str, timeout: float = HANG_SECONDS, **options: Any) -> CompletedProcess[str]:
        """Runs the command in the site's folder and waits for it; the options are those of `run`."""
        return run(*arguments, folder=self.folder, environment=self.environment(), timeout=timeout, **options)

    def at_once(self, *commands: Sequence[str]) -> list[CompletedProcess[str]]:
        """Runs several commands beside each other, and waits for all."""
        with ThreadPoolExecutor(len(commands)) as threads:
            return list(threads.map(lambda arguments: self.puente(*arguments), commands))

    def set_up(self) -> None:
        """What `puente setup --yes` does, without a process of its own: hundreds of sites are made."""
        settings = load(self.settings)
        for action in list(setup.plan(settings, settings.caja, adopt=False)):
            action.run()

    def fill(self) -> None:
        """What `puente run --once` does, likewise; where all goes well."""
        settings = load(self.settings)
        done = once(settings, Stop(), produce=True, cajas=settings.caja)
        assert done.errors == []

    def sql(self, *statements: str) -> int:
        """One transaction on SAE."""
        with closing(open_database(self.sae_url)) as database, database.writing() as writer:
            return sum(run_statement(writer, statement) for statement in statements)

    def caja_sql(self, name: str, *statements: str) -> int:
        """One transaction on a CAJA."""
        with closing(open_database(self.caja_urls[name])) as database, database.writing() as writer:
            return sum(run_statement(writer, statement) for statement in statements)

    def caja_rows(self, name: str, query: str) -> list[tuple[Any, ...]]:
        return rows_of(self.caja_urls[name], query)

    def sae_rows(self, query: str) -> list[tuple[Any, ...]]:
        return rows_of(self.sae_url, query)

    @contextmanager
    def log(self) -> Iterator[EventLog]:
        """A handle of the test's own."""
        with closing(open_log(load(self.settings))) as log:
            yield log

    def topic(self, name: str) -> Topic:
        """By the end of its name: `control`, `stock.1`."""
        return Topic(f"{load(self.settings).log.prefix}.01.{name}")

    @property
    def kafka(self) -> str:
        """The bootstrap servers of its log."""
        log = load(self.settings).log
        assert isinstance(log, KafkaLogSettings)
        return ",".join(log.bootstrap_servers)

    def delete_log(self) -> None:
        """As somebody who thinks it can be spared."""
        log = load(self.settings).log
        if isinstance(log, KafkaLogSettings):
            delete_topics(self.kafka, log.prefix)
        else:
            for file in self.folder.glob(f"{log.path}*"):
                file.unlink()

    def may_write_log(self) -> bool:
        """Whether no process is in the midst of a transaction of a log that is a file."""
        log = load(self.settings).log
        if isinstance(log, KafkaLogSettings):
            return True
        with closing(sqlite3.connect(self.folder / log.path, timeout=0, isolation_level=None)) as database:
            try:
                database.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return False
            database.execute("ROLLBACK")
            return True

    def compare(self, *names: str) -> list[Comparison]:
        """CAJAs (all, or those named) against SAE, by code that shares nothing with producer and consumer."""
        return compare_all(self._with(names))

    def becomes_equal(self, *names: str) -> None:
        """Waits until CAJAs (all, or those named) equal SAE. The databases must stay where they are meanwhile."""
        with comparing(self._with(names)) as compare:
            wait_until(lambda: _are_equal(compare()))

    def _with(self, names: Collection[str]) -> Settings:
        settings = load(self.settings)
        return settings.model_copy(update={"caja": tuple(caja for caja in settings.caja if not names or caja.name in names)})

    def caja_setting(self, name: str) -> str:
        """The URL of a CAJA as the settings have it."""
        return as_writer(self.caja_urls[name])

    def differences(self) -> list[str]:
        return [str(found) for comparison in self.compare() for found in comparison.differences]

    def write_settings(self, text: str) -> None:
        self.settings.write_text(text, encoding="utf-8")

    def edit_settings(self, old: str, new: str) -> None:
        text = self.settings.read_text(encoding="utf-8")
        assert old in text
        self.write_settings(text.replace(old, new))


def _are_equal(comparisons: Generator[Comparison, None, None]) -> bool:
    """The first that is not spares the others."""
    with closing(comparisons):  # its snapshot of SAE, too
        return all(comparison.differences == [] for comparison in comparisons)


def rows_of(url: str, query: str) -> list[tuple[Any, ...]]:
    """The rows of a plain query; `query` is what stands after SELECT."""
    with closing(open_database(url)) as database, database.reading() as reader:
        return [tuple(row) for row in reader.rows(sa.text(f"SELECT {query}"))]


def build(folder: Path, url_of: UrlOf, cajas: Sequence[CajaSpec] = TWO, *, products: int = 60, is_set_up: bool = True) -> SmallSite:
    """Makes the databases and the settings, the log's topics and the ledgers."""
    folder.mkdir(parents=True, exist_ok=True)
    site = SmallSite(folder=folder, sae_url=url_of("sae"), caja_urls={caja.name: url_of(caja.name) for caja in cajas})
    site.write_settings(settings_text(site, cajas))

    def make() -> None:
        _make(site, cajas, products)
        if is_set_up:
            site.set_up()

    databases([site.sae_url, *site.caja_urls.values()], ("site", repr(cajas), products, is_set_up), make)
    if is_set_up:
        site.set_up()  # once more: of a copy the ledgers stand, and the log does not
    return site


def _make(site: SmallSite, cajas: Sequence[CajaSpec], products: int) -> None:
    create_database(site.sae_url)
    with closing(open_database(site.sae_url)) as database:
        build_sae(database)
        fill_sae(database, count=products)
    grant_sae(site.sae_url)
    for caja in cajas:
        create_database(site.caja_urls[caja.name])
        with closing(open_database(site.caja_urls[caja.name])) as database:
            build_caja(database, [Store(number, f"Tienda {number}", warehouse) for number, warehouse in caja.stores], **caja.switches)
        grant_caja(site.caja_urls[caja.name])


def settings_text(site: SmallSite, cajas: Sequence[CajaSpec]) -> str:
    lines = ["[sae]", f'url = "{as_reader(site.sae_url)}"', "poll_seconds = 0.1", "reconcile_seconds = 0", "scan_share = 1.0"]
    for caja in cajas:
        lines += ["", "[[caja]]", f'name = "{caja.name}"', f'url = "{site.caja_setting(caja.name)}"', *caja.lines]
    if LOG.kafka is not None:
        lines += ["", "[log]", 'kind = "kafka"', f'bootstrap_servers = "{LOG.kafka}"', f'prefix = "t{secrets.token_hex(4)}"']
    return "\n".join(lines) + "\n"


def wait_until(is_so: Callable[[], bool], seconds: float = HANG_SECONDS) -> None:
    until = time.monotonic() + seconds
    while True:
        began = time.monotonic()
        if is_so():
            return
        if time.monotonic() > until:
            faulthandler.dump_traceback(2)  # to stderr, as it is captured: a line to a server, say, is a thread of the test's own
            raise AssertionError("it did not come")
        # Other processes answer by what they wrote. To look costs time of theirs, too: for as long again, and longer, they are left alone.
        time.sleep(min(1.0, max(0.1, 2 * (time.monotonic() - began))))
