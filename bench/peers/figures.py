"""What rounds come to: rates, CPU, memory and latencies of a side, and how they compare, with what is to be reached."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from bench.peers.trial import Condition, Found
from bench.peers.used import Used

PUENTE, BEFORE, JVM = "Puente", "Puente before", "Debezium's JDBC sink"
PER_ROWS = 100_000
RATE, CPU, MEMORY, EDIT = "rows/s", "CPU", "memory", "one edit, p50"


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """A phase of a side: rows a second, and CPU seconds for 100,000 rows, medians of the rounds; memory in MB, the most."""

    rate: float
    slowest: float
    fastest: float
    client: float
    server: float
    memory: float


def taken(condition: Condition, rounds: Sequence[Used]) -> Taken:
    rates = [condition.rows / used.seconds for used in rounds]
    share = PER_ROWS / condition.rows
    return Taken(
        rate=median(rates),
        slowest=min(rates),
        fastest=max(rates),
        client=median(used.client for used in rounds) * share,
        server=median(used.server for used in rounds) * share,
        memory=max(used.memory for used in rounds),
    )


def percentiles(seconds: Sequence[float]) -> list[float]:
    """The 1st to the 99th, in milliseconds."""
    both = seconds if len(seconds) > 1 else [*seconds, *seconds]
    return [1000 * cut for cut in quantiles(both, n=100, method="inclusive")]


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What a ratio of Puente's figure to that of another must be: at least (a rate) or at most so much."""

    figure: str
    phase: str
    other: str
    ratio: float
    busy: bool = False
    line: float = 0.0

    def is_of(self, compared: "Compared") -> bool:
        condition = compared.condition
        mine = (self.figure, self.phase, self.other, self.busy, self.line)
        return mine == (compared.figure, compared.phase, compared.other, condition.busy, condition.line)

    def reached(self, ratio: float) -> bool:
        return ratio >= self.ratio if self.figure == RATE else ratio <= self.ratio

    def __str__(self) -> str:
        return f"{'≥' if self.figure == RATE else '≤'} {self.ratio:g} ×"


TARGETS = (
    Target(figure=RATE, phase="first load", other=JVM, ratio=3),
    Target(figure=CPU, phase="first load", other=JVM, ratio=0.5),
    Target(figure=MEMORY, phase="first load", other=JVM, ratio=0.25),
    Target(figure=RATE, phase="all unchanged", other=JVM, ratio=15),
    Target(figure=RATE, phase="all changed", other=JVM, ratio=3),
    Target(figure=EDIT, phase="", other=JVM, ratio=1),
    Target(figure=RATE, phase="first load", other=JVM, ratio=2, busy=True),
    Target(figure=RATE, phase="first load", other=BEFORE, ratio=20, line=30),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """How many times another's figure Puente's is: the median of the rounds' ratios."""

    condition: Condition
    phase: str
    figure: str
    other: str
    ratio: float

    @property
    def target(self) -> Target | None:
        return next((target for target in TARGETS if target.is_of(self)), None)

    @property
    def reached(self) -> bool | None:
        """None where nothing is to be."""
        return None if self.target is None else self.target.reached(self.ratio)


def compared(found: Sequence[Found]) -> Iterator[Compared]:
    for ours in (one for one in found if one.side == PUENTE):
        for other in (one for one in found if one.condition == ours.condition and one.side != PUENTE):
            for phase, rounds in ours.phases.items():
                for figure, ratio in _ratios(rounds, other.phases[phase]).items():
                    yield Compared(condition=ours.condition, phase=phase, figure=figure, other=other.side, ratio=ratio)
            if ours.edits and other.edits:
                ratio = percentiles(ours.edits)[49] / percentiles(other.edits)[49]
                yield Compared(condition=ours.condition, phase="", figure=EDIT, other=other.side, ratio=ratio)


def _ratios(ours: Sequence[Used], others: Sequence[Used]) -> Mapping[str, float]:
    pairs = list(zip(ours, others, strict=True))
    tick = 0.01
    """A process that used less CPU than the kernel counts used that much."""
    return {
        RATE: median(other.seconds / mine.seconds for mine, other in pairs),
        CPU: median(max(mine.client + mine.server, tick) / max(other.client + other.server, tick) for mine, other in pairs),
        MEMORY: max(mine.memory for mine in ours) / max(other.memory for other in others),
    }
