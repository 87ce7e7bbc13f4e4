"""The producer's heartbeat: how far the log goes, and whether it holds all that SAE held.

It stands under two keys, so that compaction keeps the newest of each: a whole one (`KEY`) where something changed, and between two of those
short ones (`SHORT`) that say no more than where the whole one stands that still holds.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime

from foundation.eventlog.port import Event, EventLog, Offset, Record, Topic, TopicId
from schemas.codec import HEARTBEAT, Decoder, encode, frame
from schemas.entities import Subject
from schemas.headers import RUN
from schemas.keys import Key

KEY, SHORT = b"producer", b"beat"


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Heartbeat:
    """What one run of the producer said at `time` (UTC).

    `compared`: since it began it has held every topic against SAE. Topics in `held` hold more than SAE: deletes of them wait until somebody
    lets them through. `price_lists` are the numbers of SAE's, None before it compared. `unpublished` names the first of
    `unpublished_count` rows. A short one has `repeats`, the place of the whole one that it repeats, and nothing else but run and time.
    """

    run: str
    time: datetime
    topics: tuple[TopicHeartbeat, ...]
    compared: bool
    held: Collection[Topic] = ()
    price_lists: tuple[int, ...] | None = None
    unpublished: tuple[Unpublished, ...] = ()
    unpublished_count: int = 0
    repeats: Offset | None = None

    def unpublished_of(self, subject: Subject) -> frozenset[Key]:
        """The keys that SAE has and the subject's topic may lack for good; none where not all of them are named."""
        if not self.compared or len(self.unpublished) < self.unpublished_count:
            return frozenset()
        return frozenset(Key(row.key) for row in self.unpublished if row.entity == str(subject))

    @property
    def complete(self) -> bool:
        return bool(self.topics) and all(topic.complete for topic in self.topics)


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
        "repeats": heartbeat.repeats,
    }
    key = KEY if heartbeat.repeats is None else SHORT
    return Record(topic=topic, key=key, value=frame(HEARTBEAT, encode(HEARTBEAT, value)), headers=((RUN, heartbeat.run.encode()),))


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
        repeats=None if value["repeats"] is None else Offset(value["repeats"]),
    )


def repeated(log: EventLog, topic: Topic, heartbeat: Heartbeat, read: Callable[[bytes], Heartbeat | None]) -> Heartbeat | None:
    """The whole heartbeat that a short one repeats, with its time; None where that is taken back, or is not what stands there."""
    assert heartbeat.repeats is not None
    events = log.read(topic, heartbeat.repeats, 1).events
    whole = read(events[0].value) if events and events[0].offset == heartbeat.repeats and events[0].key == KEY and events[0].value else None
    return replace(whole, time=heartbeat.time) if whole is not None and whole.run == heartbeat.run else None
