"""What an event says about itself, so that a reader needs to decode nothing to know whether it is new to it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from foundation.errors import PoisonError
from foundation.eventlog.port import Event, Headers
from foundation.texts import text
from schemas.codec import ContentHash

HASH, CAPTURED, RUN, MODE = "hash", "captured", "run", "mode"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
REMEMBERED = 256


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
    content, (captured, run, mode) = _read(event)
    return EventHeaders(hash=content, captured=captured, run=run, mode=mode)


def read_hash(event: Event) -> ContentHash | None:
    """The hash alone, of an event whose other headers are readable, too; raises as `read_headers` does."""
    return _read(event)[0]


def _read(event: Event) -> tuple[ContentHash | None, tuple[datetime, str, str]]:
    own, shared = _split(event.headers)
    try:
        content = None if event.value is None else ContentHash(own[HASH].decode("ascii"))
        return content, _of_a_pass(shared)
    except (KeyError, ValueError, OverflowError) as error:
        raise PoisonError(
            text("The event at offset {offset} lacks a readable header: {error}", offset=event.offset, error=error)
        ) from error


def _split(headers: Headers) -> tuple[dict[str, bytes], Headers]:
    """The hash, which comes first where `with_hash` put it, and the others."""
    if headers and headers[0][0] == HASH:
        return dict(headers[:1]), headers[1:]
    return {name: value for name, value in headers if name == HASH}, tuple(header for header in headers if header[0] != HASH)


@lru_cache(REMEMBERED)
def _of_a_pass(shared: Headers) -> tuple[datetime, str, str]:
    """What all events of one pass say alike."""
    found = dict(shared)
    return EPOCH + timedelta(microseconds=int(found[CAPTURED])), found[RUN].decode(), found[MODE].decode()
