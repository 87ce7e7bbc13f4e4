"""The order of a test run's files."""

from hypothesis import given
from hypothesis import strategies as st

from tests.durations import WAITING, known, order
from tests.e2e.command import ROOT

NAMES = st.sampled_from(
    [f"tests/{folder}/test_{letter}.py" for folder in ("e2e", "integration", "unit", "contracts") for letter in "abcdef"]
)
SECONDS = st.dictionaries(NAMES, st.floats(0, 1000), max_size=24)


@given(st.sets(NAMES, max_size=24), SECONDS)
def test_no_file_is_lost_and_of_one_kind_the_longest_come_first(files: set[str], seconds: dict[str, float]) -> None:
    found = order(sorted(files), seconds)
    assert sorted(found) == sorted(files)
    for waits in (True, False):
        lengths = [seconds.get(file, float("inf")) for file in found if file.startswith(WAITING) is waits]
        assert lengths == sorted(lengths, reverse=True)


def test_those_that_wait_and_those_that_compute_run_side_by_side() -> None:
    waiting = {f"tests/e2e/test_{n}.py": 30.0 for n in range(4)}
    computing = {f"tests/unit/test_{n}.py": 5.0 for n in range(8)}
    found = order([*waiting, *computing], {**waiting, **computing})
    assert [sum(file in waiting for file in found[at : at + 3]) for at in (0, 3, 6, 9)] == [1, 1, 1, 1]


def test_the_durations_are_of_files_that_there_are() -> None:
    assert known()
    assert [file for file in known() if not (ROOT / file).exists()] == []
