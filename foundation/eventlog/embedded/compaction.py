"""Compaction of the embedded log, as Kafka's cleaner does it.

The newest event of a key stays. Compaction goes up to the first event that is younger than the topic's `min_compaction_lag_ms` and takes
nothing from there on, nor does that count as newer: a tail lost in a power cut must not take a tombstone whose victim is gone already. A
tombstone goes `delete_retention_ms` after the compaction that first removed what it covers. The topic's last event always stays: it is
every reader's proof of history. Offsets keep their holes.
"""

import sqlite3
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from time import monotonic, sleep

AT_ONCE = 2000
"""Events to a transaction, so that no writer waits long."""

# A place, not a time for each event: the clock may have been put back, and a tombstone must not go before what stands in front of it.
HORIZON = """select min(place) from event where topic = :topic
    and (at > :youngest or place = (select max(place) from event where topic = :topic))"""

# SQLite sorts on disk: a million keys do not fit into the memory that a consumer may take.
SURVEY = """select place, next is not null, cleaned_at from (
    select place, gone, cleaned_at, lead(place) over (partition by key order by place) as next from (
        select place, key, value is null as gone, cleaned_at from event where topic = :topic and place < :horizon))
    where next is not null or gone"""


Places = Sequence[int]


def compact(db: sqlite3.Connection, writing: Callable[[], AbstractContextManager[None]], now_ms: int) -> int:
    """Compacts every topic; returns how many events went. `writing` gives a transaction."""
    removed = 0
    for topic, lag, retention in db.execute("select id, min_compaction_lag_ms, delete_retention_ms from topic").fetchall():
        going, covering = _survey(db, topic, now_ms - lag, now_ms - retention)
        for part in _parts(going):
            with writing():
                db.executemany("delete from event where topic = ? and place = ?", [(topic, place) for place in part])
        for part in _parts(covering):  # after the deletes: its time runs from when all it covers is gone
            with writing():
                db.executemany("update event set cleaned_at = ? where topic = ? and place = ?", [(now_ms, topic, place) for place in part])
        removed += len(going)
    return removed


def _survey(db: sqlite3.Connection, topic: int, youngest_ms: int, expired_ms: int) -> tuple[Places, Places]:
    """The places of events that go, and of tombstones whose victims go with them."""
    going, covering = array("q"), array("q")
    horizon = db.execute(HORIZON, {"topic": topic, "youngest": youngest_ms}).fetchone()[0]
    for place, superseded, cleaned_at in db.execute(SURVEY, {"topic": topic, "horizon": horizon}):
        if superseded or (cleaned_at is not None and cleaned_at < expired_ms):
            going.append(place)
        elif cleaned_at is None:
            covering.append(place)
    return going, covering


def _parts(places: Places) -> Iterator[Places]:
    """Between two parts as long a pause as the first took: a writer that waits tries again only now and then, and must find it free."""
    for start in range(0, len(places), AT_ONCE):
        began = monotonic()
        yield places[start : start + AT_ONCE]
        sleep(monotonic() - began)
