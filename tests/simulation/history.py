"""Histories: drawn at random from a seed, run, and printed so that they can be kept."""

import random
from collections.abc import Callable, Iterable, Sequence

from tests.simulation import acts_of_programs, acts_on_caja, acts_on_log, acts_on_sae
from tests.simulation.operations import EFFECTS, WEIGHTS, Operation
from tests.simulation.scale import small
from tests.simulation.watch import Violation
from tests.simulation.world import World

History = Sequence[Operation]
END, SITE = "end", "site"
WITH_OPERATIONS = (acts_of_programs, acts_on_caja, acts_on_log, acts_on_sae)

START: History = (
    *(("edit", table, key, n) for table, key, n in ((0, 0, 1), (0, 1, 1), (1, 0, 1), (1, 2, 3), (2, 0, 1), (2, 2, 2), (3, 0, 1))),
    *(("edit", table, key, n) for table, key, n in ((4, 0, 1), (5, 0, 2), (5, 1, 3), (6, 0, 1))),
    ("produce", 0, 0, 0),
    *[("consume all", 4, 0, 0)] * 3,
)
"""A site that works: most histories begin with it."""


def random_history(seed: object, longest: int) -> History:
    rng = random.Random(str(seed))
    names, weights = list(WEIGHTS), list(WEIGHTS.values())
    drawn = rng.choices(names, weights, k=rng.randrange(5, longest))
    return (
        (SITE, rng.randrange(8), 0, 0),
        *(START if rng.random() < 0.8 else ()),
        *((name, rng.randrange(1000), rng.randrange(1000), rng.randrange(1000)) for name in drawn),
        (END, rng.randrange(18), 0, 0),
    )


def run(history: Iterable[Operation], before: Callable[[World], None] = lambda _world: None) -> list[Violation]:
    """What a history breaks. `before` prepares the site."""
    with small():
        world, how = World(), 0
        before(world)
        try:
            for name, a, b, c in history:
                if name == END:
                    how = a
                elif name == SITE:
                    world.site.compares, world.sae.all_exact = a % 8 == 7, a % 8 != 6
                else:
                    EFFECTS[name](world, a, b, c)
            world.rest(how)
        finally:
            world.end()
    return world.found


def as_code(history: History) -> str:
    """To be pasted into `kept.py`."""
    return "\n".join(["(", *(f"    {operation!r},".replace("'", '"') for operation in history), ")"])
