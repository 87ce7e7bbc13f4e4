"""The producer's newest heartbeat, and whether more of them come.

A heartbeat has the time of the producer's own clock, which may be another machine's. One of about now by this clock shows that the producer
runs; else the log is watched for a moment, for the next one comes soon.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from time import monotonic
from typing import Protocol

from foundation.eventlog.port import START, Event, EventLog, Offset, Topic
from foundation.silence import SILENCE_SECONDS
from foundation.texts import Text, marked, text, translate
from producer.losses import TOLD, Kind, way_through
from producer.poll import HEARTBEAT_SECONDS
from schemas.codec import Decoder
from schemas.control import SAE, Duplicate, Heartbeat, StuckTable, Unpublished, parse, repeated
from schemas.registry import RegistryReader
from schemas.topics import Topics

NEWEST_HEARTBEATS = 50
"""A topic of heartbeats holds a day of them, and the last ones tell."""
LISTEN_SECONDS = 2.5 * HEARTBEAT_SECONDS


class ProducerState(StrEnum):
    """What the producer does, in one word."""

    WORKING = marked("working")
    WAITING = marked("waiting")
    """It carries all but what rests on tables of SAE that cannot be read: `Heartbeat.stuck`."""
    COMPARING = marked("comparing")
    """It reads all of SAE and the log, since it has just begun."""
    STOPPED = marked("stopped")
    """It ended cleanly."""
    SILENT = marked("silent")
    """Its heartbeat came no more."""
    NEVER_STARTED = marked("never started")
    UNKNOWN = marked("unknown")
    """The log cannot be read."""


PRODUCES = frozenset((ProducerState.WORKING, ProducerState.WAITING, ProducerState.COMPARING))


@dataclass(kw_only=True)
class ProducerStatus:
    """`heartbeat` is the newest that was heard, said `heard_seconds` ago; both None where none ever was."""

    state: ProducerState = ProducerState.UNKNOWN
    heartbeat: Heartbeat | None = None
    heard_seconds: float | None = None


def listen(log: EventLog, topics: Topics) -> ProducerStatus:
    """Raises what the log does."""
    state = log.state(topics.control)
    if state is None:
        return ProducerStatus(state=ProducerState.NEVER_STARTED)
    found = _heard(log, topics, _newest(log, topics.control, state.end))
    if found.heard_seconds is None or found.state is ProducerState.STOPPED or abs(found.heard_seconds) <= SILENCE_SECONDS:
        return found
    if not _grows(log, topics.control, state.end):
        found.state = ProducerState.SILENT
        return found
    found = _heard(log, topics, _read(log, topics.control, state.end))
    found.heard_seconds = 0.0
    return found


def last_heartbeat(log: EventLog, topics: Topics) -> Heartbeat | None:
    """The newest heartbeat, of whichever producer and however old; raises what the log does."""
    state = log.state(topics.control)
    return None if state is None else _heard(log, topics, _newest(log, topics.control, state.end)).heartbeat


def price_lists_of_sae(log: EventLog, topics: Topics) -> tuple[int, ...] | None:
    """SAE's price lists; None where the newest heartbeat does not tell them."""
    heartbeat = last_heartbeat(log, topics)
    return heartbeat.price_lists if heartbeat else None


def _grows(log: EventLog, topic: Topic, end: Offset) -> bool:
    until = monotonic() + LISTEN_SECONDS
    while (left := until - monotonic()) > 0:
        log.wait({topic: end}, left)
        state = log.state(topic)
        if state is None or state.end != end:
            return state is not None
    return False


def _heard(log: EventLog, topics: Topics, events: Sequence[Event]) -> ProducerStatus:
    said = next((event.value for event in reversed(events) if _is_heartbeat(event)), None)
    if said is None:
        return ProducerStatus(state=ProducerState.STOPPED if events else ProducerState.NEVER_STARTED)
    decoder = Decoder()
    RegistryReader(log, topics.registry, decoder).refresh()
    heartbeat: Heartbeat | None = parse(decoder, said)
    if heartbeat is not None and heartbeat.repeats is not None:
        heartbeat = repeated(log, topics.control, heartbeat, lambda whole: parse(decoder, whole))
    if heartbeat is None:  # the one that it repeats is taken back
        return ProducerStatus(state=ProducerState.STOPPED)
    seconds = (datetime.now(UTC) - heartbeat.time).total_seconds()
    state = ProducerState.STOPPED if events[-1].value is None else _doing(heartbeat)
    return ProducerStatus(state=state, heartbeat=heartbeat, heard_seconds=seconds)


def _doing(heartbeat: Heartbeat) -> ProducerState:
    if heartbeat.stuck:
        return ProducerState.WAITING
    return ProducerState.WORKING if heartbeat.compared or heartbeat.complete else ProducerState.COMPARING


def _is_heartbeat(event: Event) -> bool:
    """Which SAE it is tells nothing of what the producer does."""
    return event.value is not None and event.key != SAE


