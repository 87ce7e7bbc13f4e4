"""When a CAJA's rows are all looked at again: what changes them changes the fingerprint, and nothing else does."""

from dataclasses import fields, replace
from typing import Any

import pytest

from consumer.mapping.fingerprint import NO_MATTER, UNTOLD, fingerprint
from consumer.mapping.mapper import mappers
from consumer.mapping.profile import Profile
from consumer.policies import Policies, SoftDeleted, StockPolicy
from foundation.engines.catalogue import Catalogue
from schemas.entities import CATALOGUES
from tests.fakes.caja import reference_catalogue
from tests.unit.consuming import PROFILE

STORES = {1: 1, 5: 2}
OF_A_CAJA = "41f56d3f29882d63"
"""What stands in the ledger of every CAJA with the reference's columns, the shipped profile, no settings of its own and these stores.

Another one makes each CAJA of every site look at all of its rows again: a release may do that, knowing it.
"""


def of(
    profile: Profile = PROFILE,
    policies: Policies | None = None,
    stores: dict[int, int] = STORES,
    prices: dict[str, int] | None = None,
    catalogue: Catalogue | None = None,
) -> str:
    decided = policies or Policies()
    lists = prices or {}
    made = mappers(profile, catalogue or reference_catalogue(), lists, decided.entities)
    return fingerprint(profile, decided, stores, lists, made)


def test_a_release_that_changes_no_rows_keeps_every_fingerprint() -> None:
    assert of() == OF_A_CAJA


def test_every_policy_is_told_or_known_to_change_no_row() -> None:
    assert {field.name for field in fields(Policies)} == {*UNTOLD, *NO_MATTER}
    assert set(UNTOLD).isdisjoint(NO_MATTER)


@pytest.mark.parametrize(
    "changed",
    [
        {"entities": CATALOGUES[1:]},
        {"stock": StockPolicy.OVERWRITE},
        {"inactivate_missing_products": True},
        {"inactivate_missing_customers": False},
        {"soft_deleted": SoftDeleted.IGNORE},
    ],
)
def test_a_policy_that_is_not_as_it_always_was_is_told(changed: dict[str, Any]) -> None:
    assert of(policies=replace(Policies(), **changed)) != of()


def test_when_rows_may_be_written_is_no_matter() -> None:
    assert of(policies=Policies(interface_required=False)) == of()


def test_stores_price_lists_and_the_width_of_a_column_are_told() -> None:
    wider = dict(reference_catalogue())
    columns = dict(wider["CATINVEN"].columns)
    columns["DESCRIPCIO"] = replace(columns["DESCRIPCIO"], length=80)
    wider["CATINVEN"] = replace(wider["CATINVEN"], columns=columns)
    assert len({of(), of(stores={1: 1}), of(prices={"PRECIOP": 2}), of(catalogue=wider)}) == 4
    assert of(prices={"PRECIOP": 1}) == of(), "as the profile has it"


def test_how_the_profile_maps_is_told_and_what_it_is_called_is_not() -> None:
    renamed = PROFILE.model_copy(update={"name": "nuestra"})
    column = PROFILE.currency.columns["TCAMBIO"].model_copy(update={"evidence": "seen"})
    seen = PROFILE.model_copy(
        update={"currency": PROFILE.currency.model_copy(update={"columns": {**PROFILE.currency.columns, "TCAMBIO": column}})}
    )
    without = PROFILE.model_copy(
        update={"currency": PROFILE.currency.model_copy(update={"columns": {"MONEDA": PROFILE.currency.columns["MONEDA"]}})}
    )
    letters = PROFILE.currency.active and PROFILE.currency.active.model_copy(update={"no": "N"})
    flagged = PROFILE.model_copy(update={"currency": PROFILE.currency.model_copy(update={"active": letters})})
    assert of(renamed) == of(seen) == of()
    assert len({of(), of(without), of(flagged)}) == 3
