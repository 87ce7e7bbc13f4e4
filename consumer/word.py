"""The producer's word as a consumer hears it: what a sweep waits for."""

from dataclasses import dataclass
from enum import Enum

from consumer.ledger import Progress, Sweep
from puente.errors import NoTopic, PoisonError
from puente.eventlog.port import START, EventLog, Identity, Offset, Topic
from schemas.codec import Decoder, UnknownSchemaError
from schemas.control import KEY, Word, parse
from schemas.registry import RegistryReader


class Verdict(Enum):
    """Whether a sweep may go on."""

    GO = "go"
    WAIT = "wait"
    ELSEWHERE = "elsewhere"
    """The control topic is not the one that the sweep waits on: it must wait for a word from now on."""


@dataclass
class _Heard:
    """How far the control topic was read, and the newest word in it; None where its newest event takes the word back."""

    identity: Identity
    next_offset: Offset
    at: Offset = START
    word: Word | None = None


class Words:
    """Reads the control topic on; belongs to one consumer."""

    def __init__(self, log: EventLog, control: Topic, decoder: Decoder, registry: RegistryReader) -> None:
        self._log, self._control, self._decoder, self._registry = log, control, decoder, registry
        self._heard: _Heard | None = None

    def sweep_from_now(self) -> Sweep:
        """A sweep that waits for a word that is still to come."""
        state = self._log.state(self._control)
        return Sweep(Identity(""), START) if state is None else Sweep(state.identity, state.end)

    def judge(self, sweep: Sweep, topic: Topic, progress: Progress) -> Verdict:
        """The newest word must be given since, complete, about this topic as it was read, with an end already passed."""
        state = self._log.state(self._control)
        if state is None or state.identity != sweep.identity or state.end < sweep.after:
            return Verdict.ELSEWHERE
        try:
            heard = self._newest(sweep)
        except NoTopic:  # deleted meanwhile
            return Verdict.ELSEWHERE
        if heard.word is None or heard.at < sweep.after:
            return Verdict.WAIT
        said = next((word for word in heard.word.topics if word.topic == topic), None)
        position = progress.position
        fits = said is not None and said.complete and said.identity == position.identity and said.end <= position.next_offset
        return Verdict.GO if fits else Verdict.WAIT

    def _newest(self, sweep: Sweep) -> _Heard:
        heard = self._heard
        if heard is None or heard.identity != sweep.identity or heard.next_offset < sweep.after:
            heard = _Heard(sweep.identity, sweep.after)
        at_end = False
        while not at_end:
            batch = self._log.read(self._control, heard.next_offset)
            if batch.state.identity != heard.identity or batch.state.end < heard.next_offset:
                heard = _Heard(batch.state.identity, START)
                continue
            for event in batch.events:
                if event.key == KEY:
                    heard.at, heard.word = event.offset, self._parse(event.value)
            heard.next_offset, at_end = batch.next_offset, batch.at_end
        self._heard = heard
        return heard

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
