"""Variables and files of secrets, put where the settings name them; and URLs, looked at before anybody connects."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from foundation.texts import Text, text
from puente.config import source
from puente.config.places import Path as Setting
from puente.config.problems import Problem

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_OTHER_WAYS = re.compile(r"%(\w+)%|\$(\w+)|\$\((\w+)\)|\$env:(\w+)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

SECRETS = frozenset(("url", "password"))
"""What may stand in a file of its own, named by the setting with `_file` after it."""


class Expanding:
    """Of one file; `problems` fills up on the way."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder, self._environment = folder, environment
        self.problems: list[Problem] = []

    def table(self, table: Mapping[str, Any], within: Setting = ()) -> dict[str, Any]:
        expanded: dict[str, Any] = {}
        for key, value in table.items():
            setting = (*within, key)
            name = key.removesuffix("_file")
            is_file = name != key and name in SECRETS and isinstance(value, str)
            found = self._secret(self._text(value, setting), setting) if is_file else self._value(value, setting)
            if name == "url" and isinstance(found, str):
                self._check_url(found, setting)
            if name in expanded:
                self._add(setting, text("{name} and {name}_file are both set: one is enough", name=name))
            expanded[name if is_file else key] = found
        return expanded

    def _value(self, value: Any, setting: Setting) -> Any:
        match value:
            case dict():
                return self.table(value, setting)
            case list():
                return [self._value(item, (*setting, number)) for number, item in enumerate(value)]
            case str():
                return self._text(value, setting)
            case _:
                return value

    def _secret(self, name: str, setting: Setting) -> str:
        path = self._folder / name
        try:
            return source.read(path).strip()
        except OSError:
            self._add(setting, text("the file {path} cannot be read", path=path))
        except source.NotUtf8Error:
            self._add(setting, text("the file {path} is not in UTF-8: {remedy}", path=path, remedy=source.REMEDY))
        return ""

    def _text(self, value: str, setting: Setting) -> str:
        if _CONTROL.search(value):
            self._add(setting, text('\\t, \\n and the like are characters that cannot be seen: write a path with slashes, "C:/temp/new"'))
        elif (other := _OTHER_WAYS.fullmatch(value)) and any(name in self._environment for name in other.groups() if name):
            self._add(setting, text("an environment variable is written ${{NAME}}"))
        in_url = "://" in value

        def replace(match: re.Match[str]) -> str:
            found = self._variable(match[1], setting)
            return quote(found, safe="") if in_url else found

        return _VARIABLE.sub(replace, value)

    def _variable(self, name: str, setting: Setting) -> str:
        value = self._environment.get(name)
        if value is None:
            self._add(setting, text("the environment variable {variable} is not set", variable=name))
        elif not value.strip():
            self._add(setting, text("the environment variable {variable} is empty", variable=name))
        elif value != value.strip():
            said = text(
                "the environment variable {variable} begins or ends with a blank; in Windows: set {variable}=… and nothing behind",
                variable=name,
            )
            self._add(setting, said)
        elif len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            self._add(
                setting, text("the environment variable {variable} holds quotes; in Windows: set {variable}=… without any", variable=name)
            )
        return value or ""

    def _check_url(self, url: str, setting: Setting) -> None:
        from foundation.engines import urls  # noqa: PLC0415 - takes as long to import as all else of a command

        if not any(told == setting for told, _ in self.problems) and (fault := urls.fault_of(url)):
            self._add(setting, fault)

    def _add(self, setting: Setting, what: Text) -> None:
        if not any(told == setting for told, _ in self.problems):  # the first says what to do first
            self.problems.append((setting, what))
