"""What happens to a CAJA: sales, locks, hands, commits without an answer, backups and copies."""

from dataclasses import replace

from schemas.entities import Entity
from schemas.keys import Key
from tests.simulation.operations import weighs
from tests.simulation.truth import PLACES, match_of, table_of
from tests.simulation.world import World


@weighs(4)
def sell(world: World, a: int, b: int, _c: int) -> None:
    caja = world.cajas[b % 2]
    caja.sell(caja.numbers[b // 2 % len(caja.numbers)], Key(("P1", "P2", "P3")[a % 3]))


@weighs(3)
def post_sales(world: World, _a: int, b: int, _c: int) -> None:
    world.post_sales(b % 2)


@weighs(1)
def cancel_sales(world: World, _a: int, b: int, _c: int) -> None:
    """They never happened, though CAJA keeps the stock that they left."""
    world.cajas[b % 2].forget_sales()


@weighs(1)
def switch_stock(world: World, _a: int, b: int, _c: int) -> None:
    """Somebody turns «Cambio a existencias» off, or on again."""
    caja = world.cajas[b % 2]
    caja.parameters = replace(caja.parameters, stock_changes=not caja.parameters.stock_changes)


@weighs(1)
def switch_interface(world: World, _a: int, b: int, _c: int) -> None:
    """Somebody turns CAJA's SAE interface off, or on again."""
    caja = world.cajas[b % 2]
    caja.parameters = replace(caja.parameters, interface=not caja.parameters.interface)


@weighs(3)
def lock(world: World, a: int, b: int, _c: int) -> None:
    """A till takes a row, or lets it go."""
    place = PLACES[a % len(PLACES)]
    world.cajas[b % 2].lock(table_of(place[0].entity), match_of(*place))


@weighs(2)
def edit_by_hand(world: World, a: int, b: int, c: int) -> None:
    """Found by the resync that somebody asks for in the end."""
    place, names = PLACES[a % len(PLACES)], {Entity.PRODUCT_LINE: "DESCRIPCIO", Entity.PRODUCT: "DESCRIPCIO", Entity.CUSTOMER: "NOMBRE"}
    entity, caja = place[0].entity, world.cajas[b % 2]
    if entity in names:
        values = {names[entity]: "hand", "ALTA": "TF"[c % 2]}
        caja.edited |= caja.by_hand(table_of(entity), match_of(*place), **values)


@weighs(1)
def spoil_total(world: World, a: int, b: int, _c: int) -> None:
    """Somebody writes what a product has in all stores, or a till does without the row of its store."""
    world.cajas[b % 2].by_hand("CATINVEN", (("P1", "P2", "P3")[a % 3],), EXISTENCIA=99.0)


@weighs(1)
def forbid_customer(world: World, a: int, b: int, c: int) -> None:
    """A trigger of CAJA's own lets nobody write a customer, or that is over."""
    row = ("CATCLIEN", (("C1", "C2", "C3")[a % 3],))
    if c % 2:
        world.cajas[b % 2].forbidden.discard(row)
    else:
        world.cajas[b % 2].forbidden.add(row)


@weighs(2)
def break_commit(world: World, a: int, b: int, _c: int) -> None:
    """The next commit of a CAJA is never answered."""
    world.cajas[b % 2].broken = "after" if a % 2 else "before"


@weighs(1)
def back_up_caja(world: World, _a: int, b: int, _c: int) -> None:
    caja = world.cajas[b % 2]
    caja.backup = caja.copied()


@weighs(1)
def restore_caja(world: World, _a: int, b: int, _c: int) -> None:
    caja = world.cajas[b % 2]
    if caja.backup is not None:
        caja.put_back(caja.backup)


@weighs(1)
def clone_caja(world: World, _a: int, _b: int, _c: int) -> None:
    """The second CAJA becomes a copy of the first."""
    first, second = world.cajas
    second.put_back(first.copied())


@weighs(1)
def adopt(world: World, _a: int, b: int, _c: int) -> None:
    caja = world.cajas[b % 2]
    if caja.open is None:
        caja.adopt()


@weighs(0)
def renew_ledger(world: World, _a: int, b: int, _c: int) -> None:
    """After an upgrade. Never drawn: that a log lost its end just then is what a ledger without positions cannot notice."""
    caja = world.cajas[b % 2]
    if caja.open is None:
        caja.renew()
