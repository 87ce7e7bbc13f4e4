"""What the pages say of commands, settings, reasons and numbers is what the program has."""

import importlib
import json
import re
import tomllib
from itertools import chain
from pathlib import Path
from typing import Any, get_args

import click
import pytest
from pydantic import BaseModel, TypeAdapter
from pydantic_core import PydanticUndefined

from bench.__main__ import BENCHMARKS
from consumer.ledger import tables
from consumer.ledger.parked import Reason
from consumer.resync.sweep import CAP_ROWS, CAP_SHARE
from foundation.errors import ExitCode
from producer import mass_change
from producer.losses import FACTOR, Kind
from puente.config import (
    CajaSettings,
    EmbeddedLogSettings,
    KafkaLogSettings,
    LogSettings,
    RunSettings,
    SaeSettings,
    Settings,
    from_document,
)
from tests.docker.compose_file import services
from tests.docs.commands import COMMANDS, lines, of_puente, parse
from tests.docs.pages import PAGES, ROOT, blocks, cells, english, inline, name_of, text_of

DOCS = ROOT / "docs"
MODELS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("sae", SaeSettings),
    ("log", EmbeddedLogSettings),
    ("log", KafkaLogSettings),
    ("caja", CajaSettings),
    ("run", RunSettings),
)
SETTINGS = {f"{table}.{name}": field for table, model in reversed(MODELS) for name, field in model.model_fields.items()}
FILES = {"sae.url_file", "caja.url_file", "log.password_file"}
SECRETS = dict.fromkeys(("SAE_PASSWORD", "CAJA_PASSWORD", "KAFKA_PASSWORD"), "secret")
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", text_of(ROOT / "Makefile"), re.MULTILINE))
BY_HAND = {"isql", "export", "set", "py", ".", "pip", "…"}
"""Programs of others that pages name, besides those held to something below."""


