"""The names of the topics: `<prefix>.<company>.<entity>`, stock one per warehouse, and two that are no entity's."""

import re
from dataclasses import dataclass

from foundation.eventlog.port import Topic, TopicSettings
from schemas.entities import CATALOGUES, Entity, Subject

CONTROL = "control"
REGISTRY = "schemas"
_WAREHOUSE = re.compile(r"0|-?[1-9]\d*", re.ASCII)
"""An integer as `str` writes it: no subject has two topics."""


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one company of SAE."""

    prefix: str
    company: str

    def of(self, subject: Subject) -> Topic:
        return Topic(f"{self.prefix}.{self.company}.{subject}")

    @property
    def control(self) -> Topic:
        """The producer's heartbeats."""
        return Topic(f"{self.prefix}.{self.company}.{CONTROL}")

    @property
    def registry(self) -> Topic:
        """The schemas, shared by the companies of one prefix."""
        return Topic(f"{self.prefix}.{REGISTRY}")

    @property
    def beginning(self) -> str:
        """What the names of this company's topics and groups begin with."""
        return f"{self.prefix}.{self.company}."

    def group(self, caja: str) -> str:
        """The reader of one CAJA, as the log's tools know it."""
        return f"{self.beginning}{caja}"

    def subject(self, topic: Topic) -> Subject | None:
        """What a topic is about; None where it is not an entity's of this company."""
        head = self.beginning
        name, dot, warehouse = topic.removeprefix(head).partition(".")
        if not topic.startswith(head) or name not in set(Entity):
            return None
        entity = Entity(name)
        if entity is not Entity.STOCK:
            return None if dot else Subject(entity)
        return Subject(entity, int(warehouse)) if _WAREHOUSE.fullmatch(warehouse) else None

    def fixed(self) -> dict[Topic, TopicSettings]:
        """The topics that exist whatever SAE holds; stock's depend on its warehouses."""
        names = (self.registry, self.control, *(self.of(Subject(entity)) for entity in CATALOGUES))
        return {name: TopicSettings() for name in names}
