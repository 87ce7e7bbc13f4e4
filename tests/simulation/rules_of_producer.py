"""The producer's rules, each taken out of the product: what stands in its place."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Any

from foundation.engines.database import TransactionIds
from foundation.eventlog import lineage as history
from foundation.eventlog.lineage import Position
from foundation.eventlog.port import START, Batch, Event, EventLog, Offset, Record, Topic
from producer import index, mass_change, recognition
from producer.capture import record_version as versions
from producer.capture import schedule
from producer.capture.comparison import LogKey
from producer.capture.known import Known, Recording, Seen, look
from producer.capture.port import Captured, CheckKeys, Standing
from producer.capture.record_version import VersionCapture
from producer.capture.schedule import Counting, Gate
from producer.claim import Claim, Standby
from producer.index import LogChanged, LogIndex
from producer.losses import Kind, Losses
from producer.mass_change import Held, MassChange
from producer.poll import Producer
from producer.publish import Publisher
from producer.recognition import Recognition
from producer.sae.port import Snapshot
from producer.sae.tables import CvesAlter, PrecioXProd, Row
from schemas.control import SaeIdentity
from tests.simulation.actors import ProducerProcess
from tests.simulation.sae import SaeSession

Changes = dict[tuple[Any, str], Any]
Look = Callable[[Snapshot, type[Row], Known, TransactionIds], Seen]


def reading(*, topic_id: bool = True, end: bool = True, last: bool = True, missing: bool = True) -> Callable[..., tuple[Batch, Position]]:
    """`read_on` that does not look at some part of the proof of history."""

    def read_on(log: EventLog, topic: Topic, position: Position | None, limit: int = 1000) -> tuple[Batch, Position]:
        state = log.state(topic)
        if position is None or state is None:
            return history.read_on(log, topic, position, limit)
        if not topic_id:
            position = replace(position, topic_id=state.topic_id)
        if not end and state.topic_id == position.topic_id and state.end < position.next_offset:
            return Batch(next_offset=position.next_offset, state=state), position
        if not last or (not missing and _is_missing(log, topic, position)):
            position = replace(position, last=None)
        return history.read_on(log, topic, position, limit)

    return read_on


def _is_missing(log: EventLog, topic: Topic, position: Position) -> bool:
    if position.last is None:
        return False
    events = log.read(topic, position.last.offset, 1).events
    return not events or events[0].offset != position.last.offset


# starting over


def _keeps(_self: Producer) -> None:
    """Nothing is forgotten."""


def _goes_on(_self: ProducerProcess, _error: Exception) -> None:
    """With the same connections and memory."""


_say = Publisher.send_heartbeat


def _says_complete(self: Publisher, seen: LogIndex, standing: Standing | None, held: Any) -> None:
    _say(self, seen, standing or Standing(incomplete=frozenset(), price_lists=()), held)


# the log index

_read_topic, _take = LogIndex._read_topic, LogIndex._take


def _reads_unproved(self: LogIndex, topic: Topic, seen: Any) -> None:
    try:
        _read_topic(self, topic, seen)
    except LogChanged:
        seen.unread.clear()


def _believes(self: LogIndex, records: Iterable[Record], offsets: Iterable[Offset]) -> None:
    for record, offset in zip(records, offsets, strict=True):
        self._topic_index(record.topic).unread[offset] = index._all_of(record)


def _takes_own_alone(self: LogIndex, seen: Any, event: Event) -> None:
    ours, before = event.offset in seen.unread, seen.hashes.get(event.key)
    _take(self, seen, event)
    if self._began and not ours and seen.subject is not None:
        seen.hashes.drop(event.key)
        if before is not None:
            seen.hashes.set(event.key, before)


def _knows_no_late_heartbeat(self: LogIndex, seen: Any, event: Event) -> None:
    _take(self, seen, event)
    self.whole_heartbeat_at = START


def _checks_none(_self: LogIndex) -> tuple[()]:
    return ()


# marks

_known, _changes, _looked = Recording.known, VersionCapture.changes, Gate.looked


def _naive(ids: TransactionIds) -> TransactionIds:
    """As if nobody else had a transaction."""
    return replace(ids, oldest_active=ids.own)


def _looks_naively(snapshot: Snapshot, table: type[Row], known: Known, ids: TransactionIds) -> Seen:
    return look(snapshot, table, known, _naive(ids))


def _knows_naively(self: Recording, ids: TransactionIds) -> dict[type[Row], Known]:
    return _known(self, _naive(ids))


def _looks_after_the_mark(snapshot: Snapshot, table: type[Row], known: Known, ids: TransactionIds) -> Seen:
    return look(snapshot, table, Known(known.mark + 1, known.versions, known.keys), ids)


def _looks_for_greater(snapshot: Snapshot, table: type[Row], known: Known, ids: TransactionIds) -> Seen:
    seen, now = look(snapshot, table, known, ids), dict(snapshot.survey(table, known.mark).written)
    older = {raw for raw in seen.written if raw in known.versions and now[raw] < known.versions[raw]}
    return replace(seen, written=set(seen.written) - older)


def _looks_for_no_deletes(snapshot: Snapshot, table: type[Row], known: Known, ids: TransactionIds) -> Seen:
    return replace(look(snapshot, table, known, ids), lacks=False)


def _looks_for_no_deletes_of_children(snapshot: Snapshot, table: type[Row], known: Known, ids: TransactionIds) -> Seen:
    seen = look(snapshot, table, known, ids)
    return replace(seen, lacks=False) if table in (PrecioXProd, CvesAlter) else seen


def _keeps_marks_first(self: VersionCapture, seen: LogIndex, check: CheckKeys, beat: Callable[[], None]) -> Captured | None:
    captured = _changes(self, seen, check, beat)
    if captured is not None:
        self.keep(captured)
    return captured


def _always_quiet(self: Gate, tables: Collection[type[Row]], _ids: TransactionIds) -> None:
    """As if nobody else had a transaction."""
    self._running.update(dict.fromkeys(tables, frozenset[int]()))


def _closed_while_nobody_begins(self: Gate, sae: Counting, _tables: Collection[type[Row]]) -> bool:
    """Whoever still ran at the last look."""
    return bool(self.is_newest(sae))


def _takes_any_list(self: Gate, tables: Collection[type[Row]], ids: TransactionIds) -> None:
    """Also one that was asked before somebody else began."""
    if self._asked is not None:
        self._asked = replace(self._asked, own=ids.own - 1)
    _looked(self, tables, ids)


def _is_newest_whatever_began(sae: Counting, session: int, _number: int) -> bool:
    return sae.connections == session


# deletes and claims


def _holds_nothing(_self: MassChange, captured: Captured, _index: LogIndex, _beat: Callable[[], None]) -> Captured:
    return captured


def _knows_deletes_alone(captured: Captured, *_rest: Any) -> dict[LogKey, Collection[Kind]]:
    return {(one.subject, one.key): (Kind.DELETED,) for one in captured.differences if one.body is None}


def _counts_all_but(kind: Kind) -> Callable[..., frozenset[Kind]]:
    def of(self: Losses, before: bytes, after: bytes) -> frozenset[Kind]:
        return _of(self, before, after) - {kind}

    return of


def _names_deletes_alone(self: MassChange) -> Held:
    held: Held = _for_heartbeat(self)
    return replace(held, subjects=frozenset(subject for subject in held.subjects if not held.updates))


_of, _for_heartbeat = Losses.of, vars(MassChange)["for_heartbeat"].fget


_admit = Recognition.admit


def _tells_no_difference(_known: SaeIdentity, _found: SaeIdentity) -> None:
    """Whatever SAE says of itself."""


def _knows_every_session(self: Recognition, captured: Captured, seen: LogIndex) -> SaeIdentity | None:
    """As if it were that of the start."""
    self._session = self._sae.connections
    return _admit(self, captured, seen)


def _yields_to_nobody(_self: Claim, _event: Event) -> None:
    """Whatever others claim."""


def _never_waits(_self: Standby) -> bool:
    return True


_KEEPS_GOING: Changes = {(Producer, "forget"): _keeps, (ProducerProcess, "failed"): _goes_on}
OFF: dict[str, Changes] = {
    "failure_starts_over": _KEEPS_GOING,
    "new_connection_starts_over": {(SaeSession, "counts"): 0},
    "start_says_incomplete": {(Publisher, "send_heartbeat"): _says_complete},
    "producer_checks_identity": {(index, "read_on"): reading(topic_id=False)},
    "producer_checks_last": {(index, "read_on"): reading(end=False, last=False)},
    "producer_checks_identity, producer_checks_last": {(index, "read_on"): reading(topic_id=False, end=False, last=False)},
    "acknowledged_is_read_back": {(LogIndex, "_read_topic"): _reads_unproved, (LogIndex, "acknowledged"): _believes},
    "foreign_events_enter_view": {(LogIndex, "_take"): _takes_own_alone},
    "late_word_is_covered": {(LogIndex, "_take"): _knows_no_late_heartbeat},
    "foreign_keys_checked_again": {(LogIndex, "take_foreign"): _checks_none},
    "mark_is_oat_of_own_snapshot": {(versions, "look"): _looks_naively, (Recording, "known"): _knows_naively},
    "mark_ge": {(versions, "look"): _looks_after_the_mark},
    "gate_needs_to_be_alone": {(Gate, "looked"): _always_quiet},
    "gate_needs_who_ran_to_run": {(Gate, "is_closed"): _closed_while_nobody_begins},
    "list_is_of_just_before": {(Gate, "looked"): _takes_any_list},
    "counter_stands_still": {(schedule, "is_newest"): _is_newest_whatever_began},
    "marks_last": {(VersionCapture, "changes"): _keeps_marks_first},
    "marks_last, failure_starts_over": {(VersionCapture, "changes"): _keeps_marks_first, **_KEEPS_GOING},
    "version_differs": {(versions, "look"): _looks_for_greater},
    "deletes_by_count": {(versions, "look"): _looks_for_no_deletes},
    "count_every_table": {(versions, "look"): _looks_for_no_deletes_of_children},
    "mass_change": {(MassChange, "sift"): _holds_nothing},
    "mass_change_of_updates": {(mass_change, "_losses"): _knows_deletes_alone},
    "mass_change_of_prices_gone": {(Losses, "of"): _counts_all_but(Kind.PRICE_GONE)},
    "mass_change_of_prices_moved": {(Losses, "of"): _counts_all_but(Kind.PRICE_MOVED)},
    "mass_change_of_codes": {(Losses, "of"): _counts_all_but(Kind.CODE_GONE)},
    "mass_change_of_taxes": {(Losses, "of"): _counts_all_but(Kind.TAX_GONE)},
    "held_counts_with_new": {(MassChange, "held"): {}},
    "few_that_are_left_go": {(MassChange, "again"): ()},
    "held_updates_are_named": {(MassChange, "for_heartbeat"): property(_names_deletes_alone)},
    "another_sae_is_refused": {(recognition, "difference"): _tells_no_difference},
    "each_session_is_recognised": {(Recognition, "admit"): _knows_every_session},
    "newest_claim_wins": {(Claim, "take"): _yields_to_nobody},
    "standby_waits": {(Standby, "may_claim"): _never_waits},
}
