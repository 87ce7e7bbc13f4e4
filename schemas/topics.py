"""The names of the topics: `<prefix>.<company>.<entity>`, stock one per warehouse, and two that are no entity's."""

from dataclasses import dataclass

from puente.eventlog.port import Topic, TopicSettings
from schemas.changes import CATALOGUES, Entity, Subject

CONTROL = "control"
REGISTRY = "schemas"


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one company of SAE."""

    prefix: str
    company: str

    def of(self, subject: Subject) -> Topic:
        return Topic(f"{self.prefix}.{self.company}.{subject}")

    @property
    def control(self) -> Topic:
        """The producer's word."""
        return Topic(f"{self.prefix}.{self.company}.{CONTROL}")

    @property
    def registry(self) -> Topic:
        """The schemas, shared by the companies of one prefix."""
        return Topic(f"{self.prefix}.{REGISTRY}")

    def subject(self, topic: Topic) -> Subject | None:
        """What a topic is about; None where it is not an entity's of this company."""
        head = f"{self.prefix}.{self.company}."
        name, _, warehouse = topic.removeprefix(head).partition(".")
        if not topic.startswith(head) or name not in set(Entity):
            return None
        if Entity(name) is not Entity.STOCK:
            return Subject(Entity(name)) if not warehouse else None
        return Subject(Entity.STOCK, int(warehouse)) if warehouse.isdecimal() else None

    def fixed(self) -> dict[Topic, TopicSettings]:
        """The topics that exist whatever SAE holds; stock's depend on its warehouses."""
        names = (self.registry, self.control, *(self.of(Subject(entity)) for entity in CATALOGUES))
        return {name: TopicSettings() for name in names}
