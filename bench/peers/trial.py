"""Rounds of all sides in turn, and what each took."""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from time import monotonic, perf_counter, sleep

from sqlalchemy.engine import make_url

from bench.broker import Kafka
from bench.caja import NAME
from bench.engines import Engine
from bench.peers.busy import spinning_neighbours
from bench.peers.line import DistantLine
from bench.peers.rows import Numbered
from bench.peers.side import EDIT_LOOK_SECONDS, Place, Side
from bench.peers.used import Meter, Used
from foundation.engines import open_database
from puente.reference import Store, build_caja
from tests.engines.kafka_topics import delete_topics

PHASES = {"first load": 0, "all unchanged": 0, "all changed": 1}
"""In this order, and the variant that each of them sends: a side is at work, and is sent all of it."""
JOINING = "a new CAJA, from the start"
"""Beside a log that holds all: how long its side takes, from when it is started."""
EDITED = 2
"""The first variant of an edit."""
BETWEEN_SECONDS = 0.3
"""At most, and any time below: an edit comes at any moment of a consumer's turn."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """On what kind of a machine, and how far from it CAJA is: milliseconds there and back, 0 for none."""

    rows: int
    busy: bool = False
    line: float = 0.0
    cold: bool = False
    """Whether each round has a Java machine of its own, which has not compiled yet what it runs often."""

    def __str__(self) -> str:
        where = f"line of {self.line:g} ms" if self.line else "near"
        return f"{'busy' if self.busy else 'quiet'}, {where}, {self.rows:,} rows{', JVM cold' if self.cold else ''}"


@dataclass(kw_only=True)
class Found:
    """What a side took under a condition, round by round: by phase, and of single edits, in seconds."""

    condition: Condition
    side: str
    phases: dict[str, list[Used]] = field(default_factory=lambda: {phase: [] for phase in (*PHASES, JOINING)})
    edits: list[float] = field(default_factory=list)

    def add(self, other: "Found") -> None:
        """Further rounds."""
        for phase, rounds in other.phases.items():
            self.phases[phase] += rounds
        self.edits += other.edits


class Trial:
    """Sides on one server and one broker. `told` hears what is being done."""

    def __init__(self, engine: Engine, kafka: Kafka, sides: Sequence[Side], told: Callable[[str], None]) -> None:
        self._engine, self._kafka, self._sides, self._told = engine, kafka, sides, told
        self._number = 0
        self._chance = random.Random(1)  # noqa: S311 - who is edited, and when

    def under(self, condition: Condition, rounds: int, edits: int) -> Iterator[list[Found]]:
        """Of each side, after each round; raises `AssertionError` where a CAJA does not hold in the end what it should."""
        with ExitStack() as stack:
            if condition.busy:
                stack.enter_context(spinning_neighbours())
            for number in range(rounds):
                self._told(f"{condition}: round {number + 1} of {rounds}")
                yield self._round(condition, edits)

    def _round(self, condition: Condition, edits: int) -> list[Found]:
        found = [Found(condition=condition, side=side.name) for side in self._sides]
        states = dict.fromkeys(range(condition.rows + 1), 0)  # one more than is counted: the first, by which a side is known to be ready
        with ExitStack() as stack:
            for side in self._sides:
                if condition.cold:
                    side.renew()
                stack.enter_context(self._placed(side, condition))
                side.start_with(Numbered(condition.rows, 0))
            for phase, variant in PHASES.items():
                those = [Numbered(number, variant) for number in range(condition.rows)]
                for side, into in zip(self._sides, found, strict=True):
                    into.phases[phase].append(self._phase(side, those))
                states |= dict.fromkeys(range(condition.rows), variant)
            for variant in range(EDITED, EDITED + edits):
                number = self._chance.randrange(condition.rows)
                states[number] = variant
                for side, into in zip(self._sides, found, strict=True):
                    into.edits.append(self._edit(side, Numbered(number, variant)))
            for side in self._sides:
                side.check(Numbered(number, variant) for number, variant in states.items())
        for side, into in zip(self._sides, found, strict=True):
            into.phases[JOINING].append(self._joining(side, condition))
        return found

    @contextmanager
    def _placed(self, side: Side, condition: Condition) -> Iterator[None]:
        """In a CAJA and on topics of its own, which are gone afterwards."""
        self._number += 1
        prefix, url = f"{self._kafka.prefix}-{self._number}", self._engine.new("caja")
        with ExitStack() as stack:
            stack.callback(self._engine.drop, url)
            stack.callback(delete_topics, self._kafka.servers, prefix)
            database = stack.enter_context(closing(open_database(url)))
            build_caja(database, [Store(1, NAME, 1)])
            reached = stack.enter_context(_line(url, condition.line))
            stack.callback(side.finish)
            place = Place(servers=self._kafka.servers, prefix=prefix, url=reached, database=database)
            side.prepare(place)
            yield

    def _phase(self, side: Side, those: Sequence[Numbered]) -> Used:
        """All is in the log when it begins."""
        side.pause()
        try:
            side.send(those)
        finally:
            meter = Meter(side.process, self._engine)
            side.resume()
        side.wait()
        return meter.read()

    def _joining(self, side: Side, condition: Condition) -> Used:
        those = [Numbered(number, 0) for number in range(condition.rows)]
        if condition.cold:
            side.renew()
        with self._placed(side, condition):
            side.send(those)
            began = monotonic()
            meter = Meter(side.process, self._engine) if side.is_resident else None
            side.start()
            meter = meter or Meter(side.process, self._engine, began)
            side.wait()
            used = meter.read()
            side.check(those)
            return used

    def _edit(self, side: Side, one: Numbered) -> float:
        """From the log's answer to the row that somebody else sees."""
        with closing(side.log()) as log:
            log.state(side.topic)  # it is connected
            sleep(BETWEEN_SECONDS * self._chance.random())
            side.send_to(log, [one])
            began = perf_counter()
            side.wait(look=EDIT_LOOK_SECONDS)
            return perf_counter() - began


@contextmanager
def _line(url: str, milliseconds: float) -> Iterator[str]:
    """The URL by which a CAJA is reached over such a line."""
    if not milliseconds:
        yield url
        return
    near = make_url(url)
    assert near.port is not None
    with closing(DistantLine(near.port, milliseconds / 2000)) as line:
        yield near.set(port=line.port).render_as_string(hide_password=False)
