"""Shrinking keeps what is needed and no more."""

from collections.abc import Sequence

from tests.simulation.operations import Operation
from tests.simulation.shrink import shrink


def test_what_is_not_needed_goes_and_numbers_become_small() -> None:
    history: list[Operation] = [("a", 7, 7, 7), ("b", 1, 2, 3), ("a", 9, 0, 0), ("c", 500, 5, 5), ("b", 3, 3, 3)]

    def is_bad(tried: Sequence[Operation]) -> bool:
        names = [name for name, *_ in tried]
        return "a" in names and any(name == "c" and number >= 4 for name, number, *_ in tried)

    assert shrink(history, is_bad) == [("a", 0, 0, 0), ("c", 4, 0, 0)]


def test_operations_that_go_only_together_with_a_later_one_go_in_the_next_round() -> None:
    history: list[Operation] = [("open", 0, 0, 0), ("close", 0, 0, 0), ("bad", 0, 0, 0)]

    def is_bad(tried: Sequence[Operation]) -> bool:
        names = [name for name, *_ in tried]
        return "bad" in names and ("close" not in names or "open" in names)

    assert shrink(history, is_bad) == [("bad", 0, 0, 0)]
