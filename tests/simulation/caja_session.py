"""A CAJA as one process reaches it: by a connection that may break, also in the middle of a commit."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import ClassVar

from consumer.caja.port import CodeInRow, Holder, Store, Switches, SwitchesChanged
from consumer.ledger.lease_row import LeaseRow
from consumer.ledger.parked import SubjectKey
from consumer.ledger.state import State
from consumer.leftout import LeftOut, Notes
from consumer.mapping.mapper import RowMapper
from consumer.policies import Policies
from foundation.engines.catalogue import Scalar
from foundation.errors import ConfigError, ConnectionLost, LostLease
from foundation.texts import text
from schemas.entities import Entity, Subject
from schemas.keys import Key
from tests.simulation.caja import SimCaja, SimTransaction
from tests.simulation.scheduler import Process


class CajaSession:
    """`Caja` for one process, with its own settings."""

    checks_token: ClassVar[bool] = True
    checks_name: ClassVar[bool] = True
    checks_switches: ClassVar[bool] = True

    def __init__(self, caja: SimCaja, process: Process, policies: Policies, mappers: Mapping[Entity, RowMapper]) -> None:
        self._caja, self._process, self._policies, self._mappers = caja, process, policies, mappers
        self._epoch = caja.epoch

    def _call(self) -> None:
        self._process.call()
        if self._epoch != self._caja.epoch:
            raise self._lost()

    def _lost(self) -> ConnectionLost:
        self._epoch = -1
        return ConnectionLost(text("planted"))

    def switches(self) -> Switches:
        self._call()
        return self._caja.switches()

    def stores(self) -> list[Store]:
        self._call()
        return self._caja.stores()

    def read_lease(self) -> LeaseRow:
        self._call()
        lease = self._caja.read_lease()
        if self.checks_name and lease.caja != self._caja.name:
            raise ConfigError(text("planted"))
        return lease

    def claim(self, seen: LeaseRow, token: str, holder: Holder) -> bool:
        self._call()
        return self._caja.open is None and self._caja.claim(seen, token, holder)

    def end_idle(self) -> int | None:
        """Nobody stands still here: each that has a transaction open goes on with it, or dies."""
        self._call()
        return 0

    def free(self, token: str) -> None:
        self._call()
        if self._caja.open is None:
            self._caja.free(token)

    def state(self, beat: Callable[[], None] | None = None) -> State:
        self._call()
        if beat is None:
            return self._caja.state()

        def between() -> None:
            assert beat is not None
            beat()
            self._call()

        return self._caja.state(between)

    def left_out(self, takes: Callable[[Subject], bool], known: Mapping[SubjectKey, Notes] | None = None) -> list[LeftOut]:
        self._call()
        return self._caja.left_out(takes, known)

    def active(self, entity: Entity) -> list[Key]:
        self._call()
        return self._caja.active(entity)

    def rows(self, entity: Entity, store: int | None = None, beat: Callable[[], None] | None = None) -> Iterator[Sequence[Scalar]]:
        self._call()
        for row in self._caja.rows(entity, store, beat):
            self._call()
            yield row

    def drifted(self, stock: Subject, store: int) -> dict[Key, float]:
        self._call()
        return self._caja.drifted(stock, store)

    def codes(self) -> list[CodeInRow]:
        """Reads alone: no history ends here that does not end at the next call."""
        return self._caja.codes()

    def wrong_totals(self) -> list[str]:
        self._call()
        return self._caja.wrong_totals()

    @contextmanager
    def transaction(self, token: str, known: Switches | None = None) -> Iterator[SimTransaction]:
        self._call()
        caja = self._caja
        if caja.open is not None or (self.checks_token and caja.content.lease.token != token):
            raise LostLease(text("planted"))
        if self.checks_switches and known not in (None, caja.parameters):
            raise SwitchesChanged(caja.parameters)
        transaction = caja.open = SimTransaction(caja, self._policies, self._mappers, token, self._call)
        transaction.content.lease = replace(caja.content.lease, beat=caja.content.lease.beat + 1)
        try:
            yield transaction
            self._call()
            self._commit(transaction)
        finally:
            if caja.open is transaction:
                caja.open = None

    def _commit(self, transaction: SimTransaction) -> None:
        caja = self._caja
        broken, caja.broken = caja.broken, None
        if broken == "before":
            raise self._lost()
        caja.on_commit(caja, transaction)
        caja.content = transaction.content
        caja.over_sales += transaction.seen.over_sales
        if broken == "after":
            raise self._lost()
