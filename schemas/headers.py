"""What an event says about itself, so that a reader needs to decode nothing to know whether it is new to it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from puente.errors import PoisonError
from puente.eventlog.port import Event, Headers
from puente.texts import text
from schemas.codec import ContentHash

HASH, CAPTURED, RUN, MODE = "hash", "captured", "run", "mode"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class EventHeaders:
    """`hash` is None on a tombstone. `captured` is when the snapshot of SAE was taken (UTC, µs). `run` is the producer's."""

    hash: ContentHash | None
    captured: datetime
    run: str
    mode: str

    def encode(self) -> Headers:
        micros = (self.captured - EPOCH) // timedelta(microseconds=1)
        return with_hash(((CAPTURED, b"%d" % micros), (RUN, self.run.encode()), (MODE, self.mode.encode())), self.hash)


def with_hash(headers: Headers, content: ContentHash | None) -> Headers:
    """The headers that all events of one pass share, and what tells one from another."""
    return headers if content is None else ((HASH, content.encode("ascii")), *headers)


def read_headers(event: Event) -> EventHeaders:
    """The headers of an event; raises `PoisonError` where one is missing or unreadable."""
    found = dict(event.headers)
    try:
        content = found[HASH].decode("ascii") if event.value is not None else None
        return EventHeaders(
            hash=None if content is None else ContentHash(content),
            captured=EPOCH + timedelta(microseconds=int(found[CAPTURED])),
            run=found[RUN].decode(),
            mode=found[MODE].decode(),
        )
    except (KeyError, ValueError, OverflowError) as error:
        raise PoisonError(
            text("The event at offset {offset} lacks a readable header: {error}", offset=event.offset, error=error)
        ) from error
