"""Compaction of the embedded log, as Kafka's cleaner does it.

The newest event of a key stays. Nothing younger than the topic's `min_compaction_lag_ms` is touched, nor does it count as newer: a tail
lost in a power cut must not take a tombstone whose victim is gone already. A tombstone goes `delete_retention_ms` after the compaction that
first removed what it covers. The topic's last event always stays: it is every reader's proof of history. Offsets keep their holes.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

REMOVED_AT_ONCE = 2000
"""Events to a transaction, so that no writer waits long."""


def compact(db: sqlite3.Connection, writing: Callable[[], AbstractContextManager[None]], now_ms: int) -> int:
    """Compacts every topic; returns how many events went. `writing` gives a transaction."""
    removed = 0
    for number, lag, retention in db.execute("select id, min_compaction_lag_ms, delete_retention_ms from topic").fetchall():
        superseded, tombstones = _survey(db, number, now_ms - lag)
        expired = [place for place, cleaned_at in tombstones if cleaned_at is not None and now_ms - cleaned_at > retention]
        first_cleaned = [place for place, cleaned_at in tombstones if cleaned_at is None]
        for part in _parts([*superseded, *expired]):
            with writing():
                db.executemany("delete from event where topic = ? and place = ?", [(number, place) for place in part])
            removed += len(part)
        for part in _parts(first_cleaned):
            with writing():
                db.executemany("update event set cleaned_at = ? where topic = ? and place = ?", [(now_ms, number, place) for place in part])
    return removed


def _survey(db: sqlite3.Connection, number: int, horizon_ms: int) -> tuple[list[int], list[tuple[int, int | None]]]:
    """The places that newer events supersede, and the tombstones that are the newest of their key, up to the horizon."""
    last = db.execute("select max(place) from event where topic = ?", (number,)).fetchone()[0]
    newest: dict[bytes, tuple[int, bool, int | None]] = {}
    superseded = []
    select = "select place, key, value is null, cleaned_at from event where topic = ? and place < ? and at <= ? order by place"
    for place, key, gone, cleaned_at in db.execute(select, (number, last or 0, horizon_ms)):
        if key in newest:
            superseded.append(newest[key][0])
        newest[key] = (place, bool(gone), cleaned_at)
    return superseded, [(place, cleaned_at) for place, gone, cleaned_at in newest.values() if gone]


def _parts(places: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(places), REMOVED_AT_ONCE):
        yield places[start : start + REMOVED_AT_ONCE]
