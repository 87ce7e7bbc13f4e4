"""From a file to settings: its text, its tables, its variables, the model, and what one setting says of another."""

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from foundation.errors import ConfigError
from foundation.texts import Text, text
from puente.config import faults, source, syntax
from puente.config.expanding import Expanding
from puente.config.faults import Fault
from puente.config.model import Settings
from puente.config.places import Path as Setting
from puente.config.places import Place, Places, lines_of
from puente.config.problems import Problem, problems
from puente.config.together import clashes


def load(path: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of a file; raises `ConfigError` that names the file and every bad setting in it."""
    environment = os.environ if environment is None else environment
    content = _content(path)
    try:
        document = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise faults.error(path, [syntax.fault(content, error)], lines_of(content)) from None
    return from_document(document, path.resolve().parent, path, environment, Places(content))


def _content(path: Path) -> str:
    try:
        return source.read(path)
    except OSError as error:
        raise ConfigError(text("The settings {path} cannot be read; puente init makes them", path=path)) from error
    except source.NotUtf8Error as error:
        what = text("The file is not in UTF-8: {remedy}", remedy=source.REMEDY)
        place = Place(error.line, error.column) if error.line is not None and error.column is not None else None
        raise faults.error(path, [Fault(what, place=place)], lines_of(source.as_ansi(path.read_bytes()))) from None


def from_document(
    document: dict[str, Any], folder: Path, source_name: Path | str, environment: Mapping[str, str], places: Places | None = None
) -> Settings:
    """The settings of what stands in a file; raises `ConfigError` that names the source and every bad setting in it."""
    expanding = Expanding(folder, environment)
    expanded = expanding.table(document)
    found = [*expanding.problems, *clashes(expanded)]
    try:
        settings = Settings.model_validate({**expanded, "folder": folder})
    except ValidationError as error:
        told = {setting for setting, _ in found}
        found += [problem for problem in problems(error, document) if problem[0] not in told]
    else:
        if not found:
            return _with_profiles_found(settings)
    raise faults.error(source_name, _faults(found, document, places), places.lines if places else ())


def _with_profiles_found(settings: Settings) -> Settings:
    """A site's own profile lies beside the settings, wherever the command was started."""
    cajas = (caja.model_copy(update={"profile": _profile(caja.profile, settings.folder)}) for caja in settings.caja)
    return settings.model_copy(update={"caja": tuple(cajas)})


def _profile(name: str, folder: Path) -> str:
    """One that comes with Puente has a name alone, without a suffix."""
    return str(folder / name) if Path(name).suffix or Path(name).name != name else name


def _faults(found: list[Problem], document: Mapping[str, Any], places: Places | None) -> Iterator[Fault]:
    for setting, what in found:
        yield Fault(what, _called(setting, document), places.of(setting) if places else None)


def _called(setting: Setting, document: Mapping[str, Any]) -> Text | str:
    """As people say it: the CAJA by its name."""
    match setting:
        case ("caja", int(number), *rest):
            within = ".".join(str(part + 1) if isinstance(part, int) else part for part in rest)
            caja = text("CAJA {name}", name=_name(document, number))
            return text("{caja}, {setting}", caja=caja, setting=within) if within else caja
        case _:
            return ".".join(part for part in setting if isinstance(part, str))


def _name(document: Mapping[str, Any], number: int) -> str:
    listed = document["caja"]
    caja = listed[number] if isinstance(listed, list) else listed
    name = caja.get("name") if isinstance(caja, dict) else None
    return str(name) if name else str(number + 1)
