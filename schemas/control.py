"""The producer's word: how far the log goes, and whether it holds all that SAE held."""

from dataclasses import dataclass
from datetime import datetime

from puente.eventlog.port import Identity, Offset, Record, Topic
from schemas.codec import WORD, Decoder, encode, frame

KEY = b"producer"


@dataclass(frozen=True, kw_only=True, slots=True)
class TopicWord:
    """`end` is the offset after the last event that the producer read or wrote."""

    topic: Topic
    identity: Identity
    end: Offset
    complete: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """What one run of the producer said at `time` (UTC)."""

    run: str
    time: datetime
    topics: tuple[TopicWord, ...]

    @property
    def complete(self) -> bool:
        return bool(self.topics) and all(topic.complete for topic in self.topics)


def record(topic: Topic, word: Word) -> Record:
    """The word as an event of the control topic."""
    value = {
        "run": word.run,
        "time": word.time,
        "topics": [{"topic": t.topic, "identity": t.identity, "end": t.end, "complete": t.complete} for t in word.topics],
    }
    return Record(topic=topic, key=KEY, value=frame(WORD, encode(WORD, value)))


def parse(decoder: Decoder, framed: bytes) -> Word:
    """The word of an event; raises what `Decoder.decode` raises."""
    value = decoder.decode(WORD, framed)
    topics = tuple(
        TopicWord(topic=Topic(t["topic"]), identity=Identity(t["identity"]), end=Offset(t["end"]), complete=t["complete"])
        for t in value["topics"]
    )
    return Word(run=value["run"], time=value["time"], topics=topics)
