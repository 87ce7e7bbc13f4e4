"""What would take very much away from the tills at once waits, by entity and kind; all else goes on."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producer.losses import FACTOR, Kind
from producer.mass_change import AT_LEAST, SHARE, SMALL, WHOLE
from producer.sae.tables import Clie, Clin, CvesAlter, Impu, Inve, Moned, PrecioXProd
from schemas.control import HeldUpdates
from schemas.entities import Entity, Subject
from tests.contracts.test_parts import lost
from tests.fakes.sae import row
from tests.unit.producing import MODES, TOPICS, Mode, Site

PRODUCTS = Subject(Entity.PRODUCT)
MANY = 100
Change = Callable[[Site, int], None]


@pytest.fixture(params=MODES, ids=lambda mode: str(mode.mode))
def mode(request: pytest.FixtureRequest) -> Mode:
    found: Mode = request.param
    return found


def shop(mode: Mode, products: int = MANY) -> Site:
    """Every product has a price, a bar code and a taxed scheme."""
    rows: list[Any] = [row(Impu, 1, impuesto4=16.0, status="A")]
    for number in range(products):
        rows += [row(Inve, f"P{number}", descr="old", cve_esqimpu=1)]
        rows += [row(PrecioXProd, f"P{number}", 1, precio=10.0), row(CvesAlter, f"P{number}", f"75{number}", tipo="N")]
    site = Site(*rows, mode=mode)
    site.run()
    assert len(site.events(PRODUCTS)) == products
    return site


def at_once(site: Site, *written: Any, erased: Any = ()) -> None:
    """In one transaction."""
    number = site.sae.begin()
    for one in written:
        site.sae.write(number, one)
    for table, *key in erased:
        site.sae.erase(number, table, *key)
    site.sae.commit(number)


def inactivate(site: Site, count: int) -> None:
    at_once(site, *(row(Inve, f"P{number}", descr="old", cve_esqimpu=1, status="B") for number in range(count)))


def drop_prices(site: Site, count: int) -> None:
    at_once(site, erased=[(PrecioXProd, f"P{number}", 1) for number in range(count)])


def empty_prices(site: Site, count: int) -> None:
    reprice(site, count, None)


def zero_prices(site: Site, count: int) -> None:
    reprice(site, count, 0.0)


def raise_prices(site: Site, count: int) -> None:
    reprice(site, count, 10.0 * FACTOR + 0.01)


def cut_prices(site: Site, count: int) -> None:
    reprice(site, count, 10.0 / FACTOR - 0.01)


def drop_codes(site: Site, count: int) -> None:
    at_once(site, erased=[(CvesAlter, f"P{number}", f"75{number}") for number in range(count)])


def change_codes(site: Site, count: int) -> None:
    others = [row(CvesAlter, f"P{number}", f"99{number}", tipo="N") for number in range(count)]
    at_once(site, *others, erased=[(CvesAlter, f"P{number}", f"75{number}") for number in range(count)])


def drop_scheme(site: Site, count: int) -> None:
    at_once(site, *(row(Inve, f"P{number}", descr="old", cve_esqimpu=7) for number in range(count)))


def reprice(site: Site, count: int, price: float | None) -> None:
    at_once(site, *(row(PrecioXProd, f"P{number}", 1, precio=price) for number in range(count)))


KINDS: dict[str, tuple[Kind, Change]] = {
    "made inactive": (Kind.INACTIVE, inactivate),
    "prices without a row": (Kind.PRICE_GONE, drop_prices),
    "prices that are empty": (Kind.PRICE_GONE, empty_prices),
    "prices of 0": (Kind.PRICE_GONE, zero_prices),
    "prices of more than twice": (Kind.PRICE_MOVED, raise_prices),
    "prices of less than half": (Kind.PRICE_MOVED, cut_prices),
    "bar codes": (Kind.CODE_GONE, drop_codes),
    "bar codes with others in their place": (Kind.CODE_GONE, change_codes),
    "taxes": (Kind.TAX_GONE, drop_scheme),
}
every_kind = pytest.mark.parametrize(("kind", "change"), KINDS.values(), ids=KINDS)


@every_kind
def test_as_many_as_usual_go_and_one_more_makes_all_of_them_wait(mode: Mode, kind: Kind, change: Change) -> None:
    site = shop(mode)
    change(site, AT_LEAST)
    done = site.run()
    assert (done.published, done.held) == (AT_LEAST, {})
    assert site.agrees()
    site = shop(mode)
    before = site.in_log()
    change(site, AT_LEAST + 1)
    done = site.run()
    assert (done.published, done.held) == (0, {(Entity.PRODUCT, kind): AT_LEAST + 1})
    assert site.in_log() == before
    assert site.heartbeats()[-1].held_updates == (HeldUpdates(kind=kind.value, entity="product", count=AT_LEAST + 1),)
    assert site.heartbeats()[-1].held == (TOPICS.of(PRODUCTS),)
    assert site.heartbeats()[-1].complete


@every_kind
def test_it_is_let_through_by_its_kind_and_number_and_by_no_other(mode: Mode, kind: Kind, change: Change) -> None:
    site = shop(mode)
    before = site.in_log()
    change(site, 60)
    others = {other: 1000 for other in Kind if other is not kind}
    for too_few in ({kind: 59}, others):
        site.restart(allowed=too_few)
        assert site.run().held == {(Entity.PRODUCT, kind): 60}
        assert site.in_log() == before
    site.restart(allowed={kind: 60})
    done = site.run()
    assert (done.published, done.held) == (60, {})
    assert site.agrees()
    assert site.heartbeats()[-1].held_updates == ()


@every_kind
def test_what_sae_takes_back_waits_no_more_and_nothing_of_it_is_published(mode: Mode, kind: Kind, change: Change) -> None:
    site = shop(mode)
    before = {table: list(rows) for table, rows in site.sae.tables.items()}
    change(site, 60)
    assert site.run().held == {(Entity.PRODUCT, kind): 60}
    restore(site, before)
    assert site.settled() == []
    assert site.run().held == {}
    assert site.heartbeats()[-1].held == ()


def restore(site: Site, before: dict[Any, list[Any]]) -> None:
    """SAE as it was, written again in one transaction."""
    there = {(type(one), *one[:2]) for rows in before.values() for one in rows}
    more = [(CvesAlter, *one[:2]) for one in site.sae.tables[CvesAlter] if (CvesAlter, *one[:2]) not in there]
    tables = (Inve, PrecioXProd, CvesAlter)
    at_once(site, *(one for table in tables for one in before[table]), erased=more)


@every_kind
def test_a_small_catalogue_is_held_as_a_whole(mode: Mode, kind: Kind, change: Change) -> None:
    site = shop(mode, WHOLE)
    change(site, WHOLE - 1)
    assert site.run().held == {}
    site = shop(mode, WHOLE)
    change(site, WHOLE)
    assert site.run().held == {(Entity.PRODUCT, kind): WHOLE}


@pytest.mark.parametrize("factor", [1.08, 1 / 1.08, FACTOR, 1 / FACTOR], ids=["+8 %", "the same back", "twice", "half"])
def test_a_price_round_passes(mode: Mode, factor: float) -> None:
    site = shop(mode)
    reprice(site, MANY, 10.0 * factor)
    done = site.run()
    assert (done.published, done.held) == (MANY, {})
    assert site.agrees()


def test_new_names_new_rows_and_new_prices_pass_however_many(mode: Mode) -> None:
    site = shop(mode)
    changed = [row(Inve, f"P{number}", descr="new", cve_esqimpu=1) for number in range(2 * MANY)]
    at_once(site, *changed, *(row(PrecioXProd, f"P{number}", 2, precio=9.0) for number in range(2 * MANY)))
    assert (site.run().held, len(site.events(PRODUCTS))) == ({}, 2 * MANY)


def test_what_becomes_of_rows_that_are_inactive_takes_nothing_away(mode: Mode) -> None:
    site = shop(mode)
    inactivate(site, AT_LEAST)
    site.run()
    drop_prices(site, AT_LEAST)
    assert site.run().held == {}
    drop_codes(site, AT_LEAST)
    assert site.run().held == {}
    assert site.agrees()


def test_shares_count_as_well_as_numbers_of_those_that_have_it(mode: Mode) -> None:
    live = int(AT_LEAST / SHARE) + 200
    most = int(live * SHARE)
    site = shop(mode, live)
    assert live > SMALL
    drop_prices(site, most)
    assert site.run().held == {}
    left = live - most  # of those, as many as a share of them may go at once, fewer than before
    at_once(site, erased=[(PrecioXProd, f"P{number}", 1) for number in range(most, most + int(left * SHARE) + 1)])
    assert site.run().held == {(Entity.PRODUCT, Kind.PRICE_GONE): int(left * SHARE) + 1}


def test_all_that_have_it_are_held_though_most_of_a_small_catalogue_never_had(mode: Mode) -> None:
    site = shop(mode, 10)
    at_once(site, *(row(Inve, f"OTHER{number}") for number in range(90)))
    site.run()
    drop_codes(site, 10)
    assert site.run().held == {(Entity.PRODUCT, Kind.CODE_GONE): 10}


def test_kinds_are_held_apart_and_everything_else_goes_on(mode: Mode) -> None:
    site = shop(mode, 300)
    at_once(
        site,
        *(row(Inve, f"P{number}", descr="old", cve_esqimpu=1, status="B") for number in range(60)),
        *(row(Inve, f"P{number}", descr="new", cve_esqimpu=1) for number in range(240, 250)),
        erased=[
            *((PrecioXProd, f"P{number}", 1) for number in range(60, 150)),
            *((CvesAlter, f"P{number}", f"75{number}") for number in range(120, 200)),
            *((Inve, f"P{number}") for number in range(250, 300)),
        ],
    )
    done = site.run()
    counts = {(Entity.PRODUCT, Kind.INACTIVE): 60, (Entity.PRODUCT, Kind.PRICE_GONE): 90, (Entity.PRODUCT, Kind.CODE_GONE): 80}
    assert (done.published, done.tombstones, done.held) == (60, 50, counts)
    assert {event["description"] for key, event in site.events(PRODUCTS).items() if int(key[1:]) >= 240} == {"new"}
    site.restart(allowed={Kind.PRICE_GONE: 90})
    done = site.run()  # but for those that lose their bar codes, too
    assert (done.published, done.held) == (60, {loss: count for loss, count in counts.items() if loss[1] is not Kind.PRICE_GONE})
    site.restart(allowed={Kind.INACTIVE: 60, Kind.CODE_GONE: 80, Kind.PRICE_GONE: 30})
    assert site.run().held == {}
    assert site.agrees()


def test_a_change_that_is_held_waits_whole(mode: Mode) -> None:
    site = shop(mode)
    at_once(
        site,
        *(row(Inve, f"P{number}", descr="new", cve_esqimpu=1) for number in range(60)),
        erased=[(PrecioXProd, f"P{number}", 1) for number in range(60)],
    )
    site.run()
    assert site.events(PRODUCTS)["P0"]["description"] == "old"


def test_two_halves_are_one_while_the_first_waits(mode: Mode) -> None:
    site = shop(mode)
    drop_prices(site, 60)
    site.run()
    at_once(site, row(Inve, "P90", descr="new", cve_esqimpu=1), erased=[(PrecioXProd, "P80", 1)])
    done = site.run()
    assert (done.published, done.held) == (1, {(Entity.PRODUCT, Kind.PRICE_GONE): 61})
    assert site.events(PRODUCTS)["P90"]["description"] == "new"
    assert site.events(PRODUCTS)["P80"]["prices"] != []


def test_a_key_that_waits_and_loses_something_else_is_judged_by_what_the_log_holds(mode: Mode) -> None:
    site = shop(mode)
    raise_prices(site, 60)
    site.run()
    at_once(site, row(PrecioXProd, "P0", 1, precio=11.0), row(PrecioXProd, "P1", 1, precio=70.0))
    done = site.run()
    assert (done.published, done.held) == (1, {(Entity.PRODUCT, Kind.PRICE_MOVED): 59})
    assert site.events(PRODUCTS)["P0"]["prices"][0]["amount"] == 11


def test_what_went_through_meanwhile_is_what_a_later_change_is_held_against(mode: Mode) -> None:
    site = shop(mode)
    raise_prices(site, 60)
    site.run()
    for price in (18.0, 30.0):  # neither moves it by more than the factor
        site.sae.put(row(PrecioXProd, "P99", 1, precio=price))
        done = site.run()
        assert (done.published, done.held) == (1, {(Entity.PRODUCT, Kind.PRICE_MOVED): 60})


def test_where_most_come_back_the_rest_go(mode: Mode) -> None:
    site = shop(mode)
    drop_prices(site, 60)
    site.run()
    at_once(site, *(row(PrecioXProd, f"P{number}", 1, precio=10.0) for number in range(20)))
    assert len(site.settled()) == 40
    assert site.agrees()
    assert site.run().held == {}


def test_a_table_emptied_and_filled_again_in_another_transaction_changes_nothing(mode: Mode) -> None:
    site = shop(mode)
    drop_prices(site, MANY)
    assert (site.run().published, site.run().published) == (0, 0)
    reprice(site, MANY, 10.0)
    assert site.settled() == []
    assert site.run().held == {}


SMALL_ONES: dict[str, tuple[Entity, Kind, Callable[[int], Any], Callable[[int], Any]]] = {
    "tax schemes made inactive": (
        Entity.TAX_SCHEME,
        Kind.INACTIVE,
        lambda number: row(Impu, number, impuesto4=16.0, status="A"),
        lambda number: row(Impu, number, impuesto4=16.0, status="B"),
    ),
    "tax schemes without their taxes": (
        Entity.TAX_SCHEME,
        Kind.TAX_GONE,
        lambda number: row(Impu, number, impuesto4=16.0),
        lambda number: row(Impu, number, impuesto4=0.0),
    ),
    "lines": (Entity.PRODUCT_LINE, Kind.INACTIVE, lambda number: row(Clin, f"{number}"), lambda number: row(Clin, f"{number}", status="B")),
    "customers": (Entity.CUSTOMER, Kind.INACTIVE, lambda number: row(Clie, f"{number}"), lambda number: row(Clie, f"{number}", status="B")),
    "rates of 0": (
        Entity.CURRENCY,
        Kind.PRICE_GONE,
        lambda number: row(Moned, number, tcambio=18.5),
        lambda number: row(Moned, number, tcambio=0.0),
    ),
    "rates ten times as high": (
        Entity.CURRENCY,
        Kind.PRICE_MOVED,
        lambda number: row(Moned, number, tcambio=0.00000041234),
        lambda number: row(Moned, number, tcambio=0.0000041234),
    ),
}


@pytest.mark.parametrize(("entity", "kind", "before", "after"), SMALL_ONES.values(), ids=SMALL_ONES)
def test_all_six_of_a_small_catalogue_wait_and_five_go(
    mode: Mode, entity: Entity, kind: Kind, before: Callable[[int], Any], after: Callable[[int], Any]
) -> None:
    site = Site(*map(before, range(1, 7)), mode=mode)
    site.run()
    at_once(site, *map(after, range(1, 7)))
    assert site.run().held == {(entity, kind): 6}
    at_once(site, before(6))
    site.settled()
    assert (site.run().held, site.agrees()) == ({}, True)


def test_one_of_six_that_is_inactive_does_not_keep_the_five_others_from_being_held(mode: Mode) -> None:
    site = Site(*(row(Impu, number, status="B" if number == 1 else "A") for number in range(1, 7)), mode=mode)
    site.run()
    at_once(site, *(row(Impu, number, status="B") for number in range(2, 7)))
    assert site.run().held == {(Entity.TAX_SCHEME, Kind.INACTIVE): 5}


def test_a_first_load_holds_nothing(mode: Mode) -> None:
    site = Site(*(row(Inve, f"P{number}", status="B") for number in range(MANY)), mode=mode)
    assert site.run().held == {}


def calls(site: Site, changed: int, name: str) -> int:
    """How often a pass asks the log, where so many products got another name."""
    at_once(site, *(row(Inve, f"P{number}", descr=name, cve_esqimpu=1) for number in range(changed)))
    site.log.plan(0)
    assert site.run().published == changed
    return site.log.calls


def test_a_pass_that_changes_few_does_not_read_the_topic_again(mode: Mode) -> None:
    site = shop(mode, SMALL + 1)
    assert calls(site, AT_LEAST, "fifty") == calls(site, 1, "one")
    assert calls(site, AT_LEAST + 1, "more") > calls(site, 1, "another")


STEPS = st.lists(st.tuples(st.sampled_from(sorted(KINDS)), st.integers(0, MANY)) | st.none(), max_size=5)


@settings(max_examples=30, deadline=None)
@given(mode=st.sampled_from(MODES), steps=STEPS)
def test_whatever_happens_no_pass_takes_more_of_a_kind_than_is_usual_and_in_the_end_all_of_it_is_let_through(
    mode: Mode, steps: list[tuple[str, int] | None]
) -> None:
    """None: all of it is taken back."""
    site = shop(mode)
    start, first = {table: list(rows) for table, rows in site.sae.tables.items()}, site.in_log()
    for step in steps:
        if step is None:
            restore(site, start)
        else:
            KINDS[step[0]][1](site, step[1])
        for _ in range(2):
            before = site.events(PRODUCTS)
            site.run()
            after = site.events(PRODUCTS)
            losses = Counter(kind for key, event in after.items() for kind in lost(before[key], event))
            assert max(losses.values(), default=0) <= AT_LEAST
        if step is None and site.in_log() == first:  # else to take back what went through may be much, too
            assert site.run().held == {}
    site.restart(allowed=dict.fromkeys(Kind, MANY))
    site.settled()
    assert (site.run().held, site.agrees()) == ({}, True)


def test_the_count_is_told_once_with_what_lets_it_through(mode: Mode, caplog: pytest.LogCaptureFixture) -> None:
    site = shop(mode)
    drop_prices(site, 60)
    for _ in range(3):
        site.sae.put()
        site.run()
    (told,) = [record.__dict__ for record in caplog.records if getattr(record, "action", "") == "held"]
    assert (told["levelname"], told["kind"], told["entity"], told["count"]) == ("WARNING", "price-gone", "product", 60)
    assert told["command"] == "puente produce --allow price-gone=60"
