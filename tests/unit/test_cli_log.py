"""What `puente log copy` says of a copy that is not equal to its source."""

import json
from dataclasses import replace

import pytest

from foundation.errors import ExitCode
from foundation.eventlog.port import Topic
from puente.cli import log
from puente.commands.logcopy import Copied, Newest, Result
from puente.config import Settings

FOUND = Newest(events=5, tombstones=1, keys=3, digest="a")
EQUAL = Copied(topic=Topic("puente.01.product"), into=Topic("moved.01.product"), copied=5, source=FOUND, target=FOUND)
OTHER_VALUE = replace(EQUAL, into=Topic("moved.01.customer"), target=replace(FOUND, digest="b"))
OTHER_KEYS = replace(EQUAL, into=Topic("moved.01.stock.1"), target=replace(FOUND, keys=4))


def test_a_topic_that_differs_is_named_with_the_remedy_and_nothing_invites_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    result = Result(topics=[EQUAL, OTHER_VALUE, OTHER_KEYS])
    log._show(Settings(), Settings(), result)
    said = capsys.readouterr().out
    named = [line.partition(":")[0] for line in said.splitlines() if "copy again" in line]
    assert named == ["moved.01.customer", "moved.01.stock.1"]
    assert "puente setup" not in said
    assert result.exit_code is ExitCode.DIFFERENCES


def test_machines_are_told_which_topic_differs() -> None:
    told = log._as_json(Settings(), Settings(), Result(topics=[EQUAL, OTHER_VALUE], grew=[Topic("puente.01.control")]))
    read = json.loads(json.dumps(told))
    assert [topic["equal"] for topic in read["topics"]] == [True, False]
    assert read["grew"] == ["puente.01.control"]
    assert read["exit_code"] == 1
