"""Any history of SAE, the log and the producer ends in a log that equals SAE, and no event on the way was needless or untrue."""

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.errors import ConnectionLost
from foundation.eventlog.port import Topic
from foundation.texts import text
from producer.capture.record_version import VersionCapture
from producer.poll import HEARTBEAT_SECONDS
from producer.sae.tables import Clin, Inve, Mult
from schemas.entities import Entity, Subject
from tests.fakes.failing_log import FailingLog, How
from tests.unit.producing import MODES, TOPICS, Mode, foreign
from tests.unit.sae_histories import EDITS, ROWS, TOGGLES, Judged, Step, ended, passes, restored

SUBJECTS = st.sampled_from([*map(Subject, list(Entity)[:-1]), Subject(Entity.STOCK, 1), Subject(Entity.STOCK, 2)])
HOW = st.sampled_from(["before", "after", "half"])


def _failing_log(at: int, how: How, crash: bool) -> Step:
    def step(site: Judged) -> None:
        site.log.plan(at, how)
        site.attempt()
        if crash:
            site.restart()

    return step


def _failing_sae(place: object) -> Step:
    def step(site: Judged) -> None:
        site.sae.fail[place] = ConnectionLost(text("gone"))
        site.attempt()
        site.sae.fail.clear()
        site.sae.connections += 1
        site.sae.running.clear()

    return step


def _rolled_back(site: Judged) -> None:
    number = site.sae.begin()
    site.attempt()
    site.sae.end(number)


def _slip_in(subject: Subject, key: str) -> Step:
    """A tombstone of somebody else, or a line that SAE does not hold."""

    def step(site: Judged) -> None:
        site.log.create({TOPICS.of(subject): TOPICS.fixed()[TOPICS.control]})
        line = {"line": key, "description": "other", "is_group": True, "status": "active"}
        site.log.slip_in(foreign(subject, key, line if subject.entity is Entity.PRODUCT_LINE else None))

    return step


def _refilled(subject: Subject, count: int, keys: list[str]) -> Step:
    """The tail is lost, and somebody else writes."""

    def step(site: Judged) -> None:
        topic = TOPICS.of(subject)
        if topic in site.log.store.topics:
            site.log.cut(topic, count)
            site.log.slip_in(*(foreign(subject, key, None) for key in keys))

    return step


def _on_topic(change: Callable[[FailingLog, Topic], None], subject: Subject, and_control: bool) -> Step:
    def step(site: Judged) -> None:
        for topic in (TOPICS.of(subject), TOPICS.control)[: 1 + and_control]:
            if topic in site.log.store.topics:
                change(site.log, topic)

    return step


CHANGES = st.one_of(
    st.just(FailingLog.make_again),
    st.integers(1, 4).map(lambda count: lambda log, topic: log.cut(topic, count)),
)
SLIPPED = st.builds(_slip_in, SUBJECTS, st.sampled_from(["A", "B", "Z"]))
STEPS: st.SearchStrategy[Step] = st.one_of(
    EDITS,
    EDITS,
    st.just(passes),
    st.just(passes),
    st.builds(_failing_log, st.integers(1, 40), HOW, st.booleans()),
    st.builds(_failing_sae, st.sampled_from(["snapshot", Clin, Inve, Mult])),
    st.just(_rolled_back),
    st.just(lambda site: site.restart()),
    st.just(lambda site: site.log.store.compact()),
    SLIPPED,
    st.builds(_refilled, SUBJECTS, st.integers(1, 3), st.lists(st.sampled_from(["A", "B"]), max_size=3)),
    st.builds(_on_topic, CHANGES, SUBJECTS, st.booleans()),
    st.builds(restored, st.integers(0, 2)),
    TOGGLES,
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(MODES), st.lists(ROWS, max_size=12), st.lists(STEPS, min_size=3, max_size=30))
def test_at_rest_the_log_equals_sae_and_no_event_was_needless(mode: Mode, rows: list[Any], steps: list[Step]) -> None:
    site = Judged(mode)
    site.sae.put(*rows)
    site.settled()
    for step in steps:
        step(site)
    site.clock.seconds += HEARTBEAT_SECONDS  # before which all topics are read
    site.attempt()
    site.attempt()
    assert site.settled() == []
    assert site.agrees()
    site.tells_what_lacks()


CALM: st.SearchStrategy[Step] = st.one_of(EDITS, EDITS, st.just(passes), SLIPPED)


@settings(max_examples=500, deadline=None)
@given(st.lists(ROWS, max_size=20), st.lists(CALM, min_size=10, max_size=40), st.booleans())
def test_the_exact_mode_misses_nothing_between_two_comparisons(rows: list[Any], steps: list[Step], commits: bool) -> None:
    """The producer never starts over here, so that nothing but the marks finds what changed."""
    site = Judged(VersionCapture)
    site.sae.put(*rows)
    site.run()
    for step in [*steps, *(ended(0, commits=commits) for _ in range(len(steps)))]:
        step(site)
    site.run()
    assert site.agrees()
    assert site.settled() == []
    site.tells_what_lacks()
    assert site.sae.reads["rows", Inve] == 1
