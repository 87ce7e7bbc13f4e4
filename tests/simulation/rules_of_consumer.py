"""The consumer's rules, each taken out of the product: what stands in its place."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from weakref import WeakKeyDictionary

from consumer import batch, follow, heartbeats, settle
from consumer.batch import Incoming, Plan, Planner
from consumer.batch_writer import Also, BatchWriter, Step
from consumer.caja.port import Transaction
from consumer.consume import Consumer
from consumer.follow import Follower
from consumer.heartbeats import Heartbeats, Verdict
from consumer.ledger.parked import Parked, ParkedChanges, Reason, SubjectKey
from consumer.ledger.state import TOMBSTONE, UNSEEN, Moment, PositionState, Progress, State, Sweep
from consumer.mapping.mapper import RowMapper
from consumer.partway import UpTo
from consumer.policies import Policies
from consumer.resync import topic as resync
from consumer.resync.retention import Tombstones
from consumer.resync.sweep import Actives, Found, find
from consumer.resync.topic import Resync
from consumer.session import Session
from consumer.settle import Settler
from foundation.eventlog import lineage as history
from foundation.eventlog.lineage import Position
from foundation.eventlog.port import START, Batch, Event, EventLog, Topic, TopicId, TopicSettings, TopicState
from foundation.texts import Text
from schemas.entities import CATALOGUES, Entity, Subject
from schemas.keys import Key
from tests.fakes.caja import MemoryTransaction
from tests.simulation import actors, caja
from tests.simulation.caja import SimCaja, mappers_of
from tests.simulation.caja_session import CajaSession
from tests.simulation.rules_of_producer import Changes, reading
from tests.simulation.scale import changed

# why a topic is read from its start

_reason = Follower._reason


def _ages_with_the_freshest(self: Follower, topic: Topic, progress: Progress) -> Text | None:
    """As if the end of any topic said something about this one."""
    return _reason(self, topic, replace(progress, end_reached=max(p.end_reached for p in self._applier.state.progress.values())))


def _lacks_nothing(_self: Tombstones, _topic: Topic, _away: timedelta) -> bool:
    return False


def _lasts_as_we_make_it(_self: Tombstones, _topic: Topic) -> timedelta:
    """Whatever somebody set."""
    return TopicSettings().tombstones_last


def _ignores_the_fingerprint(self: Follower, topic: Topic, progress: Progress) -> Text | None:
    if progress.state is PositionState.FOLLOWED:
        progress = replace(progress, fingerprint=self._fingerprint)
    return _reason(self, topic, progress)


def _both(read_on: Callable[..., tuple[Any, Position]]) -> Changes:
    return {(follow, "read_on"): read_on, (resync, "read_on"): read_on}


_read_on = history.read_on


def _reads_at_once(self: Follower, subject: Subject, topic: Topic, reason: Text) -> Step:
    """A broken lineage is resynced without the producer's heartbeat."""
    state = self._log.state(topic)
    return Step() if state is None else self._begin(subject, topic, state, reason)


def _proves_nothing_before(log: EventLog, topic: Topic, position: Position | None, limit: int = 1000) -> tuple[Batch, Position]:
    """A topic that is to be read from its start anyway is not held against its history; that is the reading of one event."""
    if limit > 1:
        return _read_on(log, topic, position, limit)
    return log.read(topic, START, 1), Position(TopicId(""), START)


def _saves_nothing(*_: object) -> Also:
    return Also()


def _knows_nothing(**given: Any) -> Resync:
    """A resync that need not reach what was known when it began."""
    return Resync(**{**given, "known": None})


# what is remembered

_take_over = Consumer.take_over
_remembered: WeakKeyDictionary[Consumer, State] = WeakKeyDictionary()


def _reloads_nothing(self: Consumer, *, by_force: bool = False) -> bool:
    """The ledger as it was when this consumer lost the CAJA."""
    taken = _take_over(self, by_force=by_force)
    if taken and self.session is not None:
        self.session.applier.state = _remembered.setdefault(self, self.session.applier.state)
    return taken


