"""When SAE is read, and when it is left alone."""

from functools import partial
from operator import add

import pytest

from foundation.errors import ConnectionLost
from foundation.texts import text
from producer.sae.tables import Clin, Row
from schemas.entities import Entity, Subject
from tests.fakes.sae import row
from tests.unit.producing import Site, foreign

LINES = Subject(Entity.PRODUCT_LINE)
LINE = {"line": "X", "description": None, "is_group": False, "status": "active"}


def looks(site: Site) -> bool:
    """Whether the next pass reads a table."""
    before = len(site.sae.snapshots)
    done = site.run()
    read: set[type[Row]] = set().union(*site.sae.snapshots[before:])
    assert bool(read) == done.looked
    return done.looked


def test_sae_is_not_read_where_nothing_began_since_the_last_pass() -> None:
    site = Site(row(Clin, "L"))
    assert looks(site)
    assert not looks(site)
    assert not looks(site)
    site.sae.put(row(Clin, "L", desc_lin="new"))
    assert looks(site)
    assert not looks(site)


def test_no_transaction_is_begun_to_learn_that_none_began() -> None:
    site = Site(row(Clin, "L"))
    site.run()
    before = site.sae.last_id
    for _ in range(5):
        assert not looks(site)
    assert site.sae.last_id == before


def test_a_counter_that_is_ahead_costs_a_snapshot() -> None:
    site = Site(row(Clin, "L"))
    site.run()
    site.sae.shown = partial(add, 1)
    before = len(site.sae.snapshots)
    assert not looks(site)
    assert len(site.sae.snapshots) == before + 1


def test_what_a_late_counter_hides_is_found_once_it_is_right() -> None:
    site = Site(row(Clin, "L"))
    site.run()
    site.sae.shown = partial(add, -1)
    site.sae.put(row(Clin, "L", desc_lin="new"))
    assert not looks(site)
    site.sae.shown = partial(add, 0)
    assert looks(site)
    assert site.agrees()


def test_a_session_that_is_opened_to_ask_the_counter_opens_the_gate() -> None:
    """It may be that of a database that was put back, in which the same number is the newest."""
    site = Site(row(Clin, "L"))
    site.run()

    def opened(newest: int) -> int:
        site.sae.connections += 1
        return newest

    site.sae.shown = opened
    assert looks(site)


def test_a_database_that_does_not_count_is_asked_by_a_snapshot_at_each_poll_and_read_once() -> None:
    """A read-only one."""
    site = Site(row(Clin, "L"))
    site.sae.shown = lambda _newest: None
    assert looks(site)
    assert not looks(site)
    assert not site.producer.has_news()
    site.sae.put(row(Clin, "M"))
    assert not site.producer.has_news()
    assert looks(site)


def test_a_session_that_is_lost_when_the_counter_is_asked_starts_the_producer_over() -> None:
    site = Site(row(Clin, "L"))
    site.run()
    site.sae.fail["newest_transaction"] = ConnectionLost(text("gone"))
    with pytest.raises(ConnectionLost):
        site.run()
    site.sae.tables[Clin] = [row(Clin, "L", desc_lin="behind everybody's back")]
    assert looks(site)
    assert site.agrees()


def test_a_transaction_that_still_runs_keeps_the_gate_open() -> None:
    """It began before the snapshot and may commit after it."""
    site = Site(row(Clin, "L"))
    writer = site.sae.begin()
    assert looks(site)
    assert looks(site)
    site.sae.tables[Clin] = [row(Clin, "L", desc_lin="late")]  # its commit: no number is given out
    site.sae.end(writer)
    assert looks(site)
    assert site.events(LINES)["L"]["description"] == "late"
    assert not looks(site)


def test_a_transaction_that_began_while_sae_was_read_opens_the_gate() -> None:
    site = Site(row(Clin, "L"))
    assert looks(site)
    site.sae.begin()
    assert looks(site)


