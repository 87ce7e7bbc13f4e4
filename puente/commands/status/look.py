"""Asks the log, and every CAJA at the same time: one that does not answer costs its own time limit alone."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import sqlalchemy as sa

from consumer.ledger import tables
from consumer.subscribe import stores_of_warehouses, takes
from foundation.errors import ConfigError, NoTopic, PoisonError, PuenteError, RetryableError
from foundation.eventlog.port import EventLog, Offset, Topic
from foundation.texts import text
from puente.commands.heartbeat import listen
from puente.commands.status.judge import Answer, Ends, judge
from puente.commands.status.model import CajaStatus, State, Status
from puente.config import CajaSettings, Settings
from puente.wiring.opening import find_company, fingerprint_of, log_is_missing, open_caja, open_log, topics_of
from schemas.control import Heartbeat
from schemas.headers import read_headers


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What a CAJA answered, or why it did not."""

    name: str
    answer: Answer | None = None
    error: PuenteError | None = None
    state: State = State.UNREACHABLE


def status(settings: Settings) -> Status:
    """What is known now; what cannot be reached is told in `error`."""
    found = Status()
    with ThreadPoolExecutor(max(1, len(settings.caja)), "status") as threads:
        asked = [threads.submit(_ask, caja) for caja in settings.caja]
        try:
            with closing(_open(settings)) as log:
                look = _look(settings, log, found)
                found.cajas = [_told(future.result(), look) for future in asked]
        except PuenteError as error:
            found.error = error
            found.cajas = [_told(future.result(), None) for future in asked]
    return found


def _open(settings: Settings) -> EventLog:
    if log_is_missing(settings):
        raise ConfigError(text("{path} does not exist yet: puente setup makes it", path=settings.log.name))
    return open_log(settings)


class _Look:
    """At the log, whose ages are told by the newer of two clocks: this one's, and the one that the producer's heartbeat shows."""

    def __init__(self, log: EventLog, ends: Ends, heartbeat: Heartbeat | None) -> None:
        self._log, self.ends = log, ends
        self._now = max([datetime.now(UTC), *([heartbeat.time] if heartbeat else [])])
        self.is_publishable = heartbeat is None or not heartbeat.unpublished_count
        self._ages: dict[tuple[Topic, Offset], float | None] = {}

    def lag(self, going_on: Mapping[Topic, Offset]) -> float | None:
        """The age in seconds of the oldest event that is to be applied; 0 where none is, None where no event tells."""
        ages = [age for at in going_on.items() if (age := self._age(*at)) is not None]
        return max(ages) if ages else None if going_on else 0.0

    def _age(self, topic: Topic, offset: Offset) -> float | None:
        if (topic, offset) not in self._ages:
            age = None
            with suppress(PoisonError, NoTopic):
                for event in self._log.read(topic, offset, 1).events:
                    age = max(0.0, (self._now - read_headers(event).captured).total_seconds())
            self._ages[topic, offset] = age
        return self._ages[topic, offset]

    def committed_offsets(self, caja: str) -> dict[Topic, Offset] | None:
        """Where the log's own tools say that a CAJA goes on; None where they do not know."""
        with suppress(ConfigError, RetryableError):
            told = self._log.committed_offsets(self.ends.topics.group(caja))
            return {topic: offset for topic, offset in told.items() if topic in self.ends.states} or None
        return None


def _look(settings: Settings, log: EventLog, found: Status) -> _Look:
    found.company = find_company(settings, log)
    topics = topics_of(settings, found.company)
    found.producer = listen(log, topics)
    ends = Ends(topics=topics, states=log.topics())
    found.topics = {topic: int(state.end) for topic, state in ends.states.items() if topics.subject(topic)}
    return _Look(log, ends, found.producer.heartbeat)


def _ask(settings: CajaSettings) -> _Asked:
    try:
        checked = open_caja(settings)
        with closing(checked.database):
            if not checked.has_ledger:
                missing = ConfigError(text("{caja}: the ledger is missing: run puente setup", caja=settings.name))
                return _Asked(name=settings.name, error=missing, state=State.NEVER_LOADED)
            checked.caja.read_lease()
            with checked.database.reading() as reader:
                applied_at = next((row[0] for row in reader.rows(sa.select(sa.func.max(tables.positions.c.APPLIED_AT)))), None)
            policies, warehouses = settings.policies, stores_of_warehouses(checked.stores)
            answer = Answer(
                policies=policies,
                warehouses=warehouses,
                switches=checked.switches,
                fingerprint=fingerprint_of(checked),
                ledger=checked.caja.overview(),
                life=checked.caja.life(),
                applied_at=applied_at and applied_at.replace(tzinfo=UTC),
                left_out=checked.caja.left_out(partial(takes, policies, warehouses)),
            )
    except ConfigError as error:
        return _Asked(name=settings.name, error=error, state=State.FAILED)
    except PuenteError as error:
        return _Asked(name=settings.name, error=error)
    return _Asked(name=settings.name, answer=answer)


def _told(asked: _Asked, look: _Look | None) -> CajaStatus:
    found = CajaStatus(name=asked.name, state=asked.state, error=asked.error)
    if asked.answer is not None:
        going_on = judge(found, asked.answer, look.ends if look else None, is_publishable=look is None or look.is_publishable)
    elif look is not None:
        going_on = look.committed_offsets(asked.name)
        if going_on is not None:
            found.behind = sum(max(0, look.ends.states[topic].end - offset) for topic, offset in going_on.items())
            going_on = {topic: offset for topic, offset in going_on.items() if offset < look.ends.states[topic].end}
    else:
        going_on = None
    if look is not None and going_on is not None:
        found.lag_seconds = look.lag(going_on)
    return found
