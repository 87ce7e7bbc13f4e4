"""What the owner of a CAJA decided, change by change."""

from typing import Any

import pytest

from consumer.caja.port import Store, Switches
from consumer.mapping.action import action
from consumer.policies import Policies, SoftDeleted, StockPolicy
from consumer.subscribe import choose_stores, shared_warehouses, stores_of_warehouses, subjects
from foundation.engines.writing import Action
from foundation.errors import ConfigError
from schemas.entities import Entity, Subject
from tests.unit.consuming import customer, product

ON = Switches(interface=True, stock_changes=True, tax_included=False)
OFF = Switches(interface=True, stock_changes=False, tax_included=False)
LINE = {"line": "L", "description": None, "is_group": False, "status": "inactive"}


@pytest.mark.parametrize(
    ("entity", "value", "policies", "expected"),
    [
        (Entity.PRODUCT, product("P"), Policies(), Action.PUT),
        (Entity.PRODUCT, product("P", status="inactive"), Policies(), Action.CHANGE),
        (Entity.PRODUCT, product("P", status="inactive"), Policies(soft_deleted=SoftDeleted.IGNORE), Action.NOTE),
        (Entity.CUSTOMER, customer("C", status="inactive"), Policies(), Action.CHANGE),
        (Entity.CUSTOMER, customer("C", status="suspended"), Policies(), Action.PUT),
        (Entity.PRODUCT_LINE, LINE, Policies(), Action.PUT),
        (Entity.PRODUCT, None, Policies(), Action.NOTE),
        (Entity.PRODUCT, None, Policies(inactivate_missing_products=True), Action.RETIRE),
        (Entity.CUSTOMER, None, Policies(), Action.RETIRE),
        (Entity.CUSTOMER, None, Policies(inactivate_missing_customers=False), Action.NOTE),
        (Entity.PRODUCT_LINE, None, Policies(), Action.RETIRE),
        (Entity.TAX_SCHEME, None, Policies(), Action.RETIRE),
        (Entity.CURRENCY, None, Policies(), Action.RETIRE),
        (Entity.STOCK, None, Policies(), Action.RETIRE),
    ],
)
def test_what_is_done_with_a_row(entity: Entity, value: dict[str, Any] | None, policies: Policies, expected: Action) -> None:
    assert action(entity, value, policies) is expected


def test_only_ticked_entities_are_read_in_order_of_dependency() -> None:
    policies = Policies(entities=(Entity.CUSTOMER, Entity.PRODUCT, Entity.PRODUCT_LINE))
    assert subjects(policies, [2, 1], ON) == [
        Subject(Entity.PRODUCT_LINE),
        Subject(Entity.PRODUCT),
        Subject(Entity.CUSTOMER),
        Subject(Entity.STOCK, 1),
        Subject(Entity.STOCK, 2),
    ]


@pytest.mark.parametrize(
    ("policy", "switches", "read"),
    [
        (StockPolicy.OFF, ON, False),
        (StockPolicy.GUARDED, ON, True),
        (StockPolicy.GUARDED, OFF, False),
        (StockPolicy.OVERWRITE, OFF, True),
    ],
)
def test_stock_is_read_where_policy_and_caja_allow_it(policy: StockPolicy, switches: Switches, read: bool) -> None:
    assert (Subject(Entity.STOCK, 1) in subjects(Policies(stock=policy), [1], switches)) is read


def stores(*pairs: tuple[int, int | None]) -> list[Store]:
    return [Store(number=number, warehouse=warehouse) for number, warehouse in pairs]


def test_all_stores_or_those_named_are_served() -> None:
    known = stores((1, 1), (2, 5), (3, None))
    assert choose_stores(known, None, "centro") == known
    assert choose_stores(known, [2], "centro") == [known[1]]
    assert stores_of_warehouses(known) == {1: 1, 5: 2}


def test_a_store_that_caja_lacks_is_named_with_those_it_has() -> None:
    with pytest.raises(ConfigError, match=r"9.*1, 2"):
        choose_stores(stores((1, 1), (2, 2)), [9], "centro")


def test_two_stores_on_one_warehouse_get_no_stock_and_the_others_theirs() -> None:
    known = stores((1, 4), (2, 4), (3, 7))
    assert choose_stores(known, None, "centro") == known
    assert stores_of_warehouses(known) == {7: 3}
    (told,) = shared_warehouses(known)
    assert "the stores 1, 2 have the same warehouse 4" in str(told)
    assert stores_of_warehouses(choose_stores(known, [2, 3], "centro")) == {4: 2, 7: 3}
    assert shared_warehouses(known[1:]) == []