def test_another_session_opens_the_gate() -> None:
    """Numbers of a database that was put back may be the same."""
    site = Site(row(Clin, "L"))
    assert looks(site)
    site.sae.connections += 1
    assert looks(site)


def test_an_engine_without_numbers_is_always_read() -> None:
    site = Site(row(Clin, "L"))
    site.sae.numbered = False
    assert looks(site)
    assert looks(site)


def test_an_event_of_somebody_else_opens_the_gate() -> None:
    site = Site(row(Clin, "L"))
    assert looks(site)
    site.log.slip_in(foreign(LINES, "X", LINE))
    assert looks(site)
    assert set(site.events(LINES)) == {"L"}
    assert not looks(site)


def test_a_pass_that_failed_leaves_the_gate_open() -> None:
    site = Site(row(Clin, "L"))
    assert looks(site)
    site.sae.put(row(Clin, "M"))
    site.sae.fail[Clin] = ConnectionLost(text("gone"))
    with pytest.raises(ConnectionLost):
        site.run()
    assert looks(site)
    assert site.agrees()


def test_there_are_news_once_a_transaction_began_and_as_long_as_nobody_looked() -> None:
    site = Site(row(Clin, "L"))
    assert not site.producer.has_news()
    site.run()
    assert not site.producer.has_news()
    site.sae.put(row(Clin, "M"))
    assert site.producer.has_news()
    site.run()
    assert not site.producer.has_news()


def test_whether_one_that_runs_has_committed_is_no_news() -> None:
    """Only a look can tell: it comes at its own time."""
    site = Site(row(Clin, "L"))
    site.sae.begin()
    site.run()
    assert not site.producer.has_news()


def test_what_is_wrong_with_sae_counts_as_news() -> None:
    site = Site(row(Clin, "L"))
    site.run()
    site.sae.fail["newest_transaction"] = ConnectionLost(text("gone"))
    assert site.producer.has_news()


# pacing


def test_there_are_no_news_while_sae_may_not_be_read() -> None:
    site = Site(row(Clin, "L"), every_seconds=300.0)
    site.run()
    site.sae.put(row(Clin, "M"))
    assert not site.producer.has_news()
    site.clock.seconds += 300
    assert site.producer.has_news()


def test_sae_is_read_at_most_once_in_a_while() -> None:
    site = Site(row(Clin, "L"), every_seconds=300.0)
    assert looks(site)
    site.sae.put(row(Clin, "M"))
    site.clock.seconds += 299
    snapshots = len(site.sae.snapshots)
    assert not looks(site)
    assert len(site.sae.snapshots) == snapshots
    site.clock.seconds += 1
    assert looks(site)
    assert site.agrees()


def test_a_slow_sae_is_read_for_its_share_of_the_time_alone() -> None:
    site = Site(row(Clin, "L"), every_seconds=10.0, share=0.05)
    began, opened = site.clock.seconds, site.sae.snapshot

    def slow() -> object:
        site.clock.seconds += 20
        return opened()

    site.sae.snapshot = slow  # type: ignore[method-assign, assignment]
    assert looks(site)
    site.sae.put(row(Clin, "M"))
    site.clock.seconds = began + 20 + 379
    assert not looks(site)
    site.clock.seconds += 1
    assert looks(site)


def test_keys_to_check_are_not_paced() -> None:
    site = Site(row(Clin, "L"), every_seconds=300.0)
    assert looks(site)
    site.log.slip_in(foreign(LINES, "X", LINE))
    assert looks(site)
    assert site.agrees()


def test_starting_over_is_not_paced() -> None:
    site = Site(row(Clin, "L"), every_seconds=300.0)
    assert looks(site)
    site.producer.forget()
    assert looks(site)


def test_a_closed_gate_does_not_put_the_next_reading_off() -> None:
    site = Site(row(Clin, "L"), every_seconds=300.0)
    assert looks(site)
    site.clock.seconds += 301
    assert not looks(site)
    site.sae.put(row(Clin, "M"))
    assert looks(site)
