"""The producer's heartbeat: how far the log goes, and whether it holds all that SAE held.

It stands under three keys, so that compaction keeps the newest of each: a whole one (`KEY`) where something changed, and between two of
those short ones (`SHORT`) that say no more than where the whole one stands that still holds. A third one (`SAE`) tells which SAE the log
holds; a clean end, which takes the whole one back, leaves it.
"""

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from foundation.eventlog.port import Event, EventLog, Offset, Record, Topic, TopicId
from schemas.changes import Value
from schemas.codec import HEARTBEAT, Decoder, encode, frame
from schemas.entities import Subject
from schemas.headers import RUN
from schemas.keys import Key

KEY, SHORT, SAE = b"producer", b"beat", b"sae"


@dataclass(frozen=True, kw_only=True, slots=True)
class TopicHeartbeat:
    """`end` is the offset after the last event that the producer read or wrote."""

    topic: Topic
    topic_id: TopicId
    end: Offset
    complete: bool


@dataclass(frozen=True, slots=True)
class Unpublished:
    """A row of SAE that no event can hold. `entity` is a subject's text (`product`, `stock.1`), `reason` is for people."""

    entity: str
    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A row of SAE that lost to another one whose key is the same once trimmed; `key` as SAE has it. `entity` is a subject's text."""

    entity: str
    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StuckTable:
    """A table of SAE with a row that waits for a transaction which was prepared and never ended; `entities` are made of it and wait.

    `transaction` is its number, None where the engine does not tell it.
    """

    table: str
    transaction: int | None
    entities: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldDeletes:
    """So many deletes of an entity wait for a person. Of the `warehouses` SAE keeps no stock any more."""

    entity: str
    count: int
    warehouses: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SaeIdentity:
    """What tells one SAE from another, and an old copy of it from a newer one. It survives gbak and a copy of the file.

    `rfc` is a hash of the company's, None where SAE tells none. `marks` are hashes of the UUIDs of its currencies, tax schemes, price lists
    and warehouses, in order. `newest` is the newest stamp of its products, in SAE's local time. `place` says where it was read, for people.
    """

    rfc: str | None = None
    marks: tuple[str, ...] = ()
    newest: datetime | None = None
    place: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldUpdates:
    """So many keys of an entity wait for a person, each whole, since so many would lose something of one kind at once."""

    kind: str
    entity: str
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Heartbeat:
    """What one run of the producer said at `time` (UTC).

    `compared`: since it began it has held every topic against SAE. Topics in `held` hold more than SAE, or something older: mass changes of
    them wait until somebody lets them through; `held_deletes` and `held_updates` count them. `price_lists` are the numbers
    of SAE's, None before it compared. `unpublished` names the first of `unpublished_count` rows, `duplicates` of `duplicate_count`. What is
    made of the tables in `stuck` waits. A short one has `repeats`, the place of the whole one it repeats, and nothing but run and time. One
    with `sae` stands under a key of its own.
    """

    run: str
    time: datetime
    topics: tuple[TopicHeartbeat, ...]
    compared: bool
    held: Collection[Topic] = ()
    price_lists: tuple[int, ...] | None = None
    unpublished: tuple[Unpublished, ...] = ()
    unpublished_count: int = 0
    stuck: tuple[StuckTable, ...] = ()
    held_updates: tuple[HeldUpdates, ...] = ()
    held_deletes: tuple[HeldDeletes, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()
    duplicate_count: int = 0
    repeats: Offset | None = None
    sae: SaeIdentity | None = None

    def unpublished_of(self, subject: Subject) -> frozenset[Key]:
        """The keys that SAE has and the subject's topic may lack for good; none where not all of them are named."""
        if not self.compared or len(self.unpublished) < self.unpublished_count:
            return frozenset()
        return frozenset(Key(row.key) for row in self.unpublished if row.entity == str(subject))

    @property
    def complete(self) -> bool:
        """Whether the log holds all of SAE. Where stock waits it may have no topic yet that could lack something."""
        return bool(self.topics) and not self.stuck and all(topic.complete for topic in self.topics)


def record(topic: Topic, heartbeat: Heartbeat) -> Record:
    """The heartbeat as an event of the control topic; its header tells whose it is to those who need not decode it."""
    value = {
        "run": heartbeat.run,
        "time": heartbeat.time,
        "topics": [{"topic": t.topic, "identity": t.topic_id, "end": t.end, "complete": t.complete} for t in heartbeat.topics],
        "compared": heartbeat.compared,
        "held": sorted(heartbeat.held),
        "price_lists": heartbeat.price_lists,
        "unpublished": [{"entity": u.entity, "key": u.key, "reason": u.reason} for u in heartbeat.unpublished],
        "unpublished_count": heartbeat.unpublished_count,
        "duplicates": [{"entity": one.entity, "key": one.key} for one in heartbeat.duplicates],
        "duplicate_count": heartbeat.duplicate_count,
        "repeats": heartbeat.repeats,
        "stuck": [{"table": s.table, "transaction": s.transaction, "entities": list(s.entities)} for s in heartbeat.stuck],
        "held_updates": [{"kind": h.kind, "entity": h.entity, "count": h.count} for h in heartbeat.held_updates],
        "held_deletes": [{"entity": h.entity, "count": h.count, "warehouses": list(h.warehouses)} for h in heartbeat.held_deletes],
        "sae_identity": _identity_value(heartbeat.sae),
    }
    key = SAE if heartbeat.sae is not None else KEY if heartbeat.repeats is None else SHORT
    return Record(topic=topic, key=key, value=frame(HEARTBEAT, encode(HEARTBEAT, value)), headers=((RUN, heartbeat.run.encode()),))


def _identity_value(sae: SaeIdentity | None) -> Value | None:
    if sae is None:
        return None
    newest = None if sae.newest is None else sae.newest.isoformat()
    return {"rfc": sae.rfc, "marks": list(sae.marks), "newest": newest, "place": sae.place}


def short(heartbeat: Heartbeat, place: Offset, time: datetime) -> Heartbeat:
    """The heartbeat once more, which stands whole at `place`."""
    return Heartbeat(run=heartbeat.run, time=time, topics=(), compared=False, repeats=place)


def release(topic: Topic, run: str) -> Record:
    """The last event of a run that ended cleanly: the heartbeat is taken back, and the log is free."""
    return Record(topic=topic, key=KEY, value=None, headers=((RUN, run.encode()),))


def run_of(event: Event) -> str | None:
    """The run that a heartbeat or a release belongs to; None where the event tells none."""
    run = event.header(RUN)
    return None if run is None else run.decode(errors="replace")


def parse(decoder: Decoder, framed: bytes) -> Heartbeat:
    """The heartbeat of an event; raises what `Decoder.decode` raises."""
    value = decoder.decode(HEARTBEAT, framed)
    topics = tuple(
        TopicHeartbeat(topic=Topic(t["topic"]), topic_id=TopicId(t["identity"]), end=Offset(t["end"]), complete=t["complete"])
        for t in value["topics"]
    )
    return Heartbeat(
        run=value["run"],
        time=value["time"],
        topics=topics,
        compared=value["compared"],
        held=tuple(map(Topic, value["held"])),
        price_lists=None if value["price_lists"] is None else tuple(value["price_lists"]),
        unpublished=tuple(Unpublished(row["entity"], row["key"], row["reason"]) for row in value["unpublished"]),
        unpublished_count=value["unpublished_count"],
        stuck=tuple(StuckTable(table=s["table"], transaction=s["transaction"], entities=tuple(s["entities"])) for s in value["stuck"]),
        held_updates=tuple(HeldUpdates(kind=h["kind"], entity=h["entity"], count=h["count"]) for h in value["held_updates"]),
        held_deletes=tuple(
            HeldDeletes(entity=h["entity"], count=h["count"], warehouses=tuple(h["warehouses"])) for h in value["held_deletes"]
        ),
        duplicates=tuple(Duplicate(row["entity"], row["key"]) for row in value["duplicates"]),
        duplicate_count=value["duplicate_count"],
        repeats=None if value["repeats"] is None else Offset(value["repeats"]),
        sae=None if value["sae_identity"] is None else _identity(value["sae_identity"]),
    )


def _identity(value: Value) -> SaeIdentity:
    """A stamp that is none counts as unknown."""
    newest = None
    with suppress(ValueError):
        newest = datetime.fromisoformat(value["newest"]).replace(tzinfo=None) if value["newest"] else None
    return SaeIdentity(rfc=value["rfc"], marks=tuple(value["marks"]), newest=newest, place=value["place"])


def repeated(log: EventLog, topic: Topic, heartbeat: Heartbeat, read: Callable[[bytes], Heartbeat | None]) -> Heartbeat | None:
    """The whole heartbeat that a short one repeats, with its time; None where that is taken back, or is not what stands there."""
    assert heartbeat.repeats is not None
    events = log.read(topic, heartbeat.repeats, 1).events
    whole = read(events[0].value) if events and events[0].offset == heartbeat.repeats and events[0].key == KEY and events[0].value else None
    return replace(whole, time=heartbeat.time) if whole is not None and whole.run == heartbeat.run else None
