"""The ledger's rows as they stand in a CAJA database, to and from what the consumer knows."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby

import sqlalchemy as sa

from consumer.ledger import tables
from consumer.ledger.applied import Applied
from consumer.ledger.lease_row import LeaseRow, Life
from consumer.ledger.parked import Parked, ParkedChanges, Reason, SubjectKey
from consumer.ledger.state import TOMBSTONE, Moment, PositionState, Progress, RowState, State, Sweep, subject_of, warehouse_of
from consumer.leftout import Cause, Note, Notes, ordered
from foundation.engines.catalogue import Column, Kind
from foundation.engines.database import Reader
from foundation.eventlog.lineage import LastEvent, Position
from foundation.eventlog.port import Offset, Topic, TopicId
from schemas.entities import Subject
from schemas.keys import KEY_WIDTH, Key

PLACE = ("ENTITY", "WAREHOUSE", "ROW_KEY")
DETAIL_LENGTH = ERROR_LENGTH = 500
_ROW_KEY = Column(name="ROW_KEY", kind=Kind.TEXT, length=KEY_WIDTH)
_STATE = Column(name="STATE", kind=Kind.TEXT, length=8)
_CONTENT_HASH = Column(name="CONTENT_HASH", kind=Kind.TEXT, length=16)


def read_overview(reader: Reader) -> State:
    """The ledger but for who writes, for what was applied and for what was left out of it: `hashes` and `left_out` are empty."""
    lease = next(map(lease_of, reader.rows(sa.select(*tables.lease.c))), None)
    return State(
        progress=dict(_progress(row) for row in reader.rows(sa.select(*tables.positions.c))),
        hashes={},
        parked=ParkedChanges(map(_parked, reader.rows(sa.select(*tables.parked.c)))),
        ready_at=lease.ready_at if lease else None,
    )


def lease_of(row: Sequence[object]) -> LeaseRow:
    _, version, caja, token, beat, host, process, started, boot, ready, *_ = row
    assert isinstance(version, int)
    assert isinstance(beat, int)
    assert isinstance(process, int | None)
    assert isinstance(started, int | None)
    return LeaseRow(
        caja=str(caja),
        version=version,
        token=None if token is None else str(token),
        beat=beat,
        host=None if host is None else str(host),
        process=process,
        process_started=started,
        boot=None if boot is None else str(boot),
        ready_at=_aware(ready),
    )


def read_life(reader: Reader) -> Life:
    g = tables.lease.c
    now = sa.cast(sa.func.current_timestamp(), sa.DateTime)
    token, host, process, beat_at, error, error_at, at = next(
        iter(reader.rows(sa.select(g.FENCING_TOKEN, g.HOST, g.PROCESS, g.HEARTBEAT_AT, g.LAST_ERROR, g.LAST_ERROR_AT, now)))
    )

    def since(moment: datetime | None) -> float | None:
        return None if moment is None else max(0.0, (at - moment).total_seconds())

    holder = None if token is None else f"{host} ({process})"
    return Life(token=token, holder=holder, beat_seconds=since(beat_at), error=error, error_seconds=since(error_at))


def _aware(moment: object) -> datetime | None:
    assert isinstance(moment, datetime | None)
    return None if moment is None else moment.replace(tzinfo=UTC)


def naive(moment: datetime) -> datetime:
    """As the ledger's columns hold a moment."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def _progress(row: Sequence[object]) -> tuple[Topic, Progress]:
    topic, topic_id, next_offset, last_offset, digest, _, reached, state, fingerprint, *sweep = row
    last = None if last_offset is None else LastEvent(Offset(_number(last_offset)), str(digest))
    end_reached = _aware(reached)
    assert end_reached is not None
    return Topic(str(topic)), Progress(
        position=Position(TopicId(str(topic_id)), Offset(_number(next_offset)), last),
        end_reached=end_reached,
        state=PositionState(str(state)),
        fingerprint=str(fingerprint).strip(),
        sweep=_sweep(*sweep),
    )


def _sweep(topic_id: object, after: object, held: object) -> Sweep | None:
    if after is None:
        return None
    return Sweep(Moment(TopicId(str(topic_id)), Offset(_number(after))), None if held is None else _number(held))


