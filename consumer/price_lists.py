"""SAE's price lists, as the producer's heartbeat tells them, against those that a site's `prices` names: a branch does not reach SAE."""

from collections.abc import Collection, Mapping

from puente.errors import ConfigError, PoisonError
from puente.eventlog.port import START, EventLog, Offset, Topic
from puente.texts import text
from schemas.codec import Decoder
from schemas.control import KEY, parse

NEWEST_WORDS = 50
"""The control topic holds a day of heartbeats, and the last ones tell."""


def refuse_unknown(prices: Mapping[str, int], lists: Collection[int] | None, caja: str) -> None:
    """Raises `ConfigError` where `prices` names a list that SAE does not have; `lists` is None where nobody has told them yet."""
    unknown = sorted(set(prices.values()) - set(prices.values() if lists is None else lists))
    if unknown:
        raise ConfigError(
            text(
                "{caja}: prices names lists that SAE does not have ({lists}); SAE has: {known}",
                caja=caja,
                lists=", ".join(map(str, unknown)),
                known=", ".join(map(str, sorted(lists or ()))) or "—",
            )
        )


def newest_told(log: EventLog, control: Topic, decoder: Decoder) -> tuple[int, ...] | None:
    """The lists of the newest heartbeat that tells them, also of a producer that has stopped; the decoder knows the log's schemas."""
    state = log.state(control)
    if state is None:
        return None
    late = Offset(max(START, state.end - NEWEST_WORDS))
    return _told(log, control, decoder, late) or (_told(log, control, decoder, START) if late > START else None)


def _told(log: EventLog, control: Topic, decoder: Decoder, position: Offset) -> tuple[int, ...] | None:
    found, at_end = None, False
    while not at_end:
        batch = log.read(control, position)
        for event in batch.events:
            if event.key == KEY and event.value is not None:
                found = _lists(decoder, event.value) or found
        position, at_end = batch.next_offset, batch.at_end
    return found


def _lists(decoder: Decoder, value: bytes) -> tuple[int, ...] | None:
    try:
        return parse(decoder, value).price_lists
    except PoisonError:
        return None
