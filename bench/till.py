"""`python -m bench.till`: how long a till waits for a row while a consumer writes all of a CAJA's products anew, near and far.

What Puente writes is locked until it commits. The till takes one product after another, and waits for whoever holds it: some 0.1 s is what
it should wait at most, whatever a call to CAJA takes besides. `--line 30` puts the consumer, not the till, at the end of a line.
"""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import Any

import click
from firebird.driver import DatabaseError, Isolation, tpb
from sqlalchemy.engine import make_url

from bench.caja import build, rows_of
from bench.checkout import Checkout, Used
from bench.engines import SERVER, Engine, connect, opened
from bench.machine import ROOT, facts
from bench.measure import Spread, spread
from bench.peers.busy import spinning_neighbours
from bench.peers.line import DistantLine
from bench.products import TOPICS, key_of, parts, product, records
from bench.sae import COMPANY, embedded_log
from foundation.engines import open_database
from foundation.engines.firebird.codes import Gds
from foundation.engines.firebird.errors import codes_of
from foundation.eventlog.embedded.log import EmbeddedLog
from foundation.eventlog.port import TopicSettings
from schemas.entities import Entity, Subject
from schemas.registry import publish_schemas

NAME, LOG = "bench", "log.db"
PRODUCTS = Subject(Entity.PRODUCT)
AT_ONCE = 1000
BETWEEN_SECONDS, ALONE = 0.005, 200
TAKE = "UPDATE CATINVEN SET EXISTENCIA = EXISTENCIA WHERE PRODUCTO = ?"
CHANGED = "COUNT(*) FROM CATINVEN WHERE DESCRIPCIO LIKE '%-1'"


@dataclass(frozen=True, kw_only=True, slots=True)
class Waited:
    """Milliseconds that a till waited for a row: alone, and beside a consumer, which wrote so many rows a second."""

    line: float
    busy: bool
    rate: float
    alone: Spread
    beside: Spread
    times: int

    @property
    def where(self) -> str:
        return f"{f'line of {self.line:g} ms' if self.line else 'near'}{', busy' if self.busy else ''}"

    def __str__(self) -> str:
        told = f"p50 {self.beside.median:.1f}, p99 {self.beside.p99:.0f}, longest {self.beside.highest:.0f} ms of {self.times:,} rows"
        return f"{self.where}: {told} (alone p99 {self.alone.p99:.0f}), beside {self.rate:,.0f} rows/s"


class _Caja:
    """One that has all products, and a log with other ones."""

    def __init__(self, engine: Engine, folder: Path, rows: int, line: float) -> None:
        self._rows, self._url, self._line = rows, engine.new("caja"), line
        self._checkout, self._log = Checkout(ROOT, folder), folder / LOG
        build(self._url)
        self._fill(0)
        self._settings(self._url)
        self._checkout.run("setup", "setup", "--yes")
        self._checkout.run("fill", "consume", "--once")
        self._fill(1)

    def _settings(self, url: str) -> None:
        tables = (f'company = "{COMPANY}"', f"[log]\n{embedded_log(LOG)}", f'[[caja]]\nname = "{NAME}"\nurl = "{url}"')
        (self._log.parent / "puente.toml").write_text("\n\n".join(tables) + "\n", encoding="utf-8")

    def _fill(self, variant: int) -> None:
        with closing(EmbeddedLog(self._log)) as log:
            log.create({**TOPICS.fixed(), TOPICS.of(PRODUCTS): TopicSettings()})
            publish_schemas(log, TOPICS.registry)
            for part in parts(records(PRODUCTS, (product(number, variant) for number in range(self._rows)), f"run {variant}"), AT_ONCE):
                log.append(part)

    def write(self) -> Used:
        """All anew, by the line."""
        address = make_url(self._url)
        with closing(DistantLine(address.port or 0, self._line / 2000)) if self._line else nullcontext() as line:
            far = address if line is None else address.set(port=line.port)
            self._settings(far.render_as_string(hide_password=False))
            return self._checkout.run("write", "consume", "--once")

    def check(self) -> None:
        with closing(open_database(self._url)) as database:
            assert rows_of(database, CHANGED) == [(self._rows,)], "a row is missing or old"

    def till(self) -> Iterator[float]:
        """Seconds that one row after another is waited for."""
        with closing(connect(self._url)) as connection:
            transaction = connection.transaction_manager(tpb(Isolation.READ_COMMITTED_RECORD_VERSION, lock_timeout=-1))
            cursor, chance = transaction.cursor(), Random(1)  # noqa: S311 - which row is sold
            while True:
                began, key = perf_counter(), key_of(chance.randrange(self._rows))
                while not _taken(transaction, cursor, key):
                    pass
                yield perf_counter() - began
                sleep(BETWEEN_SECONDS)


def _taken(transaction: Any, cursor: Any, key: str) -> bool:
    """False where who held the row has changed it meanwhile: then a till tries again."""
    try:
        cursor.execute(TAKE, [key])
    except DatabaseError as error:
        if Gds.UPDATE_CONFLICT not in codes_of(error):
            raise
        transaction.rollback()
        return False
    transaction.commit()
    return True


@contextmanager
def _selling(caja: _Caja, found: list[float]) -> Iterator[None]:
    ended = threading.Event()

    def sell() -> None:
        for seconds in caja.till():
            if ended.is_set():
                return
            found.append(seconds)

    seller = threading.Thread(target=sell, daemon=True)
    seller.start()
    try:
        yield
    finally:
        ended.set()
        seller.join()


def _measure(engine: Engine, folder: Path, rows: int, line: float, *, busy: bool) -> Waited:
    caja = _Caja(engine, folder, rows, line)
    beside: list[float] = []
    with spinning_neighbours() if busy else nullcontext():
        alone = list(islice(caja.till(), ALONE))
        with _selling(caja, beside):
            used = caja.write()
    caja.check()
    return Waited(line=line, busy=busy, rate=rows / used.seconds, alone=_spread(alone), beside=_spread(beside), times=len(beside))


def _spread(seconds: Sequence[float]) -> Spread:
    return spread([1000 * one for one in seconds])


@click.command(help="How long a till waits for a row while a consumer writes all of a CAJA's products anew.")
@click.option("--rows", type=click.IntRange(min=10), default=20_000, show_default=True)
@click.option(
    "--line", "lines", type=click.FloatRange(min=0), multiple=True, default=[0, 30], show_default=True, help="Milliseconds there and back."
)
@click.option("--busy", is_flag=True, help="Also beside a process for each core that takes all the CPU it can get.")
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), default=ROOT / "bench/results", show_default=True)
def main(rows: int, lines: Sequence[float], busy: bool, into: Path) -> None:
    found: list[Waited] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="puente-till-")))
        engine = stack.enter_context(opened(SERVER, folder))
        if engine is None:
            raise click.ClickException("this machine has no Firebird server")
        for beside in (False, True) if busy else (False,):
            for line in lines:
                found.append(_measure(engine, folder / str(len(found)), rows, line, busy=beside))
                click.echo(found[-1])
        record = {"machine": facts(), "engine": str(engine), "rows": rows, "found": {one.where: asdict(one) for one in found}}
    into.mkdir(parents=True, exist_ok=True)
    (into / "till.json").write_text(json.dumps(record, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(prog_name="python -m bench.till")
