"""Ports for the tests' servers: none is given twice."""

import subprocess
import sys

import pytest

from tests.engines import ports
from tests.engines.ports import free_port

DRAWN_ELSEWHERE = """\
import random, sys
from tests.engines import ports
ports.draw = iter([int(sys.argv[1])] + random.sample(range(20_000, 30_000), 1_000)).__next__
print(ports.free_port())
"""


def test_a_port_is_given_once(monkeypatch: pytest.MonkeyPatch) -> None:
    given, other = free_port(), free_port()
    draws = iter([given, other])
    monkeypatch.setattr(ports, "draw", lambda really=ports.draw: next(draws, None) or really())

    assert free_port() not in {given, other}
    assert next(draws, None) is None


def test_nor_is_it_given_to_another_process_before_anybody_listens() -> None:
    given = free_port()

    told = subprocess.run([sys.executable, "-c", DRAWN_ELSEWHERE, str(given)], capture_output=True, text=True, timeout=60, check=True)

    assert int(told.stdout) != given
