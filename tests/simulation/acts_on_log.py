"""What happens to the log: appends and readings that fail, compaction, lost tails, topics made again, time."""

from foundation.eventlog.port import Record, Topic
from tests.simulation.log import DAY, Fault
from tests.simulation.operations import weighs
from tests.simulation.truth import PLACES, SUBJECTS
from tests.simulation.world import World
from tests.unit.consuming import TOPICS


def topic_of(a: int) -> Topic:
    names = [*(TOPICS.of(subject) for subject in SUBJECTS), TOPICS.control, TOPICS.registry]
    return names[a % len(names)]


@weighs(4)
def fail_append(world: World, a: int, b: int, _c: int) -> None:
    kinds: tuple[Fault, ...] = ("refused", "lost", "late")
    world.store.fault = kinds[a % 3], b % 3


@weighs(2)
def land(world: World, _a: int, _b: int, _c: int) -> None:
    """An event lands that no answer came for."""
    if world.store.late:
        record = world.store.late.pop(0)
        if TOPICS.subject(record.topic) is not None:
            world.watch.disturbed = True
        world.store.add(record)


@weighs(1)
def garbage(world: World, a: int, _b: int, _c: int) -> None:
    """Somebody writes what no reader understands."""
    subject, key = PLACES[a % len(PLACES)]
    if TOPICS.of(subject) in world.store.topics:
        world.watch.disturbed = True
        world.store.add(Record(topic=TOPICS.of(subject), key=key.encode(), value=b"garbage"))


@weighs(2)
def fail_reading(world: World, _a: int, _b: int, _c: int) -> None:
    world.store.is_down = True


@weighs(6)
def compact(world: World, a: int, _b: int, _c: int) -> None:
    """One topic, or all of them."""
    chosen = list(world.store.topics) if a % 3 == 0 else [topic_of(a // 3)]
    for name in chosen:
        if name in world.store.topics:
            world.store.compact_topic(name)


@weighs(2)
def cut(world: World, a: int, b: int, _c: int) -> None:
    """A power cut takes a topic's newest events."""
    name = topic_of(a)
    if name in world.store.topics:
        world.store.cut(name, 1 + b % 4)


@weighs(1)
def make_topic_again(world: World, a: int, b: int, _c: int) -> None:
    """A topic is deleted; mostly it is there again before anybody looks."""
    name = topic_of(a)
    if name in world.store.topics:
        world.store.delete(name)
        if b % 4:
            world.store.make(name)


@weighs(1)
def keep_tombstones_for_a_day(world: World, a: int, _b: int, _c: int) -> None:
    if topic_of(a) in world.store.topics:
        world.store.keep_as_others(topic_of(a))


@weighs(8)
def wait(world: World, a: int, _b: int, _c: int) -> None:
    """Until hearts stop to count, a row is tried again, stock is counted, rejected ones are tried again."""
    world.times.seconds += (11.0, 61.0, 301.0, 3601.0)[a % 4]


@weighs(5)
def days(world: World, a: int, _b: int, _c: int) -> None:
    world.times.seconds += (1.5, 30, 50, 95)[a % 4] * DAY
