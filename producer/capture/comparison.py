"""SAE against the log index, by key and content: pure, one row at a time."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from foundation.errors import PoisonError
from foundation.texts import text
from producer.index import LogIndex
from producer.sae.contents import Row
from schemas.codec import ContentHash, content_hash, encode
from schemas.control import Unpublished
from schemas.entities import Entity, Subject
from schemas.keys import Key, byte_order

LogKey = tuple[Subject, bytes]
Keys = Mapping[Subject, Collection[bytes]]
"""Keys by subject; of a set of them, to be asked quickly."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A key whose newest event is not what SAE holds: the Avro body to publish, None for a tombstone."""

    subject: Subject
    key: bytes
    body: bytes | None
    hash: ContentHash | None


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that no event can hold: its key keeps what the log has, which is nothing where `said` is false."""

    subject: Subject
    key: Key
    error: PoisonError
    said: bool

    @property
    def place(self) -> LogKey:
        return self.subject, self.key.encode()

    @property
    def row(self) -> Unpublished:
        """As the heartbeat tells of it."""
        return Unpublished(str(self.subject), self.key, str(self.error))


def unpublished(rows: Iterable[Row]) -> Iterator[Unpublished]:
    """Those that no event can hold, of rows of SAE; maps every one of them."""
    for row in rows:
        try:
            _body(row)
        except PoisonError as error:
            yield Problem(row.subject, row.key, error, said=False).row


def _body(row: Row) -> bytes:
    if not row.key:
        raise PoisonError(text("The key is empty"))
    return encode(row.subject.entity.value, row.value())


class Comparison:
    """SAE against the log index: add every row of all keys, or of those in `only`, then look at what it found."""

    def __init__(self, index: LogIndex, only: Keys | None = None) -> None:
        self._index, self._only = index, only
        self._subjects: dict[Subject, _OneSubject] = {}
        self._skipped: frozenset[Entity] = frozenset()
        self.read = 0

    def add(self, row: Row) -> None:
        if self._only is not None and row.key.encode() not in self._only.get(row.subject, ()):
            return
        self.read += 1
        found = self._subjects.get(row.subject)
        if found is None:
            found = self._subjects[row.subject] = _OneSubject(row.subject, self._index.hashes(row.subject))
        found.add(row)

    def skip(self, entities: frozenset[Entity]) -> None:
        """Not all of their rows were read: of these nothing is told, not even what seems gone."""
        self._skipped = entities

    @property
    def differences(self) -> list[Difference]:
        """What is pointed to comes first: only a courtesy to readers, who order for themselves."""
        order = {entity: place for place, entity in enumerate(Entity)}
        seen = [difference for one in self._whole() for difference in one.differences.values()]
        return sorted([*seen, *self._gone()], key=lambda difference: order[difference.subject.entity])

    def _gone(self) -> Iterator[Difference]:
        for subject in self._index.subjects():
            if subject.entity in self._skipped:
                continue
            one = self._subjects.get(subject)
            seen, live = one.seen if one else (), self._index.hashes(subject)
            keys = live if self._only is None else self._only.get(subject, ())
            yield from (Difference(subject, key, None, None) for key in keys if key not in seen and key in live)

    def _whole(self) -> Iterator["_OneSubject"]:
        return (one for subject, one in self._subjects.items() if subject.entity not in self._skipped)

    @property
    def problems(self) -> list[Problem]:
        return [problem for one in self._whole() for problem in one.problems.values()]

    @property
    def collisions(self) -> list[tuple[Subject, str]]:
        """The raw keys that lost to another one which is equal once trimmed, each once, in whichever tables it did."""
        return list(dict.fromkeys((one.subject, raw) for one in self._whole() for raw in one.collisions))

    @property
    def warehouses(self) -> frozenset[int]:
        return frozenset(subject.warehouse for subject in self._subjects if subject.warehouse is not None)


class _OneSubject:
    """`seen` holds SAE's keys, `dirty` the raw ones of those that are not trimmed in SAE."""

    def __init__(self, subject: Subject, known: Mapping[bytes, ContentHash]) -> None:
        self.subject, self._known = subject, known
        self.seen: set[bytes] = set()
        self._dirty: dict[bytes, str] = {}
        self.differences: dict[bytes, Difference] = {}
        self.problems: dict[bytes, Problem] = {}
        self.collisions: list[str] = []

    def add(self, row: Row) -> None:
        key = row.key.encode()
        if key in self.seen and not self._wins(row, key):
            return
        if key not in self.seen:
            self.collisions += row.lost
        self.seen.add(key)
        if row.raw != row.key:
            self._dirty[key] = row.raw
        try:
            self._compare(row, key)
        except PoisonError as error:
            self.problems[key] = Problem(self.subject, row.key, error, key in self._known)

    def _wins(self, row: Row, key: bytes) -> bool:
        """Of raw keys that are equal once trimmed the first in byte order counts."""
        other = self._dirty.get(key, row.key)
        first, second = sorted((other, row.raw), key=byte_order)
        self.collisions.append(second)
        if first == other:
            return False
        for found in (self._dirty, self.differences, self.problems):
            found.pop(key, None)
        return True

    def _compare(self, row: Row, key: bytes) -> None:
        body = _body(row)
        found = content_hash(body)
        if found != self._known.get(key):
            self.differences[key] = Difference(self.subject, key, body, found)
