"""`puente status`: what the producer said last, how far each CAJA is, what waits and why. Reads only."""

from collections import Counter
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from consumer import ledger
from consumer.guard import is_gone, this_process
from consumer.ledger import Progress
from consumer.subscribe import stores_of_warehouses, subjects, takes
from puente.config import CajaSettings, Settings
from puente.errors import ConfigError, PuenteError
from puente.eventlog.history import Position
from puente.eventlog.port import EventLog, Topic, TopicState
from puente.texts import text
from puente.wiring.opening import find_company, fingerprint_of, log_is_missing, open_caja, open_log, policies_of, topics_of
from schemas.codec import Decoder
from schemas.control import Word, last_word
from schemas.registry import RegistryReader
from schemas.topics import Topics


@dataclass(kw_only=True)
class CajaStatus:
    """One CAJA, as far as it takes changes: what its ledger still holds of a store or an entity that it no longer takes is left out.

    `behind` counts places of the log not applied yet, an upper bound of events; `holder` is None where nobody writes. `ready_at` is when
    it had all that it needs to sell. `resyncs` are topics that are still to be compared with it from their start, `sweeps` those whose
    missing rows wait for the producer's word, `held` those where that many rows wait for a person.
    """

    name: str
    behind: int = 0
    applied_at: datetime | None = None
    waiting: dict[str, int] = field(default_factory=dict)
    oldest_waiting: datetime | None = None
    holder: str | None = None
    ready_at: datetime | None = None
    resyncs: list[Topic] = field(default_factory=list)
    sweeps: list[Topic] = field(default_factory=list)
    held: dict[Topic, int] = field(default_factory=dict)
    error: PuenteError | None = None


@dataclass(kw_only=True)
class Status:
    """All of it; `word` is None where no producer has spoken."""

    company: str = ""
    word: Word | None = None
    topics: dict[Topic, int] = field(default_factory=dict)
    cajas: list[CajaStatus] = field(default_factory=list)
    error: PuenteError | None = None


def status(settings: Settings) -> Status:
    """What is known now; what cannot be reached is told in `error`."""
    found, ends, topics = Status(), {}, None
    try:
        if log_is_missing(settings):
            raise ConfigError(text("{path} does not exist yet: puente setup makes it", path=settings.log.name))
        with closing(open_log(settings)) as log:
            found.company = find_company(settings, log)
            topics = topics_of(settings, found.company)
            ends = log.topics()
            found.word = _last_word(log, topics)
            found.topics = {topic: int(state.end) for topic, state in ends.items() if topics.subject(topic)}
    except PuenteError as error:
        found.error = error
    found.cajas = [_caja(caja, topics, ends) for caja in settings.caja]
    return found


def _last_word(log: EventLog, topics: Topics) -> Word | None:
    decoder = Decoder()
    RegistryReader(log, topics.registry, decoder).refresh()
    return last_word(log, topics.control, decoder)


def _caja(settings: CajaSettings, topics: Topics | None, ends: dict[Topic, TopicState]) -> CajaStatus:
    found = CajaStatus(name=settings.name)
    try:
        checked = open_caja(settings)
        with closing(checked.database):
            guard, state = checked.caja.read_guard(), checked.caja.overview()
            with checked.database.reading() as reader:
                found.applied_at = next((row[0] for row in reader.rows(sa.select(sa.func.max(ledger.positions.c.APPLIED_AT)))), None)
    except PuenteError as error:
        found.error = error
        return found
    policies, stores = policies_of(settings), stores_of_warehouses(checked.stores)
    read = [topics.of(subject) for subject in subjects(policies, stores, checked.switches)] if topics else []
    known = {topic: state.progress[topic] for topic in read if topic in state.progress and topic in ends}
    waiting = [item for item in state.waiting.values() if takes(policies, stores, item.subject)]
    lost = [topic for topic, progress in known.items() if not _leads_to(progress.position, ends[topic])]
    found.behind = sum(max(0, ends[topic].end - progress.position.next_offset) for topic, progress in known.items())
    found.waiting = dict(Counter(item.reason.value for item in waiting))
    found.oldest_waiting = min((item.since for item in waiting), default=None)
    found.ready_at = state.ready_at
    _add_resyncs(found, known, lost, fingerprint_of(checked))
    if guard.token is not None and not is_gone(guard, this_process()):
        found.holder = f"{guard.host} ({guard.process})"
    return found


def _leads_to(position: Position, state: TopicState) -> bool:
    """Whether a reader who stands there may go on."""
    return position.identity == state.identity and position.next_offset <= state.end


def _add_resyncs(found: CajaStatus, known: dict[Topic, Progress], lost: Collection[Topic], fingerprint: str) -> None:
    for topic, progress in sorted(known.items()):
        if topic in lost or progress.fingerprint != fingerprint:
            found.resyncs.append(topic)
        elif progress.sweep is not None and progress.sweep.held is not None:
            found.held[topic] = progress.sweep.held
        elif progress.sweep is not None:
            found.sweeps.append(topic)
