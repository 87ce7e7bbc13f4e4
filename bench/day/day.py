"""A day of a site: who is at work in its SAE, when SAE is left alone, and what was seen."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import monotonic, sleep

from foundation.engines import open_database
from foundation.engines.database import Database
from foundation.engines.errors import LockConflict
from foundation.errors import ConnectionLost
from puente.demo.statements import run
from tests.e2e.small_site import SmallSite


@dataclass(frozen=True, slots=True)
class Arrived:
    """A clerk's edit: when it was committed, in seconds of the day, and how long it took to the slower CAJA; None where too long."""

    at: float
    took: float | None


@dataclass
class Day:
    """All that happens to a site within `length` seconds, told by the actors in their threads."""

    site: SmallSite
    length: float
    folder: Path
    began: float = field(default_factory=monotonic)
    marks: dict[str, float] = field(default_factory=dict)
    """What happened once, and when."""
    arrived: list[Arrived] = field(default_factory=list)
    rows: int = 0
    """That people wrote to SAE."""
    transactions: int = 0
    """That people, and who measures, began in it."""
    over: threading.Event = field(default_factory=threading.Event)
    _errors: list[BaseException] = field(default_factory=list)
    _gate: threading.Condition = field(default_factory=threading.Condition)
    _inside: int = 0
    closes: bool = False
    """Whether all are to leave the database alone, as soon as they can."""

    @property
    def now(self) -> float:
        return monotonic() - self.began

    def count(self, *, rows: int = 0, transactions: int = 1) -> None:
        with self._gate:
            self.rows += rows
            self.transactions += transactions

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Of who uses the database; waits while it is to be left alone."""
        with self._gate:
            self._gate.wait_for(lambda: not self.closes)
            self._inside += 1
        try:
            yield
        finally:
            with self._gate:
                self._inside -= 1
                self._gate.notify_all()

    @contextmanager
    def left_alone(self) -> Iterator[None]:
        with self._gate:
            self.closes = True
            self._gate.wait_for(lambda: self._inside == 0)
        try:
            yield
        finally:
            with self._gate:
                self.closes = False
                self._gate.notify_all()

    def play(self, actors: Iterable["Actor"]) -> None:
        """From opening to closing time, each actor with a connection of its own; raises what went wrong first."""
        threads = [threading.Thread(target=self._act, args=(actor, number), daemon=True) for number, actor in enumerate(actors)]
        for thread in threads:
            thread.start()
        self.over.wait(self.length)
        self.over.set()
        for thread in threads:
            thread.join()
        for error in self._errors:
            raise error

    def _act(self, actor: "Actor", number: int) -> None:
        try:
            with closing(open_database(self.site.sae_url)) as sae:
                actor(self, sae, Random(number))  # noqa: S311 - who does what, and when
        except BaseException as error:  # noqa: BLE001 - raised by `play`
            self._errors.append(error)
            self.over.set()

    def write(self, sae: Database, *statements: str) -> None:
        """In one transaction, as soon as nobody else holds one of its rows."""
        with self.at_work():
            self.count(rows=patiently(lambda: written(sae, statements)))


Actor = Callable[[Day, Database, Random], None]


def patiently(action: Callable[[], int]) -> int:
    """What it returns, as soon as nobody else holds what it wants."""
    while True:
        try:
            return action()
        except (LockConflict, ConnectionLost):  # the restore ended all connections
            sleep(0.05)


def written(sae: Database, statements: tuple[str, ...]) -> int:
    """In one transaction; how many rows."""
    with sae.writing() as writer:
        return sum(run(writer, statement) for statement in statements)
