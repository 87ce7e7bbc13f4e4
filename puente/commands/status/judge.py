"""What a CAJA's answer and the log's ends mean: pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from consumer.caja.port import Switches
from consumer.lease import lives
from consumer.ledger.lease_row import Life
from consumer.ledger.parked import Reason
from consumer.ledger.state import Progress
from consumer.ledger.state import State as Ledger
from consumer.leftout import LeftOut
from consumer.policies import Policies
from consumer.subscribe import subjects, takes
from foundation.eventlog.lineage import Position
from foundation.eventlog.port import START, Offset, Topic, TopicState
from puente.commands.status.model import LISTED, CajaStatus, Example, Lacks, Parked, State
from schemas.entities import CATALOGUES
from schemas.topics import Topics


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a CAJA told of itself. `warehouses` are those of its stores, `fingerprint` is that of today's settings."""

    policies: Policies
    warehouses: Mapping[int, int]
    switches: Switches
    fingerprint: str
    ledger: Ledger
    life: Life
    applied_at: datetime | None
    left_out: Sequence[LeftOut]


@dataclass(frozen=True, kw_only=True)
class Ends:
    """The log's topics and where they end."""

    topics: Topics
    states: Mapping[Topic, TopicState]


def judge(found: CajaStatus, answer: Answer, ends: Ends | None, *, is_publishable: bool = True) -> dict[Topic, Offset] | None:
    """Fills in what is `found` of a CAJA; returns where in the log it goes on, per topic that is not at its end, None where not known.

    `is_publishable`: as far as the producer said, no row of SAE is kept from the log.
    """
    ledger, life = answer.ledger, answer.life
    found.silent_seconds, found.holder = life.beat_seconds, life.holder
    found.last_error, found.last_error_seconds = life.error, life.error_seconds
    found.ready_at, found.applied_at = ledger.ready_at, answer.applied_at
    found.parked, found.left_out = _parked(answer), answer.left_out
    read = _read(answer, ends)
    _add_resyncs(found, ledger.progress, read, answer.fingerprint)
    going_on = {topic: _goes_on(ledger.progress.get(topic), state) for topic, state in read.items()}
    if ends is not None:
        found.behind = sum(max(0, read[topic].end - offset) for topic, offset in going_on.items())
    found.lacks = _lacks(found, answer, is_publishable=is_publishable)
    found.state = _state(found, answer)
    if ends is None or (found.state is not State.NEVER_LOADED and any(_is_compared(ledger.progress.get(topic)) for topic in read)):
        return None
    return {topic: offset for topic, offset in going_on.items() if offset < read[topic].end}


def _read(answer: Answer, ends: Ends | None) -> dict[Topic, TopicState]:
    """The topics that this CAJA takes now and that there are."""
    if ends is None:
        return {}
    chosen = [ends.topics.of(subject) for subject in subjects(answer.policies, answer.warehouses, answer.switches)]
    return {topic: ends.states[topic] for topic in chosen if topic in ends.states}


def _goes_on(progress: Progress | None, state: TopicState) -> Offset:
    """The first place that is not applied for certain."""
    if progress is None or _is_compared(progress) or not _leads_to(progress.position, state):
        return START
    return progress.position.next_offset


def _is_compared(progress: Progress | None) -> bool:
    """Whether a resync is under way: some of what stands before its position is applied, and some is not."""
    return progress is not None and progress.state.is_unfinished


def _leads_to(position: Position, state: TopicState) -> bool:
    """Whether a reader who stands there may go on."""
    return position.topic_id == state.topic_id and position.next_offset <= state.end


def _add_resyncs(found: CajaStatus, known: Mapping[Topic, Progress], read: Mapping[Topic, TopicState], fingerprint: str) -> None:
    for topic, state in sorted(read.items()):
        progress = known.get(topic)
        if progress is None or not progress.is_followed(fingerprint) or not _leads_to(progress.position, state):
            found.resyncs.append(topic)
        elif progress.sweep is not None and progress.sweep.held is not None:
            found.held[topic] = progress.sweep.held
        elif progress.sweep is not None:
            found.sweeps.append(topic)


def _lacks(found: CajaStatus, answer: Answer, *, is_publishable: bool) -> Lacks | None:
    if found.ready_at is not None:
        return None
    if set(answer.policies.entities) != set(CATALOGUES):
        return Lacks.ENTITIES
    if found.resyncs or not answer.ledger.progress:
        return Lacks.RESYNC
    if found.held:
        return Lacks.PERSON
    if found.sweeps:
        return Lacks.PRODUCER if is_publishable else Lacks.PUBLISHED
    return Lacks.CONSUMER


def _parked(answer: Answer) -> dict[Reason, Parked]:
    found: dict[Reason, Parked] = {}
    for item in sorted(answer.ledger.parked.values(), key=lambda item: (item.since, str(item.subject), item.key)):
        if takes(answer.policies, answer.warehouses, item.subject):
            parked = found.setdefault(item.reason, Parked(oldest=item.since))
            parked.count += 1
            if len(parked.first) < LISTED:
                parked.first.append(Example(subject=item.subject, key=item.key, detail=item.detail))
    return found


def _state(found: CajaStatus, answer: Answer) -> State:
    life, progress = answer.life, answer.ledger.progress
    if answer.policies.interface_required and not answer.switches.interface:
        return State.INTERFACE_OFF
    if life.error_is_newest:
        return State.FAILED
    if not lives(life):
        return State.STOPPED if found.ready_at or any(not _is_compared(known) for known in progress.values()) else State.NEVER_LOADED
    if found.resyncs:
        return State.RESYNCING
    return State.CATCHING_UP if found.behind else State.WORKING
