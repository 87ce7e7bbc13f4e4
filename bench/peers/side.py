"""One of those that are compared: how it is given a CAJA and a topic, sent events, and known to be done."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from time import monotonic, sleep

import psutil
import sqlalchemy as sa

from bench.peers.rows import Numbered, Products
from bench.products import key_of, parts
from foundation.engines.database import Database
from foundation.eventlog.kafka.log import KafkaLog
from foundation.eventlog.port import Offset, Record, Topic, TopicSettings

AT_ONCE = 1000
LOOK_SECONDS, EDIT_LOOK_SECONDS = 0.02, 0.002
"""How often the row that is waited for is looked for: seldom where much is under way, for the server answers that, too."""
READY_SECONDS, IDLE_SECONDS = 120.0, 1800.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a side works in one round: its topics, and its CAJA, which it reaches by `url` and who looks on by `database`."""

    servers: str
    prefix: str
    url: str
    database: Database


class Side(ABC):
    """`name` is what a report calls it. One round at a time; `is_resident` where one process serves all of them."""

    name: str
    is_resident = False

    def __init__(self, products: Products) -> None:
        self.products = products
        self._place: Place | None = None
        self._end = Offset(0)
        self._last: tuple[str, object] = "", None

    @property
    @abstractmethod
    def topic(self) -> Topic: ...

    @property
    @abstractmethod
    def process(self) -> psutil.Process: ...

    @abstractmethod
    def event(self, one: Numbered) -> Record: ...

    def renew(self) -> None:
        """Forgets, between two rounds, what it has learnt by working."""
        return

    def _prepare(self) -> None:
        """What is done once for a CAJA."""
        return

    @abstractmethod
    def start(self) -> None:
        """It begins to work at its place."""
        ...

    @abstractmethod
    def _finish(self) -> None: ...

    @abstractmethod
    def _said(self) -> str:
        """What it told, for whoever wonders why a row does not arrive."""
        ...

    @property
    def place(self) -> Place:
        assert self._place is not None
        return self._place

    def prepare(self, place: Place) -> None:
        """Its topic is there, and its CAJA what it must be."""
        self._place = place
        with closing(self.log()) as log:
            log.create({self.topic: TopicSettings()})
        self._prepare()

    def start_with(self, first: Numbered) -> None:
        """Until a first product has arrived: then it is ready, and knows the table."""
        self.start()
        self.send([first])
        self.wait(READY_SECONDS)

    def finish(self) -> None:
        if self._place is not None:
            self._finish()
        self._place = None

    def send(self, those: Sequence[Numbered]) -> None:
        """Returns when the log has them."""
        with closing(self.log()) as log:
            self.send_to(log, those)

    def send_to(self, log: KafkaLog, those: Sequence[Numbered]) -> None:
        key = key_of(those[-1].number)
        self._last = key, self._version(key)
        for part in parts(self._events(those), AT_ONCE):
            self._end = Offset(log.append(part)[-1] + 1)

    def _events(self, those: Iterable[Numbered]) -> Iterable[Record]:
        return (self.event(one)._replace(topic=self.topic) for one in those)

    def log(self) -> KafkaLog:
        return KafkaLog(self.place.servers.split(","), self.place.prefix)

    def pause(self) -> None:
        self.process.suspend()

    def resume(self) -> None:
        with suppress(psutil.NoSuchProcess):
            self.process.resume()

    def wait(self, seconds: float = IDLE_SECONDS, look: float = LOOK_SECONDS) -> None:
        """Until all that was sent has arrived."""
        until = monotonic() + seconds
        while not self.arrived():
            assert monotonic() < until, f"{self.name}: {self._last[0]} did not arrive within {seconds:.0f} s:\n{self._said()[-4000:]}"
            assert self.process.is_running(), f"{self.name} has ended:\n{self._said()[-4000:]}"
            sleep(look)

    def arrived(self) -> bool:
        """Events arrive in order: when the last one's row was written, also with what it held, all are."""
        key, before = self._last
        return self._version(key) not in {None, before}

    def _version(self, key: str) -> object:
        """The transaction that wrote a product's row; None where there is none."""
        found = self._read(f"RDB$RECORD_VERSION FROM {self.products.table} WHERE PRODUCTO = '{key}'")
        return found[0][0] if found else None

    def _read(self, select: str) -> list[Sequence[object]]:
        with self.place.database.reading() as reader:
            return list(reader.rows(sa.text(f"SELECT {select}")))

    def check(self, expected: Iterable[Numbered]) -> None:
        """CAJA holds these products and no other, each with all its values."""
        found = sorted(tuple(row) for row in self._read(f"{', '.join(self.products.columns)} FROM {self.products.table}"))
        wanted = sorted(self.products.readable(one) for one in expected)
        wrong = [pair for pair in zip(found, wanted, strict=False) if pair[0] != pair[1]]
        assert not wrong, f"{self.name}: {len(wrong)} rows are wrong, the first {wrong[0][0]} instead of {wrong[0][1]}"
        assert len(found) == len(wanted), f"{self.name}: {len(found)} rows instead of {len(wanted)}"
