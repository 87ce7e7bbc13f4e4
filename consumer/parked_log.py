"""What was set aside, in the log: every key with its reason, once for each time that something new is to be said of it."""

import logging
from collections.abc import Iterable
from typing import Any

from consumer.ledger.parked import Parked, Reason
from schemas.entities import Subject
from schemas.keys import Key

KEYS_IN_A_LINE = 100

log = logging.getLogger("puente.consumer")


def log_parked(caja: str, items: Iterable[Parked]) -> None:
    """Those of one reason together."""
    alike: dict[tuple[Subject, Reason, str], list[Key]] = {}
    for item in items:
        alike.setdefault((item.subject, item.reason, item.detail), []).append(item.key)
    for (subject, reason, detail), keys in alike.items():
        told = {"action": "parked", "caja": caja, "entity": str(subject), "reason": reason.value, "detail": detail}
        for start in range(0, len(keys), KEYS_IN_A_LINE):
            part = keys[start : start + KEYS_IN_A_LINE]
            _log(reason, {**told, "count": len(part), "keys": ", ".join(part)})


def _log(reason: Reason, extra: dict[str, Any]) -> None:
    match reason:
        case Reason.REJECTED:
            log.warning("CAJA or its profile does not take these changes", extra=extra)
        case Reason.KEPT_OUT:
            log.debug("Stock of products that policy keeps out", extra=extra)
        case _:
            log.info("These changes wait and are tried again", extra=extra)
