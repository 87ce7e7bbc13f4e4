"""docker-compose.yml as Compose reads it: merge keys, then variables with their defaults, then `$$`."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
SETTINGS = ROOT / "docker" / "puente.toml"
_VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>\w+):-(?P<default>[^}]*)\})")

Service = dict[str, Any]


def services(environment: Mapping[str, str] | None = None) -> dict[str, Service]:
    """The services by name, as they are with these variables set."""
    found: dict[str, Service] = _expanded(document()["services"], environment or {})
    return found


def document() -> dict[str, Any]:
    """The whole file, merge keys resolved and variables not."""
    loaded: dict[str, Any] = YAML(typ="safe", pure=True).load(COMPOSE)
    return loaded


def one_shots(found: Mapping[str, Service]) -> list[str]:
    """The services that run once, in the order in which they wait for one another."""
    names = [name for name, service in found.items() if service["restart"] == "no"]
    return sorted(names, key=lambda name: len(_waited_for(found, name)))


def argv(service: Service) -> list[str]:
    """What the container runs; the image's own entrypoint is the command `puente`."""
    return [*service.get("entrypoint", ["puente"]), *service["command"]]


def lines(found: Mapping[str, Service]) -> Iterator[str]:
    """Every line that a container of Puente's image runs."""
    for service in found.values():
        if service["image"].startswith("puente:"):
            run = argv(service)
            yield from run[-1].splitlines() if run[0] == "/bin/sh" else [" ".join(run)]


def _waited_for(found: Mapping[str, Service], name: str) -> set[str]:
    direct = set(found[name].get("depends_on", ()))
    return direct.union(*(_waited_for(found, other) for other in direct))


def _expanded(value: Any, environment: Mapping[str, str]) -> Any:
    match value:
        case dict():
            return {key: _expanded(inner, environment) for key, inner in value.items()}
        case list():
            return [_expanded(inner, environment) for inner in value]
        case str():
            return _VARIABLE.sub(lambda match: "$" if match["dollar"] else environment.get(match["name"]) or match["default"], value)
        case _:
            return value
