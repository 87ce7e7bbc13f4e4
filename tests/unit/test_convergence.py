"""Any history of SAE, however interleaved, cut short, delivered again or crashed, ends with CAJA equal to the mapping of SAE."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.ledger.parked import Reason
from consumer.leftout import Cause, Note, Notes
from consumer.policies import Policies, SoftDeleted, StockPolicy
from schemas.entities import Entity
from tests.unit.consuming import MAPPERS, TOPICS
from tests.unit.histories import OPERATIONS, PLACES, SUBJECTS, SubjectKey, World

KEY_COLUMN = {"CATLINEA": "LINEA", "ESQIMP": "CLAVE", "CATMONED": "MONEDA", "CATINVEN": "PRODUCTO", "CATCLIEN": "CLAVESAE"}
SHOWN = {"CATLINEA": "DESCRIPCIO", "ESQIMP": "PORCEN1", "CATMONED": "TCAMBIO", "CATINVEN": "PRECIOP", "CATCLIEN": "NOMBRE"}
SOFT = (Entity.PRODUCT, Entity.CUSTOMER)
POLICIES = st.builds(
    Policies,
    stock=st.sampled_from([StockPolicy.GUARDED, StockPolicy.OVERWRITE]),
    inactivate_missing_products=st.booleans(),
    inactivate_missing_customers=st.booleans(),
    soft_deleted=st.sampled_from(SoftDeleted),
)
HISTORY = st.lists(
    st.tuples(st.sampled_from(OPERATIONS), st.sampled_from(PLACES), st.integers(1, 3), st.integers(0, 4)), min_size=20, max_size=60
)


def wrong(world: World) -> list[str]:
    """What differs from a mapping of SAE that shares nothing with the consumer but the reference's names."""
    found = []
    for place in sorted(world.ever):
        found += wrong_stock(world, place) if place[0].entity is Entity.STOCK else wrong_row(world, place)
    if world.caja.content.left_out != left_out(world):
        found.append(f"left out: {world.caja.content.left_out} instead of {left_out(world)}")
    parked = {item.reason for item in world.caja.content.parked.values()}
    found += [f"waits: {reason}" for reason in parked - {Reason.KEPT_OUT, Reason.PARENT}]
    saved, ends = world.caja.content.progress, world.log.topics()
    topics = [TOPICS.of(subject) for subject in SUBJECTS]
    return found + [
        f"{topic} is not saved to its end" for topic in topics if topic not in saved or saved[topic].position.next_offset != ends[topic].end
    ]


def left_out(world: World) -> dict[SubjectKey, Notes]:
    """A product in use has as many prices as its number says, of four."""
    used = {place: n for place, (n, inactive) in world.sae.items() if place[0].entity is Entity.PRODUCT and not inactive}
    return {place: tuple(Note(Cause.NO_PRICE, f"PRECIO{lacking}") for lacking in range(n + 1, 5)) for place, n in used.items()}


def wrong_row(world: World, place: SubjectKey) -> list[str]:
    (subject, key), table = place, MAPPERS[place[0].entity].plan.table
    row = next((r for r in world.caja.content.table(table).values() if str(r[KEY_COLUMN[table]]) == key), None)
    if row is not None and subject.entity in SOFT and place not in world.ever_active:
        return [f"{subject} {key} was added, and never was active"]
    truth = world.sae.get(place)
    if truth is None:
        return wrong_gone(world, place, row)
    n, inactive = truth
    if inactive and subject.entity in SOFT and (row is None or world.policies.soft_deleted is SoftDeleted.IGNORE):
        return []
    if row is None:
        return [f"{subject} {key} is missing"]
    expected = {Entity.PRODUCT_LINE: f"línea {n}", Entity.CUSTOMER: f"cliente {n}"}.get(subject.entity, float(n))
    good = row[SHOWN[table]] == expected and row["ALTA"] == ("F" if inactive else "T")
    return [] if good else [f"{subject} {key}: {row[SHOWN[table]]} {row['ALTA']} instead of {expected}, inactive {inactive}"]


def wrong_gone(world: World, place: SubjectKey, row: dict[str, Any] | None) -> list[str]:
    """What SAE lacks is inactive, or as it was where policy keeps it."""
    inactivated = {
        Entity.PRODUCT: world.policies.inactivate_missing_products,
        Entity.CUSTOMER: world.policies.inactivate_missing_customers,
    }.get(place[0].entity, True)
    if row is None:
        return []
    if inactivated:
        return [f"{place} is active, and SAE lacks it"] if row["ALTA"] == "T" else []
    return [f"{place} is inactive, and policy keeps it"] if row["ALTA"] == "F" and place not in world.ever_inactive else []


def wrong_stock(world: World, place: SubjectKey) -> list[str]:
    (subject, key), content = place, world.caja.content
    row = content.table("EXIST").get((key, subject.warehouse))
    product_row = content.table("CATINVEN").get((key,))
    truth = world.sae.get(place)
    expected = float(truth[0]) if truth else 0.0
    if product_row is None:
        return [f"{subject} {key} without a product"] if row else []
    total = sum(r["EXISTIENDA"] for k, r in content.table("EXIST").items() if k[0] == key)
    found = [] if (row["EXISTIENDA"] if row else 0.0) == expected else [f"{subject} {key}: {row} instead of {expected}"]
    return found + ([] if (product_row["EXISTENCIA"] or 0) == total else [f"{key}: total {product_row['EXISTENCIA']} is not {total}"])


@settings(max_examples=300, deadline=None, derandomize=True)
@given(POLICIES, HISTORY)
def test_any_history_ends_with_caja_equal_to_the_mapping_of_sae(
    policies: Policies, history: list[tuple[Any, SubjectKey, int, int]]
) -> None:
    world = World(policies)
    for operation, place, n, dice in history:
        operation(world, place, n, dice)
    assert policies.stock is StockPolicy.OVERWRITE or world.caja.over_sales == []
    world.make_good()
    world.rest()
    assert wrong(world) == []

    touched = world.caja.touched
    world.caja.content.progress.clear()
    world.start()
    world.rest()
    assert world.caja.touched == touched, "a second run of the same history touched a row"
    assert wrong(world) == []
