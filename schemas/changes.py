"""What travels: six entities, and a change of one key.

A value is a plain dictionary in the shape of the entity's Avro schema (`schemas/avro`), so that nothing is copied between SAE, the log and
the profile. The newest change of a key wins; what was in between may never be seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from schemas.entities import Subject
from schemas.keys import Key

Value = Mapping[str, Any]


SCALE = Decimal("0.000001")
"""Every decimal of every event has scale 6, rounded half-even: it strips the noise of SAE's binary floats. But for the exact rate."""

RATE_SCALE = Decimal("0.000000000000000001")
"""Of the exact rate of a currency."""


@dataclass(frozen=True, slots=True)
class Change:
    """The new full state of one key; `value` None says that SAE no longer has it."""

    subject: Subject
    key: Key
    value: Value | None
