"""Very many deletes at once wait for somebody to let them through; all else goes on."""

from typing import Any

import pytest

from foundation.errors import RetryableError
from producer.losses import Kind
from producer.mass_change import AT_LEAST, WHOLE
from producer.sae.tables import Almacenes, Clie, Clin, Inve, Mult, ParamInventario
from schemas.control import HeldDeletes
from schemas.entities import Entity, Subject
from tests.fakes.sae import row
from tests.unit.producing import MODES, TOPICS, Mode, Site, foreign

CUSTOMERS, LINES = Subject(Entity.CUSTOMER), Subject(Entity.PRODUCT_LINE)
MANY = 100


@pytest.fixture(params=MODES, ids=lambda mode: str(mode.mode))
def mode(request: pytest.FixtureRequest) -> Mode:
    found: Mode = request.param
    return found


def site_with(mode: Mode, customers: int = MANY) -> Site:
    site = Site(*(row(Clie, f"{number}") for number in range(customers)), row(Clin, "L"), mode=mode)
    site.run()
    assert len(site.events(CUSTOMERS)) == customers
    return site


def drop(site: Site, numbers: Any) -> None:
    """In one transaction."""
    number = site.sae.begin()
    for one in numbers:
        site.sae.erase(number, Clie, f"{one}")
    site.sae.commit(number)


def left(site: Site) -> int:
    return len(site.events(CUSTOMERS))


@pytest.mark.parametrize(("live", "most"), [(MANY, AT_LEAST), (2000, 100)], ids=["fifty", "one in twenty"])
def test_as_many_as_the_cap_go_and_one_more_makes_all_of_them_wait(mode: Mode, live: int, most: int) -> None:
    site = site_with(mode, live)
    drop(site, range(most))
    done = site.run()
    assert (done.tombstones, done.held) == (most, {})
    site = site_with(mode, live)
    drop(site, range(most + 1))
    done = site.run()
    assert (done.tombstones, done.published, done.held) == (0, 0, {(Entity.CUSTOMER, Kind.DELETED): most + 1})
    assert left(site) == live


@pytest.mark.parametrize("live", [WHOLE, 6, AT_LEAST])
def test_all_of_an_entity_waits_however_few_they_are(mode: Mode, live: int) -> None:
    site = site_with(mode, live)
    drop(site, range(live - 1))
    assert site.run().held == {}
    assert left(site) == 1
    site = site_with(mode, live)
    drop(site, range(live))
    done = site.run()
    assert (done.tombstones, done.held) == (0, {(Entity.CUSTOMER, Kind.DELETED): live})
    assert left(site) == live
    site.restart(allow_deletes=live)
    site.run()
    assert left(site) == 0


def test_all_of_an_entity_may_go_where_others_come_in_their_place(mode: Mode) -> None:
    site = site_with(mode, WHOLE)
    drop(site, range(WHOLE))
    site.sae.put(row(Clie, "OTHER"))
    assert site.run().held == {}
    assert left(site) == 1


def test_the_last_one_of_an_entity_may_go(mode: Mode) -> None:
    site = site_with(mode, WHOLE - 1)
    drop(site, range(WHOLE - 1))
    assert site.run().held == {}
    assert left(site) == 0


def test_the_heartbeat_tells_what_deletes_are_held_of(mode: Mode) -> None:
    site = site_with(mode)
    assert site.heartbeats()[-1].held == ()
    drop(site, range(51))
    site.run()
    assert site.heartbeats()[-1].held == (TOPICS.of(CUSTOMERS),)
    site.restart(allow_deletes=51)
    site.run()
    assert [heartbeat.held for heartbeat in site.heartbeats()[-2:]] == [(), ()]
    assert left(site) == MANY - 51


def test_the_heartbeat_of_a_start_tells_of_what_is_held_as_soon_as_all_was_compared(mode: Mode) -> None:
    site = site_with(mode)
    drop(site, range(51))
    site.run()
    site.restart()
    site.run()
    first, last = site.heartbeats()[-2:]
    assert (first.compared, last.compared, last.held) == (False, True, (TOPICS.of(CUSTOMERS),))