# what is planned and set aside

_park, _is_doubtful = BatchWriter._park, Planner._is_doubtful


def _oldest(events: Sequence[Event]) -> dict[bytes, Event]:
    return {event.key: event for event in reversed(events)}


def _doubts_nothing(_incoming: Incoming, _state: State, _doubted: Collection[Key]) -> bool:
    """What CAJA knows to be gone comes back with a log that lost its tombstone."""
    return False


def _doubts_what_is_gone(incoming: Incoming, state: State, doubted: Collection[Key]) -> bool:
    """Of what is there any event is as good as another."""
    known = state.hashes.get(incoming.subject, {}).get(incoming.key)
    return _is_doubtful(incoming, state, doubted if known in (TOMBSTONE, UNSEEN) else ())


def _doubts_what_is_known(incoming: Incoming, state: State, doubted: Collection[Key]) -> bool:
    """What a ledger that began anew knows nothing of goes in."""
    known = state.hashes.get(incoming.subject, {}).get(incoming.key)
    return _is_doubtful(incoming, state, () if known is None else doubted)


def _forgets_what_is_held(incoming: Incoming, state: State, doubted: Collection[Key]) -> bool:
    """A resync for another reason doubts nothing, whatever waits."""
    return _is_doubtful(incoming, replace(state, parked=ParkedChanges()), doubted)


def _is_known_though_it_waits(incoming: Incoming, state: State) -> bool:
    return state.hashes.get(incoming.subject, {}).get(incoming.key) == incoming.content_hash


def _no_parents(_policies: Policies) -> dict[Entity, RowMapper]:
    return mappers_of(())


def _all_parents(_policies: Policies) -> dict[Entity, RowMapper]:
    return mappers_of(CATALOGUES)


def _sees_no_sales(_self: BatchWriter, pending: list[Any], _transaction: Transaction) -> list[Any]:
    return pending


def _holds_all_but(reason: Reason) -> Callable[[BatchWriter, Parked], None]:
    def hold(self: BatchWriter, item: Parked) -> None:
        if item.reason is not reason:
            _park(self, item)

    return hold


# the resync

_collect, _plan, _closing, _one_part = Resync._collect, Follower.plan, Follower._closing, Follower._resync
_opening = Follower._opening


def _collects_all(self: Resync, folded: Position) -> None:
    """Old events, too, as if read on from the start."""
    cursor = self._cursor
    _collect(self, folded)
    self._found = [event for event in self.log.read(self.topic, cursor, resync.READ_AT_ONCE).events if event.offset < self._cursor]


def _plans_by_the_ledger(self: Follower, changes: Sequence[Incoming], *, rewrite: bool = False, doubted: Collection[Key] = ()) -> Plan:
    return _plan(self, changes)


def _forgets_the_doubt(self: Follower, of: Resync) -> Also:
    return _opening(self, replace(of, trusted=None))


def _asks_without_doubt(self: Session, entities: Sequence[Entity]) -> None:
    """What somebody asks for replaces that a log was doubted."""
    for topic, progress in self.applier.state.progress.items():
        subject = self._given.topics.subject(topic)
        if subject is not None and subject.entity in entities:
            self.applier.save(topic, replace(progress, state=PositionState.RESYNC_ASKED))


def _decides_alone(_self: Follower, _subject: Subject, _topic: Topic) -> bool:
    return True


def _clears_nothing(self: Follower, of: Resync) -> Also:
    return replace(_closing(self, of), dropped=())


def _marks_nothing_unseen(self: Follower, of: Resync) -> Also:
    return replace(_closing(self, of), unseen={})


def _saves_position_first(self: Follower, subject: Subject) -> Step:
    of = self.resyncs[subject]
    step = _one_part(self, subject)
    if subject in self.resyncs and of._folded is not None:
        self._applier.save(of.topic, _closing(self, of).progress[of.topic])
    return step


