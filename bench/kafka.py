"""The log on Kafka: the events of a real SAE appended and read, by Puente, by other clients, and in a file; and all of SAE into it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

from bench.benchmark import Benchmark, Figures, Setting
from bench.broker import broker
from bench.clients import PuenteReader
from bench.engines import EMBEDDED, Engine, opened
from bench.log import AT_ONCE
from bench.measure import Figure, Way
from bench.sae import COMPANY, build_shop, embedded_log, kafka_log, settings
from bench.sides import Side, embedded, on_kafka
from bench.snapshot import figure
from foundation.eventlog.embedded.log import EmbeddedLog
from foundation.eventlog.port import Record, Topic
from puente.wiring.producing import ProducerSide
from schemas.topics import Topics

LOG = "sae-log.db"


def rates(at: Setting) -> Figures:
    """Puente's adapter beside what else there is."""
    with ExitStack() as stack:
        kafka = stack.enter_context(broker())
        if kafka is None:
            return
        at.told("publishes a SAE")
        made = list(_events_of_a_sae(at, kafka.prefix))
        sides = (*on_kafka(kafka, made), embedded(at.folder / "log.db", made))
        puente, kafka_python, confluent, file = (stack.enter_context(closing(side)) for side in sides)
        parts = f"append, each {AT_ONCE:,} acknowledged before the next"
        yield _appending(parts, puente, kafka_python, Side.append_in_parts, len(made))
        yield _appending(parts, puente, confluent, Side.append_in_parts, len(made))
        yield _appending(parts, puente, file, Side.append_in_parts, len(made))
        yield _appending("append, all at once", puente, kafka_python, Side.append_all, len(made))
        yield _appending("append, all at once", puente, confluent, Side.append_all, len(made))
        at.told("appends what is to be read")
        for side in (puente, file):
            side.renew()
            side.append_in_parts()
        for other in (kafka_python, confluent, file):
            yield Figure(name="read", unit="event", count=len(made), ours=_reading(puente), other=_reading(other))


def _events_of_a_sae(at: Setting, prefix: str) -> Iterator[Record]:
    """What the producer makes of the demo's shop, for topics of this prefix."""
    with opened(EMBEDDED, at.folder) as engine:
        assert engine is not None
        url = engine.new("sae")
        build_shop(url, at.rows)
        configured = settings(at.folder, url, embedded_log(LOG))
        side = ProducerSide(configured)
        assert side.step() is not None
        side.release()
    topics = Topics(configured.log.prefix, COMPANY)
    with closing(EmbeddedLog(at.folder / LOG)) as log:
        entities = {topic: state.end for topic, state in log.topics().items() if topics.subject(topic)}
        for topic, events in PuenteReader(log, entities).read().items():
            named = Topic(prefix + topic.removeprefix(configured.log.prefix))
            yield from (Record(topic=named, key=event.key, value=event.value, headers=event.headers) for event in events)


def _appending(name: str, ours: Side, other: Side, append: Callable[[Side], None], count: int) -> Figure:
    def way(side: Side) -> Way:
        return Way(name=side.name, prepare=side.renew, run=lambda: append(side), check=side.check_appended)

    return Figure(name=name, unit="event", count=count, ours=way(ours), other=way(other))


def _reading(side: Side) -> Way:
    return Way(name=side.name, prepare=side.begin_reading, run=side.read, check=side.check_read)


def into_kafka(at: Setting, engine: Engine) -> Figures:
    """All of SAE by the producer's first pass."""
    with broker() as kafka:
        if kafka is not None:
            yield from figure(at, engine, "all of SAE into Kafka", kafka_log(kafka.servers, kafka.prefix), kafka.empty)


BENCHMARK = Benchmark(
    name="kafka",
    about="the log on Kafka, against other clients, a file, and fetching what is put into it",
    rows=20_000,
    rounds=3,
    plain=rates,
    on_engine=into_kafka,
)
