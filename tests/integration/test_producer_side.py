"""The producer with its connections, on an embedded log that others want as well: who works, who stands by, who has to let go."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from foundation.engines import create_database, open_database
from foundation.errors import ConnectionLost, Occupied
from foundation.eventlog.embedded.log import EmbeddedLog
from foundation.eventlog.port import START, Topic
from foundation.texts import text
from producer.losses import Kind
from producer.poll import Pass
from producer.recognition import AnotherSae
from puente.config import Settings
from puente.demo.statements import run
from puente.loop import Stop
from puente.reference import build_sae
from puente.wiring.producing import CLAIM_TURN_SECONDS, STANDBY_SECONDS, Meant, ProducerSide
from puente.wiring.turns import CLAIM_TOTAL_SECONDS, LockTurn
from schemas.control import SAE, run_of
from tests.engines.embedded import EmbeddedDatabases
from tests.unit.producing import Clock


@pytest.fixture
def site(embedded: EmbeddedDatabases, tmp_path: Path) -> Settings:
    create_database(embedded.url("sae"))
    with closing(open_database(embedded.url("sae"))) as database:
        build_sae(database)
    return Settings.model_validate({"sae": {"url": embedded.url("sae"), "poll_seconds": 7}, "folder": tmp_path})


@pytest.fixture
def others(site: Settings) -> Iterator[FileLock]:
    """The lock of another process that works."""
    lock = FileLock(f"{site.log_path}.producer", is_singleton=False)
    lock.acquire()
    yield lock
    lock.release()


def words(site: Settings) -> list[tuple[str | None, bool]]:
    """Run and whether it is a release, of all that was said, but for which SAE it is."""
    topic = Topic("puente.01.control")
    with closing(EmbeddedLog(site.log_path)) as log:
        events = log.read(topic, START).events if log.state(topic) else []
    return [(run_of(event), event.value is None) for event in events if event.key != SAE]


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    records = [record for record in caplog.records if getattr(record, "action", "") in ("stand by", "take over")]
    return [(record.levelname, record.__dict__["action"]) for record in records]


def test_the_only_one_works_at_its_pace_and_releases_the_log_at_its_end(site: Settings) -> None:
    passes: list[Pass] = []
    side = ProducerSide(site, passes.append)
    assert side.turn() == 7
    side.release()
    assert len(passes) == 1
    assert [released for _, released in words(site)] == [False, False, True]


class Resting(Stop):
    """Time passes at once; what is planned for the nth time that it sleeps happens then."""

    def __init__(self, clock: Clock, planned: Mapping[int, Callable[[], None]]) -> None:
        super().__init__()
        self._clock, self._planned = clock, planned
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self._clock.seconds += seconds
        self.slept.append(seconds)
        self._planned.get(len(self.slept), lambda: None)()


def test_a_rest_ends_as_soon_as_something_begins_in_sae(site: Settings) -> None:
    passes: list[Pass] = []
    clock = Clock()
    side = ProducerSide(site, passes.append, clock=clock)
    side.turn()

    def edit() -> None:
        assert site.sae is not None
        with closing(open_database(site.sae.url.get_secret_value())) as database, database.writing() as writer:
            run(writer, "INSERT INTO CLIN01 (CVE_LIN, STATUS) VALUES ('L', 'A')")

    resting = Resting(clock, {3: edit})
    side.rest(resting, side.turn())
    assert len(resting.slept) == 3
    side.turn()
    assert passes[-1].published == 1
    # And while nothing begins it lasts as long as it should
    before = clock.seconds
    side.rest(Resting(clock, {}), side.turn())
    assert clock.seconds == pytest.approx(before + 7)
    side.release()


def test_a_look_that_goes_on_does_so_at_once_and_then_sae_rests_for_all_of_it(site: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    side, looks = ProducerSide(site, clock=clock), [Pass(seconds=1.0, goes_on=True), Pass(seconds=0.5, goes_on=True), Pass(seconds=0.5)]
    monkeypatch.setattr(side, "step", partial(next, iter(looks)))
    assert [side.turn() for _ in looks] == [0, 0, 7]
    resting = Resting(clock, {})
    side.rest(resting, 6.5)
    assert resting.slept[0] == pytest.approx(6.0)  # three times the two seconds


def test_a_sae_that_is_lost_ends_the_rest_and_the_next_pass_starts_over(site: Settings) -> None:
    passes: list[Pass] = []
    clock = Clock()
    side = ProducerSide(site, passes.append, clock=clock)
    side.turn()
    assert side._producer is not None
    capture: Any = side._producer._capture

    def lose() -> None:
        capture._sae.newest_transaction = gone

    def gone() -> int:
        raise ConnectionLost(text("gone"))

    resting = Resting(clock, {2: lose})
    side.rest(resting, 7)
    assert len(resting.slept) == 2
    with pytest.raises(ConnectionLost):
        side.turn()
    side.turn()
    assert passes[-1].looked
    side.release()


def test_one_that_finds_another_at_work_stands_by_and_takes_over_when_it_is_gone(
    site: Settings, others: FileLock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    side = ProducerSide(site)
    assert [side.turn() for _ in range(3)] == [STANDBY_SECONDS] * 3
    assert words(site) == []
    others.release()
    assert side.turn() == 7
    side.release()
    assert told(caplog) == [("INFO", "stand by"), ("INFO", "take over")]


def test_one_that_never_worked_says_nothing_at_its_end(site: Settings, others: FileLock) -> None:
    side = ProducerSide(site)
    side.turn()
    side.release()
    assert words(site) == []


def test_one_that_is_to_let_deletes_through_claims_the_log_and_waits_for_the_lock(site: Settings, others: FileLock) -> None:
    side = ProducerSide(site, meant=Meant({Kind.DELETED: 5}))
    assert [side.turn() for _ in range(3)] == [CLAIM_TURN_SECONDS] * 3
    assert len(words(site)) == 1
    others.release()
    assert side.turn() == 7
    assert {run for run, _ in words(site)} == {words(site)[0][0]}
    side.release()


def test_one_whose_claim_nobody_heeds_gives_up_after_a_while(site: Settings, others: FileLock) -> None:
    clock = Clock()
    side = ProducerSide(site, meant=Meant({Kind.DELETED: 5}), clock=clock)
    assert side.step() is None
    clock.seconds += CLAIM_TOTAL_SECONDS
    assert side.step() is None
    clock.seconds += 1
    with pytest.raises(Occupied, match=r"puente-log\.db"):
        side.step()
    side.release()
    assert len(words(site)) == 1  # it holds nothing that it could release


def each_with_a_lock_of_its_own(*sides: ProducerSide) -> None:
    """As those of two processes have."""
    for side in sides:
        assert isinstance(side._turn, LockTurn)
        side._turn._lock = FileLock(side._turn._lock.lock_file, is_singleton=False)


def test_one_that_works_lets_go_of_a_log_that_another_claimed(site: Settings, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    first, second = ProducerSide(site), ProducerSide(site, meant=Meant({Kind.DELETED: 5}))
    each_with_a_lock_of_its_own(first, second)
    assert first.turn() == 7
    assert second.turn() == CLAIM_TURN_SECONDS
    assert first.turn() == STANDBY_SECONDS
    assert second.turn() == 7
    assert first.turn() == STANDBY_SECONDS
    second.release()
    assert first.turn() == 7
    first.release()
    assert told(caplog) == [("INFO", "stand by"), ("INFO", "take over")]


def another(site: Settings, embedded: EmbeddedDatabases) -> Settings:
    """The same site, its settings naming another company's SAE."""
    url = embedded.url("another")
    create_database(url)
    with closing(open_database(url)) as database:
        build_sae(database)
        with database.writing() as writer:
            run(writer, "UPDATE PARAM_DATOSEMP01 SET RFC = 'OTR010203AB1'")
    assert site.sae is not None
    return site.model_copy(update={"sae": site.sae.model_copy(update={"url": type(site.sae.url)(url)})})