def progress_values(progress: Progress, now: datetime) -> dict[str, object]:
    """All columns of a position but its topic."""
    position, sweep = progress.position, progress.sweep
    return {
        "TOPIC_ID": position.topic_id,
        "NEXT_OFFSET": position.next_offset,
        "LAST_OFFSET": position.last.offset if position.last else None,
        "LAST_DIGEST": position.last.digest if position.last else None,
        "APPLIED_AT": naive(now),
        "END_REACHED": naive(progress.end_reached),
        "STATE": progress.state.value,
        "FINGERPRINT": progress.fingerprint,
        "SWEEP_CONTROL_ID": sweep.since.topic_id if sweep else None,
        "SWEEP_AFTER": sweep.since.after if sweep else None,
        "SWEEP_HELD": sweep.held if sweep else None,
    }


def _number(value: object) -> int:
    assert isinstance(value, int)
    return value


def read_subjects(reader: Reader) -> list[Subject]:
    """What anything was applied of."""
    r = tables.rows.c
    return [subject_of(entity, warehouse) for entity, warehouse in reader.rows(sa.select(r.ENTITY, r.WAREHOUSE).distinct())]


def read_hashes(reader: Reader, subject: Subject) -> Applied:
    """What was applied of a subject."""
    of = {"ENTITY": subject.entity.value, "WAREHOUSE": warehouse_of(subject)}
    found = reader.keys(tables.ROWS, (_ROW_KEY, _STATE, _CONTENT_HASH), of)
    applied, states = RowState.APPLIED.value, {state.value: state.in_memory("") for state in RowState}
    hashes = Applied()
    for key, state, content in found:
        hashes[key] = content if state == applied else states[state]
    return hashes


def _parked(row: Sequence[object]) -> Parked:
    entity, warehouse, key, reason, detail, short, long, content, since = row
    value = long if short is None else short
    assert isinstance(warehouse, int)
    assert isinstance(value, bytes | None)
    assert isinstance(since, datetime)
    return Parked(
        subject=subject_of(str(entity), warehouse),
        key=Key(str(key)),
        reason=Reason(str(reason)),
        detail=str(detail),
        value=value,
        content_hash=str(content or TOMBSTONE),
        since=since.replace(tzinfo=UTC),
    )


def parked_row(item: Parked) -> dict[str, object]:
    is_short = item.value is not None and len(item.value) <= tables.SHORT_VALUE
    return {
        "ENTITY": item.subject.entity.value,
        "WAREHOUSE": warehouse_of(item.subject),
        "ROW_KEY": item.key,
        "REASON": item.reason.value,
        "DETAIL": item.detail[:DETAIL_LENGTH],
        "SHORT_VALUE": item.value if is_short else None,
        "LONG_VALUE": None if is_short else item.value,
        "CONTENT_HASH": item.content_hash,
        "SINCE": naive(item.since),
    }


def read_left_out(reader: Reader) -> dict[SubjectKey, Notes]:
    """What each row lacks."""
    t, shared = tables.left_out.c, dict[Notes, Notes]()
    query = sa.select(t.ENTITY, t.WAREHOUSE, t.ROW_KEY, t.REASON, t.COLUMN_NAME).order_by(*tables.left_out.primary_key)
    found: dict[SubjectKey, Notes] = {}
    for (entity, warehouse, key), rows in groupby(reader.rows(query), key=lambda row: tuple(row[:3])):
        notes = ordered(Note(Cause(row[3]), row[4]) for row in rows)
        found[subject_of(entity, warehouse), Key(key)] = shared.setdefault(notes, notes)
    return found


def place_values(subject: Subject, key: Key) -> dict[str, object]:
    return dict(zip(PLACE, (subject.entity.value, warehouse_of(subject), key), strict=True))


def left_out_rows(left_out: Mapping[SubjectKey, Notes]) -> Iterable[dict[str, object]]:
    for (subject, key), notes in left_out.items():
        for note in notes:
            yield {**place_values(subject, key), "REASON": note.what.value, "COLUMN_NAME": note.column}
