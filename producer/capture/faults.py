"""Rows and keys of SAE that are not as they should be: all there are now, pass after pass."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from producer.capture.comparison import Comparison, Keys, LogKey, Problem
from schemas.entities import Subject
from schemas.keys import trim

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Faults:
    """Rows that no event can hold, and raw keys that lost to one that is equal once trimmed, by key."""

    problems: Mapping[LogKey, Problem] = field(default_factory=dict)
    lost: Mapping[LogKey, tuple[str, ...]] = field(default_factory=dict)

    def after(self, comparison: Comparison, only: Keys) -> "Faults":
        """Of the keys that were looked at what was found, of the others what was known."""
        found = faults_of(comparison)
        return Faults({**_without(self.problems, only), **found.problems}, {**_without(self.lost, only), **found.lost})

    @property
    def collisions(self) -> tuple[tuple[Subject, str], ...]:
        return tuple((subject, raw) for (subject, _), raws in self.lost.items() for raw in raws)


def faults_of(comparison: Comparison) -> Faults:
    lost: dict[LogKey, tuple[str, ...]] = {}
    for subject, raw in comparison.collisions:
        place = subject, trim(raw).encode()
        lost[place] = (*lost.get(place, ()), raw)
    return Faults({problem.place: problem for problem in comparison.problems}, lost)


def _without(found: Mapping[LogKey, Found], only: Keys) -> dict[LogKey, Found]:
    return {(subject, key): one for (subject, key), one in found.items() if key not in only.get(subject, ())}
