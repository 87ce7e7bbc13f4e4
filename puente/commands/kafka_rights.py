"""What Puente's users need on Kafka: a producer, a branch, an administrator, and no more; and whether the user of the settings has it.

Like those on databases, the rights do not follow the boxes that a site ticked: a policy that is switched on later takes effect by itself.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass

from consumer.subscribe import stores_of_warehouses
from foundation.errors import ExitCode, PuenteError
from foundation.eventlog.port import EventLog
from foundation.eventlog.rights import Operation, Resource, Right
from foundation.texts import Text, text
from puente.config import CajaSettings, KafkaLogSettings, Settings
from puente.findings import Finding, Level
from puente.wiring.opening import open_caja
from schemas.entities import Entity, Subject
from schemas.topics import Topics

READ = (Operation.READ, Operation.DESCRIBE_CONFIGS)
WRITE = (Operation.READ, Operation.WRITE, Operation.CREATE, Operation.DESCRIBE_CONFIGS)
ADMINISTER = (*WRITE, Operation.DELETE, Operation.ALTER_CONFIGS)


@dataclass(frozen=True, slots=True)
class Need:
    """What a user must be allowed to do with these topics or groups, or with all whose names begin so."""

    operations: tuple[Operation, ...]
    resource: Resource
    names: tuple[str, ...]
    are_beginnings: bool = False

    def rights(self) -> list[Right]:
        return [Right(operation, self.resource, name) for operation in self.operations for name in self.names]


def needs_of_producer(topics: Topics) -> list[Need]:
    """Its own company's topics, those of warehouses that appear included, and the registry, which companies share.

    Where SAE is `puente status` tells how far behind a CAJA is that cannot be reached from there: its group knows.
    """
    return [
        Need(WRITE, Resource.TOPIC, (topics.registry,)),
        Need(WRITE, Resource.TOPIC, (topics.beginning,), are_beginnings=True),
        Need((Operation.DESCRIBE,), Resource.GROUP, (topics.beginning,), are_beginnings=True),
    ]


def needs_of_branch(topics: Topics, caja: str, warehouses: Collection[int]) -> list[Need]:
    """Reading, of stock only its own warehouses; and to tell the tools for lag how far it is."""
    stock = [topics.of(Subject(Entity.STOCK, warehouse)) for warehouse in sorted(warehouses)]
    return [
        Need(READ, Resource.TOPIC, (*topics.fixed(), *stock)),
        Need((Operation.READ,), Resource.GROUP, (topics.group(caja),)),
    ]


def needs_of_administrator(topics: Topics) -> list[Need]:
    """For `puente setup` and `puente log copy`, and to mend or delete topics and groups with Kafka's own tools."""
    return [
        Need(ADMINISTER, Resource.TOPIC, (topics.registry,)),
        Need(ADMINISTER, Resource.TOPIC, (topics.beginning,), are_beginnings=True),
        Need((Operation.DESCRIBE, Operation.DELETE), Resource.GROUP, (topics.beginning,), are_beginnings=True),
    ]


def warehouses_of(caja: CajaSettings) -> list[int]:
    """Those of the stores that a CAJA serves, as it tells itself; raises what keeps it from being asked."""
    with closing((checked := open_caja(caja)).database):
        return sorted(stores_of_warehouses(checked.stores))


def check_rights(log: EventLog, settings: Settings, topics: Topics) -> tuple[list[Right], list[Finding]]:
    """What the user lacks for what is done from here, and what is to be said of it."""
    if not isinstance(settings.log, KafkaLogSettings):
        return [], []
    roles = [*_producing(log, settings, topics), *(_consuming(caja, topics) for caja in settings.caja)]
    found = [(role, log.lacking(role.rights)) for role in roles]
    refused = [right for _, lacking in found for right in lacking]
    findings = [finding for role, lacking in found for finding in _findings(role, lacking)]
    if roles and not refused:
        findings = [Finding(Level.OK, str(text("topics")), text("this user of Kafka may do what is done from here"))]
    return refused, findings


@dataclass(frozen=True, slots=True)
class _Role:
    """Something that is done from here, what it needs, and what prints the commands that give it."""

    what: Text
    rights: list[Right]
    remedy: Text


def _producing(log: EventLog, settings: Settings, topics: Topics) -> Iterator[_Role]:
    if settings.sae is None:
        return
    names = {*topics.fixed(), *(topic for topic in log.topics() if topics.subject(topic) is not None)}
    rights = Need(WRITE, Resource.TOPIC, tuple(sorted(names))).rights()
    yield _Role(text("to produce"), rights, text("puente grants kafka"))


def _consuming(caja: CajaSettings, topics: Topics) -> _Role:
    warehouses: list[int] = []
    with suppress(PuenteError):  # which is reported where CAJA is looked at
        warehouses = warehouses_of(caja)
    rights = [right for need in needs_of_branch(topics, caja.name, warehouses) for right in need.rights()]
    return _Role(text("to serve {caja}", caja=caja.name), rights, text("puente grants kafka --caja {name}", name=caja.name))


def _findings(role: _Role, lacking: Iterable[Right]) -> Iterator[Finding]:
    """Data stand still without some of them, and only what is known of the log without the others."""
    hidden = {right.name for right in lacking if right.operation is Operation.READ and right.resource is Resource.TOPIC}
    for level, code, chosen in (
        (Level.ERROR, ExitCode.CONFIG, [right for right in lacking if not _is_spared(right)]),
        (Level.WARNING, ExitCode.OK, [right for right in lacking if _is_spared(right) and right.name not in hidden]),
    ):
        if chosen:
            said = text(
                "{what}, this user of Kafka lacks {listed}: {remedy} prints the commands that give it",
                what=role.what,
                listed=_listed(chosen),
                remedy=role.remedy,
            )
            yield Finding(level, str(text("topics")), said, code)


def _is_spared(right: Right) -> bool:
    """Whether all data arrive without it: how a topic is kept then counts as Kafka's default, and the tools for lag know nothing."""
    return right.operation is Operation.DESCRIBE_CONFIGS or right.resource is Resource.GROUP


def _listed(rights: Iterable[Right]) -> str:
    """By topic or group: those that lack the same stand together."""
    by_name: dict[tuple[Resource, str], list[str]] = defaultdict(list)
    for right in rights:
        by_name[right.resource, right.name].append(right.operation)
    by_operations: dict[tuple[Resource, str], list[str]] = defaultdict(list)
    for (resource, name), operations in by_name.items():
        by_operations[resource, ", ".join(operations)].append(name)
    return "; ".join(str(_on(resource, operations, ", ".join(names))) for (resource, operations), names in by_operations.items())


def _on(resource: Resource, operations: str, names: str) -> Text:
    if resource is Resource.TOPIC:
        return text("{operations} on the topics {names}", operations=operations, names=names)
    return text("{operations} on the group {names}", operations=operations, names=names)
