"""The consumer's steps over a CAJA in memory: what is applied, what waits and why, and when it goes in."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from consumer.apply import HEARTBEAT_SECONDS
from consumer.caja.port import Switches
from consumer.ledger.parked import SubjectKey
from consumer.leftout import Cause, LeftOut, Notes
from consumer.pace import LARGEST, SMALLEST
from consumer.policies import Policies, StockPolicy
from consumer.switches import InterfaceOff
from foundation.errors import ConfigError, ConnectionLost
from foundation.eventlog.memory import MemoryLog
from foundation.eventlog.port import Record
from foundation.texts import text
from schemas.codec import FRAME, UnknownSchemaError, bundled, encode, frame
from schemas.entities import Entity, Subject
from tests.fakes.caja import MemoryCaja
from tests.fakes.slow_caja import SlowCaja
from tests.unit.consuming import MAPPERS, TOPICS, Clock, Site, customer, product

PRODUCT = Subject(Entity.PRODUCT)


def test_an_event_becomes_a_row_and_a_second_reading_touches_nothing() -> None:
    site = Site()
    site.product("P1", description="uno")
    first = site.step()
    assert first is not None
    assert (first.applied, first.touched) == (1, 1)
    assert site.row("CATINVEN", "P1") is not None
    again = site.step()
    assert again is not None
    assert (again.applied, again.equal) == (0, 0)
    site.product("P1", description="uno")
    third = site.step()
    assert third is not None
    assert (third.applied, third.touched, third.equal) == (0, 0, 1)


def test_positions_are_saved_with_the_rows_so_that_a_restart_reads_nothing_again() -> None:
    site = Site()
    site.product("P1")
    site.step()
    site.consumer.release()
    step = site.another().step()
    assert step is not None
    assert (step.applied, step.equal) == (0, 0)


def test_an_equal_event_is_not_even_decoded() -> None:
    site = Site()
    site.product("P1")
    site.step()
    known = site.caja.content.hashes[PRODUCT]["P1"]  # type: ignore[index]
    site.append(PRODUCT, b"P1", b"\x00garbage", (("hash", known.encode()),))
    step = site.step()
    assert step is not None
    assert step.equal == 1
    assert site.parked() == {}


def test_stock_waits_for_its_product_and_goes_in_with_it() -> None:
    site = Site()
    site.stock("P1", Decimal(5))
    site.step()
    assert site.parked() == {"P1": "parent"}
    site.product("P1")
    site.step()
    assert site.parked() == {}
    assert site.row("EXIST", "P1", 1) == {"PRODUCTO": "P1", "TIENDA": 1, "EXISTIENDA": 5.0}
    assert (site.row("CATINVEN", "P1") or {})["EXISTENCIA"] == 5


def test_stock_of_a_product_that_policy_keeps_out_is_kept_out_and_goes_in_when_the_product_does() -> None:
    site = Site()
    site.product("P1", status="inactive")
    site.stock("P1", Decimal(5))
    site.step()
    assert site.row("CATINVEN", "P1") is None
    assert site.parked() == {"P1": "kept-out"}
    site.product("P1")
    site.step()
    assert site.parked() == {}
    assert site.row("EXIST", "P1", 1) is not None


def test_an_inactive_product_counts_as_present() -> None:
    site = Site()
    site.product("P1")
    site.step()
    site.product("P1", status="inactive")
    site.stock("P1", Decimal(5))
    site.step()
    assert (site.row("CATINVEN", "P1") or {})["ALTA"] == "F"
    assert site.row("EXIST", "P1", 1) is not None


def test_a_change_sets_the_active_flag_again() -> None:
    site = Site(Policies(inactivate_missing_products=True))
    site.product("P1")
    site.step()
    site.publish(PRODUCT, "P1", None)
    site.step()
    assert (site.row("CATINVEN", "P1") or {})["ALTA"] == "F"
    site.product("P1")
    site.step()
    assert (site.row("CATINVEN", "P1") or {})["ALTA"] == "T"


def test_a_product_gone_from_sae_is_kept_where_policy_says_so() -> None:
    site = Site()
    site.product("P1")
    site.step()
    site.publish(PRODUCT, "P1", None)
    step = site.step()
    assert step is not None
    assert (step.applied, step.touched) == (1, 0)
    assert (site.row("CATINVEN", "P1") or {})["ALTA"] == "T"


def test_stock_with_unposted_sales_is_held_newest_only_and_applied_when_they_are_posted() -> None:
    site = Site()
    site.product("P1")
    site.stock("P1", Decimal(5))
    site.step()
    site.caja.sales.add((1, "P1"))  # type: ignore[arg-type]
    site.stock("P1", Decimal(4))
    site.stock("P1", Decimal(3))
    site.stock("P1", Decimal(8), warehouse=2)
    site.step()
    assert site.parked() == {"P1": "unposted-sales"}
    assert (site.row("EXIST", "P1", 1) or {})["EXISTIENDA"] == 5
    assert (site.row("EXIST", "P1", 2) or {})["EXISTIENDA"] == 8
    site.caja.sales.clear()
    site.clock.now += 5
    site.step()
    assert site.parked() == {}
    assert (site.row("EXIST", "P1", 1) or {})["EXISTIENDA"] == 3
    assert site.caja.over_sales == []


def test_overwrite_does_not_ask_for_sales() -> None:
    site = Site(Policies(stock=StockPolicy.OVERWRITE))
    site.product("P1")
    site.stock("P1", Decimal(5))
    site.caja.sales.add((1, "P1"))  # type: ignore[arg-type]
    site.step()
    assert site.row("EXIST", "P1", 1) is not None


def test_stock_is_caught_up_on_when_cambio_a_existencias_is_switched_on() -> None:
    site = Site()
    site.caja.parameters = replace(site.caja.parameters, stock_changes=False)
    site.product("P1")
    site.stock("P1", Decimal(5))
    site.step()
    assert site.row("EXIST", "P1", 1) is None
    assert site.parked() == {}
    site.caja.parameters = replace(site.caja.parameters, stock_changes=True)
    site.clock.now += HEARTBEAT_SECONDS
    site.step()
    assert site.row("EXIST", "P1", 1) is not None


def test_a_tombstone_of_stock_means_zero() -> None:
    site = Site()
    site.product("P1")
    site.stock("P1", Decimal(5))
    site.step()
    site.publish(Subject(Entity.STOCK, 1), "P1", None)
    site.step()
    assert (site.row("EXIST", "P1", 1) or {})["EXISTIENDA"] == 0
    assert (site.row("CATINVEN", "P1") or {})["EXISTENCIA"] == 0


def test_a_locked_row_waits_alone_and_is_tried_again() -> None:
    site = Site()
    site.product("P1", description="a")
    site.product("P2", description="a")
    site.step()
    site.caja.locked.add(("CATINVEN", ("P1",)))
    site.product("P1", description="b")
    site.product("P2", description="b")
    site.step()
    assert site.parked() == {"P1": "locked"}
    assert (site.row("CATINVEN", "P2") or {})["DESCRIPCIO"] == "b"
    site.product("P1", description="c")
    site.step()
    site.caja.locked.clear()
    site.clock.now += 1
    site.step()
    assert site.parked() == {}
    assert (site.row("CATINVEN", "P1") or {})["DESCRIPCIO"] == "c"


def test_the_equal_of_what_was_applied_replaces_what_waits() -> None:
    site = Site()
    site.product("P1", description="a")
    site.step()
    site.caja.locked.add(("CATINVEN", ("P1",)))
    site.product("P1", description="b")
    site.step()
    site.product("P1", description="a")
    site.caja.locked.clear()
    site.step()
    site.clock.now += 100
    site.step()
    assert (site.row("CATINVEN", "P1") or {})["DESCRIPCIO"] == "a"
    assert site.parked() == {}


@pytest.mark.parametrize("garbage", [b"", b"\x00", b"text", frame("product", b"\xff\xff\xff"), frame("customer", b"\x00")])
def test_an_event_that_cannot_be_read_is_rejected_with_its_bytes_and_the_rest_goes_on(garbage: bytes) -> None:
    site = Site()
    site.append(PRODUCT, b"BAD", garbage)
    site.product("P1")
    site.step()
    assert site.parked() == {"BAD": "rejected"}
    item = next(iter(site.caja.content.parked.values()))
    assert item.value == garbage
    assert item.detail
    assert site.row("CATINVEN", "P1") is not None


def test_an_event_whose_key_is_not_the_one_in_its_value_is_rejected() -> None:
    site = Site()
    body = encode("product", product("P1"))
    site.append(PRODUCT, b"P2", frame("product", body))
    site.step()
    assert site.parked() == {"P2": "rejected"}


def test_a_key_that_no_sae_has_is_rejected_and_a_good_event_of_another_key_goes_on() -> None:
    site = Site()
    site.append(PRODUCT, b"\xff\xfe" * 40, frame("product", encode("product", product("P1"))))
    site.product("P1")
    site.step()
    assert list(site.parked().values()) == ["rejected"]
    assert site.row("CATINVEN", "P1") is not None


def test_a_newer_event_replaces_a_rejected_one() -> None:
    site = Site()
    site.append(PRODUCT, b"P1", b"garbage")
    site.step()
    site.product("P1")
    site.step()
    assert site.parked() == {}
    assert site.row("CATINVEN", "P1") is not None


def test_too_many_rejected_in_one_batch_stop_the_consumer_and_nothing_is_kept() -> None:
    site = Site()
    for n in range(40):
        site.append(PRODUCT, b"BAD%d" % n, b"garbage")
    site.product("P1")
    with pytest.raises(ConfigError, match="rejected"):
        site.step()
    assert site.parked() == {}
    assert site.row("CATINVEN", "P1") is None
    assert TOPICS.of(PRODUCT) not in site.caja.content.progress


def test_a_customer_born_in_caja_is_never_taken_over() -> None:
    site = Site()
    site.caja.content.table("CATCLIEN")[(None,)] = {"CLIENTE": "7", "CLAVESAE": None, "NOMBRE": "de la casa", "ALTA": "T"}
    site.publish(Subject(Entity.CUSTOMER), "7", customer("7", name="de SAE"))
    site.step()
    assert site.parked() == {}
    assert (site.row("CATCLIEN", None) or {})["NOMBRE"] == "de la casa"
    assert (site.row("CATCLIEN", "7") or {})["CLIENTE"] == "8"


def test_an_unknown_schema_stops_the_consumer_and_is_never_a_bad_event() -> None:
    site = Site()
    site.append(PRODUCT, b"P1", FRAME.pack(0, 999) + b"whatever")
    with pytest.raises(UnknownSchemaError, match=r"999.*upgrade"):
        site.step()
    assert site.parked() == {}
    assert TOPICS.of(PRODUCT) not in site.caja.content.progress


def test_a_schema_that_the_registry_learnt_meanwhile_is_read() -> None:
    site = Site()
    site.step()
    newer = bundled("product").text.replace('"puente.id": 4', '"puente.id": 77')
    site.log.append([Record(topic=TOPICS.registry, key=b"77", value=newer.encode())])
    site.append(PRODUCT, b"P1", FRAME.pack(0, 77) + encode("product", product("P1", description="de otra versión")))
    site.step()
    assert (site.row("CATINVEN", "P1") or {})["DESCRIPCIO"] == "de otra versión"


def test_prices_with_taxes_included_are_refused() -> None:
    site = Site()
    site.caja.parameters = replace(site.caja.parameters, tax_included=True)
    site.product("P1")
    with pytest.raises(ConfigError, match="taxes included"):
        site.step()
    assert site.row("CATINVEN", "P1") is None


def test_with_the_interface_off_nothing_is_written_unless_it_is_not_required() -> None:
    site = Site()
    site.caja.parameters = replace(site.caja.parameters, interface=False)
    site.product("P1")
    with pytest.raises(InterfaceOff, match="interface"):
        site.step()
    assert site.caja.content.progress == {}
    other = Site(Policies(interface_required=False), caja=site.caja, log=site.log)
    other.step()
    assert other.row("CATINVEN", "P1") is not None


def test_entities_that_are_not_ticked_are_left_alone() -> None:
    site = Site(Policies(entities=(Entity.CUSTOMER,), stock=StockPolicy.OFF))
    site.product("P1")
    site.publish(Subject(Entity.CUSTOMER), "1", customer("1"))
    site.step()
    assert site.row("CATINVEN", "P1") is None
    assert site.row("CATCLIEN", "1") is not None


@pytest.mark.parametrize("before", [True, False])
def test_a_connection_lost_around_the_commit_loses_nothing(before: bool) -> None:
    site = Site()
    site.product("P1")
    (site.caja.crash_before if before else site.caja.crash_after).append(ConnectionLost(text("gone")))
    with pytest.raises(ConnectionLost):
        site.step()
    site.step()
    assert site.row("CATINVEN", "P1") is not None
    assert site.caja.touched == 1


def test_what_was_set_aside_by_a_commit_of_unknown_end_is_known_afterwards() -> None:
    # Given stock without its product, and a commit that took effect though the connection broke
    site = Site()
    site.step()
    site.stock("P1", Decimal(5))
    site.caja.crash_after.append(ConnectionLost(text("gone")))
    with pytest.raises(ConnectionLost):
        site.step()
    # When the same consumer goes on
    site.stock("P1", Decimal(6))
    site.step()
    # Then what waited is replaced
    assert site.parked() == {"P1": "parent"}
    site.product("P1")
    site.step()
    assert (site.row("EXIST", "P1", 1) or {})["EXISTIENDA"] == 6


class SwitchedOffMeanwhile(MemoryCaja):
    """Its interface goes off between the look at it and the transaction."""

    def switches(self) -> Switches:
        return replace(self.parameters, interface=True)


def test_an_interface_switched_off_meanwhile_is_seen_within_the_transaction() -> None:
    caja = SwitchedOffMeanwhile(MAPPERS)
    site = Site(caja=caja)
    site.step()
    caja.parameters = replace(caja.parameters, interface=False)
    site.product("P1")
    with pytest.raises(InterfaceOff):
        site.step()
    assert site.row("CATINVEN", "P1") is None


def test_a_log_made_again_is_read_from_its_start_and_equal_rows_are_not_written() -> None:
    site = Site()
    site.product("P1")
    site.step()
    site.consumer.release()
    site.log = MemoryLog()
    site.__post_init__()
    site.product("P1")
    site.product("P2")
    step = site.hear()
    assert step is not None
    assert (step.applied, step.touched, step.equal) == (1, 1, 1)


def test_stock_is_not_even_read_while_products_are_behind() -> None:
    site = Site()
    site.step()
    for n in range(30):
        site.product(f"P{n}")
    site.stock("P29", Decimal(1))
    site.consumer.pace.limit = 10
    step = site.consumer.step()
    assert step is not None
    assert not step.at_end
    assert site.parked() == {}


@pytest.mark.parametrize(("look", "write", "limit"), [(5.0, 0.00001, LARGEST), (0.0, 0.01, SMALLEST)])
def test_batches_become_small_where_writing_is_slow_and_not_where_reading_sales_is(look: float, write: float, limit: int) -> None:
    clock = Clock()
    caja = SlowCaja(MAPPERS, clock=clock, seconds_to_look=look, seconds_to_write=write)
    site = Site(caja=caja, clock=clock)
    for n in range(300):
        site.product(f"P{n}")
        site.stock(f"P{n}", Decimal(1))
    site.step()
    assert site.consumer.pace.limit == limit


def test_what_is_left_out_is_counted_once_after_each_step_that_changed_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site()
    counted = 0
    count = site.caja.left_out

    def counting(takes: Callable[[Subject], bool], known: Mapping[SubjectKey, Notes]) -> list[LeftOut]:
        nonlocal counted
        counted += 1
        return count(takes, known)

    monkeypatch.setattr(site.caja, "left_out", counting)
    site.product("P1", description="x" * 500)
    site.step()
    assert (Cause.SHORTENED, ("P1",)) in [(found.cause, found.keys) for found in site.consumer.left_out()]
    site.step()
    site.consumer.left_out()
    before = counted
    site.step()
    site.consumer.left_out()
    assert counted == before
    site.product("P1", description="x")
    site.step()
    assert Cause.SHORTENED not in [found.cause for found in site.consumer.left_out()]
    assert counted == before + 1