def _sweeps_nothing(_self: Resync) -> Sweep | None:
    return None


# the sweep

_is_too_much, _write_again = Found.is_too_much, Settler._write_again


def _judging(*, complete: bool = True, end: bool = True, later: bool = True) -> Callable[..., Verdict]:
    """`Heartbeats.complete` that does not ask for some part of the heartbeat."""

    def judge(self: Heartbeats, since: Moment, topic: Topic, known: TopicState, _subject: Subject) -> Verdict:
        state = self._log.state(self._control)
        if state is None or state.topic_id != since.topic_id or state.end < since.after:
            return Verdict.ELSEWHERE
        if not later:
            self._heard, since = None, Moment(since.topic_id, START)
        heard = self._newest(since)
        if heard.heartbeat is None or heard.at < since.after:
            return Verdict.WAIT
        said = next((heartbeat for heartbeat in heard.heartbeat.topics if heartbeat.topic == topic), None)
        if said is None or said.topic_id != known.topic_id:
            return Verdict.WAIT
        fits = (said.complete or not complete) and (said.end <= known.end or not end)
        return Verdict.GO if fits else Verdict.WAIT

    return judge


def _needs_all(self: Heartbeats, since: Moment, topic: Topic, known: TopicState) -> Verdict:
    """As if a topic that lacks what no event can hold were not compared."""
    return self._judge(since, topic, known, lambda _heartbeat, said: said.complete)


def _hears_on_unproved(log: EventLog, topic: Topic, position: Position | None) -> tuple[Batch, Position]:
    """The control topic may have lost its end, and grown again by other heartbeats."""
    return _read_on(log, topic, position and replace(position, last=None))


def _hears_whole_ones_alone(_self: Heartbeats, _heard: Any, _event: Event) -> None:
    """Short heartbeats tell nothing."""


def _spares_nothing(_self: Heartbeats, _subject: Subject) -> frozenset[Key]:
    return frozenset()


def _finds_what_waits(
    subject: Subject, caja: Actives, state: State, policies: Policies, spared: Collection[Key], warehouses: Collection[int]
) -> Found:
    return find(subject, caja, replace(state, parked=ParkedChanges()), policies, spared, warehouses)


def _allows_nothing(self: Found, _allowed: int | None) -> bool:
    return _is_too_much(self, None)


def _allows_all(_self: Found, _allowed: int | None) -> bool:
    return False


def _drift_is_left(_self: Settler, _subject: Subject) -> int:
    return 0


def _totals_are_left(_self: Settler, _stock: Sequence[Subject]) -> int:
    return 0


def _drift_over_sales(self: Settler, subject: Subject) -> int:
    with changed({(MemoryTransaction, "unposted"): lambda _transaction: set()}):
        return _write_again(self, subject)


def _proves_nothing(*_: object) -> list[SubjectKey]:
    """`adopting_keeps_stock`: an adopted ledger knows nothing of before."""
    return []


def _adopts_as_new(self: SimCaja) -> None:
    """How far the original had read is forgotten."""
    if self.content.lease.caja != self.name:
        self.renew()


