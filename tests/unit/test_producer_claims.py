"""Several producers on one log: the newest claim writes, the others stand by, and the log ends equal to SAE."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.errors import Displaced, RetryableError
from foundation.eventlog.port import Event, Offset, Record
from foundation.silence import SILENCE_SECONDS
from producer.claim import Claim, Standby
from producer.poll import HEARTBEAT_SECONDS, Producer
from producer.sae.port import ROWS_TO_A_BEAT
from producer.sae.tables import Clie, Clin, Inve
from schemas.control import KEY, record, release, run_of
from schemas.headers import RUN
from tests.fakes.sae import row
from tests.unit.producing import MODES, TOPICS, Clock, Mode, Site
from tests.unit.sae_histories import ROWS


def heartbeat(run: str | None, *, said: bool = True) -> Event:
    """A heartbeat, or the release of one."""
    headers = () if run is None else ((RUN, run.encode()),)
    return Event(Offset(0), KEY, b"word" if said else None, headers)


def stands(*runs: str | None) -> bool:
    """Whether the claim of `me` stands after these runs' heartbeats."""
    claim = Claim("me")
    for run in runs:
        claim.take(heartbeat(run))
    return claim.stands


# the rule


def test_a_claim_stands_from_its_first_heartbeat_on() -> None:
    assert not stands()
    assert not stands("old")
    assert stands("old", "me")


def test_heartbeats_of_older_runs_that_come_late_do_not_count() -> None:
    assert stands("old", "older", "me", "old", "older", "me")


@pytest.mark.parametrize("before", [(), ("old",)])
def test_a_run_that_was_not_seen_before_is_a_newer_claim(before: tuple[str, ...]) -> None:
    with pytest.raises(Displaced):
        stands(*before, "me", *before, "new")


def test_of_two_claims_the_later_one_wins_for_both() -> None:
    """They read the same topic, whoever speaks when."""
    places = ["old", "a", "b", "a", "b"]
    for name, wins in (("a", False), ("b", True)):
        claim = Claim(name)
        lost = False
        for run in places:
            try:
                claim.take(heartbeat(run))
            except Displaced:
                lost = True
        assert lost != wins


def test_an_event_that_tells_no_run_is_no_claim() -> None:
    assert stands("me", None)


def test_a_heartbeat_and_its_release_tell_their_run() -> None:
    site = Site()
    site.run()
    (first, *_) = site.log.store.topics[TOPICS.control].events
    assert run_of(first) == site.heartbeats()[0].run == "run1"
    released = release(TOPICS.control, "run1")
    assert (released.key, released.value, released.headers) == (KEY, None, ((RUN, b"run1"),))
    assert record(TOPICS.control, site.heartbeats()[0]).headers == released.headers


# the standby


class Waiting:
    """A standby with its clock, beside a site."""

    def __init__(self, site: Site, *own: str) -> None:
        self.clock = Clock()
        self.standby = Standby(site.log, TOPICS.control, own=own, clock=self.clock)

    def after(self, seconds: float) -> bool:
        self.clock.seconds += seconds
        return self.standby.may_claim()


def test_a_log_where_nobody_spoke_is_free() -> None:
    site = Site()
    assert Waiting(site).after(0)
    site.log.create(TOPICS.fixed())
    assert Waiting(site).after(0)


def test_a_log_whose_holder_speaks_is_not_free() -> None:
    site = Site()
    site.run()
    waiting = Waiting(site)
    for _ in range(20):
        site.clock.seconds += HEARTBEAT_SECONDS
        site.run()
        assert not waiting.after(HEARTBEAT_SECONDS)


def test_a_log_whose_holder_is_silent_for_ten_seconds_of_our_clock_is_free() -> None:
    site = Site()
    site.run()
    site.clock.seconds += 1000  # the holder's clock tells us nothing
    waiting = Waiting(site)
    assert not waiting.after(0)
    assert not waiting.after(SILENCE_SECONDS - 0.1)
    assert waiting.after(0.1)


def test_a_released_log_is_free_at_once_until_somebody_claims_it() -> None:
    site = Site()
    site.run()
    waiting = Waiting(site)
    assert not waiting.after(0)
    site.producer.release()
    assert waiting.after(0)
    site.run()
    assert not waiting.after(1)
    site.restart()
    site.run()
    assert not waiting.after(SILENCE_SECONDS - 1)


def test_a_release_by_one_who_lost_the_log_before_frees_nothing() -> None:
    site = Site()
    site.run()
    site.restart()
    site.run()
    site.log.slip_in(release(TOPICS.control, "run1"))
    assert not Waiting(site).after(0)


def test_what_this_process_held_it_may_claim_again() -> None:
    site = Site()
    site.run()
    assert Waiting(site, "run1").after(0)
    site.restart()
    site.run()
    assert not Waiting(site, "run1").after(0)


def test_a_control_topic_that_was_made_again_is_read_from_its_start() -> None:
    site = Site()
    site.run()
    waiting = Waiting(site)
    assert not waiting.after(0)
    site.log.make_again(TOPICS.control)
    assert waiting.after(0)
    site.log.delete(TOPICS.control)
    assert waiting.after(0)


def test_a_heartbeat_of_somebody_unknown_is_waited_for() -> None:
    site = Site()
    site.log.create(TOPICS.fixed())
    site.log.slip_in(Record(topic=TOPICS.control, key=KEY, value=b"?"))
    waiting = Waiting(site)
    assert not waiting.after(0)
    assert waiting.after(SILENCE_SECONDS)


