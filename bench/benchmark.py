"""What a benchmark is: a size, a number of rounds, and figures that are made one after the other."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

from bench.engines import Engine
from bench.measure import Figure


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """Where a benchmark runs: a temporary folder, how many rows, and who is told what takes long."""

    folder: Path
    rows: int
    told: Callable[[str], None]


Figures = Generator[Figure, None, None]
"""Each is measured before the next one is asked for: what it needs stands open in the generator."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Benchmark:
    """`on_engine` is run on every engine from Firebird `since` on, `plain` once, before: at least one of them is given."""

    name: str
    about: str
    rows: int
    rounds: int
    on_engine: Callable[[Setting, Engine], Figures] | None = None
    plain: Callable[[Setting], Figures] | None = None
    since: int = 2
