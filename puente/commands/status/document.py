"""`status --json`: a document for machines, as `status.schema.json` describes it. Keys and states stay as they are between releases."""

from datetime import UTC, datetime
from pathlib import Path

from consumer.leftout import LeftOut
from puente.commands.heartbeat import PRODUCES, ProducerStatus, Untravelled
from puente.commands.status.model import LISTED, WORKS, CajaStatus, Example, Parked, Status, is_late
from schemas.control import HeldDeletes, HeldUpdates, StuckTable, Unpublished

VERSION = 1
SCHEMA = Path(__file__).with_name("status.schema.json")


def document(found: Status, max_lag: float | None = None) -> dict[str, object]:
    return {
        "version": VERSION,
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "exit_code": int(found.exit_code(max_lag)),
        "company": found.company or None,
        "producer": _producer(found.producer),
        "topics": found.topics,
        "error": found.error and str(found.error),
        "cajas": [_caja(caja, max_lag) for caja in found.cajas],
    }


def _producer(found: ProducerStatus) -> dict[str, object]:
    heartbeat = found.heartbeat
    return {
        "state": found.state,
        "works": found.state in PRODUCES,
        "run": heartbeat and heartbeat.run,
        "time": heartbeat and heartbeat.time.isoformat(),
        "heard_seconds": _seconds(found.heard_seconds),
        "complete": heartbeat and heartbeat.complete,
        "stuck": [_stuck(table) for table in heartbeat.stuck] if heartbeat else [],
        "held": sorted(heartbeat.held) if heartbeat else [],
        "held_deletes": [_held(deletes) for deletes in heartbeat.held_deletes] if heartbeat else [],
        "held_updates": [held_updates(updates) for updates in heartbeat.held_updates] if heartbeat else [],
        **untravelled(heartbeat),
    }


def untravelled(found: Untravelled | None) -> dict[str, object]:
    """The rows of SAE that do not travel, of a heartbeat or a pass."""
    return {
        "unpublished_count": found and found.unpublished_count,
        "unpublished": [_unpublished(row) for row in found.unpublished[:LISTED]] if found else [],
        "duplicate_count": found and found.duplicate_count,
        "duplicates": [{"entity": row.entity, "key": row.key} for row in found.duplicates[:LISTED]] if found else [],
    }


def _caja(caja: CajaStatus, max_lag: float | None) -> dict[str, object]:
    return {
        "name": caja.name,
        "state": caja.state,
        "works": caja.state in WORKS and not is_late(caja, max_lag),
        "behind": caja.behind,
        "lag_seconds": _seconds(caja.lag_seconds),
        "silent_seconds": _seconds(caja.silent_seconds),
        "applied_at": caja.applied_at and caja.applied_at.isoformat(),
        "holder": caja.holder,
        "ready_at": caja.ready_at and caja.ready_at.isoformat(),
        "lacks": caja.lacks,
        "resyncs": caja.resyncs,
        "sweeps_waiting_for_producer": caja.sweeps,
        "sweeps_held": caja.held,
        "parked": {reason: _parked(parked) for reason, parked in caja.parked.items()},
        "left_out": list(map(left_out, caja.left_out)),
        "last_error": caja.last_error,
        "last_error_seconds": _seconds(caja.last_error_seconds),
        "error": caja.error and str(caja.error),
    }


def _parked(parked: Parked) -> dict[str, object]:
    oldest = parked.oldest and parked.oldest.isoformat()
    return {"count": parked.count, "oldest": oldest, "first": list(map(_example, parked.first))}


def _example(example: Example) -> dict[str, object]:
    return {"subject": str(example.subject), "key": example.key, "detail": example.detail}


def left_out(found: LeftOut) -> dict[str, object]:
    return {
        "entity": found.entity,
        "reason": found.cause,
        "column": found.column,
        "count": found.count,
        "first": list(found.keys),
        "stores": list(found.stores),
    }


def _unpublished(row: Unpublished) -> dict[str, object]:
    return {"entity": row.entity, "key": row.key, "reason": row.reason}


def _stuck(table: StuckTable) -> dict[str, object]:
    return {"table": table.table, "transaction": table.transaction, "entities": list(table.entities)}


def _held(deletes: HeldDeletes) -> dict[str, object]:
    return {"entity": deletes.entity, "count": deletes.count, "warehouses_gone": list(deletes.warehouses)}


def held_updates(updates: HeldUpdates) -> dict[str, object]:
    return {"kind": updates.kind, "entity": updates.entity, "count": updates.count}


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(max(0.0, value), 1)
