"""A dry run tells what a resync then does, and writes nothing."""

import copy
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.ledger.parked import Reason
from consumer.policies import Policies
from consumer.resync.preview import Preview, Previewer
from consumer.resync.sweep import Found
from schemas.entities import Entity, Subject
from schemas.keys import Key
from tests.fakes.caja import Content
from tests.unit.consuming import NOW, TOPICS, Site, customer
from tests.unit.histories import OPERATIONS, PLACES, SUBJECTS, SubjectKey, World
from tests.unit.test_convergence import POLICIES

PRODUCT, CUSTOMER, STOCK = Subject(Entity.PRODUCT), Subject(Entity.CUSTOMER), Subject(Entity.STOCK, 1)


def preview(site: Site, *subjects: Subject) -> dict[Subject, Preview]:
    previewer = Previewer(site.caja, site.log, site.consumer._given.planner, site.caja.state(), NOW)
    return {subject: previewer.preview(subject, TOPICS.of(subject)) for subject in subjects}


def test_rows_that_are_missing_differ_or_are_gone_are_told_apart() -> None:
    site = Site(Policies(inactivate_missing_products=True))
    for key in ("P1", "P2", "P3", "P4"):
        site.product(key)
    site.step()
    site.product("NEW")
    site.product("P2", description="otra")
    site.publish(PRODUCT, "P3", None)
    site.caja.content.table("CATINVEN")[("X1",)] = {"PRODUCTO": "X1", "ALTA": "T"}
    before = copy.deepcopy(site.caja.content)
    found = preview(site, PRODUCT)[PRODUCT]
    assert (found.added, found.changed, found.inactivated, found.equal) == (["NEW"], ["P2"], ["P3"], 2)
    assert found.swept == Found([Key("X1")], 5)
    assert site.caja.content == before


def test_what_no_event_can_hold_is_not_told_as_gone() -> None:
    site = Site(Policies(inactivate_missing_products=True))
    site.step()
    for key in ("X1", "BAD"):
        site.caja.content.table("CATINVEN")[(key,)] = {"PRODUCTO": key, "ALTA": "T"}
    said = {PRODUCT: {Key("BAD")}}
    previewer = Previewer(
        site.caja, site.log, site.consumer._given.planner, site.caja.state(), NOW, unpublished=lambda subject: said.get(subject, set())
    )
    assert previewer.preview(PRODUCT, TOPICS.of(PRODUCT)).swept.gone == ["X1"]


def test_a_key_that_cannot_be_read_may_be_any_row_so_none_is_told_as_gone() -> None:
    site = Site(Policies(inactivate_missing_products=True))
    site.product("P1")
    site.append(PRODUCT, b"\xff", b"garbage")
    site.caja.content.table("CATINVEN")[("X1",)] = {"PRODUCTO": "X1", "ALTA": "T"}
    found = preview(site, PRODUCT)[PRODUCT]
    assert (found.added, found.swept) == (["P1"], Found([], 0))
    site.step()
    assert (site.row("CATINVEN", "X1") or {})["ALTA"] == "T"


def test_what_would_wait_is_told_with_its_reason() -> None:
    site = Site()
    site.product("P1")
    site.append(PRODUCT, b"BAD", b"garbage")
    site.publish(CUSTOMER, "7", customer("7"))
    site.caja.content.table("CATCLIEN")[(None,)] = {"CLIENTE": "7", "CLAVESAE": None, "NOMBRE": "de la casa", "ALTA": "T"}
    site.stock("P1", Decimal(1))
    site.stock("P2", Decimal(1))
    site.stock("P3", Decimal(1))
    site.product("P3")
    site.caja.sales.add((1, Key("P1")))
    found = preview(site, PRODUCT, CUSTOMER, STOCK)
    assert found[PRODUCT].parked == {"BAD": Reason.REJECTED}
    assert found[CUSTOMER].added == ["7"]
    assert found[STOCK].parked == {"P1": Reason.UNPOSTED_SALES, "P2": Reason.PARENT}
    assert found[STOCK].added == ["P3"]


def stored(content: Content) -> tuple[Any, ...]:
    """All that is in a CAJA; a table that was only looked at is none."""
    return copy.deepcopy(({name: rows for name, rows in content.rows.items() if rows}, content.parked, content.progress, content.lease))


HISTORY = st.lists(
    st.tuples(st.sampled_from(OPERATIONS), st.sampled_from(PLACES), st.integers(1, 3), st.integers(0, 4)), min_size=5, max_size=40
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(POLICIES, HISTORY)
def test_a_dry_run_tells_what_a_resync_then_does(policies: Policies, history: list[tuple[Any, SubjectKey, int, int]]) -> None:
    # Given a CAJA in any state, and no till that holds a row
    world = World(policies)
    for operation, place, n, dice in history:
        operation(world, place, n, dice)
    for planted in (world.caja.locked, world.caja.crash_before, world.caja.crash_after):
        planted.clear()
    world.caja.content.progress.clear()
    world.start()
    # When a dry run says what would change
    before, touched = stored(world.caja.content), world.caja.touched
    previewer = Previewer(world.caja, world.log, world.consumer._given.planner, world.caja.state(), NOW)
    chosen = SUBJECTS if world.caja.parameters.stock_changes or policies.stock.value == "overwrite" else SUBJECTS[:-2]
    found = [previewer.preview(subject, TOPICS.of(subject)) for subject in chosen]
    assert stored(world.caja.content) == before
    # Then the resync does just that
    for _ in range(60):
        step = world.consumer.step()
        assert step is not None
        if step.at_end:
            break
    told = sum(len(preview.added) + len(preview.changed) + len(preview.inactivated) for preview in found)
    assert world.caja.touched - touched == told
    parked = {(p.subject, key) for p in found for key in p.parked}
    assert {place for place in world.caja.content.parked if place[0] in chosen} == parked


def test_a_row_that_is_equal_but_its_total_is_not_counts_as_changed_once() -> None:
    site = Site()
    for key in ("P1", "P2", "P3"):
        site.product(key)
        site.stock(key, Decimal(2))
        site.stock(key, Decimal(3), 2)
    site.step()
    for key in ("P1", "P2"):
        (site.row("CATINVEN", key) or {})["EXISTENCIA"] = 99.0
    site.caja.sales.add((2, Key("P2")))
    other = Subject(Entity.STOCK, 2)
    found = preview(site, PRODUCT, STOCK, other)
    assert (found[STOCK].changed, found[STOCK].equal) == (["P1"], 2)
    assert (found[other].changed, found[other].equal) == ([], 2)
    site.consumer.ask_for_resync([Entity.STOCK])
    site.step()
    assert [(site.row("CATINVEN", key) or {})["EXISTENCIA"] for key in ("P1", "P2")] == [5, 99]
