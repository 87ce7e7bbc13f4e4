"""Letters of SAE that mean nothing here: the row is refused by name, the log keeps what it has. None and a blank are as usual."""

from typing import Any

import pytest

from foundation.errors import PoisonError
from producer.sae.tables import Clie, Clin, CvesAlter, Impu, Inve, Moned
from schemas.entities import Entity, Subject
from tests.fakes.sae import FakeSae, row
from tests.unit.mapped import only, rows, value
from tests.unit.producing import MODES, TOPICS, Mode, Site

KEYS: dict[type[Any], tuple[Any, ...]] = {Clin: ("1",), Impu: (1,), Moned: (1,), Inve: ("1",), Clie: ("1",)}
ENTITY = {Clin: Entity.PRODUCT_LINE, Impu: Entity.TAX_SCHEME, Moned: Entity.CURRENCY, Inve: Entity.PRODUCT, Clie: Entity.CUSTOMER}
COLUMNS: list[tuple[type[Any], str, str, Any, str]] = [
    *((table, "status", "status", "active", "A, B") for table in (Clin, Impu, Moned, Inve)),
    (Clie, "status", "status", "active", "A, B, M, S"),
    (Clie, "con_credito", "has_credit", False, "S, N"),
    (Inve, "tipo_ele", "kind", "product", "P, K, G, S"),
]


@pytest.mark.parametrize(("table", "column", "field", "usual", "_letters"), COLUMNS)
@pytest.mark.parametrize("blank", [None, "", " "])
def test_none_is_as_usual(table: type[Any], column: str, field: str, usual: object, _letters: str, blank: str | None) -> None:
    assert only(FakeSae(row(table, *KEYS[table], **{column: blank})), ENTITY[table])[field] == usual


@pytest.mark.parametrize(("table", "column", "_field", "_usual", "letters"), COLUMNS)
@pytest.mark.parametrize("found", ["X", "1", "AB"])
def test_any_other_letter_is_refused(table: type[Any], column: str, _field: str, _usual: object, letters: str, found: str) -> None:
    (refused,) = rows(FakeSae(row(table, *KEYS[table], **{column: found})), ENTITY[table])
    with pytest.raises(PoisonError) as told:
        value(refused)
    assert str(told.value) == f"{column.upper()} is {found!r}, which is none of {letters}"


def test_who_may_be_a_prospect_is_refused() -> None:
    (refused,) = rows(FakeSae(row(Clie, "1", prospecto="X")), Entity.CUSTOMER)
    with pytest.raises(PoisonError, match="PROSPECTO is 'X'"):
        value(refused)


@pytest.mark.parametrize("found", [None, " ", "N", "n"])
def test_who_is_no_prospect_travels(found: str | None) -> None:
    assert only(FakeSae(row(Clie, "1", prospecto=found)), Entity.CUSTOMER)["customer"] == "1"


@pytest.mark.parametrize(
    ("found", "kind"), [("N", "none"), ("C", "customer"), ("P", "supplier"), ("p", "supplier"), ("", "none"), (None, "none")]
)
def test_kinds_of_alternate_keys(found: str | None, kind: str) -> None:
    sae = FakeSae(row(Inve, "A"), row(CvesAlter, "A", "750", tipo=found))
    assert only(sae, Entity.PRODUCT)["alternate_keys"] == [{"key": "750", "kind": kind}]


def test_an_alternate_key_of_an_unknown_kind_is_no_bar_code_and_only_its_product_is_refused() -> None:
    sae = FakeSae(row(Inve, "A"), row(Inve, "B"), row(CvesAlter, "A", "750", tipo="X"))
    found = {str(one.key): one for one in rows(sae, Entity.PRODUCT)}
    assert value(found["B"])["sku"] == "B"
    with pytest.raises(PoisonError, match=r"CVES_ALTER\.TIPO is 'X', which is none of N, C, P"):
        value(found["A"])


@pytest.mark.parametrize(("found", "is_group"), [("S", True), ("s", True), ("N", False), ("X", False), (None, False)])
def test_only_s_makes_a_line_a_group(found: str | None, is_group: bool) -> None:
    assert only(FakeSae(row(Clin, "1", esungpo=found)), Entity.PRODUCT_LINE)["is_group"] is is_group


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("column", ["status", "prospecto", "con_credito"])
def test_the_log_keeps_what_it_has_and_the_heartbeat_names_the_row(mode: Mode, column: str) -> None:
    site = Site(row(Clie, "1", nombre="old"), row(Clie, "2"), mode=mode)
    site.settled()
    site.sae.put(row(Clie, "1", nombre="new", **{column: "X"}), row(Clie, "2", nombre="new"))
    assert [(record.topic, record.key) for record in site.settled()] == [(TOPICS.of(Subject(Entity.CUSTOMER)), b"2")]
    assert {key: value["name"] for key, value in site.events(Subject(Entity.CUSTOMER)).items()} == {"1": "old", "2": "new"}
    (named,) = site.heartbeats()[-1].unpublished
    assert (named.entity, named.key) == ("customer", "1")
    assert column.upper() in named.reason
    site.sae.put(row(Clie, "1", nombre="new"))
    site.settled()
    assert site.agrees()
    assert site.heartbeats()[-1].unpublished == ()