def test_everything_else_goes_on_and_the_heartbeat_stays_complete(mode: Mode) -> None:
    """The log holds more than SAE, never less."""
    site = site_with(mode)
    drop(site, range(51))
    site.sae.drop(Clin, "L")
    site.sae.put(row(Clie, "60", nombre="new"), row(Inve, "A"))
    done = site.run()
    assert (done.published, done.tombstones, done.held) == (3, 1, {(Entity.CUSTOMER, Kind.DELETED): 51})
    assert site.heartbeats()[-1].complete


def test_stock_is_one_entity_in_all_warehouses(mode: Mode) -> None:
    site = Site(*(row(Mult, f"{number}", 1 + number % 3, exist=1.0) for number in range(MANY)), mode=mode)
    site.run()
    site.sae.drop(Mult)
    assert site.run().held == {(Entity.STOCK, Kind.DELETED): MANY}


def test_what_waits_is_counted_on_while_nothing_happens(mode: Mode) -> None:
    site = site_with(mode)
    drop(site, range(60))
    site.run()
    done = site.run()
    assert (done.looked, done.held) == (False, {(Entity.CUSTOMER, Kind.DELETED): 60})


def test_a_few_more_wait_with_the_many(mode: Mode) -> None:
    site = site_with(mode)
    drop(site, range(60))
    site.run()
    drop(site, [70])
    done = site.run()
    assert (done.tombstones, done.held) == (0, {(Entity.CUSTOMER, Kind.DELETED): 61})


def test_where_they_come_back_nothing_waits_and_nothing_is_published(mode: Mode) -> None:
    site = site_with(mode)
    drop(site, range(60))
    site.run()
    site.sae.put(*(row(Clie, f"{number}") for number in range(60)))
    done = site.run()
    assert (done.published, done.held) == (0, {})


def test_where_most_come_back_the_rest_go(mode: Mode) -> None:
    site = site_with(mode)
    drop(site, range(60))
    site.run()
    site.sae.put(*(row(Clie, f"{number}") for number in range(20)))
    site.settled()
    assert left(site) == 60
    assert site.agrees()
    assert site.run().held == {}


def test_a_key_that_waits_and_is_checked_for_another_reason_goes_on_waiting(mode: Mode) -> None:
    site = site_with(mode)
    drop(site, range(60))
    site.run()
    site.log.slip_in(foreign(CUSTOMERS, "3", customer("3")))
    done = site.run()
    assert (done.tombstones, done.held) == (0, {(Entity.CUSTOMER, Kind.DELETED): 60})


def customer(key: str) -> dict[str, Any]:
    site = Site(row(Clie, key))
    site.run()
    found: dict[str, Any] = site.events(CUSTOMERS)[key]
    return found


# letting them through


def test_the_first_pass_of_a_run_lets_as_many_through_as_it_is_told(mode: Mode) -> None:
    site = site_with(mode)
    drop(site, range(60))
    site.run()
    site.restart(allow_deletes=60)
    done = site.run()
    assert (done.tombstones, done.held) == (60, {})
    assert site.agrees()


def test_where_there_are_more_than_was_said_they_go_on_waiting(mode: Mode) -> None:
    site = site_with(mode)
    drop(site, range(60))
    site.restart(allow_deletes=59)
    assert site.run().held == {(Entity.CUSTOMER, Kind.DELETED): 60}
    assert left(site) == MANY


def test_what_was_allowed_counts_for_one_finished_pass_alone(mode: Mode) -> None:
    site = site_with(mode)
    drop(site, range(60))
    site.restart(allow_deletes=90)
    for at in (1, 9):
        site.log.plan(at)
        with pytest.raises(RetryableError):
            site.run()
    site.log.plan(0)
    assert site.run().tombstones == 60
    site.sae.put(*(row(Clie, f"{number}") for number in range(60)))
    site.run()
    drop(site, range(60))
    assert site.run().held == {(Entity.CUSTOMER, Kind.DELETED): 60}


