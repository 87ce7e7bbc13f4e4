"""From a file to settings."""

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pydantic import ValidationError

from puente.config.model import Settings
from puente.errors import ConfigError
from puente.texts import Text, text

_VARIABLE = re.compile(r"\$\{(\w+)\}")


def load(path: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of a file; raises `ConfigError` that names the file and every bad setting in it."""
    environment = os.environ if environment is None else environment
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(text("The settings {path} cannot be read; puente demo makes an example", path=path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(text("The settings {path} are no TOML: {error}", path=path, error=error)) from error
    return from_document(document, path.resolve().parent, path, environment)


def from_document(document: dict[str, Any], folder: Path, source: Path | str, environment: Mapping[str, str]) -> Settings:
    """The settings of what stands in a file; raises `ConfigError` that names the source and every bad setting in it."""
    faults: list[str] = []
    expanded = _expand(document, environment, folder, "", faults)
    try:
        settings = Settings.model_validate({**expanded, "folder": folder})
    except ValidationError as error:
        faults += [_fault(problem) for problem in error.errors(include_input=False, include_url=False)]
    else:
        if not faults:
            return settings
    raise ConfigError(text("The settings {path} are wrong: {faults}", path=source, faults="; ".join(faults)))


def _expand(value: Any, environment: Mapping[str, str], folder: Path, name: str, faults: list[str]) -> Any:
    match value:
        case dict():
            return _expand_table(value, environment, folder, name, faults)
        case list():
            return [_expand(item, environment, folder, f"{name}.{place}", faults) for place, item in enumerate(value)]
        case str():
            return _with_variables(value, environment, name, faults)
        case _:
            return value


def _expand_table(table: dict[str, Any], environment: Mapping[str, str], folder: Path, name: str, faults: list[str]) -> dict[str, Any]:
    expanded: dict[str, Any] = {}
    for key, value in table.items():
        inner = f"{name}.{key}" if name else key
        if key.endswith("_file") and isinstance(value, str):
            expanded[key.removesuffix("_file")] = _content(folder / value, inner, faults)
        else:
            expanded[key] = _expand(value, environment, folder, inner, faults)
    return expanded


def _content(path: Path, name: str, faults: list[str]) -> str:
    try:
        return path.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError):
        faults.append(str(text("{name}: the file {path} cannot be read", name=name, path=path)))
        return ""


def _with_variables(value: str, environment: Mapping[str, str], name: str, faults: list[str]) -> str:
    in_url = "://" in value

    def replace(match: re.Match[str]) -> str:
        if match[1] not in environment:
            faults.append(str(text("{name}: the environment variable {variable} is not set", name=name, variable=match[1])))
            return ""
        return quote(environment[match[1]], safe="") if in_url else environment[match[1]]

    return _VARIABLE.sub(replace, value)


def _without_kind(place: Sequence[str | int]) -> Sequence[str | int]:
    """A place in the settings as it stands in the file, where the kind of log is no table."""
    return (place[0], *place[2:]) if place[:1] == ("log",) and len(place) > 1 and place[1] in ("embedded", "kafka") else place


_FAULTS: dict[str, Text] = {
    "missing": text("is missing"),
    "extra_forbidden": text("is no setting"),
    "bool_type": text("must be true or false"),
    "bool_parsing": text("must be true or false"),
    "int_parsing": text("must be a whole number"),
    "int_type": text("must be a whole number"),
    "float_parsing": text("must be a number"),
    "float_type": text("must be a number"),
    "string_type": text("must be a text"),
    "string_pattern_mismatch": text("is not written as it must be (see the README)"),
}
_FAULTS_WITH: dict[str, tuple[Text, str]] = {
    "literal_error": (text("must be one of {limit}"), "expected"),
    "greater_than": (text("must be more than {limit}"), "gt"),
    "greater_than_equal": (text("must be at least {limit}"), "ge"),
    "less_than_equal": (text("must be at most {limit}"), "le"),
}


def _fault(problem: Any) -> str:
    name = ".".join(map(str, _without_kind(problem["loc"]))) or "—"
    kind, context = problem["type"], problem.get("ctx", {})
    if kind in _FAULTS:
        return f"{name}: {_FAULTS[kind]}"
    if kind in _FAULTS_WITH:
        template, value = _FAULTS_WITH[kind]
        return f"{name}: {Text(template.template, (('limit', context[value]),))}"
    return f"{name}: {context['error'] if 'error' in context else problem['msg']}"
