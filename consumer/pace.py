"""How many rows a transaction writes, so that no till waits much longer than 0.1 s for a row, which is locked until the commit.

The rows of a batch are locked for a + b × rows. The fixed part a is long over a slow line or on a busy machine, and fewer rows would not
shorten it, there would only be more such transactions. So both are fitted as batches come, and the limit follows b alone.
"""

from dataclasses import dataclass

TRANSACTION_SECONDS = 0.06
"""What b × rows should be."""
SMALLEST, LARGEST = 20, 4000
FADES, HEAVIEST, FORGOTTEN = 0.9, 3.0, 0.05
"""What the batches of a size are worth after the next one, what they are worth at most, and where they count no more."""
APART = 0.4
"""Of a size: another that differs enough from it."""
NEWEST = 0.3
"""What the newest batch of a size counts, at least, against those before it: one that was slow by chance is not the rule."""


@dataclass(slots=True)
class _Size:
    """Batches of about one size, in the mean."""

    rows: float
    seconds: float
    weight: float = 0.0

    def learn(self, rows: int, seconds: float) -> None:
        self.weight = min(HEAVIEST, self.weight + 1.0)
        share = max(NEWEST, 1.0 / self.weight)
        self.rows += share * (rows - self.rows)
        self.seconds += share * (seconds - self.seconds)


class BatchSize:
    """Batches may have `limit` rows: it grows and shrinks as they take their time."""

    def __init__(self) -> None:
        self.limit = SMALLEST * 10
        self._sizes: dict[int, _Size] = {}

    def learn(self, rows: int, seconds: float) -> None:
        """So many rows were locked for so long."""
        if rows < 1:
            return
        for size in self._sizes.values():
            size.weight *= FADES
        self._sizes.setdefault(rows.bit_length(), _Size(rows, seconds)).learn(rows, seconds)
        self._sizes = {octave: size for octave, size in self._sizes.items() if size.weight >= FORGOTTEN}
        largest = max(self._sizes.values(), key=lambda size: size.rows)
        if largest.rows < SMALLEST:
            return  # single edits tell nothing of what a row takes
        at_most = largest.seconds / largest.rows  # if nothing of it were fixed
        if not self._differ and largest.seconds > TRANSACTION_SECONDS / 2:
            self.limit = max(1, int(largest.rows * APART))  # a smaller one tells what of that is fixed
            return
        fitting = TRANSACTION_SECONDS / max(self._per_row(at_most), 1e-6)
        tried = max(2 * largest.rows, TRANSACTION_SECONDS / max(at_most, 1e-6))
        self.limit = int(min(LARGEST, max(SMALLEST, self.limit / 2, min(fitting, tried))))

    @property
    def _differ(self) -> bool:
        """Whether there were batches of so different sizes that their times tell the two parts apart."""
        rows = [size.rows for size in self._sizes.values()]
        return min(rows) <= max(rows) / 2

    def _per_row(self, at_most: float) -> float:
        """b, in seconds."""
        if not self._differ:
            return at_most
        sizes = self._sizes.values()
        weight = sum(size.weight for size in sizes)
        rows = sum(size.weight * size.rows for size in sizes) / weight
        seconds = sum(size.weight * size.seconds for size in sizes) / weight
        both = sum(size.weight * (size.rows - rows) * (size.seconds - seconds) for size in sizes)
        return min(at_most, both / sum(size.weight * (size.rows - rows) ** 2 for size in sizes))
