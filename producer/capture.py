"""Which changes a pass looks at: the port of the capture modes, and the mode `compare`.

`compare` reads everything in one snapshot and compares it with the view by key and content, deletes included. It finds every change that
is still there when it reads, whoever made it; it is the only mode that needs nothing from SAE.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from producer.mapping import Mapped, Unmappable, byte_order, everything, warehouses
from producer.sae import Sae, Snapshot
from producer.view import View
from puente.engines.database import TransactionIds
from puente.errors import PoisonError
from schemas.changes import Entity, Subject
from schemas.codec import ContentHash, content_hash, encode

CheckKeys = Collection[tuple[Subject, bytes]]


@dataclass(frozen=True, slots=True)
class Difference:
    """A key whose newest event is not what SAE holds: the Avro body to publish, None for a tombstone."""

    subject: Subject
    key: bytes
    body: bytes | None
    hash: ContentHash | None


@dataclass(frozen=True, kw_only=True)
class Captured:
    """What one snapshot showed. `read` counts SAE's rows that travel; `problems` and `collisions` name keys for people."""

    at: datetime
    mode: str
    differences: list[Difference]
    warehouses: frozenset[int] = frozenset()
    read: int = 0
    complete: bool = True
    problems: list[Unmappable] = field(default_factory=list)
    collisions: list[tuple[Subject, str]] = field(default_factory=list)
    marks: object = None


class Capture(Protocol):
    """A capture mode. Nothing it learns in `changes` may count before `keep` says that all of it was acknowledged."""

    mode: str

    def changes(self, view: View, check: CheckKeys) -> Captured | None:
        """Reads SAE in one short snapshot, closed before it returns; None where nothing can have changed since the last `keep`.

        `check` holds keys that must be looked at whatever the mode thinks. Errors are those of `Database`.
        """
        ...

    def keep(self, captured: Captured) -> None:
        """All of `captured` is acknowledged: its marks count from now on."""
        ...

    def forget(self) -> None:
        """Start over: no mark counts."""
        ...


class CompareCapture:
    """The mode `compare`.

    The gate: where no transaction began or ran since the last finished pass, nothing is read. It trusts transaction numbers of one
    session only.
    """

    mode = "compare"

    def __init__(self, sae: Sae, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._sae, self._now = sae, now
        self._idle: tuple[int, int] | None = None

    def changes(self, view: View, check: CheckKeys) -> Captured | None:
        with self._sae.snapshot() as snapshot:
            ids, session = snapshot.ids, self._sae.connections
            if not check and ids is not None and self._idle == (session, ids.own):
                self._idle = (session, ids.own + 1)
                return None
            at = self._now()
            comparison = _Comparison(view)
            for item in everything(snapshot):
                comparison.add(item)
            found = warehouses(snapshot)
        return comparison.captured(at, self.mode, found, _quiet_after(ids, session))

    def keep(self, captured: Captured) -> None:
        marks = captured.marks
        assert marks is None or isinstance(marks, tuple)
        self._idle = marks

    def forget(self) -> None:
        self._idle = None


def _quiet_after(ids: TransactionIds | None, session: int) -> tuple[int, int] | None:
    """The number our next transaction gets if nobody else begins one; None where another one was running, which may still commit."""
    return (session, ids.own + 1) if ids is not None and ids.oldest_active == ids.own else None


class _Comparison:
    """SAE against the view, one row at a time."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._raw: dict[Subject, dict[bytes, str]] = {}
        self._differences: dict[tuple[Subject, bytes], Difference] = {}
        self._problems: dict[tuple[Subject, bytes], Unmappable] = {}
        self._collisions: list[tuple[Subject, str]] = []
        self._read = 0

    def add(self, item: Mapped | Unmappable) -> None:
        self._read += 1
        key = item.key.encode()
        known = self._raw.setdefault(item.subject, {})
        place = (item.subject, key)
        if key in known and known[key] != item.raw:
            first, other = sorted((known[key], item.raw), key=byte_order)
            self._collisions.append((item.subject, other))
            if first != item.raw:
                return
        known[key] = item.raw
        self._differences.pop(place, None)
        self._problems.pop(place, None)
        self._look_at(item, place)

    def _look_at(self, item: Mapped | Unmappable, place: tuple[Subject, bytes]) -> None:
        if isinstance(item, Mapped):
            try:
                body = encode(item.subject.entity.value, item.value)
            except PoisonError as error:
                item = Unmappable(item.subject, item.key, item.raw, error)
            else:
                found = content_hash(body)
                if self._view.hash_of(*place) != found:
                    self._differences[place] = Difference(*place, body, found)
                return
        self._problems[place] = item

    def captured(self, at: datetime, mode: str, found: Iterable[int], marks: object) -> Captured:
        gone = [
            Difference(subject, key, None, None)
            for subject, keys in self._view.keys()
            for key in keys
            if key not in self._raw.get(subject, ())
        ]
        with_stock = {subject.warehouse for subject in self._raw if subject.warehouse is not None}
        return Captured(
            at=at,
            mode=mode,
            differences=sorted([*self._differences.values(), *gone], key=_in_order),
            warehouses=frozenset(found) | with_stock,
            read=self._read,
            problems=list(self._problems.values()),
            collisions=self._collisions,
            marks=marks,
        )


def _in_order(difference: Difference) -> tuple[int, int, bytes]:
    """What is pointed to goes first: only a courtesy to readers, who order for themselves."""
    subject = difference.subject
    return list(Entity).index(subject.entity), subject.warehouse or 0, difference.key
