"""What happens to SAE: edits, transactions that last, restores, sessions that break."""

from producer.sae.tables import Almacenes, Clie, Clin, CvesAlter, Impu, Inve, PrecioXProd, RawKey, Row
from tests.fakes.sae import row
from tests.simulation.operations import weighs
from tests.simulation.truth import RAW, TABLES, value
from tests.simulation.world import World


def target(a: int, b: int) -> tuple[type[Row], RawKey]:
    """The row of SAE that two numbers mean."""
    table = TABLES[a % len(TABLES)]
    return table, RAW[table][b % len(RAW[table])]


@weighs(28)
def edit(world: World, a: int, b: int, c: int) -> None:
    table, raw = target(a, b)
    world.sae.at_once((table, raw, value(table, raw, c)))


@weighs(8)
def delete(world: World, a: int, b: int, _c: int) -> None:
    world.sae.at_once((*target(a, b), None))


@weighs(4)
def replace_row(world: World, a: int, b: int, c: int) -> None:
    """One goes and one comes in one transaction: as many rows as before."""
    table, raw = target(a, b)
    other = RAW[table][c % len(RAW[table])]
    world.sae.at_once((table, raw, None), (table, other, value(table, other, c)))


@weighs(3)
def mass_change(world: World, a: int, b: int, _c: int) -> None:
    """Everything of a table in one transaction: gone, made inactive, or with another content; its rows of before are kept."""
    table = (Inve, Clie, Clin, PrecioXProd, CvesAlter, Impu)[a % 6]
    before = {raw: found for raw, (_, found) in world.sae.rows[table].items()}
    world.sae.taken = {(table, raw): found for raw, found in before.items()}
    world.sae.at_once(*((table, raw, _instead(found, b % 3)) for raw, found in before.items()))


def _instead(found: Row, how: int) -> Row | None:
    match found, how:
        case PrecioXProd(), 1:
            return found._replace(precio=0.0)
        case PrecioXProd(), 2:
            return found._replace(precio=(found.precio or 0.0) * 10 + 1)
        case Impu(), 1:
            return found._replace(impuesto1=0.0)
        case Inve() | Clie() | Clin() | Impu(), _ if how:
            return found._replace(status="B")
        case _:
            return None


@weighs(3)
def take_back(world: World, _a: int, b: int, _c: int) -> None:
    """What a mass change took, or all but the first of it, is written again in one transaction."""
    taken, world.sae.taken = list(world.sae.taken.items())[b % 2 :], {}
    world.sae.at_once(*((table, raw, found) for (table, raw), found in taken))


@weighs(5)
def begin(world: World, _a: int, _b: int, _c: int) -> None:
    if len(world.sae.writers) < 3:
        world.sae.begin()


@weighs(9)
def write(world: World, a: int, b: int, c: int) -> None:
    """One of the transactions that run writes or deletes a row."""
    writers, (table, raw) = world.sae.writers, target(a, b)
    if writers:
        world.sae.write(writers[c % len(writers)], table, raw, None if c % 6 == 5 else value(table, raw, c))


@weighs(7)
def commit(world: World, a: int, _b: int, _c: int) -> None:
    writers = world.sae.writers
    if writers:
        world.sae.commit(writers[a % len(writers)])


@weighs(1)
def roll_back(world: World, a: int, _b: int, _c: int) -> None:
    writers = world.sae.writers
    if writers:
        world.sae.end(writers[a % len(writers)])


@weighs(1)
def warehouse(world: World, _a: int, _b: int, c: int) -> None:
    """A second warehouse appears, or goes."""
    world.sae.at_once((Almacenes, (2,), None if c % 3 == 2 else row(Almacenes, 2)))


@weighs(2)
def counter_lags(world: World, a: int, _b: int, _c: int) -> None:
    """The engine is late with its counter of transactions."""
    world.sae.lag = a % 4


@weighs(1)
def back_up_sae(world: World, _a: int, _b: int, _c: int) -> None:
    world.sae.back_up()


@weighs(1)
def restore_sae(world: World, a: int, b: int, _c: int) -> None:
    """From the copy of its file, or by gbak; the sessions notice, or connect again in silence."""
    if world.sae.backup is None:
        return
    world.watch.restored = True
    for producer in world.producers:
        if producer.session is not None:
            producer.session.loud = b % 2 == 0
    world.sae.restore(gbak=a % 2 == 1)


@weighs(1)
def another_sae(world: World, _a: int, b: int, _c: int) -> None:
    """The settings name another company's database, or the right one again; the sessions notice, or connect again in silence."""
    for producer in world.producers:
        if producer.session is not None:
            producer.session.loud = b % 2 == 0
    world.sae.swap(is_away=not world.sae.is_away)


@weighs(1)
def break_sae_session(world: World, a: int, b: int, _c: int) -> None:
    session = world.producers[a % 2].session
    if session is not None:
        session.loud = b % 2 == 0
        session.broken = True
