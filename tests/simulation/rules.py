"""Each rule of the protocol that can be taken out of the product, and what is done without it.

This is mutation, not mocking: the code that runs is the product's own; for one block of a test a method or a constant of it is replaced by
one that does all but what the rule asks. A rule that no history can miss would be there for nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.simulation import rules_of_consumer, rules_of_producer
from tests.simulation.log import SimStore
from tests.simulation.rules_of_producer import Changes
from tests.simulation.scale import changed

_OF_LOG: dict[str, Changes] = {
    "compaction_lag": {(SimStore, "compaction_lag"): 0.0},
    "late_first_compaction": {(SimStore, "retention_from_cleaning"): False},
}
"""What the product asks of any log (`TopicSettings`), and the log of the simulation keeps."""
OFF: dict[str, Changes] = {**rules_of_producer.OFF, **rules_of_consumer.OFF, **_OF_LOG}


@contextmanager
def without(rule: str) -> Iterator[None]:
    """Runs the block without one rule."""
    with changed(OFF[rule]):
        yield
