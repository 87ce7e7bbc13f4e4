"""All of SAE into an empty log, by the producer's first pass, against fetching the same rows and doing nothing with them."""

from collections.abc import Callable
from contextlib import closing

from bench.benchmark import Benchmark, Figures, Setting
from bench.engines import Engine, connect
from bench.log import read_all, remove
from bench.measure import AtLeastRatio, Figure, Target, Way
from bench.sae import COMPANY, build_shop, embedded_log, settings
from producer.poll import Pass
from producer.sae.tables import TABLES, columns
from puente.config import Settings
from puente.wiring.opening import open_log
from puente.wiring.producing import ProducerSide
from schemas.topics import Topics

LOG = "log.db"
QUERIES = [f"SELECT {', '.join(columns(table))} FROM {name}{COMPANY}" for table, name in TABLES.items()]


class _Producer:
    """A new producer before an empty log, every time."""

    def __init__(self, configured: Settings, empty: Callable[[], None]) -> None:
        self._settings, self._empty = configured, empty
        self._side = ProducerSide(configured)
        self._pass = Pass()

    def renew(self) -> None:
        self._side.release()
        self._empty()
        self._side = ProducerSide(self._settings)

    def run(self) -> None:
        done = self._side.step()
        assert done is not None, "another producer holds the log"
        self._pass = done

    def check(self, products: int) -> None:
        """Every event published stands in the log, products as many as SAE has (two of which are one, once trimmed)."""
        topics = Topics(self._settings.log.prefix, COMPANY)
        with closing(open_log(self._settings)) as log:
            found = {subject: read_all(log, topic) for topic in log.topics() if (subject := topics.subject(topic))}
        assert sum(found.values()) == self._pass.published
        made = next(count for subject, count in found.items() if str(subject) == "product")
        assert products - 1 <= made <= products, f"{made} products of {products}"

    def close(self) -> None:
        self._side.release()


class _Driver:
    """The driver's own connection and its own rows."""

    def __init__(self, url: str) -> None:
        self._connection = connect(url)
        self._counts: list[int] = []

    def fetch(self) -> None:
        with closing(self._connection.cursor()) as cursor:
            self._counts = [len(cursor.execute(query).fetchall()) for query in QUERIES]
        self._connection.commit()

    def check(self, products: int) -> None:
        assert products in self._counts
        assert all(self._counts), "a table is empty"

    def close(self) -> None:
        self._connection.close()


def figures(at: Setting, engine: Engine) -> Figures:
    name, path = "all of SAE, products with all that hangs on them", at.folder / LOG
    yield from figure(at, engine, name, embedded_log(LOG), lambda: remove(path), AtLeastRatio(0.5))


def figure(at: Setting, engine: Engine, name: str, log: str, empty: Callable[[], None], target: Target | None = None) -> Figures:
    """`log` is what stands under [log] in the settings; `empty` removes what is in it."""
    url = engine.new("sae")
    at.told("fills SAE")
    build_shop(url, at.rows)
    configured = settings(at.folder, url, log)
    with closing(_Producer(configured, empty)) as producer, closing(_Driver(url)) as driver:
        yield Figure(
            name=name,
            unit="product",
            count=at.rows,
            ours=Way(name="SAE into the log", prepare=producer.renew, run=producer.run, check=lambda: producer.check(at.rows)),
            other=Way(name="fetch of the same rows", run=driver.fetch, check=lambda: driver.check(at.rows)),
            target=target,
        )


BENCHMARK = Benchmark(
    name="snapshot", about="all of SAE into the log, against fetching the same rows", rows=20_000, rounds=5, on_engine=figures
)
