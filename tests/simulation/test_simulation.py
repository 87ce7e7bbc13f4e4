"""Histories, each drawn from its seed: the real producer and consumer keep the protocol in all of them.

Each commit draws other ones, the same in each of its runs. More of them, for a night: PUENTE_TEST_HISTORIES=20000; those of another run:
PUENTE_TEST_SEED=… A history that breaks something is printed with its seed, shrunk, as code for `kept.py`.
"""

import os
import subprocess
import sys
from ast import literal_eval
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from tests.simulation.history import START, History, as_code, random_history, run
from tests.simulation.kept import KEPT, PRODUCT, SCHEME, delete, edit
from tests.simulation.operations import Operation
from tests.simulation.rules import without
from tests.simulation.shrink import shrink
from tests.simulation.watch import kinds
from tests.simulation.world import World

HISTORIES = int(os.environ.get("PUENTE_TEST_HISTORIES", "600"))
CHUNKS = 8
LONGEST = 90
ROOT = Path(__file__).parents[2]


@cache
def first_seed() -> int:
    """By the commit that is tested; 0 where nothing knows it."""
    if "PUENTE_TEST_SEED" in os.environ:
        return int(os.environ["PUENTE_TEST_SEED"])
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return 0
    return int(commit[:6], 16) * 1000


def told(seed: str, history: History) -> str:
    """What a history breaks and the shortest one that breaks the same."""
    kind = min(kinds(run(history)))

    def is_bad(tried: Sequence[Operation]) -> bool:
        return kind in kinds(run(tried))

    short = shrink(history, is_bad)
    about = "\n".join(f"{one.kind}: {one.about}" for one in run(short))
    return f"seed {seed}\n{about}\n{as_code(short)}"


@pytest.mark.timeout(900)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_history_loses_a_change_or_takes_what_is_there(chunk: int) -> None:
    for number in range(first_seed() + chunk, first_seed() + HISTORIES, CHUNKS):
        history = random_history(number, LONGEST)
        if run(history):
            pytest.fail(told(str(number), history), pytrace=False)


def test_what_breaks_is_told_as_code_that_can_be_kept() -> None:
    history = [*KEPT["park_rejected"][1], *START, ("wait", 1, 0, 0)]
    with without("park_rejected"):
        assert run(history)
        about, _, code = told("7", history).partition("\n(\n")
        kept = literal_eval(f"({code}")
        assert about.startswith("seed 7\nI2 CAJA is not SAE: centro customer C1")
        assert "I2 CAJA is not SAE" in kinds(run(kept))
    assert len(kept) < len(history)
    assert not run(kept)


def test_a_product_that_its_scheme_led_to_and_that_is_gone_before_its_table_was_looked_at_is_gone_in_the_log() -> None:
    """Its scheme changed, too, and the look had to go on: INVE was for the next one."""
    produce = ("produce elsewhere", 0, 0, 0)
    assert run([produce, edit(PRODUCT, 3, 0), edit(SCHEME, 0, 0), produce, delete(PRODUCT, 3), ("end", 2, 0, 0)]) == []


def trace(seed: int) -> str:
    """All that a history did."""
    worlds: list[World] = []
    run(random_history(seed, LONGEST), worlds.append)
    (world,) = worlds
    events = {name: [*map(repr, topic.events)] for name, topic in world.store.topics.items()}
    return repr((events, [caja.content.rows for caja in world.cajas], [caja.content.parked for caja in world.cajas]))


@pytest.mark.parametrize("hashes", ["1", "2"])
def test_a_seed_is_one_history_whatever_pythons_hashes_are(hashes: str) -> None:
    program = "from tests.simulation.test_simulation import trace; print([trace(seed) for seed in range(10)])"
    environment = {**os.environ, "PYTHONHASHSEED": hashes}
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, check=True, text=True)
    assert found.stdout.strip() == str([trace(seed) for seed in range(10)])
