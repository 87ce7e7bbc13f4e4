"""What is known of the tables that tell who wrote each row, and what a look at one adds to that. Pure but for the snapshot.

`RDB$RECORD_VERSION` is the number of the transaction that wrote a row's newest committed version. The mark is the oldest transaction that
was active when a snapshot began: whatever is committed later was written by it or by a later one. So the next look asks for rows from the
mark on, and of those takes each whose number is not the one seen before. Not only greater ones: a READ COMMITTED transaction that began
first may write last, and the number goes down.

A row that is gone has no number. But with all raw keys known, and those of the written rows added, the table has fewer rows exactly when
some were deleted; only then are its keys read.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain

from foundation.engines.database import TransactionIds
from foundation.packed import PackedKeys
from producer.capture.raw_keys import RawKeys
from producer.sae.limbo import StockPlaces, Stuck, UpToLimbo
from producer.sae.port import RowsOf, Snapshot, in_parts
from producer.sae.tables import KEYS, OF_PRODUCTS, AnyRow, RawKey, Row


@dataclass(slots=True)
class Known:
    """One table as it was last looked at: its raw keys, the mark, and the numbers of the rows from the mark on."""

    mark: int
    versions: Mapping[RawKey, int]
    keys: RawKeys

    def keep(self, seen: "Seen") -> None:
        """What a look found counts from now on."""
        self.mark, self.versions = seen.mark, seen.versions
        self.keys -= seen.gone
        self.keys |= seen.added


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at one table found: raw keys of rows that were written (`added` are among them) and of those that are gone.

    Where `lacks` is true there are fewer rows than known keys: which are gone is still to be read.
    """

    mark: int
    versions: Mapping[RawKey, int]
    written: Collection[RawKey]
    added: set[RawKey]
    gone: set[RawKey] = field(default_factory=set)
    lacks: bool = False

    @property
    def found(self) -> bool:
        """Whether anything is to be read and published."""
        return bool(self.written or self.gone)

    @property
    def touched(self) -> Iterator[RawKey]:
        yield from self.written
        yield from self.gone


def look(snapshot: Snapshot, table: type[Row], known: Known, ids: TransactionIds) -> Seen:
    """What was written in a table since it was last looked at, and whether something was deleted."""
    survey = snapshot.survey(table, known.mark)
    written = {raw for raw, version in survey.written if known.versions.get(raw) != version}
    added = {raw for raw in written if raw not in known.keys}
    lacks = survey.rows != len(known.keys) + len(added)
    return Seen(ids.oldest_active, _from(ids.oldest_active, survey.written), written, added, lacks=lacks)


def read_gone(snapshot: Snapshot, table: type[Row], known: Known, seen: Seen) -> Seen:
    """The same with what was deleted, from all keys of the table in the same snapshot."""
    present = RawKeys(snapshot.keys(table))
    added = {raw for raw in present if raw not in known.keys}
    gone = {raw for raw in known.keys if raw not in present}
    return replace(seen, written={*seen.written, *added}, added=added, gone=gone, lacks=False)


def _from(mark: int, written: Iterable[tuple[RawKey, int]]) -> dict[RawKey, int]:
    return {raw: version for raw, version in written if version >= mark}


class Recording(RowsOf[UpToLimbo]):
    """Remembers the raw keys of all that passes, and the tables of which not all did."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(UpToLimbo(snapshot))
        self.keys: dict[type[Row], RawKeys] = {}
        self._products = PackedKeys()

    def rows(self, table: type[AnyRow]) -> Iterator[AnyRow]:
        size = len(KEYS.get(table, ()))
        found = super().rows(table)
        if not size:
            return found
        keys = self.keys.setdefault(table, RawKeys(firsts=self._products if table in OF_PRODUCTS else None))
        return chain.from_iterable(self._noted(found, keys, size))

    def _noted(self, rows: Iterator[AnyRow], keys: RawKeys, size: int) -> Iterator[list[AnyRow]]:
        for part in in_parts(rows):
            keys.learn(part, size)
            yield part

    @property
    def places(self) -> StockPlaces:
        return self.inner.places

    @property
    def stuck(self) -> Stuck:
        return self.inner.stuck

    def known(self, ids: TransactionIds) -> dict[type[Row], Known]:
        """What is known of the tables that passed whole, as far as they are exact."""
        exact = (self.inner.inner.exact & self.keys.keys()) - self.stuck.keys()
        return {table: self._known(table, ids.oldest_active) for table in exact}

    def _known(self, table: type[Row], mark: int) -> Known:
        return Known(mark, _from(mark, self.inner.inner.survey(table, mark).written), self.keys[table])
