"""A history that breaks something, made as short and plain as it can be while it still breaks the same."""

from collections.abc import Callable, Sequence

from tests.simulation.operations import Operation

SMALL_NUMBERS = 12


def shrink(history: Sequence[Operation], is_bad: Callable[[Sequence[Operation]], bool]) -> list[Operation]:
    """Drops operations, many at once before few, then makes numbers small, until nothing more can go."""
    before: list[Operation] = []
    found = list(history)
    while found != before:
        before = found
        found = _plainer(_shorter(found, is_bad), is_bad)
    return found


def _shorter(history: list[Operation], is_bad: Callable[[Sequence[Operation]], bool]) -> list[Operation]:
    size = max(1, len(history) // 2)
    while size:
        place = 0
        while place < len(history):
            tried = history[:place] + history[place + size :]
            if is_bad(tried):
                history = tried
            else:
                place += size
        size //= 2
    return history


def _plainer(history: list[Operation], is_bad: Callable[[Sequence[Operation]], bool]) -> list[Operation]:
    for place in range(len(history)):
        for which in range(3):
            for number in range(min(SMALL_NUMBERS, history[place][1:][which])):
                tried = [*history[:place], _with(history[place], which, number), *history[place + 1 :]]
                if is_bad(tried):
                    history = tried
                    break
    return history


def _with(operation: Operation, which: int, number: int) -> Operation:
    numbers = list(operation[1:])
    numbers[which] = number
    return (operation[0], numbers[0], numbers[1], numbers[2])