def _newest(log: EventLog, topic: Topic, end: Offset) -> list[Event]:
    """The last events, of which one at least is a heartbeat if there is any."""
    found = _read(log, topic, Offset(max(START, end - NEWEST_HEARTBEATS)))
    return found if any(map(_is_heartbeat, found)) else _read(log, topic, START)


def _read(log: EventLog, topic: Topic, position: Offset) -> list[Event]:
    found: list[Event] = []
    while True:
        batch = log.read(topic, position)
        found, position = [*found, *batch.events][-NEWEST_HEARTBEATS:], batch.next_offset
        if batch.at_end:
            return found


class Untravelled(Protocol):
    """Of a heartbeat, or of a pass of the producer: the rows of SAE that do not travel."""

    @property
    def unpublished(self) -> Sequence[Unpublished]: ...
    @property
    def unpublished_count(self) -> int: ...
    @property
    def duplicates(self) -> Sequence[Duplicate]: ...
    @property
    def duplicate_count(self) -> int: ...


def untravelled(found: Untravelled) -> Iterator[Text]:
    """What SAE holds and no CAJA gets, a sentence for each reason."""
    if found.unpublished_count:
        yield unpublished(found)
    if found.duplicate_count:
        yield duplicates(found)


def unpublished(heartbeat: Untravelled) -> Text:
    """`1 row of SAE cannot be published: product MALO (average_cost …)`."""
    listed = "; ".join(f"{translate(row.entity.partition('.')[0])} {row.key} ({row.reason})" for row in heartbeat.unpublished)
    more = (
        f" (+{heartbeat.unpublished_count - len(heartbeat.unpublished)})"
        if heartbeat.unpublished_count > len(heartbeat.unpublished)
        else ""
    )
    if heartbeat.unpublished_count == 1:
        return text("1 row of SAE cannot be published: {listed}", listed=listed)
    return text("{count} rows of SAE cannot be published: {listed}", count=heartbeat.unpublished_count, listed=f"{listed}{more}")


def stuck(table: StuckTable) -> Text:
    """What waits for which transaction, and who may end it how."""
    return text(
        "the table {table} cannot be read whole, and what is made of it waits ({entities}); all else goes on. Transaction {number} of two "
        "databases wrote to it, was prepared and never ended: SAE's administrator ends it by gfix -commit {number} or "
        "gfix -rollback {number} (gfix -list shows it)",
        table=table.table,
        entities=", ".join(map(translate, table.entities)),
        number="?" if table.transaction is None else table.transaction,
    )


def held(heartbeat: Heartbeat) -> Iterator[Text]:
    """Which mass changes wait for somebody, and what lets them through."""
    for deletes in heartbeat.held_deletes:
        if deletes.warehouses:
            yield text(
                "SAE keeps no stock of the warehouses {warehouses} any more (MULTIALMACEN switched off, or a warehouse deleted): {count} "
                "deletes of stock wait, and stores with such a warehouse show the stock of before. Where that is meant: puente produce "
                "--allow-deletes {count}; where it is not, switch it on again in SAE, and nothing is deleted",
                warehouses=", ".join(map(str, deletes.warehouses)),
                count=deletes.count,
            )
        else:
            yield waits(deletes.entity, Kind.DELETED, deletes.count)
    for updates in heartbeat.held_updates:
        yield waits(updates.entity, updates.kind, updates.count)
    if heartbeat.held and not (heartbeat.held_deletes or heartbeat.held_updates):  # of a producer one release behind
        topics = ", ".join(sorted(heartbeat.held))
        yield text("very many deletes wait for somebody to let them through ({topics}): puente produce --allow-deletes N", topics=topics)


def waits(entity: str, kind: str, count: int) -> Text:
    """One of them; a newer producer may know other kinds."""
    return text(
        "{count} changes at once wait ({entity}: {kind}); look at SAE. Where it is meant, let them through: {command}. "
        "Where it is not, put it right in SAE, and nothing changes",
        count=count,
        entity=translate(entity),
        kind=translate(TOLD[Kind(kind)]) if kind in list(Kind) else kind,
        command=way_through(kind, count),
    )


def duplicates(heartbeat: Untravelled) -> Text:
    """`2 rows of SAE do not travel, for other ones have the same keys once trimmed, and the first counts: product 'A', stock 1 'A'`."""
    listed = ", ".join(f"{_named(row.entity)} {row.key!r}" for row in heartbeat.duplicates)
    more = f" (+{heartbeat.duplicate_count - len(heartbeat.duplicates)})" if heartbeat.duplicate_count > len(heartbeat.duplicates) else ""
    if heartbeat.duplicate_count == 1:
        return text(
            "1 row of SAE does not travel, for another one has the same key once trimmed, and the first counts: {listed}", listed=listed
        )
    return text(
        "{count} rows of SAE do not travel, for other ones have the same keys once trimmed, and the first counts: {listed}",
        count=heartbeat.duplicate_count,
        listed=f"{listed}{more}",
    )


def _named(entity: str) -> str:
    """`stock 1` for `stock.1`, in the reader's language."""
    name, _, warehouse = entity.partition(".")
    return f"{translate(name)} {warehouse}".rstrip()
