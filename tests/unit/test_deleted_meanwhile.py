"""A topic that somebody deletes between two calls to the log: its producer makes it again, readers wait for that."""

from contextlib import suppress
from itertools import count

import pytest

from foundation.eventlog.lineage import BrokenLineage
from foundation.eventlog.port import Topic
from producer.claim import Standby
from producer.index import LogChanged
from producer.sae.tables import Clin, Inve
from schemas.entities import Entity, Subject
from tests.fakes.failing_log import FailingLog
from tests.fakes.sae import row
from tests.unit import consuming, producing
from tests.unit.producing import TOPICS

TOPIC = TOPICS.of(Subject(Entity.PRODUCT))


def deleted_at(log: FailingLog, at: int, topic: Topic) -> None:
    def delete() -> None:
        log.store.topics.pop(topic, None)

    log.before_call(at, delete)


@pytest.mark.parametrize("topic", [TOPIC, TOPICS.control])
def test_the_producer_begins_anew_at_whichever_call_it_is(topic: Topic) -> None:
    for at in count(1):
        site = producing.Site(row(Clin, "L"), row(Inve, "A"))
        site.settled()
        site.producer.forget()  # so that there is all that a pass may do
        site.sae.put(row(Inve, "B"))
        deleted_at(site.log, at, topic)
        calls = [_run(site) for _ in range(3)]
        _run(site)  # the last of the others may have been the one
        site.run()
        assert site.agrees()
        if calls[-1] < at:
            break
    assert at > 10


def _run(site: producing.Site) -> int:
    """How many calls there were then."""
    with suppress(LogChanged, BrokenLineage):
        site.run()
    return site.log.calls


def test_a_standby_takes_a_log_without_heartbeats_for_free_at_whichever_call_it_is() -> None:
    for at in (1, 2, 3):
        site = producing.Site()
        site.run()
        standby = Standby(site.log, TOPICS.control)
        deleted_at(site.log, at, TOPICS.control)
        assert standby.may_claim() == (at < 3)
        assert standby.may_claim()


@pytest.mark.parametrize("topic", [TOPIC, TOPICS.control])
@pytest.mark.parametrize("resyncs", [False, True])
def test_a_consumer_waits_for_the_topic_at_whichever_call_it_is(topic: Topic, resyncs: bool) -> None:
    for at in count(1):
        log = FailingLog()
        site = consuming.Site(log=log)
        site.product("P", description="old")
        if not resyncs:
            site.step()
        site.product("P", description="new")
        site.say()
        deleted_at(log, at, topic)
        site.step()
        reached = log.calls >= at
        log.create(TOPICS.fixed())
        site.product("P", description="newest")
        for _ in range(3):  # a sweep may wait for a heartbeat of the new topic
            site.step()
            site.say()
        site.step()
        shown = site.row("CATINVEN", "P")
        assert shown is not None
        assert shown["DESCRIPCIO"] == "newest"
        assert not site.consumer.sweeping
        if not reached:
            break
    assert at > 2
