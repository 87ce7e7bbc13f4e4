"""SAE against the log index, by key and content: pure, one row at a time."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, groupby
from operator import itemgetter
from typing import NamedTuple

from foundation.errors import PoisonError
from producer.index import LogIndex
from producer.packed import LiveKeys, Marked, PackedBodies
from producer.sae.contents import Row
from schemas.codec import ContentHash, content_bytes, content_hash
from schemas.control import Unpublished
from schemas.entities import Entity, Subject
from schemas.keys import Key, byte_order

LogKey = tuple[Subject, bytes]
Keys = Mapping[Subject, Collection[bytes]]
"""Keys by subject; of a set of them, to be asked quickly."""


class Difference(NamedTuple):
    """A key whose newest event is not what SAE holds: the Avro body to publish, None for a tombstone."""

    subject: Subject
    key: bytes
    body: bytes | None

    @property
    def hash(self) -> ContentHash | None:
        return None if self.body is None else content_hash(self.body)


class Differences(Collection[Difference]):
    """What a comparison found: at a first load hundreds of thousands, so each is made anew whenever it is asked for.

    What is pointed to comes first: only a courtesy to readers, who order for themselves.
    """

    def __init__(self, bodies: Iterable[tuple[Subject, PackedBodies]], gone: Iterable[LogKey]) -> None:
        self._bodies, self._gone = list(bodies), list(gone)

    def __len__(self) -> int:
        return sum(len(bodies) for _, bodies in self._bodies) + len(self._gone)

    def __iter__(self) -> Iterator[Difference]:
        return chain.from_iterable(self._of(entity) for entity in Entity)

    def __contains__(self, difference: object) -> bool:
        return any(one == difference for one in self)

    def _of(self, entity: Entity) -> Iterator[Difference]:
        for subject, bodies in self._bodies:
            if subject.entity is entity:
                yield from (Difference(subject, key, body) for key, body in bodies.items())
        yield from (Difference(subject, key, None) for subject, key in self._gone if subject.entity is entity)


def counted(differences: Iterable[Difference]) -> tuple[Counter[Entity], int]:
    """By entity, and the tombstones among them."""
    entities, gone = Counter[Entity](), 0
    for subject, some in groupby(differences, itemgetter(0)):
        are_gone = [difference.body is None for difference in some]
        entities[subject.entity] += len(are_gone)
        gone += sum(are_gone)
    return entities, gone


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
            row.body()
        except PoisonError as error:
            yield Problem(row.subject, row.key, error, said=False).row


class Comparison:
    """SAE against the log index: add every row of all keys, or of those in `only`, then look at what it found."""

    def __init__(self, index: LogIndex, only: Keys | None = None) -> None:
        self._index, self.only = index, only
        self._subjects: dict[Subject, _OneSubject] = {}
        self._by_id: dict[int, _OneSubject] = {}
        """The same by the very object, which most rows share: to compute a subject's hash takes longer than to compare two events."""
        self._skipped: frozenset[Entity] = frozenset()
        self.read = 0

    def add(self, row: Row) -> None:
        subject = row[0]
        if self.only is not None and row.key.encode() not in self.only.get(subject, ()):
            return
        self.read += 1
        found = self._by_id.get(id(subject))
        (self._find(subject) if found is None else found).add(row)

    def _find(self, subject: Subject) -> "_OneSubject":
        found = self._subjects.get(subject)
        if found is None:
            found = self._subjects[subject] = _OneSubject(subject, self._index.hashes(subject))
            self._by_id[id(found.subject)] = found
        return found

    def skip(self, entities: frozenset[Entity]) -> None:
        """Not all of their rows were read: of these nothing is told, not even what seems gone."""
        self._skipped = entities

    def set_aside(self, entities: Collection[Entity]) -> set[LogKey]:
        """Returns the keys of these, of those in `only`, that have an event and no row: they are not compared, for that proves nothing."""
        aside = {(subject, key) for subject, key in self._gone() if subject.entity in entities}
        self.only = {subject: {key for key in keys if (subject, key) not in aside} for subject, keys in (self.only or {}).items()}
        return aside

    @property
    def differences(self) -> Differences:
        return Differences([(one.subject, one.bodies) for one in self._whole()], self._gone())

    def _gone(self) -> Iterator[LogKey]:
        for subject in self._index.subjects():
            if subject.entity in self._skipped:
                continue
            one, live = self._subjects.get(subject), self._index.hashes(subject)
            seen = Marked(live) if one is None else one.seen
            if self.only is None:
                yield from ((subject, key) for key in seen.unmet(live))
            else:
                yield from ((subject, key) for key in self.only.get(subject, ()) if key not in seen and key in live)

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

    def __init__(self, subject: Subject, known: LiveKeys) -> None:
        self.subject, self.seen = subject, Marked(known)
        self._dirty: dict[bytes, str] = {}
        self.bodies = PackedBodies()
        self.problems: dict[bytes, Problem] = {}
        self.collisions: list[str] = []

    def add(self, row: Row) -> None:
        _, text, raw, _, lost = row
        key = text.encode()
        is_new, known = self.seen.meet(key)
        if is_new:
            if lost:
                self.collisions += lost
        elif not self._wins(row, key):
            return
        if raw != text:
            self._dirty[key] = raw
        try:
            body = row.body()
        except PoisonError as error:
            self.problems[key] = Problem(self.subject, row.key, error, known is not None)
            return
        if content_bytes(body) != known:
            self.bodies.set(key, body)

    def _wins(self, row: Row, key: bytes) -> bool:
        """Of raw keys that are equal once trimmed the first in byte order counts."""
        other = self._dirty.get(key, row.key)
        first, second = sorted((other, row.raw), key=byte_order)
        self.collisions.append(second)
        if first == other:
            return False
        self.bodies.drop(key)
        for found in (self._dirty, self.problems):
            found.pop(key, None)
        return True