def test_a_new_run_finds_again_what_waits(mode: Mode) -> None:
    site = site_with(mode)
    drop(site, range(60))
    site.run()
    site.restart()
    done = site.run()
    assert (done.tombstones, done.held) == (0, {(Entity.CUSTOMER, Kind.DELETED): 60})


# what is told


def test_the_count_is_told_once_and_again_when_it_changes(mode: Mode, caplog: pytest.LogCaptureFixture) -> None:
    site = site_with(mode)
    drop(site, range(60))
    for _ in range(3):
        site.sae.put()
        site.run()
    drop(site, [80])
    site.run()
    told = [record for record in caplog.records if getattr(record, "action", "") == "held"]
    assert [(record.levelname, record.__dict__["entity"], record.__dict__["count"]) for record in told] == [
        ("WARNING", "customer", 60),
        ("WARNING", "customer", 61),
    ]
    assert told[0].__dict__["command"] == "puente produce --allow-deletes 60"


def test_stock_that_waits_because_warehouses_were_switched_off_is_told_as_that(mode: Mode, caplog: pytest.LogCaptureFixture) -> None:
    stock = [row(Mult, f"{number}", warehouse, exist=1.0) for number in range(MANY) for warehouse in (1, 2, 3)]
    products = [row(Inve, f"{number}", exist=3.0) for number in range(MANY)]
    site = Site(*stock, *products, *(row(Almacenes, number) for number in (1, 2, 3)), mode=mode)
    site.run()
    site.sae.put(row(ParamInventario, multialmacen="N", almacenpredeter=1))
    site.run()
    told = [record.__dict__["warehouses"] for record in caplog.records if getattr(record, "action", "") == "warehouses gone"]
    assert told == ["2, 3"]
    waiting = (HeldDeletes(entity="stock", count=2 * MANY, warehouses=(2, 3)),)
    assert site.heartbeats()[-1].held_deletes == waiting
    assert len(site.events(Subject(Entity.STOCK, 2))) == MANY
    number = site.sae.begin()
    site.sae.write(number, row(ParamInventario, multialmacen="N", almacenpredeter=1))
    site.sae.prepare(number)  # nobody knows where stock stands: what was told of it stands
    site.sae.put(row(Inve, "1", exist=9.0))
    site.run()
    assert site.heartbeats()[-1].held_deletes == waiting
    site.sae.end(number)
    site.restart(allow_deletes=2 * MANY)
    site.run()
    assert site.events(Subject(Entity.STOCK, 2)) == {}
    assert site.heartbeats()[-1].held_deletes == ()
    assert site.agrees()


def test_a_switch_that_is_taken_back_deletes_nothing(mode: Mode) -> None:
    stock = [row(Mult, f"{number}", warehouse, exist=1.0) for number in range(MANY) for warehouse in (1, 2)]
    site = Site(*stock, row(Almacenes, 1), row(Almacenes, 2), mode=mode)
    site.run()
    site.sae.put(row(ParamInventario, multialmacen="N", almacenpredeter=7))
    site.run()
    assert site.heartbeats()[-1].held_deletes == (HeldDeletes(entity="stock", count=2 * MANY, warehouses=(1, 2)),)
    site.sae.put(row(ParamInventario, multialmacen="S", almacenpredeter=7))
    site.run()
    assert site.heartbeats()[-1].held_deletes == ()
    assert len(site.events(Subject(Entity.STOCK, 2))) == MANY


def test_a_warehouse_that_lost_some_of_its_stock_or_that_sae_still_has_is_not_told_as_gone(mode: Mode) -> None:
    stock = [row(Mult, f"{number}", warehouse, exist=1.0) for number in range(MANY) for warehouse in (1, 2)]
    site = Site(*stock, row(Almacenes, 1), mode=mode)
    site.run()
    for number in range(MANY):
        site.sae.drop(Mult, f"{number}", 1)
        if number:
            site.sae.drop(Mult, f"{number}", 2)
    site.run()
    assert site.heartbeats()[-1].held_deletes == (HeldDeletes(entity="stock", count=2 * MANY - 1),)
