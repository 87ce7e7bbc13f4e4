"""Whether one topic is a beginning of another, as a copy is that was cut short, and where the rest begins.

Both may have been compacted since, each in its own time. So an event that one of them lacks must have been superseded there: a later event
of its key follows. Or the whole lacks a tombstone, and has no event of its key: compaction takes a tombstone in the end, after all that it
covers. Then, once the rest is appended, the same keys live in both, with the same newest event. For let `e` be the newest of its key in
the whole. In the rest, it comes last in the copy, too. Before the rest, the copy has it or a later event of its key; such a later event is
not in the whole, which must hold a still later one: but nothing there is later than `e`. So the copy has `e`, and last.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from foundation.eventlog.lineage import digest
from foundation.eventlog.port import START, Event, Offset

Read = Callable[[Offset], Iterator[Event]]
"""The events of a topic from a place on."""


def rest_of(whole: Read, end: Offset, beginning: Iterable[Event]) -> Offset | None:
    """Where in `whole`, which goes to `end`, that begins what `beginning` lacks; None where this is no beginning of it.

    One event at least must be in both: two logs that tell of the same keys are not the same log. Holds a part of each in memory as long
    as they are equal, from there on 64 bits and the key of each event of `beginning`.
    """
    theirs, start = iter(beginning), START
    for event in whole(START):
        other = next(theirs, None)
        if other is None:
            return event.offset
        if digest(event) != digest(other):
            return _rest_after(whole, start, chain([other], theirs))
        start = Offset(event.offset + 1)
    return _rest_after(whole, end, theirs)


def _rest_after(whole: Read, start: Offset, beginning: Iterable[Event]) -> Offset | None:
    """The same, after events that are equal up to `start`."""
    copied, begins, lacking = _Copied(beginning), start, _Lacking()
    for event in whole(start):
        passed = copied.find(event)
        if passed is not None:
            lacking.add(passed)
            begins = Offset(event.offset + 1)
        elif not copied.supersedes(event):
            break
        lacking.follows(event)
    lacking.add(copied.left())
    for event in whole(begins) if lacking.keys else ():
        lacking.follows(event)
        if not lacking.keys:
            break
    proved = begins > START and not lacking.is_wrong
    return begins if proved and (not lacking.keys or lacking.are_gone(whole(START))) else None


@dataclass(frozen=True, slots=True)
class _Known:
    """An event of the beginning: its digest, which as a number takes half the memory."""

    key: bytes
    number: int
    is_tombstone: bool


def _number(event: Event) -> int:
    return int(digest(event), 16)


class _Copied:
    """The events of the beginning, and how far they were found in the whole."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._events = [_Known(event.key, _number(event), event.value is None) for event in events]
        self._places = {event.number: place for place, event in enumerate(self._events)}
        self._last = {event.key: place for place, event in enumerate(self._events)}
        self._place = 0

    def find(self, event: Event) -> list[_Known] | None:
        """The events between the one found last and this one, which is found now; None where it does not follow."""
        found = self._places.get(_number(event), -1)
        if found < self._place:
            return None
        passed, self._place = self._events[self._place : found], found + 1
        return passed

    def supersedes(self, event: Event) -> bool:
        """Whether an event of the same key follows the one found last."""
        return self._last.get(event.key, -1) >= self._place

    def left(self) -> list[_Known]:
        return self._events[self._place :]


class _Lacking:
    """Events that the whole lacks, by key, until another one of the key comes there.

    `is_wrong` once one of them comes itself: then it stands there in another order.
    """

    def __init__(self) -> None:
        self.keys: dict[bytes, list[_Known]] = {}
        self.is_wrong = False

    def add(self, events: Iterable[_Known]) -> None:
        for event in events:
            self.keys.setdefault(event.key, []).append(event)

    def follows(self, event: Event) -> None:
        number = _number(event)
        self.is_wrong |= any(known.number == number for known in self.keys.pop(event.key, ()))

    def are_gone(self, whole: Iterable[Event]) -> bool:
        """Whether each key ends with a tombstone and is nowhere in the whole."""
        return all(known[-1].is_tombstone for known in self.keys.values()) and not any(event.key in self.keys for event in whole)
