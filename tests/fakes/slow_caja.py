"""A CAJA in memory that takes its time, by a clock that nothing else moves."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from consumer.caja.port import Switches
from foundation.engines.writing import RowWrite, Written
from schemas.entities import Entity
from schemas.keys import Key
from tests.fakes.caja import MemoryCaja, MemoryTransaction
from tests.unit.consuming import Clock


@dataclass
class SlowCaja(MemoryCaja):
    """Looks at its sales, and writes each row, in so many seconds; `left` is how many changes waited after each transaction."""

    clock: Clock = field(default_factory=Clock)
    seconds_to_look: float = 0.0
    seconds_to_write: float = 0.0
    left: list[int] = field(default_factory=list)

    @contextmanager
    def transaction(self, token: str, known: Switches | None = None) -> Iterator[MemoryTransaction]:
        with super().transaction(token, known) as transaction:
            yield _SlowTransaction(self, transaction)
        self.left.append(len(self.content.parked))


class _SlowTransaction(MemoryTransaction):
    def __init__(self, caja: SlowCaja, begun: MemoryTransaction) -> None:
        super().__init__(caja, begun.content)
        self._slow = caja

    def unposted(self) -> Collection[tuple[int, Key]]:
        self._slow.clock.now += self._slow.seconds_to_look
        return super().unposted()

    def write(self, entity: Entity, rows: Sequence[RowWrite]) -> Written:
        self._slow.clock.now += self._slow.seconds_to_write * len(rows)
        return super().write(entity, rows)
