"""The command, with a bug in one of its units.

Its arguments are UNIT and those of the command. UNIT is the name of a CAJA, in whose consumer the bug is met with the first change to be
applied, or SAE, whose producer meets it when it publishes. It replaces methods of its own process alone.
"""

import sys
from typing import Any

from consumer.apply import Applier
from producer.publish import Publisher
from puente.cli.main import main as command

PRODUCER = "SAE"


def plant(unit: str) -> None:
    owner: Any = Publisher if unit == PRODUCER else Applier
    name = "publish" if unit == PRODUCER else "apply"
    original = getattr(owner, name)

    def meets_it(self: Any, *arguments: Any, **named: Any) -> Any:
        if getattr(self, "_name", PRODUCER) == unit:
            raise TypeError("planted")
        return original(self, *arguments, **named)

    setattr(owner, name, meets_it)


def main() -> None:
    plant(sys.argv[1])
    command(sys.argv[2:])
