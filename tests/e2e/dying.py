"""A process that runs the product and kills itself (-9) at one numbered step, the first time that it comes there.

Its arguments are SETTINGS and STEP. The steps are those of `producer/poll.py` (pass), `consumer/consume.py` and `apply.py` (batch) and
`consumer/resync/topic.py`. It replaces methods of its own process alone: a signal from outside hits a step by chance at best.
"""

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import consumer.follow
import consumer.pace
from consumer.batch import Planner
from consumer.batch_writer import BatchWriter
from consumer.caja.transaction import SqlTransaction
from consumer.resync.topic import Resync
from consumer.settle import Settler
from foundation.eventlog.embedded.log import EmbeddedLog
from foundation.eventlog.kafka import producing
from foundation.eventlog.kafka.log import KafkaLog
from producer.index import LogIndex
from producer.publish import Publisher
from puente.commands.run import forever
from puente.config import load
from puente.loop import Stop

Test = Callable[..., bool]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def always(*_: object, **__: object) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Step:
    """Where to die, or to do something else: around the `nth` call of a function for which `when` holds."""

    owner: Any
    name: str
    before: bool = False
    nth: int = 1
    when: Test = always
    act: Callable[[], None] = die

    def plant(self) -> None:
        original, calls = getattr(self.owner, self.name), iter(range(1, 10**9))

        @wraps(original)
        def dying(*arguments: Any, **named: Any) -> Any:
            its_turn = self.when(*arguments, **named) and next(calls) == self.nth
            if its_turn and self.before:
                self.act()
            found = original(*arguments, **named)
            if its_turn:
                self.act()
            return found

        setattr(self.owner, self.name, dying)


@dataclass(frozen=True, kw_only=True)
class Half:
    """Dies when half of what is appended in one call stands in the log, each half being acknowledged by itself."""

    def plant(self) -> None:
        for kind in (EmbeddedLog, KafkaLog):
            self._plant(kind)

    @staticmethod
    def _plant(kind: Any) -> None:
        append = kind.append

        def half(log: Any, records: Any) -> Any:
            part = list(records)
            if len(part) > 1 and "product" in part[0].topic:
                append(log, part[: len(part) // 2])
                die()
            return append(log, part)

        kind.append = half


class Unacknowledged:
    """Dies when all that is appended in one call stands in the log, and nobody was told."""

    def plant(self) -> None:
        Step(owner=producing, name="acknowledged", before=True, when=of_several).plant()
        Step(owner=EmbeddedLog, name="append", when=several).plant()


def of_several(answer: Any, _places: object) -> bool:
    """An answer about several topics: of what a pass publishes, a heartbeat is alone."""
    return len(answer.responses) > 1


def several(_log: object, records: Any) -> bool:
    """The schemas are a stream."""
    return isinstance(records, list) and len(records) > 1


def saves_something(writer: Any) -> bool:
    return bool(writer.also.progress)


def is_part_of_a_resync(writer: Any) -> bool:
    return bool(writer.applied) and not writer.also.progress


def ends_a_resync(writer: Any) -> bool:
    return any(progress.sweep is not None for progress in writer.also.progress.values())


def frees_something(_transaction: object, places: Any) -> bool:
    return bool(places)


def of_products(_planner: object, changes: Any, *_: object, **__: object) -> bool:
    return any(change.subject.entity == "product" for change in changes)


PASS: dict[str, Step | Half | Unacknowledged] = {
    "start: before the first heartbeat": Step(owner=Publisher, name="send_heartbeat", before=True),
    "start: after the first heartbeat": Step(owner=Publisher, name="send_heartbeat"),
    "1 read to the end": Step(owner=LogIndex, name="read"),
    "2 SAE was read": Step(owner=Publisher, name="publish", before=True),
    "3 half is published": Half(),
    "3 all is sent, nothing acknowledged": Unacknowledged(),
    "3 all is acknowledged": Step(owner=Publisher, name="publish"),
    "4 the marks are kept": Step(owner=Publisher, name="send_heartbeat", before=True, nth=2),
    "4 the heartbeat is sent": Step(owner=Publisher, name="send_heartbeat", nth=2),
}
BATCH: dict[str, Step] = {
    "1 read": Step(owner=consumer.follow, name="incoming", before=True),
    "2 folded, 3 mapped": Step(owner=Planner, name="plan", when=of_products),
    "4 written, not committed": Step(owner=SqlTransaction, name="save"),
    "4 committed": Step(owner=BatchWriter, name="remember", before=True, when=saves_something),
    "5 remembered": Step(owner=BatchWriter, name="remember", when=saves_something),
    "6 a change that waited goes in, not committed": Step(owner=SqlTransaction, name="release", when=frees_something),
    "6 what waited was tried again": Step(owner=Settler, name="settle", before=True),
}
RESYNC: dict[str, Step] = {
    "a the end was read": Step(owner=Resync, name="_fold"),
    "b a part is committed": Step(owner=BatchWriter, name="remember", before=True, when=is_part_of_a_resync),
    "c written, not committed": Step(owner=SqlTransaction, name="unsee"),
    "c committed": Step(owner=BatchWriter, name="remember", before=True, when=ends_a_resync),
    "sweep: a part is committed": Step(owner=Settler, name="_inactivate"),
}


def main() -> None:
    settings, step = sys.argv[1:]
    {**PASS, **BATCH, **RESYNC}[step].plant()
    consumer.pace.SMALLEST, consumer.pace.LARGEST = 1, 10  # small transactions, however fast they are: there must be several
    loaded = load(Path(settings))
    forever(loaded, Stop(), produce=True, cajas=loaded.caja)
