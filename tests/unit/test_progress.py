"""How far a long pass of the producer is: told by its parts, shown now and then."""

import logging

import pytest

from producer.progress import Progress, Stage
from producer.sae.tables import Inve
from puente.commands.progress import TOLD_EVERY_SECONDS, ProgressLog
from tests.fakes.sae import row
from tests.unit.consuming import Clock
from tests.unit.producing import MODES, Mode, Site

Heard = list[tuple[Stage, int, int]]


def test_a_stage_goes_from_nothing_to_all_and_never_beyond() -> None:
    heard: Heard = []
    progress, beats = Progress(lambda *how_far: heard.append(how_far)), list[None]()
    progress.begin(Stage.READ, 700)
    beat = progress.with_beat(lambda: beats.append(None))
    beat()
    beat()
    progress.end()
    assert heard == [(Stage.READ, done, 700) for done in (0, 500, 700, 700)]
    assert len(beats) == 2


@pytest.mark.parametrize("mode", MODES)
def test_a_first_pass_reads_all_rows_and_then_publishes_all_events(mode: Mode) -> None:
    heard: Heard = []
    rows = [row(Inve, f"P{number}", status="A") for number in range(1200)]
    site = Site(*rows, mode=mode, progress=Progress(lambda *how_far: heard.append(how_far)))
    site.run()
    read = [(done, of) for stage, done, of in heard if stage is Stage.READ]
    published = [(done, of) for stage, done, of in heard if stage is Stage.PUBLISH]
    assert read[0][0] == 0
    assert read[-1][0] == read[-1][1] >= 1200
    assert published[0] == (0, 1200)
    assert published[-1] == (1200, 1200)
    assert 1000 in [done for done, _ in published]


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    named = ("action", "count", "total", "rate", "left_seconds")
    return [{name: getattr(record, name) for name in named} for record in caplog.records]


def test_a_long_stage_is_told_every_ten_seconds_with_its_rate_and_what_is_left(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "puente.run")
    clock = Clock()
    log = ProgressLog(["SAE"], clock)
    log.of_stage(Stage.READ, 0, 4000)
    for done in range(100, 4001, 100):
        clock.now += TOLD_EVERY_SECONDS / 10
        log.of_stage(Stage.READ, done, 4000)
    told = lines(caplog)
    assert told == [
        {"action": "read", "count": 1000 * turn, "total": 4000, "rate": 100, "left_seconds": 40.0 - 10 * turn} for turn in (1, 2, 3)
    ]


def test_what_is_done_soon_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "puente.run")
    clock = Clock()
    log = ProgressLog(["SAE"], clock)
    for stage in (Stage.READ, Stage.PUBLISH, Stage.READ, Stage.PUBLISH):
        for done in range(0, 101, 10):
            log.of_stage(stage, done, 100)
            clock.now += 0.9
    assert lines(caplog) == []
