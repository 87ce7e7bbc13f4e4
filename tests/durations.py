"""In which order the files of a test run begin: the longest first, and those that wait for servers beside those that only compute.

How long each file took stands in `durations.json`, which `make durations` writes anew. A file that it does not name comes first.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

FILE = Path(__file__).with_name("durations.json")
OPTION = "--keep-durations"
WAITING = ("tests/e2e/", "tests/scenarios/", "tests/integration/")


def known() -> dict[str, float]:
    """File → seconds, of all its tests one after the other."""
    found: dict[str, float] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def order(files: Iterable[str], seconds: Mapping[str, float]) -> list[str]:
    """Of the files that wait and of those that compute, as much of each at any time as there is of it in all."""
    longest_first = sorted(files, key=lambda file: -seconds.get(file, float("inf")))
    place: dict[str, float] = {}
    for waits in (True, False):
        kind = [file for file in longest_first if file.startswith(WAITING) is waits]
        total, before = sum(seconds.get(file, 0) for file in kind) or 1, 0.0
        for file in kind:
            place[file] = before / total
            before += seconds.get(file, 0)
    return sorted(longest_first, key=lambda file: place[file])


def arrange(items: list[pytest.Item]) -> None:
    """The tests of a file stay together and as they are."""
    by_file: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        by_file[file_of(item.nodeid)].append(item)
    items[:] = [item for file in order(by_file, known()) for item in by_file[file]]


def file_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]


class Keeper:
    """Adds up how long each file takes, in the process that hears of all tests, and writes it at the end."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds[file_of(report.nodeid)] += report.duration

    def pytest_sessionfinish(self) -> None:
        found = {file: round(seconds, 1) for file, seconds in sorted(self._seconds.items())}
        FILE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