# producers


def test_the_one_that_claimed_first_stops_at_its_next_pass_and_publishes_nothing_more() -> None:
    site = Site(row(Clin, "L"))
    site.run()
    second = site.another()
    second.run_pass()
    site.sae.put(row(Clin, "M"))
    site.log.appended.clear()
    with pytest.raises(Displaced):
        site.run()
    assert site.log.appended == []
    assert second.run_pass().published == 1
    assert second.run_pass().published == 0


def test_a_claim_is_read_before_the_first_pass() -> None:
    """So `puente produce --allow-deletes` gets the log from one that runs, before it publishes anything."""
    site = Site(row(Clin, "L"))
    site.run()
    second = site.another()
    second.claim()
    second.claim()
    assert [heartbeat.complete for heartbeat in site.heartbeats()] == [False, True, False]
    with pytest.raises(Displaced):
        site.run()
    assert second.run_pass().published == 0


def test_a_start_over_is_a_new_claim() -> None:
    site = Site()
    site.run()
    site.producer.forget()
    site.run()
    assert [heartbeat.run for heartbeat in site.heartbeats()] == ["run1", "run1", "run2", "run2"]


def test_a_clean_end_releases_the_log_once() -> None:
    site = Site()
    site.producer.release()
    assert TOPICS.control not in site.log.store.topics
    site.run()
    site.producer.release()
    site.producer.release()
    events = site.log.store.topics[TOPICS.control].events
    assert [(event.value is None, run_of(event)) for event in events] == [(False, "run1"), (False, "run1"), (True, "run1")]


def test_one_that_was_displaced_releases_nothing() -> None:
    site = Site()
    site.run()
    second = site.another()
    second.run_pass()
    site.producer.release()
    assert site.log.store.topics[TOPICS.control].events[-1].value is not None


def test_a_release_is_no_claim_and_is_read_by_the_next_run() -> None:
    site = Site(row(Clin, "L"))
    site.run()
    site.producer.release()
    site.restart()
    assert site.run().published == 0
    assert site.heartbeats()[-1].complete


class Contender:
    """A producer that stands by while another holds the log, as the program's does."""

    def __init__(self, site: Site) -> None:
        self.site, self.own = site, set[str]()
        self.producer: Producer | None = None
        self.stand_by()

    def stand_by(self) -> None:
        self.producer, self.standby = None, Standby(self.site.log, TOPICS.control, own=self.own, clock=self.site.clock)

    def turn(self) -> bool:
        """Whether it worked."""
        try:
            if self.producer is None:
                if not self.standby.may_claim():
                    return False
                self.own.add(f"run{self.site.runs + 1}")
                self.producer = self.site.another()
            self.producer.run_pass()
        except RetryableError:
            self.stand_by()
            return False
        return True


TURNS = st.lists(
    st.one_of(
        st.integers(0, 2),
        st.lists(ROWS, min_size=1, max_size=2),
        st.tuples(st.integers(1, 30), st.sampled_from(["before", "after", "half"])),
        st.floats(0, 12),
    ),
    max_size=40,
)


@settings(max_examples=200, deadline=None)
@given(TURNS)
def test_however_they_contend_one_writes_in_the_end_and_the_log_equals_sae(turns: list[Any]) -> None:
    site = Site(row(Clin, "L"), row(Inve, "A"))
    contenders = [Contender(site) for _ in range(3)]
    for turn in turns:
        if isinstance(turn, int):
            contenders[turn].turn()
        elif isinstance(turn, float):
            site.clock.seconds += turn
        elif isinstance(turn, list):
            site.sae.put(*turn)
        else:
            site.log.plan(*turn)
    site.log.plan(0)
    worked: list[set[int]] = []
    for _ in range(30):
        site.clock.seconds += 1
        worked.append({number for number, contender in enumerate(contenders) if contender.turn()})
    assert len(set().union(*worked[-10:])) == 1
    assert all(len(some) == 1 for some in worked[-10:])
    assert site.agrees()
    site.tells_what_lacks()


@pytest.mark.parametrize("mode", MODES)
def test_who_reads_a_large_sae_for_half_a_minute_is_not_taken_for_silent(mode: Mode) -> None:
    """Else two of them would take the log from each other for ever, each in the middle of its reading."""
    site = Site(mode=mode)
    site.sae.tables[Clie] = [row(Clie, f"{number:05d}") for number in range(30 * ROWS_TO_A_BEAT)]
    waiting, asked = Waiting(site), []

    def slowly() -> None:
        """Half a minute in all, of both clocks."""
        site.clock.seconds += 1 / ROWS_TO_A_BEAT
        if (seconds := int(site.clock.seconds)) not in asked:
            asked.append(seconds)
            assert not waiting.after(1)

    site.sae.on_row = slowly
    assert site.run().published == 30 * ROWS_TO_A_BEAT
    assert len(asked) >= 30
    assert {heartbeat.complete for heartbeat in site.heartbeats()[:-1]} == {False}
    assert site.heartbeats()[-1].complete


def test_two_that_claim_in_the_same_moment_agree_who_writes() -> None:
    site = Site(row(Clin, "L"))
    first, second = site.another(), site.another()
    first.claim()
    second.claim()
    with pytest.raises(Displaced):
        first.run_pass()
    assert second.run_pass().published == 1
