"""What a log may ask a user to be allowed to: by Kafka's own names, which its administrators know. A file asks for nothing."""

from dataclasses import dataclass
from enum import StrEnum


class Operation(StrEnum):
    """As `kafka-acls --operation` takes them. Read, Write and Delete bring Describe with them."""

    READ = "Read"
    WRITE = "Write"
    CREATE = "Create"
    DELETE = "Delete"
    DESCRIBE = "Describe"
    DESCRIBE_CONFIGS = "DescribeConfigs"
    ALTER_CONFIGS = "AlterConfigs"


class Resource(StrEnum):
    """As `kafka-acls` names them; a group is a reader's name for the tools that show how far behind it is."""

    TOPIC = "topic"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class Right:
    """To do one thing with one topic or group."""

    operation: Operation
    resource: Resource
    name: str
