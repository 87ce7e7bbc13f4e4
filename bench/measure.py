"""Two ways of doing the same work, measured in turn.

A, B, A, B, …: a noisy neighbour meets both, and each round gives a ratio of its own. (pyperf and pytest-benchmark run all of A before
they run B, pyperf in processes of their own, and neither prepares a database between two runs: hence these few lines instead.)
Each way checks its work after every run, outside the time taken: nothing is fast that is wrong.
"""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from statistics import median, quantiles
from time import perf_counter


def nothing() -> None:
    """Neither to be prepared nor to be checked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """One of the two that are compared. Only `run` is timed; `check` raises `AssertionError` where its work was not right."""

    name: str
    run: Callable[[], None]
    prepare: Callable[[], None] = nothing
    check: Callable[[], None] = nothing


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """The middle of several numbers, the ends, and what 99 of 100 are not above."""

    median: float
    lowest: float
    highest: float
    p99: float


def spread(numbers: list[float]) -> Spread:
    p99 = quantiles(numbers, n=100, method="inclusive")[-1] if len(numbers) > 1 else numbers[0]
    return Spread(median=median(numbers), lowest=min(numbers), highest=max(numbers), p99=p99)


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """What is measured: `count` units of work done by `ours` and by `other`.

    `target` holds what must be reached: at least a ratio, at least units per second, at most milliseconds a unit. `as_time` tells it in
    milliseconds a unit, not in units per second.
    """

    name: str
    unit: str
    count: int
    ours: Way
    other: Way
    target: "Target | None" = None
    as_time: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """A figure and the seconds that each run took, in order: the rounds of both ways."""

    figure: Figure
    ours: list[float]
    other: list[float]

    @property
    def ratio(self) -> Spread:
        """How many times as fast as the other way ours is, round by round."""
        return spread([other / ours for ours, other in zip(self.ours, self.other, strict=True)])

    @property
    def reached(self) -> bool | None:
        """None where no target is set."""
        return None if self.figure.target is None else self.figure.target.reached(self)


@dataclass(frozen=True, slots=True)
class AtLeastRatio:
    ratio: float

    def reached(self, measured: Measured) -> bool:
        return measured.ratio.median >= self.ratio

    def __str__(self) -> str:
        return f"≥ {self.ratio:g} ×"


@dataclass(frozen=True, slots=True)
class AtLeastRate:
    """Units per second."""

    rate: float

    def reached(self, measured: Measured) -> bool:
        return measured.figure.count / median(measured.ours) >= self.rate

    def __str__(self) -> str:
        return f"≥ {self.rate:,.0f}/s"


@dataclass(frozen=True, slots=True)
class AtMost:
    """Milliseconds a unit, of the median, and of the 99th percentile where that is set."""

    milliseconds: float
    p99: float = inf

    def reached(self, measured: Measured) -> bool:
        taken = spread([seconds / measured.figure.count * 1000 for seconds in measured.ours])
        return taken.median <= self.milliseconds and taken.p99 <= self.p99

    def __str__(self) -> str:
        return f"≤ {self.milliseconds:g} ms" + (f", p99 ≤ {self.p99:g} ms" if self.p99 < inf else "")


@dataclass(frozen=True, slots=True)
class AtMostTimes:
    """How many times the other's median and 99th percentile ours may be."""

    median: float
    p99: float

    def reached(self, measured: Measured) -> bool:
        ours, other = spread(measured.ours), spread(measured.other)
        return ours.median <= self.median * other.median and ours.p99 <= self.p99 * other.p99

    def __str__(self) -> str:
        return f"≤ {self.median:g} × as long, p99 ≤ {self.p99:g} ×"


Target = AtLeastRatio | AtLeastRate | AtMost | AtMostTimes


def runs_of(rounds: int) -> int:
    """How often `measure` runs a way of either kind: the first round of both is to warm up."""
    return 2 * (rounds + 1)


def measure(figure: Figure, rounds: int, ran: Callable[[], None] = nothing) -> Measured:
    """Warms up once, then times `rounds` rounds of both ways; `ran` is told of every run."""
    taken: dict[str, list[float]] = {"ours": [], "other": []}
    for number in range(rounds + 1):
        for side, way in (("ours", figure.ours), ("other", figure.other)):
            seconds = _time(way)
            if number > 0:
                taken[side].append(seconds)
            ran()
    return Measured(figure=figure, ours=taken["ours"], other=taken["other"])


def _time(way: Way) -> float:
    way.prepare()
    gc.collect()  # what the way before left behind is not this one's to clear away
    began = perf_counter()
    way.run()
    seconds = perf_counter() - began
    way.check()
    return seconds