@pytest.fixture
def named(site: Settings) -> Settings:
    """A site whose company has an RFC, which the log knows."""
    assert site.sae is not None
    with closing(open_database(site.sae.address)) as database, database.writing() as writer:
        run(writer, "UPDATE PARAM_DATOSEMP01 SET RFC = 'FER010203AB1'")
    side = ProducerSide(site)
    side.turn()
    side.release()
    return site


def test_one_that_refuses_sae_lets_go_of_the_log_and_looks_again(named: Settings, embedded: EmbeddedDatabases) -> None:
    said, others = words(named), another(named, embedded)
    refusing, accepting = ProducerSide(others), ProducerSide(others, meant=Meant(accepts_sae=True))
    each_with_a_lock_of_its_own(refusing, accepting)
    with pytest.raises(AnotherSae):
        refusing.turn()
    assert words(named) == said
    assert (accepting.claims, accepting.turn(), accepting.claims) == (True, 7, False)
    accepting.release()
    assert refusing.turn() == 7
    refusing.release()


def test_one_that_takes_another_sae_claims_the_log_of_one_that_works(named: Settings, embedded: EmbeddedDatabases) -> None:
    """Which refuses it from then on: its own settings name the first."""
    first, second = ProducerSide(named), ProducerSide(another(named, embedded), meant=Meant(accepts_sae=True))
    each_with_a_lock_of_its_own(first, second)
    assert first.turn() == 7
    assert second.turn() == CLAIM_TURN_SECONDS
    assert first.turn() == STANDBY_SECONDS
    assert second.turn() == 7
    second.release()
    with pytest.raises(AnotherSae):
        first.turn()


def test_what_was_allowed_is_allowed_until_a_pass_is_finished(site: Settings) -> None:
    side = ProducerSide(site, meant=Meant({Kind.DELETED: 5}))
    url, wrong = site.sae and site.sae.address, "firebird+firebird://u:p@127.0.0.1:1/x"
    assert site.sae is not None
    side._settings = site.model_copy(update={"sae": site.sae.model_copy(update={"url": type(site.sae.url)(wrong)})})
    with pytest.raises(ConnectionLost):
        side.turn()
    assert (url, side._meant.allowed) == (site.sae.address, {Kind.DELETED: 5})
    side._settings = site
    side.turn()
    assert side._meant.allowed == {}
    side.release()
