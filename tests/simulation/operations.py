"""Operations: what may happen, each with three numbers of its own and harmless where it does not apply: any part of a history is one.

0 is the plainest: the first key, a whole turn that nobody interrupts. The operations stand in the modules `acts_…`.
"""

from collections.abc import Callable

from tests.simulation.world import World

Operation = tuple[str, int, int, int]
Effect = Callable[[World, int, int, int], None]
EFFECTS: dict[str, Effect] = {}
WEIGHTS: dict[str, int] = {}


def weighs(weight: int) -> Callable[[Effect], Effect]:
    """Makes an operation of a function, under its name; `weight` says how often it is drawn."""

    def named(effect: Effect) -> Effect:
        name = effect.__name__.replace("_", " ")
        EFFECTS[name], WEIGHTS[name] = effect, weight
        return effect

    return named
