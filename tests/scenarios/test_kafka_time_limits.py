"""A broker that refuses, stays silent, is slow or breaks off: every command says so in seconds, and `run` goes on by itself."""

from collections.abc import Callable

import pytest

from foundation.errors import ExitCode
from tests.e2e.small_site import wait_until
from tests.engines.kafka_line import FETCH, PRODUCE, Line, Trouble
from tests.scenarios.trouble import Story

pytestmark = pytest.mark.kafka_log
WORKERS = ("SAE", "centro", "norte")
ALWAYS = 1_000_000
Fault = Callable[[Line], object]


def is_silent(line: Line) -> None:
    """To new ones, too."""
    line.break_off()
    line.silence()


def falls_silent(line: Line) -> None:
    line.silence()


def breaks_off(line: Line) -> None:
    """Half-way through each answer to what matters."""
    for kind in (PRODUCE, FETCH):
        line.befalls(Trouble(kind=kind, is_answer=True, half=True, count=ALWAYS))


FAULTS = pytest.mark.parametrize(
    "fault", [Line.cut, is_silent, falls_silent, breaks_off], ids=["refuses", "silent", "falls silent", "breaks off"]
)


@pytest.fixture
def story(kafka_story: Story, line: Line) -> Story:
    """With short limits; its settings are put back by the line."""
    kafka_story.site.edit_settings(f'"{line.address}"\n', f'"{line.address}"\nconnect_seconds = 1\nrequest_seconds = 2\n')
    return kafka_story


def mend(line: Line) -> None:
    """What was asked meanwhile is gone with its connections."""
    line.break_off()
    line.mend()


@FAULTS
def test_every_command_says_which_host_it_is_and_exits_with_3(story: Story, line: Line, fault: Fault) -> None:
    story.edit()
    fault(line)
    others = (("status",), ("check",), ("setup", "--yes"))  # which read nothing of what is broken off
    for done in story.site.at_once(("run", "--once"), *(() if fault is breaks_off else others)):
        said = done.stdout + done.stderr
        assert done.returncode == ExitCode.DOWN, said
        assert line.address in said.replace("\n", ""), said
        assert "Traceback" not in said
    mend(line)
    wait_until(lambda: story.site.puente("run", "--once").returncode == ExitCode.OK)
    assert story.differences == []


@FAULTS
def test_run_goes_on_by_itself_when_the_broker_is_back(story: Story, line: Line, fault: Fault) -> None:
    with story.running() as puente:
        wait_until(lambda: len(puente.told("claim")) == 2)
        fault(line)
        story.edit()
        wait_until(lambda: all(puente.told("failed", f"worker={worker} ") for worker in WORKERS))
        mend(line)
        story.heals()
        wait_until(lambda: all(puente.told("recovered", f"worker={worker}") for worker in WORKERS))
    assert story.differences == []


def test_a_slow_line_is_waited_for(story: Story, line: Line) -> None:
    story.edit()
    line.slow(0.01)
    done = story.site.puente("run", "--once")
    assert done.returncode == ExitCode.OK, done.stdout + done.stderr
