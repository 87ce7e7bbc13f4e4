"""Stock of a CAJA whose tills sold a million times, all of it posted, against one whose tills never sold.

The same changes go through a consumer each; what was written is read back.
"""

from contextlib import closing
from decimal import Decimal
from functools import partial

from bench.benchmark import Benchmark, Figures, Setting
from bench.caja import HOLDER, NAME, build, rows_of
from bench.engines import Engine
from bench.measure import AtLeastRatio, Figure, Way
from bench.products import TOPICS, key_of, parts, product, records, stock
from consumer.assignment import Assignment
from consumer.batch import Planner
from consumer.batch_writer import Step
from consumer.caja import sales
from consumer.consume import Consumer
from consumer.lease import Lease
from consumer.policies import Policies
from foundation.engines import open_database
from foundation.eventlog.memory import MemoryLog
from foundation.eventlog.port import TopicSettings
from puente.config import CajaSettings
from puente.demo.statements import run
from puente.wiring.opening import open_caja
from schemas.codec import Decoder
from schemas.entities import Entity, Subject
from schemas.registry import RegistryReader, publish_schemas

PRODUCTS, STOCK = Subject(Entity.PRODUCT), Subject(Entity.STOCK, 1)
SALES = 1_000_000
SOLD_AT_ONCE = 50_000
CHANGES = 2000
SINGLE_CHANGES = 20
SELL = """EXECUTE BLOCK AS DECLARE I INTEGER = {first};
BEGIN
  WHILE (I < {last}) DO
  BEGIN
    INSERT INTO VVENTAS (NOTA, FECHA, CAJA, TIENDA, STATUS, ENVSAE) VALUES ('N' || :I, CURRENT_TIMESTAMP, 1, 1, 'N', 'T');
    INSERT INTO DVENTAS (NOTA, PARTIDA, PRODUCTO, CANTIDAD, PRECIO) VALUES ('N' || :I, 1, 'ART' || LPAD(MOD(:I, {products}), 9, '0'), 1, 1);
    I = I + 1;
  END
END"""


class _Till:
    """A CAJA that has all products and their stock, and its consumer."""

    def __init__(self, engine: Engine, name: str, sold: int) -> None:
        self.name, self._engine, self._url = name, engine, engine.new("caja")
        build(self._url)
        if sold:
            self._sell(sold)
        self._checked = open_caja(CajaSettings.model_validate({"name": NAME, "url": self._url}))
        of_sales = self._checked.profile.sales
        self._checked.database.create_index(sales.INDEX, of_sales.table, sales.expression(of_sales))
        self._log, decoder = MemoryLog(), Decoder()
        self._log.create({**TOPICS.fixed(), TOPICS.of(STOCK): TopicSettings()})
        publish_schemas(self._log, TOPICS.registry)
        self._consumer = Consumer(
            Assignment(
                name=NAME,
                caja=self._checked.caja,
                log=self._log,
                topics=TOPICS,
                registry=RegistryReader(self._log, TOPICS.registry, decoder),
                planner=Planner(decoder, self._checked.mappers, Policies(entities=(Entity.PRODUCT,)), {1: 1}),
                lease=Lease(self._checked.caja, HOLDER),
                fingerprint="bench",
            )
        )
        self._turn = 0
        for part in parts(records(PRODUCTS, map(product, range(CHANGES)), "first"), 1000):
            self._log.append(part)
        self.publish(CHANGES)
        self.apply()

    def _sell(self, count: int) -> None:
        with closing(open_database(self._url)) as database:
            for first in range(0, count, SOLD_AT_ONCE):
                with database.writing() as writer:
                    run(writer, SELL.format(first=first, last=min(count, first + SOLD_AT_ONCE), products=CHANGES))

    def publish(self, count: int) -> None:
        """Other stock of so many products; not in the time taken."""
        self._turn += 1
        values = ({**stock(number), "quantity": Decimal(self._turn)} for number in range(count))
        self._log.append(list(records(STOCK, values, f"run {self._turn}")))

    def apply(self) -> None:
        total = Step(at_end=False)
        while not total.at_end:
            step = self._consumer.step()
            assert step is not None
            total.add(step)
            total.at_end = step.at_end
        assert not total.parked, total.parked

    def apply_singly(self) -> None:
        for _ in range(SINGLE_CHANGES):
            self.publish(1)
            self.apply()

    def check(self, count: int) -> None:
        ((found,),) = rows_of(self._checked.database, f"COUNT(*) FROM EXIST WHERE EXISTIENDA = {self._turn}")
        assert found == count, f"{found} rows of stock instead of {count}"
        ((total,),) = rows_of(self._checked.database, f"EXISTENCIA FROM CATINVEN WHERE PRODUCTO = '{key_of(0)}'")
        assert total == self._turn

    def close(self) -> None:
        self._consumer.release()
        self._checked.database.close()
        self._engine.drop(self._url)


def figures(at: Setting, engine: Engine) -> Figures:
    at.told(f"sells {at.rows} times")
    with closing(_Till(engine, "sold", at.rows)) as sold, closing(_Till(engine, "never sold", 0)) as never:
        yield Figure(
            name=f"one change of stock, {at.rows} posted sales",
            unit="change",
            count=SINGLE_CHANGES,
            ours=Way(name=sold.name, run=sold.apply_singly, check=partial(sold.check, 1)),
            other=Way(name=never.name, run=never.apply_singly, check=partial(never.check, 1)),
            target=AtLeastRatio(1 / 1.2),
            as_time=True,
        )
        yield Figure(
            name=f"{CHANGES} changes of stock, {at.rows} posted sales",
            unit="change",
            count=CHANGES,
            ours=Way(name=sold.name, prepare=partial(sold.publish, CHANGES), run=sold.apply, check=partial(sold.check, CHANGES)),
            other=Way(name=never.name, prepare=partial(never.publish, CHANGES), run=never.apply, check=partial(never.check, CHANGES)),
            target=AtLeastRatio(1 / 1.2),
        )


BENCHMARK = Benchmark(
    name="sales",
    about="stock into a CAJA with very many posted sales, against one without",
    rows=SALES,
    rounds=5,
    on_engine=figures,
)
