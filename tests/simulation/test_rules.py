"""Each rule of the protocol is needed: a kept history does harm without it, and none with it."""

import pytest

from tests.simulation.history import run
from tests.simulation.kept import ARGUED, KEPT, spelt_out
from tests.simulation.rules import OFF, without
from tests.simulation.watch import kinds


@pytest.mark.parametrize("rule", KEPT)
def test_without_the_rule_its_history_does_harm(rule: str) -> None:
    kind, history = KEPT[rule]
    found = set()
    for spelt in spelt_out(history):
        with without(rule):
            found |= kinds(run(spelt))
        if kind in found:
            return
    pytest.fail(f"found {found or 'nothing'}, not {kind}")


@pytest.mark.parametrize("rule", KEPT)
def test_with_all_rules_its_history_does_none(rule: str) -> None:
    _, history = KEPT[rule]
    assert [found for spelt in spelt_out(history) for found in run(spelt)] == []


@pytest.mark.parametrize(("both", "alone"), [(rule, alone) for rule in KEPT if "," in rule for alone in rule.split(", ")])
def test_of_two_rules_either_does_alone(both: str, alone: str) -> None:
    _, history = KEPT[both]
    for spelt in spelt_out(history):
        with without(alone):
            assert run(spelt) == []


def test_every_rule_that_can_be_taken_out_is_kept_or_argued() -> None:
    assert OFF.keys() - KEPT.keys() == OFF.keys() & ARGUED.keys()
    assert KEPT.keys() <= OFF.keys()
    assert not KEPT.keys() & ARGUED.keys()
