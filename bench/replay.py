"""Events that CAJA has already: how fast the consumer skips them, against reading the same log and doing nothing.

The log holds every product and its stock twice. The consumer applied the first half and its ledger knows it; what is timed is the second,
read by a consumer that has just taken over. That nothing is decoded is counted, that nothing is written told by the rows' versions.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from bench.benchmark import Benchmark, Figures, Setting
from bench.caja import HOLDER, NAME, build, rows_of
from bench.engines import Engine
from bench.log import read_all
from bench.measure import AtLeastRate, Figure, Way
from bench.products import TOPICS, parts, product, records, stock
from consumer.assignment import Assignment
from consumer.batch import Planner
from consumer.batch_writer import Step
from consumer.consume import Consumer
from consumer.lease import Lease
from consumer.ledger.state import Progress
from consumer.ledger.tables import ROWS
from consumer.policies import Policies
from foundation.eventlog.embedded.log import EmbeddedLog
from foundation.eventlog.port import Record, Topic, TopicSettings
from puente.config import CajaSettings
from puente.wiring.opening import CheckedCaja, open_caja
from schemas.codec import Decoder
from schemas.entities import Entity, Subject
from schemas.reader import EVERYTHING
from schemas.registry import RegistryReader, publish_schemas

PRODUCTS, STOCK = Subject(Entity.PRODUCT), Subject(Entity.STOCK, 1)
AT_ONCE = 1000
NEWEST = " UNION ALL SELECT ".join(f"MAX(RDB$RECORD_VERSION) FROM {table}" for table in (ROWS, "CATINVEN", "EXIST"))


class _CountingDecoder(Decoder):
    """Counts what it decodes."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def decode(self, name: str, framed: bytes, wanted: frozenset[str] = EVERYTHING) -> dict[str, Any]:
        self.count += 1
        return super().decode(name, framed, wanted)


class _Replay:
    """A CAJA that has all that the log holds, and its consumer."""

    def __init__(self, log: EmbeddedLog, checked: CheckedCaja) -> None:
        self._log, self._checked, self._decoder = log, checked, _CountingDecoder()
        self._consumer = self._new()
        self._middle: dict[Topic, Progress] = {}
        self._versions: list[Any] = []
        self._step = Step()
        self._count = 0

    def _new(self) -> Consumer:
        self._decoder.count = 0
        return Consumer(
            Assignment(
                name=NAME,
                caja=self._checked.caja,
                log=self._log,
                topics=TOPICS,
                registry=RegistryReader(self._log, TOPICS.registry, self._decoder),
                planner=Planner(self._decoder, self._checked.mappers, Policies(entities=(Entity.PRODUCT,)), {1: 1}),
                lease=Lease(self._checked.caja, HOLDER),
                fingerprint="bench",
            )
        )

    def apply(self, count: int) -> None:
        """Takes over, and applies the first half, which is all that the log holds so far."""
        self.skip()
        assert (self._step.applied, sum(self._step.parked.values())) == (count, 0)
        state = self._consumer.state
        assert state is not None
        self._middle = dict(state.progress)

    def take_over(self) -> None:
        """A new consumer reads the ledger, then is put back to where the first half ends."""
        self._consumer.release()
        self._consumer = self._new()
        self.skip()
        self._versions = self._written_by()
        state = self._consumer.state
        assert state is not None
        state.progress.update(self._middle)

    def skip(self) -> None:
        self._step = Step()
        at_end = False
        while not at_end:
            step = self._consumer.step()
            assert step is not None
            self._step.add(step)
            at_end = step.at_end
        self._step.at_end = True

    def check_skipped(self, count: int) -> None:
        step = self._step
        assert (step.equal, step.applied, step.touched, sum(step.parked.values())) == (count, 0, 0, 0), step
        assert self._decoder.count == 0, "events were decoded"
        assert self._written_by() == self._versions, "rows were written"

    def _written_by(self) -> list[Any]:
        """The transactions that wrote the newest row of the ledger, of products and of stock."""
        return rows_of(self._checked.database, NEWEST)

    def read(self) -> None:
        self._count = sum(read_all(self._log, topic, progress.position.next_offset) for topic, progress in self._middle.items())

    def check_read(self, count: int) -> None:
        assert self._count == count, f"{self._count} events read instead of {count}"

    def close(self) -> None:
        self._consumer.release()
        self._checked.database.close()


def _log(folder: Path) -> EmbeddedLog:
    log = EmbeddedLog(folder / "log.db")
    log.create(TOPICS.fixed())
    log.create({TOPICS.of(STOCK): TopicSettings()})
    publish_schemas(log, TOPICS.registry)
    return log


def _events(count: int, run: str) -> Iterator[Record]:
    yield from records(PRODUCTS, map(product, range(count)), run)
    yield from records(STOCK, map(stock, range(count)), run)


def figures(at: Setting, engine: Engine) -> Figures:
    url, count = engine.new("caja"), 2 * at.rows
    build(url)
    checked = open_caja(CajaSettings.model_validate({"name": NAME, "url": url}))
    with closing(_log(at.folder)) as log, closing(_Replay(log, checked)) as replay:
        for run, told in (("first", "publishes all"), ("second", "publishes all again")):
            at.told(told)
            for part in parts(_events(at.rows, run), AT_ONCE):
                log.append(part)
            if run == "first":
                at.told("applies all")
                replay.apply(count)
        yield Figure(
            name="skip unchanged events",
            unit="event",
            count=count,
            ours=Way(name="consumer", prepare=replay.take_over, run=replay.skip, check=lambda: replay.check_skipped(count)),
            other=Way(name="read of the log alone", run=replay.read, check=lambda: replay.check_read(count)),
            target=AtLeastRate(50_000),
        )


BENCHMARK = Benchmark(
    name="replay",
    about="events that CAJA has already, skipped, against reading the log alone",
    rows=100_000,
    rounds=5,
    on_engine=figures,
    since=3,
)
