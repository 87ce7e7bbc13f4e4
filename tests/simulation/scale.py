"""The product's sizes made small, so that a few keys fill a batch, a part, a cap; and a door to change a thing of the product for a while.

This is no mocking: the code that runs is the product's own, with other numbers, or (`rules.py`) with one of its rules taken out.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from consumer import follow, pace
from consumer.resync import sweep
from consumer.resync import topic as resync
from producer import former, index, mass_change, publish

SMALL: Mapping[tuple[Any, str], Any] = {
    (pace, "SMALLEST"): 1,
    (pace, "LARGEST"): 2,
    (follow, "READ_AT_ONCE"): 4,
    (resync, "READ_AT_ONCE"): 3,
    (sweep, "CAP_ROWS"): 1,
    (sweep, "CAP_SHARE"): 0.0,
    (mass_change, "AT_LEAST"): 1,
    (mass_change, "SHARE"): 0.0,
    (former, "READ_AT_ONCE"): 2,
    (publish, "APPENDED_AT_ONCE"): 3,
    (index, "READ_AT_ONCE"): 4,
    (index, "READ_BACK_AFTER"): 5,
}
MANY = 1000
"""More deletes than a history can make."""


@contextmanager
def changed(changes: Mapping[tuple[Any, str], Any]) -> Iterator[None]:
    """(module or class, name) → what stands there within the block."""
    before = {place: vars(place[0])[place[1]] for place in changes}
    for (owner, name), new in changes.items():
        setattr(owner, name, new)
    try:
        yield
    finally:
        for (owner, name), old in before.items():
            setattr(owner, name, old)


@contextmanager
def small() -> Iterator[None]:
    """Small sizes, and no log lines, which nobody reads here."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with changed(SMALL):
            yield
    finally:
        logging.disable(disabled)
