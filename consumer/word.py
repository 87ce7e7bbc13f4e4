"""The producer's word as a consumer hears it: what a sweep waits for, and a resync from a log that has another history.

Such a log may hold older values than CAJA shows, until the producer has held it against SAE.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from consumer.ledger.state import Moment
from foundation.errors import NoTopic, PoisonError
from foundation.eventlog.port import START, Event, EventLog, Identity, Offset, Topic, TopicState
from schemas.codec import Decoder, UnknownSchemaError
from schemas.control import KEY, SHORT, TopicWord, Word, parse, repeated
from schemas.entities import Subject
from schemas.keys import Key
from schemas.registry import RegistryReader

NEWEST_WORDS = 50
"""The control topic holds a day of words. All of them are read but once."""


class Verdict(Enum):
    """Whether what waits for the word may go on."""

    GO = "go"
    WAIT = "wait"
    ELSEWHERE = "elsewhere"
    """The control topic is not the one of that moment: a word from now on must be waited for."""


@dataclass
class _Heard:
    """How far the control topic was read, and the newest word in it; None where its newest event takes the word back.

    It stands at `place`, and was said or repeated last `at`; None where nothing was read of it yet.
    """

    identity: Identity
    next_offset: Offset
    at: Offset = START
    place: Offset | None = None
    word: Word | None = None


class Words:
    """Reads the control topic on; belongs to one consumer."""

    def __init__(self, log: EventLog, control: Topic, decoder: Decoder, registry: RegistryReader) -> None:
        self._log, self._control, self._decoder, self._registry = log, control, decoder, registry
        self._heard: _Heard | None = None
        self._lists: tuple[int, ...] | None = None
        self._is_sought = self._has_compared = False

    def now(self) -> Moment:
        """The end of the control topic: every word after it is still to come."""
        state = self._log.state(self._control)
        return Moment(Identity(""), START) if state is None else Moment(state.identity, state.end)

    def complete(self, since: Moment, topic: Topic, known: TopicState, subject: Subject) -> Verdict:
        """Whether the producer has said since then that the topic, as far as it is known, holds all that SAE held.

        But for rows that no event can hold, where it named all of them: see `unpublished`.
        """
        return self._judge(since, topic, known, lambda word, said: said.complete or bool(word.unpublished_of(subject)))

    def unpublished(self, subject: Subject) -> frozenset[Key]:
        """The keys that SAE has though the topic lacks them, by the newest word that was heard."""
        word = self._heard.word if self._heard else None
        return word.unpublished_of(subject) if word else frozenset()

    def compared(self, since: Moment, topic: Topic, known: TopicState) -> Verdict:
        """Whether it has said since then that it held the topic, as far as it is known, against SAE: what no event can hold may lack."""
        return self._judge(since, topic, known, lambda word, said: word.compared or said.complete)

    def price_lists(self) -> tuple[int, ...] | None:
        """SAE's, by the newest word in the log, also of a producer that has stopped; None where it tells none."""
        if self._lists is None:
            state = self._log.state(self._control)
            late = max(START, state.end - NEWEST_WORDS) if state and self._is_sought else START
            self._lists, self._is_sought = self._lists_since(Offset(late)) if state else None, state is not None
        heard = self._heard.word if self._heard else None
        return (heard and heard.price_lists) or self._lists

    @property
    def may_tell_lists(self) -> bool:
        """Whether SAE's lists are still to come: the producer told none, and has not compared all of SAE either."""
        return self.price_lists() is None and not self._has_compared

    def _lists_since(self, position: Offset) -> tuple[int, ...] | None:
        lists, at_end = None, False
        while not at_end:
            batch = self._log.read(self._control, position)
            words = [self._parse(event.value) for event in batch.events if event.key == KEY]
            self._has_compared = next((word.compared for word in reversed(words) if word), self._has_compared)
            lists = next((word.price_lists for word in reversed(words) if word and word.price_lists), lists)
            position, at_end = batch.next_offset, batch.at_end
        return lists

    @property
    def run(self) -> str | None:
        """Who gave the newest word that was heard."""
        return self._heard.word.run if self._heard and self._heard.word else None

    def decided(self, since: Moment, topic: Topic, known: TopicState) -> Verdict:
        """Whether, besides, no delete of it waits for somebody: what the topic holds SAE has."""
        return self._judge(since, topic, known, lambda word, said: (word.compared or said.complete) and topic not in word.held)

    def _judge(self, since: Moment, topic: Topic, known: TopicState, says: Callable[[Word, TopicWord], bool]) -> Verdict:
        """The newest word must be given since then, about the topic that is known, with an end not behind what is known."""
        state = self._log.state(self._control)
        if state is None or state.identity != since.identity or state.end < since.after:
            return Verdict.ELSEWHERE
        try:
            heard = self._newest(since)
        except NoTopic:  # deleted meanwhile
            return Verdict.ELSEWHERE
        if heard.word is None or heard.at < since.after:
            return Verdict.WAIT
        said = next((word for word in heard.word.topics if word.topic == topic), None)
        fits = said is not None and says(heard.word, said) and said.identity == known.identity and said.end <= known.end
        return Verdict.GO if fits else Verdict.WAIT

    def _newest(self, since: Moment) -> _Heard:
        heard = self._heard
        if heard is None or heard.identity != since.identity or heard.next_offset < since.after:
            heard = _Heard(since.identity, since.after)
        at_end = False
        while not at_end:
            batch = self._log.read(self._control, heard.next_offset)
            if batch.state.identity != heard.identity or batch.state.end < heard.next_offset:
                heard = _Heard(batch.state.identity, START)
                continue
            for event in batch.events:
                if event.key == KEY:
                    heard.at = heard.place = event.offset
                    heard.word = self._parse(event.value)
                elif event.key == SHORT:
                    self._hear_again(heard, event)
            heard.next_offset, at_end = batch.next_offset, batch.at_end
        self._heard = heard
        return heard

    def _hear_again(self, heard: _Heard, event: Event) -> None:
        """A short word; that of a producer which another one followed, or which ended, repeats what counts no longer."""
        word = self._parse(event.value)
        if word is None or word.repeats is None or (heard.place is not None and word.repeats < heard.place):
            return
        if word.repeats != heard.place:  # it was given before this one began to listen
            heard.place, heard.word = word.repeats, repeated(self._log, self._control, word, self._parse)
        heard.at = event.offset

    def _parse(self, value: bytes | None) -> Word | None:
        """A word that cannot be read allows nothing."""
        if value is None:
            return None
        try:
            return parse(self._decoder, value)
        except UnknownSchemaError:
            self._registry.refresh()
            return parse(self._decoder, value)
        except PoisonError:
            return None
