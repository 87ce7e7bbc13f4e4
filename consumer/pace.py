"""How many rows a transaction writes, so that no till waits much longer than 0.1 s for a row, which is locked until the commit.

To write the rows of a batch takes a + b × rows. The fixed part a is long over a slow line or on a busy machine, and fewer rows would not
shorten it, there would only be more such transactions. So both are fitted as batches come, and the limit follows b alone. What else a
transaction does (reading the sales, the commit) does not grow with its rows either, and is not measured.
"""

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean

TRANSACTION_SECONDS = 0.06
"""What b × rows should be."""
SMALLEST, LARGEST = 20, 4000
TINY = 1e-6
LAST = 6
"""So many batches of a size are remembered, and the least disturbed counts: other programs make a batch longer, never shorter."""
FORGOTTEN = 40
"""After so many batches a size is forgotten that none of them had."""
APART = 0.4
"""Of a size: another that differs enough from it."""


@dataclass(slots=True)
class _Size:
    """Batches of about one size, as (rows, seconds), and when the last one came."""

    last: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=LAST))
    at: int = 0

    def best(self, per_row: float) -> tuple[int, float]:
        """The one that was disturbed least, if each row takes so long."""
        return min(self.last, key=lambda one: one[1] - per_row * one[0])


class BatchSize:
    """Batches may have `limit` rows: it grows and shrinks as they take their time."""

    def __init__(self) -> None:
        self.limit = SMALLEST * 10
        self._sizes: dict[int, _Size] = defaultdict(_Size)
        self._count = 0
        self._per_row = 0.0

    def learn(self, rows: int, seconds: float) -> None:
        """It took so long to write so many rows."""
        if rows < 1:
            return
        self._count += 1
        size = self._sizes[rows.bit_length()]
        size.last.append((rows, seconds))
        size.at = self._count
        for octave in [octave for octave, one in self._sizes.items() if one.at < self._count - FORGOTTEN]:
            del self._sizes[octave]
        best = [one.best(self._per_row) for one in self._sizes.values()]
        largest, smallest = max(best), min(best)
        if largest[0] < SMALLEST:
            return  # single edits tell nothing of what a row takes
        at_most = max(largest[1] / largest[0], TINY)  # if nothing of it were fixed
        if smallest[0] <= largest[0] / 2:
            self._per_row = min(at_most, max(TINY, _slope(best)))
        elif largest[1] > TRANSACTION_SECONDS / 2:
            self.limit = max(1, int(largest[0] * APART))  # a smaller one tells what of that is fixed
            return
        else:
            self._per_row = at_most
        tried = max(2 * largest[0], TRANSACTION_SECONDS / at_most)
        self.limit = int(min(LARGEST, max(SMALLEST, self.limit / 2, min(TRANSACTION_SECONDS / self._per_row, tried))))


def _slope(points: Sequence[tuple[int, float]]) -> float:
    """Of the line that fits best."""
    rows, seconds = fmean(one[0] for one in points), fmean(one[1] for one in points)
    return sum((one[0] - rows) * (one[1] - seconds) for one in points) / sum((one[0] - rows) ** 2 for one in points)
