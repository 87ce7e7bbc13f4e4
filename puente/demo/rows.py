"""What the rows of every table share: chance from one seed, stamps, unique ids and the noise of SAE's floats."""

import math
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVar

Row = Mapping[str, Any]
T = TypeVar("T")

UPGRADE = datetime(2024, 8, 17, 11, 52, 38, 417000)  # noqa: DTZ001 - SAE's stamps are naive local time
"""The stamp that an upgrade of SAE left on most rows."""

SALE_DAYS = 400


class Chance:
    """The dice of one database: the same seed, the same rows."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - made-up rows, no secrets

    def happens(self, probability: float) -> bool:
        return self._random.random() < probability

    def pick(self, choices: Sequence[T]) -> T:
        return self._random.choice(choices)

    def between(self, low: int, high: int) -> int:
        return self._random.randint(low, high)

    def amount(self, low: float, high: float) -> float:
        """Money or a quantity, most of them small, two decimals; now and then the noise of binary sums."""
        value = round(low * math.pow(high / low, self._random.random()), 2)
        if not self.happens(0.25):
            return value
        return value + self.pick((1e-10, -2e-11, 3.3e-9)) if self.happens(0.5) else value / 1.16

    def day(self) -> datetime:
        """A moment in the year after the upgrade."""
        return UPGRADE + timedelta(milliseconds=self.between(0, SALE_DAYS * 86_400_000))

    def stamped(self) -> dict[str, Any]:
        """UUID and VERSION_SINC; nine rows in ten carry the upgrade's stamp."""
        number = uuid.UUID(int=self._random.getrandbits(128), version=4)
        return {"UUID": str(number).upper(), "VERSION_SINC": UPGRADE if self.happens(0.9) else self.day()}
