"""`puente check` of a log: how its topics are kept."""

from contextlib import closing
from pathlib import Path

from foundation.errors import ExitCode
from foundation.eventlog.embedded.log import EmbeddedLog
from foundation.eventlog.port import DAY_MS, TopicSettings
from puente.commands.check import check
from puente.config import Settings
from puente.findings import Level
from schemas.registry import publish_schemas
from schemas.topics import Topics

TOPICS = Topics("puente", "01")
HOUR_MS = 3_600_000


def found(folder: Path, settings: TopicSettings) -> list[tuple[Level, str, ExitCode]]:
    """What is said of the topic of the lines, which is kept so."""
    (line, *others) = [topic for topic in TOPICS.fixed() if topic.endswith("product_line")] + list(TOPICS.fixed())
    with closing(EmbeddedLog(folder / "log.db")) as log:
        log.create({line: settings, **{topic: TopicSettings() for topic in others if topic != line}})
        publish_schemas(log, TOPICS.registry)
    site = Settings.model_validate({"company": "01", "log": {"path": str(folder / "log.db")}})
    return [(finding.level, str(finding.text), finding.code) for finding in check(site) if finding.about == line]


def test_a_topic_that_keeps_tombstones_for_so_short_that_a_delete_may_be_missed_is_refused(tmp_path: Path) -> None:
    found_of_short = found(tmp_path, TopicSettings(min_compaction_lag_ms=0, delete_retention_ms=HOUR_MS - 1))
    assert [(level, code) for level, said, code in found_of_short if "may never hear that a key is gone" in said] == [
        (Level.ERROR, ExitCode.CONFIG)
    ]


def test_a_topic_that_is_kept_for_less_than_puente_asks_for_is_told_with_what_that_costs(tmp_path: Path) -> None:
    told = found(tmp_path, TopicSettings(min_compaction_lag_ms=DAY_MS, delete_retention_ms=DAY_MS))
    assert [(level, code) for level, _, code in told] == [(Level.WARNING, ExitCode.OK)]
    assert "must read the whole log again" in told[0][1]


def test_of_a_topic_that_is_kept_as_puente_makes_it_nothing_is_said(tmp_path: Path) -> None:
    assert found(tmp_path, TopicSettings()) == []