OFF: dict[str, Changes] = {
    "consumer_checks_identity": _both(reading(topic_id=False)),
    "position_outside_log": _both(reading(end=False)),
    "consumer_checks_last": _both(reading(last=False)),
    "consumer_checks_identity, consumer_checks_last": _both(reading(topic_id=False, last=False)),
    "missing_last_is_resync": _both(reading(missing=False)),
    "tombstone_age_rule": {(Tombstones, "may_lack"): _lacks_nothing},
    "tombstone_age_of_the_topic": {(Tombstones, "last"): _lasts_as_we_make_it},
    "age_since_end_reached": {(Follower, "_reason"): _ages_with_the_freshest},
    "fingerprint": {(Follower, "_reason"): _ignores_the_fingerprint},
    "other_history_waits_for_word": {(Follower, "_broken_lineage"): _reads_at_once},
    "resync_reads_what_was_known": {(follow, "Resync"): _knows_nothing},
    "resync_saves_what_it_saw": {(Follower, "_opening"): _saves_nothing},
    "history_before_other_reasons": {(follow, "read_on"): _proves_nothing_before},
    "parts_save_positions": {(UpTo, "__call__"): _saves_nothing},
    "known_gone_waits": {(Planner, "_is_doubtful"): staticmethod(_doubts_nothing)},
    "known_otherwise_waits": {(Planner, "_is_doubtful"): staticmethod(_doubts_what_is_gone)},
    "unknown_waits": {(Planner, "_is_doubtful"): staticmethod(_doubts_what_is_known)},
    "held_goes_on_waiting": {(Planner, "_is_doubtful"): staticmethod(_forgets_what_is_held)},
    "held_waits_for_word": {(Follower, "is_decided"): _decides_alone},
    "asking_keeps_the_doubt": {(Session, "ask_for_resync"): _asks_without_doubt},
    "doubt_is_saved": {(Follower, "_opening"): _forgets_the_doubt},
    "compared_is_enough": {(Heartbeats, "compared"): _needs_all},
    "guard_row": {(CajaSession, "checks_token"): False},
    "reload_ledger": {(Consumer, "take_over"): _reloads_nothing},
    "fold_newest": {(batch, "newest"): _oldest},
    "waiting_is_never_equal": {(Planner, "_is_known"): staticmethod(_is_known_though_it_waits)},
    "park_missing_parent": {(actors, "mappers_for"): _no_parents},
    "parent_only_if_ticked": {(actors, "mappers_for"): _all_parents},
    "park_unposted_sales": {(BatchWriter, "_guarded"): _sees_no_sales},
    "park_locked": {(BatchWriter, "_park"): _holds_all_but(Reason.LOCKED)},
    "park_rejected": {(BatchWriter, "_park"): _holds_all_but(Reason.REJECTED)},
    "stock_written_again": {(Settler, "_write_again"): _drift_is_left},
    "totals_are_mended": {(Settler, "_add_up_again"): _totals_are_left},
    "drift_respects_sales": {(Settler, "_write_again"): _drift_over_sales},
    "resync_folds_whole_topic": {(Resync, "_collect"): _collects_all},
    "resync_compares_real_row": {(Follower, "plan"): _plans_by_the_ledger},
    "resync_clears_waiting": {(Follower, "_closing"): _clears_nothing},
    "resync_drops_unseen_ledger_rows": {(Follower, "_closing"): _marks_nothing_unseen},
    "resync_saves_position_last": {(Follower, "_resync"): _saves_position_first},
    "sweep": {(Resync, "sweep"): property(_sweeps_nothing)},
    "sweep_needs_complete": {(Heartbeats, "complete"): _judging(complete=False)},
    "sweep_needs_end_passed": {(Heartbeats, "complete"): _judging(end=False)},
    "sweep_needs_later_word": {(Heartbeats, "complete"): _judging(later=False)},
    "heartbeats_are_one_lineage": {(heartbeats, "read_on"): _hears_on_unproved},
    "short_words_count": {(Heartbeats, "_hear_again"): _hears_whole_ones_alone},
    "sweep_spares_what_no_event_holds": {(Heartbeats, "unpublished"): _spares_nothing},
    "waiting_counts_as_seen": {(settle, "find"): _finds_what_waits},
    "sweep_cap": {(Found, "is_too_much"): _allows_all},
    "sweep_can_be_allowed": {(Found, "is_too_much"): _allows_nothing},
    "adopting_keeps_positions": {(SimCaja, "adopt"): _adopts_as_new},
    "adopting_keeps_stock": {(caja, "unproved"): _proves_nothing},
    "ledger_names_caja": {(CajaSession, "checks_name"): False},
    "switches_are_proved": {(CajaSession, "checks_switches"): False},
}
