"""What the programs do: turns, whole or stopped in the middle; being killed, stopped, set up anew."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from consumer.policies import Policies, SoftDeleted, StockPolicy
from schemas.entities import CATALOGUES, Entity
from tests.simulation.operations import weighs
from tests.simulation.world import World


@weighs(34)
def produce(world: World, a: int, _b: int, _c: int) -> None:
    """The first producer: a whole turn (or the rest of one), or so many calls of one."""
    world.run(world.producers[0], a % 90 or None)


@weighs(6)
def produce_elsewhere(world: World, a: int, b: int, _c: int) -> None:
    """The second one, which may claim the log by force."""
    second = world.producers[1]
    if b % 4 == 3 and not second.stopped:
        second.by_force = True
    world.watch.disturbed = True
    world.run(second, a % 90 or None)


@weighs(4)
def kill_producer(world: World, a: int, _b: int, _c: int) -> None:
    world.kill_producer(1 if a % 4 == 3 else 0)


@weighs(1)
def stop_producer(world: World, a: int, _b: int, _c: int) -> None:
    """A clean stop."""
    process = world.producers[1 if a % 4 == 3 else 0]
    process.leaves = not process.stopped
    world.run(process)


@weighs(1)
def allow(world: World, _a: int, _b: int, _c: int) -> None:
    """`puente produce --allow …=2`, for every kind: another process for the first one."""
    world.allow(0, 2)


@weighs(1)
def night(world: World, _a: int, _b: int, _c: int) -> None:
    world.times.nights += 1


@weighs(22)
def consume(world: World, a: int, b: int, c: int) -> None:
    """A consumer of one CAJA: a whole turn, or so many calls of one."""
    world.run(world.consumers[b % 2][1 if c % 4 == 3 else 0], a % 60 or None)


@weighs(16)
def consume_all(world: World, a: int, _b: int, _c: int) -> None:
    """Some turns of each CAJA's first consumer."""
    for _ in range(1 + a % 5):
        for processes in world.consumers:
            world.run(processes[0])


@weighs(4)
def kill_consumer(world: World, a: int, b: int, _c: int) -> None:
    world.kill_consumer(b % 2, 1 if a % 4 == 3 else 0)


@weighs(1)
def stop_consumer(world: World, a: int, b: int, _c: int) -> None:
    """A clean stop."""
    process = world.consumers[b % 2][1 if a % 4 == 3 else 0]
    process.leaves = not process.stopped
    world.run(process)


@weighs(2)
def resync(world: World, a: int, b: int, _c: int) -> None:
    """`puente resync`."""
    process = world.consumers[b % 2][1 if a % 4 == 3 else 0]
    process.resyncs = not process.stopped
    world.run(process)


@weighs(2)
def policy(world: World, a: int, b: int, c: int) -> None:
    """Another setting; the processes start again with it, or one of them does not yet."""
    n = b % 2
    world.wanted[n] = _CHANGES[a % len(_CHANGES)](world.wanted[n])
    world.kill_consumer(n, 0)
    if c % 3:
        world.kill_consumer(n, 1)


def _toggled(entity: Entity, policies: Policies) -> Policies:
    ticked = set(policies.entities) ^ {entity}
    return replace(policies, entities=tuple(one for one in CATALOGUES if one in ticked))


_CHANGES: Sequence[Callable[[Policies], Policies]] = (
    lambda p: replace(p, inactivate_missing_products=not p.inactivate_missing_products),
    lambda p: replace(p, inactivate_missing_customers=not p.inactivate_missing_customers),
    partial(_toggled, Entity.PRODUCT_LINE),
    partial(_toggled, Entity.PRODUCT),
    lambda p: replace(p, stock=StockPolicy.OFF if p.stock is StockPolicy.GUARDED else StockPolicy.GUARDED),
    lambda p: replace(p, soft_deleted=SoftDeleted.IGNORE if p.soft_deleted is SoftDeleted.INACTIVATE else SoftDeleted.INACTIVATE),
)
