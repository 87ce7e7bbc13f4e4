"""One CAJA: the port of the pure core, and what crosses it."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from consumer.ledger.lease_row import LeaseRow
from consumer.ledger.parked import Parked, SubjectKey
from consumer.ledger.state import Progress, State
from consumer.leftout import LeftOut, Notes
from foundation.engines.catalogue import Scalar
from foundation.engines.writing import RowWrite, Written
from foundation.errors import RetryableError
from foundation.eventlog.port import Topic
from foundation.texts import text
from schemas.entities import Entity, Subject
from schemas.keys import Key


@dataclass(frozen=True, kw_only=True, slots=True)
class Switches:
    """CAJA's own parameters: its SAE interface, «Cambio a existencias», and whether its prices include taxes."""

    interface: bool
    stock_changes: bool
    tax_included: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Store:
    """A store of this CAJA, its «Almacén en SAE», and its «Precio por omisión»: the first, second … of CAJA's prices."""

    number: int
    warehouse: int | None
    name: str = ""
    price: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """A process that may write: `host` is for people; `boot` is where its number means something, `started` tells it from a later process
    with the same number. Both None where the system does not tell."""

    host: str
    process: int
    started: int | None
    boot: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeInRow:
    """A bar code that stands in a column of a product's row."""

    key: Key
    column: str
    code: str


class SwitchesChanged(RetryableError):
    """CAJA's switches are not those that a transaction relied on: nothing was written."""

    def __init__(self, found: Switches) -> None:
        super().__init__(text("CAJA's parameters were changed a moment ago"))
        self.found = found


class Rows(Protocol):
    """A CAJA's rows, to be written."""

    def unposted(self) -> Collection[tuple[int, Key]]:
        """(store, product) with sales that SAE does not have yet."""
        ...

    def write(self, entity: Entity, rows: Sequence[RowWrite]) -> Written:
        """Rows and their ledger rows, each alone."""
        ...


class Transaction(Rows, Protocol):
    """One writing transaction, in a snapshot. Its first effect is on the lease; it commits at the end of its block."""

    @property
    def switches(self) -> Switches: ...

    def stores(self) -> list[Store]:
        """As CAJA has them now; none where the profile names no table of stores."""
        ...

    def park(self, changes: Iterable[Parked]) -> None:
        """Nothing of their keys may wait already: release that first."""
        ...

    def release(self, places: Iterable[tuple[Subject, Key]]) -> None:
        """These wait no longer."""
        ...

    def leave_out(self, found: Mapping[SubjectKey, Notes], before: Iterable[SubjectKey]) -> None:
        """What the rows of these keys lack from now on; `before` are the keys of which the ledger holds something else."""
        ...

    def save(self, topic: Topic, progress: Progress) -> None:
        """How far a topic was applied; costs least before any row is written."""
        ...

    def unsee(self, subject: Subject, keys: Iterable[Key]) -> None:
        """The log does not hold these keys, whose ledger rows stay."""
        ...

    def free_codes(self, found: Iterable[CodeInRow]) -> None:
        """Takes these bar codes from their rows; raises `LockConflict` where somebody holds one of them."""
        ...

    def set_ready(self, at: datetime) -> None:
        """CAJA has all that it needs to sell."""
        ...


class Caja(Protocol):
    """A CAJA database. Errors are those of `Database`, and `LostLease` where another process took the lease."""

    def switches(self) -> Switches: ...

    def stores(self) -> list[Store]: ...

    def read_lease(self) -> LeaseRow:
        """Raises `ConfigError` where the ledger is missing (`puente setup`), of another version, or another CAJA's."""
        ...

    def claim(self, seen: LeaseRow, token: str, holder: Holder) -> bool:
        """Takes the lease from whom it was `seen` with; False where somebody was faster, or has it locked."""
        ...

    def end_idle(self) -> int | None:
        """Ends the connections of other processes that claimed the lease, whichever of them, and are at nothing: what they had open is
        rolled back, and the locks are gone. Returns how many; None where Puente's user may not.
        """
        ...

    def free(self, token: str) -> None:
        """Gives the lease back at a clean stop."""
        ...

    def state(self, beat: Callable[[], None] | None = None) -> State:
        """The whole ledger, in one snapshot.

        The process that holds the lease gives `beat`, to be called now and then meanwhile, between the snapshots, which are several then: a
        reading may take longer than others wait for a heartbeat, and no other process writes.
        """
        ...

    def left_out(self, takes: Callable[[Subject], bool], known: Mapping[SubjectKey, Notes] | None = None) -> list[LeftOut]:
        """What rows of the subjects that this CAJA takes lack of what SAE holds, in numbers.

        `known` is what the ledger says of it, for who holds the lease: else it is read.
        """
        ...

    def active(self, entity: Entity) -> list[Key]:
        """The trimmed keys of CAJA's active rows that may be SAE's: a customer without «Clave en SAE» is none of them."""
        ...

    def rows(self, entity: Entity, store: int | None = None, beat: Callable[[], None] | None = None) -> Iterable[Sequence[Scalar]]:
        """All rows of an entity's table, or those of one store, in the order of its plan's columns.

        Where `beat` is given it is called now and then, between the snapshots, which are several then: of rows with one key some may lack,
        and those without a key.
        """
        ...

    def codes(self) -> Iterable[CodeInRow]:
        """The bar codes of all products that are in use."""
        ...

    def drifted(self, stock: Subject, store: int) -> dict[Key, float]:
        """The products of a store whose quantity is not what the ledger says, with the ledger's."""
        ...

    def wrong_totals(self) -> list[str]:
        """The products, as CAJA writes them, whose total is not what their stores have; none where the profile knows no total."""
        ...

    def transaction(self, token: str, known: Switches | None = None) -> AbstractContextManager[Transaction]:
        """Raises `LostLease` where `token` holds the lease no longer, `SwitchesChanged` where the switches are others than the known ones.

        Both before anything is written, and when the block ends at the latest.
        """
        ...