def test_the_page_of_commands_has_every_command_and_no_other() -> None:
    for page in (DOCS / "commands.md", DOCS / "commands.es.md"):
        listed = [tuple(words.split()) for row in cells(text_of(page)) for words in re.findall(r"`puente ((?:[a-z]+ ?)+)", row[0])]
        assert sorted(listed) == sorted(COMMANDS)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_help_worth_reading(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    assert command.help
    assert len(command.help) > 20
    assert "lang" in {parameter.name for parameter in command.params}
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_line_to_type_names_what_is_there(page: Path) -> None:
    """Commands and options of Puente, targets of the Makefile, services of docker-compose.yml, files of the tree."""
    assert [wrong for words in lines(text_of(page)) if (wrong := fault(words)) is not None] == []


def fault(words: list[str]) -> str | None:
    """What is wrong with a line to type."""
    program, *rest = words
    if (asked := of_puente(words)) is not None and (wrong := parse(asked)) is not None:
        return f"{' '.join(words)}: {wrong}"
    if program == "make":
        unknown = [word for word in rest if "=" not in word and word not in TARGETS]
        variables = [word.partition("=")[0] for word in rest if "=" in word]
        return str(unknown) if unknown or any(f"{name} ?=" not in text_of(ROOT / "Makefile") for name in variables) else None
    if rest[:2] == ["compose", "exec"]:
        return None if {word for word in rest if word in services()} else " ".join(words)
    if program == ".venv/bin/python" and rest[0] == "-m" and rest[1].startswith("bench."):
        module = rest[1] if (ROOT / rest[1].replace(".", "/")).with_suffix(".py").exists() else f"{rest[1]}.__main__"
        options = {name for option in importlib.import_module(module).main.params for name in option.opts}
        return None if {word for word in rest[2:] if word.startswith("--")} <= options else " ".join(words)
    if program.startswith(".venv/bin/"):
        named = [word for word in rest if "/" in word]
        return None if named and all((ROOT / word).exists() for word in named) else " ".join(words)
    known = program in BY_HAND | {"puente", "docker"} or re.match(r"(C:\\Puente|\.venv)\\Scripts\\(pip|puente)$", program)
    return None if known else f"unknown program: {program}"


def test_the_page_of_settings_has_every_setting_with_its_default_and_no_other() -> None:
    for page in (DOCS / "settings.md", DOCS / "settings.es.md"):
        named: dict[str, str] = {}
        for row in cells(text_of(page)):
            names = re.findall(r"`([a-z_.]+)`", row[0])
            values = row[1].split(", ") if len(names) > 1 else [row[1]]
            named |= dict(zip(names, values, strict=True)) if names else {}
        assert set(named) | {"caja.store"} == set(SETTINGS) | {"company"}
        assert "| `[[caja.store]]` |" in text_of(page)
        told = {name: json.loads(value.strip("`")) for name, value in named.items() if re.fullmatch(r'[\d.]+|true|false|`".*"`', value)}
        assert told == {name: default_of(name) for name in told}
        assert {name for name in named if isinstance(default_of(name), bool | int | float)} <= set(told)
    assert set(Settings.model_fields) == {"company", "sae", "log", "caja", "run", "folder"}


def default_of(name: str) -> Any:
    default = Settings.model_fields["company"].default if name == "company" else SETTINGS[name].default
    return None if default is PydanticUndefined else str(default) if isinstance(default, str | Path) else default


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_setting_that_a_page_names_is_there(page: Path) -> None:
    named = {name for code in inline(text_of(page)) for name in re.findall(r"^(?:sae|log|caja|run)\.[a-z_]+", code)}
    assert named - set(SETTINGS) - FILES - {"caja.store"} == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_settings_that_a_page_shows_are_read(page: Path, tmp_path: Path) -> None:
    for block in blocks(text_of(page)):
        if block.language == "toml":
            document = tomllib.loads(re.sub(r"^ {3}", "", block.code, flags=re.MULTILINE))
            (tmp_path / "ca.pem").touch()
            if "caja" in document:
                from_document(document, tmp_path, page.name, SECRETS)
            else:
                assert set(document) == {"log"}
                TypeAdapter[Any](LogSettings).validate_python(document["log"])


@pytest.mark.parametrize("name", ["commands.md", "commands.es.md"])
def test_the_page_of_commands_has_every_exit_code_and_no_other(name: str) -> None:
    listed = chain.from_iterable(row[0].split(", ") for row in cells(text_of(DOCS / name)) if row[0][0].isdigit())
    assert {int(code) for code in listed} == {int(code) for code in ExitCode}


@pytest.mark.parametrize("name", ["caja.md", "caja.es.md"])
def test_the_page_of_what_arrives_has_every_reason_and_no_other(name: str) -> None:
    assert [row[0].strip("`") for row in cells(text_of(DOCS / name))] == [reason.value for reason in Reason]


@pytest.mark.parametrize("page", [DOCS / "capture.md", DOCS / "capture.es.md"], ids=name_of)
def test_the_page_of_captures_has_every_mode(page: Path) -> None:
    modes = {row[0].strip("`") for row in cells(text_of(page))} - set(Kind)
    assert {"auto", *modes} == set(get_args(SaeSettings.model_fields["capture"].annotation))


@pytest.mark.parametrize("page", [DOCS / "capture.md", DOCS / "capture.es.md"], ids=name_of)
def test_the_page_of_captures_has_every_kind_of_mass_change_with_the_numbers(page: Path) -> None:
    rows = {row[0].strip("`"): row for row in cells(text_of(page))}
    assert [kind for kind in rows if kind in set(Kind)] == list(Kind)
    for kind in (Kind.DELETED, Kind.INACTIVE, Kind.PRICE_GONE):
        assert [int(number) for number in re.findall(r"\d+", rows[kind][2])] == [mass_change.AT_LEAST, mass_change.SHARE * 100]
    assert re.findall(r"\d+", rows[Kind.PRICE_MOVED][1]) == [str(FACTOR)]
    small = re.findall(r"(\d+) (?:rows|registros), (?:all of them|todos ellos) .*?(?:from|desde) (\d+)", text_of(page).replace("\n", " "))
    assert small == [(str(mass_change.SMALL), str(mass_change.WHOLE))]


@pytest.mark.parametrize("name", ["caja.md", "caja.es.md"])
def test_the_page_of_what_arrives_has_the_numbers_of_a_held_sweep(name: str) -> None:
    (numbers,) = re.findall(r"(\d+) (?:rows|registros) [^.]*?(\d+) %", text_of(DOCS / name).replace("\n", " "))
    assert numbers == (str(CAP_ROWS), f"{CAP_SHARE * 100:.0f}")


@pytest.mark.parametrize("name", ["measures.md", "measures.es.md"])
def test_the_page_of_measures_has_every_benchmark_and_no_other(name: str) -> None:
    assert {row[0].strip("`") for row in cells(text_of(DOCS / name)) if row[0].startswith("`")} == set(BENCHMARKS)


def test_contributors_find_every_folder() -> None:
    named = {row[0].strip("`") for row in cells(text_of(ROOT / "CONTRIBUTING.md"))}
    tests = {f"tests/{folder.name}/" for folder in (ROOT / "tests").iterdir() if folder.is_dir() and folder.name != "__pycache__"}
    packages = tomllib.loads(text_of(ROOT / "pyproject.toml"))["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert tests | {f"{package}/" for package in packages} <= named
    assert [folder for folder in named if not (ROOT / folder).is_dir()] == []


def test_the_changelog_begins_with_this_version_and_its_ledger() -> None:
    text = text_of(ROOT / "CHANGELOG.md")
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    assert re.findall(r"^## \[([\d.]+)\]", text, re.MULTILINE)[0] == project["version"]
    assert f"Ledger version {tables.VERSION}:" in text
    assert project["readme"] == name_of(english(ROOT / "README.es.md"))
