"""A producer between a fake SAE and a log in memory, and an oracle that says what the log must hold."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from foundation.errors import PoisonError
from foundation.eventlog.port import Event, Record
from producer.capture.compare import CompareCapture
from producer.capture.port import Capture
from producer.capture.record_version import VersionCapture
from producer.index import LogIndex
from producer.losses import Kind
from producer.mass_change import MassChange
from producer.poll import Pass, Producer
from producer.publish import Publisher
from producer.recognition import Recognition
from producer.sae.contents import Row, everything
from schemas.changes import Value
from schemas.codec import Decoder, content_hash, encode, frame
from schemas.control import Heartbeat, parse
from schemas.entities import Subject
from schemas.headers import HASH, EventHeaders
from schemas.keys import byte_order
from schemas.topics import Topics
from tests.fakes.failing_log import FailingLog
from tests.fakes.sae import FakeSae

TOPICS = Topics("puente", "01")
SubjectKey = tuple[Subject, bytes]
_seconds = count()
Mode = type[CompareCapture] | type[VersionCapture]
MODES: tuple[Mode, ...] = (CompareCapture, VersionCapture)


class Clock:
    """Monotonic, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Site:
    """Everything one producer needs. `restart` gives a new process on the same log. `mode` makes its capture, with the options."""

    def __init__(self, *rows: Any, mode: Mode = CompareCapture, **options: Any) -> None:
        self.sae, self.log, self.clock, self.mode, self.options = FakeSae(*rows), FailingLog(), Clock(), mode, options
        self.runs = 0
        self.restart()

    def restart(self, allow_deletes: int = 0, allowed: Mapping[Kind, int] | None = None, *, accepts_sae: bool = False) -> None:
        self.producer = self.another(allow_deletes, allowed, accepts_sae=accepts_sae)

    def another(self, allow_deletes: int = 0, allowed: Mapping[Kind, int] | None = None, *, accepts_sae: bool = False) -> Producer:
        """A producer of another process."""
        capture: Capture = self.mode(self.sae, clock=self.clock, **self.options)
        return Producer(
            capture=capture,
            publisher=Publisher(self.log, TOPICS, self._new_run, progress=self.options.get("progress")),
            new_index=lambda claim: LogIndex(self.log, TOPICS, claim.take),
            recognition=Recognition(self.sae, is_accepted=accepts_sae, clock=self.clock),
            mass_change=MassChange({Kind.DELETED: allow_deletes, **(allowed or {})}),
            clock=self.clock,
        )

    def _new_run(self) -> str:
        self.runs += 1
        return f"run{self.runs}"

    def run(self) -> Pass:
        return self.producer.run_pass()

    def settled(self) -> list[Record]:
        """Runs until nothing is left to do; what was published, without heartbeats."""
        self.log.appended.clear()
        for _ in range(3):
            self.run()
        return self.published()

    def published(self) -> list[Record]:
        return [record for record in self.log.appended if TOPICS.subject(record.topic) is not None]

    def events(self, subject: Subject) -> dict[str, Any]:
        """Key → newest value."""
        found = self.log.newest(TOPICS.of(subject))
        return {key.decode(): Decoder().decode(subject.entity.value, event.value or b"") for key, event in found.items()}

    def heartbeats(self) -> list[Heartbeat]:
        """All that were said, short ones as the whole ones that they repeat."""
        events = self.log.store.topics[TOPICS.control].events
        said = {event.offset: parse(Decoder(), event.value) for event in events if event.value is not None}
        return [
            heartbeat if heartbeat.repeats is None else replace(said[heartbeat.repeats], time=heartbeat.time) for heartbeat in said.values()
        ]

    def in_log(self) -> dict[SubjectKey, str]:
        """Every live key with the hash that its event tells."""
        found = {}
        for topic in self.log.store.topics:
            subject = TOPICS.subject(topic)
            for key, event in self.log.newest(topic).items() if subject else ():
                assert subject is not None
                found[subject, key] = told_hash(event)
        return found

    def expected(self) -> tuple[dict[SubjectKey, str], set[SubjectKey]]:
        """What the log must hold of SAE as it stands, and the keys of which no event can tell."""
        hashes: dict[SubjectKey, str] = {}
        unmappable: set[SubjectKey] = set()
        for place, row in first_rows(self.sae).items():
            try:
                hashes[place] = content_hash(row.body())
            except PoisonError:
                unmappable.add(place)
            if not row.key:
                unmappable.add(place)
                hashes.pop(place, None)
        return hashes, unmappable

    def agrees(self) -> bool:
        hashes, unmappable = self.expected()
        return {place: found for place, found in self.in_log().items() if place not in unmappable} == hashes

    def tells_what_lacks(self) -> None:
        """The newest heartbeat calls complete what is."""
        lacking = {subject for subject, key in self.expected()[1] if (subject, key) not in self.in_log()}
        told = {TOPICS.subject(topic.topic): topic.complete for topic in self.heartbeats()[-1].topics}
        assert {subject for subject, complete in told.items() if not complete} == lacking


def told_hash(event: Event) -> str:
    return (event.header(HASH) or b"").decode()


def first_rows(sae: FakeSae) -> dict[SubjectKey, Row]:
    """Of raw keys that are equal once trimmed, the first in byte order. Reads SAE behind the producer's back."""
    reader = FakeSae()
    reader.tables, reader.layout = sae.tables, sae.layout
    with reader.snapshot() as snapshot:
        rows = sorted(everything(snapshot), key=lambda row: byte_order(row.raw), reverse=True)
    return {(row.subject, row.key.encode()): row for row in rows}


def foreign(subject: Subject, key: str, value: Value | None) -> Record:
    """An event of somebody else; no two are the same, for each tells when it was captured."""
    entity = subject.entity.value
    body = None if value is None else encode(entity, value)
    content = None if body is None else content_hash(body)
    headers = EventHeaders(
        hash=content, captured=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=next(_seconds)), run="other", mode="compare"
    )
    framed = None if body is None else frame(entity, body)
    return Record(topic=TOPICS.of(subject), key=key.encode(), value=framed, headers=headers.encode())
