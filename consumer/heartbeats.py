"""The producer's heartbeat as a consumer hears it: what a sweep waits for, and a resync from a log that has a broken lineage.

Such a log may hold older values than CAJA shows, until the producer has held it against SAE.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from consumer.ledger.state import Moment
from foundation.errors import NoTopic, PoisonError
from foundation.eventlog.lineage import BrokenLineage, Position, read_on
from foundation.eventlog.port import START, Event, EventLog, Offset, Topic, TopicId, TopicState
from schemas.codec import Decoder, UnknownSchemaError
from schemas.control import KEY, SHORT, Heartbeat, TopicHeartbeat, parse, repeated
from schemas.entities import Subject
from schemas.keys import Key
from schemas.registry import RegistryReader

NEWEST_HEARTBEATS = 50
"""The control topic holds a day of heartbeats. All of them are read but once."""


class Verdict(Enum):
    """Whether what waits for the heartbeat may go on."""

    GO = "go"
    WAIT = "wait"
    ELSEWHERE = "elsewhere"
    """The control topic is not the one of that moment: a heartbeat from now on must be waited for."""


@dataclass
class _Heard:
    """How far the control topic was read, and the newest heartbeat in it; None where its newest event takes the heartbeat back.

    It stands at `place`, and was said or repeated last `at`; None where nothing was read of it yet. `last` is the heartbeat also where it
    was taken back.
    """

    position: Position
    at: Offset = START
    place: Offset | None = None
    heartbeat: Heartbeat | None = None
    last: Heartbeat | None = None

    def take(self, heartbeat: Heartbeat | None, place: Offset) -> None:
        self.heartbeat, self.place = heartbeat, place
        self.last = heartbeat or self.last


class Heartbeats:
    """Reads the control topic on; belongs to one consumer."""

    def __init__(self, log: EventLog, control: Topic, decoder: Decoder, registry: RegistryReader) -> None:
        self._log, self._control, self._decoder, self._registry = log, control, decoder, registry
        self._heard: _Heard | None = None
        self._lists: tuple[int, ...] | None = None
        self._is_sought = self._has_compared = False

    def now(self) -> Moment:
        """The end of the control topic: every heartbeat after it is still to come."""
        state = self._log.state(self._control)
        return Moment(TopicId(""), START) if state is None else Moment(state.topic_id, state.end)

    def complete(self, since: Moment, topic: Topic, known: TopicState, subject: Subject) -> Verdict:
        """Whether the producer has said since then that the topic, as far as it is known, holds all that SAE held.

        But for rows that no event can hold, where it named all of them: see `unpublished`.
        """
        return self._judge(since, topic, known, lambda heartbeat, said: said.complete or bool(heartbeat.unpublished_of(subject)))

    def unpublished(self, subject: Subject) -> frozenset[Key]:
        """The keys that SAE has though the topic lacks them, by the newest heartbeat that was heard."""
        heartbeat = self._heard.heartbeat if self._heard else None
        return heartbeat.unpublished_of(subject) if heartbeat else frozenset()

    def compared(self, since: Moment, topic: Topic, known: TopicState) -> Verdict:
        """Whether it has said since then that it held the topic, as far as it is known, against SAE: what no event can hold may lack."""
        return self._judge(since, topic, known, lambda heartbeat, said: heartbeat.compared or said.complete)

    def price_lists(self) -> tuple[int, ...] | None:
        """SAE's, by the newest heartbeat in the log, also of a producer that has stopped; None where it tells none."""
        if self._lists is None:
            state = self._log.state(self._control)
            late = max(START, state.end - NEWEST_HEARTBEATS) if state and self._is_sought else START
            self._lists, self._is_sought = self._lists_since(Offset(late)) if state else None, state is not None
        heard = self._heard.heartbeat if self._heard else None
        return (heard and heard.price_lists) or self._lists

    @property
    def lists_may_come(self) -> bool:
        """Whether SAE's lists are still to come: the producer told none, and has not compared all of SAE either."""
        return self.price_lists() is None and not self._has_compared

    def _lists_since(self, position: Offset) -> tuple[int, ...] | None:
        lists, at_end = None, False
        while not at_end:
            batch = self._log.read(self._control, position)
            heartbeats = [self._parse(event.value) for event in batch.events if event.key == KEY]
            self._has_compared = next((heartbeat.compared for heartbeat in reversed(heartbeats) if heartbeat), self._has_compared)
            lists = next((heartbeat.price_lists for heartbeat in reversed(heartbeats) if heartbeat and heartbeat.price_lists), lists)
            position, at_end = batch.next_offset, batch.at_end
        return lists

    @property
    def run(self) -> str | None:
        """Who gave the newest heartbeat that was heard."""
        return self._heard.heartbeat.run if self._heard and self._heard.heartbeat else None

    def decided(self, since: Moment, topic: Topic, known: TopicState) -> Verdict:
        """Whether, besides, no delete of it waits for somebody: what the topic holds SAE has."""
        return self._judge(
            since, topic, known, lambda heartbeat, said: (heartbeat.compared or said.complete) and topic not in heartbeat.held
        )

    def knows_warehouses(self) -> bool:
        """Whether the producer, when it spoke last, had compared all of SAE: a warehouse that has no topic by then holds no stock."""
        state = self._log.state(self._control)
        if state is None:
            return False
        try:
            said = self._newest(Moment(state.topic_id, START)).last
        except NoTopic:  # deleted meanwhile
            return False
        return said is not None and (said.compared or said.complete)

    def _judge(self, since: Moment, topic: Topic, known: TopicState, says: Callable[[Heartbeat, TopicHeartbeat], bool]) -> Verdict:
        """The newest heartbeat must be given since then, about the topic that is known, with an end not behind what is known."""
        state = self._log.state(self._control)
        if state is None or state.topic_id != since.topic_id or state.end < since.after:
            return Verdict.ELSEWHERE
        try:
            heard = self._newest(since)
        except NoTopic:  # deleted meanwhile
            return Verdict.ELSEWHERE
        if heard.heartbeat is None or heard.at < since.after:
            return Verdict.WAIT
        said = next((heartbeat for heartbeat in heard.heartbeat.topics if heartbeat.topic == topic), None)
        fits = said is not None and says(heard.heartbeat, said) and said.topic_id == known.topic_id and said.end <= known.end
        return Verdict.GO if fits else Verdict.WAIT

    def _newest(self, since: Moment) -> _Heard:
        heard = self._heard
        if heard is None or heard.position.topic_id != since.topic_id or heard.position.next_offset < since.after:
            heard = _Heard(Position(since.topic_id, since.after))
        at_end = False
        while not at_end:
            try:
                batch, position = read_on(self._log, self._control, heard.position)
            except BrokenLineage:  # it lost its end, and others may have followed there: what was heard counts no longer
                batch, position = read_on(self._log, self._control, None)
                heard = _Heard(position)
            for event in batch.events:
                if event.key == KEY:
                    heard.take(self._parse(event.value), event.offset)
                    heard.at = event.offset
                elif event.key == SHORT:
                    self._hear_again(heard, event)
            heard.position, at_end = position, batch.at_end  # last: what could not be read now is read again
        self._heard = heard
        return heard

    def _hear_again(self, heard: _Heard, event: Event) -> None:
        """A short heartbeat; that of a producer which another one followed, or which ended, repeats what counts no longer."""
        heartbeat = self._parse(event.value)
        if heartbeat is None or heartbeat.repeats is None or (heard.place is not None and heartbeat.repeats < heard.place):
            return
        if heartbeat.repeats != heard.place:  # it was given before this one began to listen
            heard.take(repeated(self._log, self._control, heartbeat, self._parse), heartbeat.repeats)
        heard.at = event.offset

    def _parse(self, value: bytes | None) -> Heartbeat | None:
        """A heartbeat that cannot be read allows nothing."""
        if value is None:
            return None
        try:
            return parse(self._decoder, value)
        except UnknownSchemaError:
            self._registry.refresh()
            return parse(self._decoder, value)
        except PoisonError:
            return None
