"""The Dockerfile, as far as it can be told without Docker."""

import json
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

from tests.docker.compose_file import ROOT, services

JOINED = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
INSTRUCTIONS = [line.split(maxsplit=1) for line in JOINED.splitlines() if line and not line.startswith("#")]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def given(name: str) -> list[str]:
    """What stands behind the instruction, each time."""
    return [rest for word, rest in INSTRUCTIONS if word == name]


def copied() -> list[str]:
    """What of the checkout reaches the image."""
    return [source for rest in given("COPY") if not rest.startswith("--from") for source in shlex.split(rest)[:-1]]


def runs(program: str) -> list[str]:
    return [part.strip() for rest in given("RUN") for part in rest.split("&&") if f"{program} " in part]


def test_the_image_gets_what_the_wheel_is_made_of_and_the_context_holds_no_more() -> None:
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert set(copied()) == {*wheel, "pyproject.toml", "requirements.lock", "README.md", "LICENSE"}
    ignored = [line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert ignored[0] == "*"
    assert {line.removeprefix("!") for line in ignored if line.startswith("!")} == set(copied())
    assert all((ROOT / source).exists() for source in copied())


def test_what_is_copied_is_enough_to_build_the_wheel_as_the_image_does(tmp_path: Path) -> None:
    for source in copied():
        (shutil.copytree if (ROOT / source).is_dir() else shutil.copy)(ROOT / source, tmp_path / source)
    (command,) = runs("pip wheel")
    done = subprocess.run(
        [sys.executable, "-m", *shlex.split(command.replace("/wheels", str(tmp_path / "wheels")))],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = (tmp_path / "wheels").iterdir()
    held = set(ZipFile(wheel).namelist())
    shipped = {
        str(path.relative_to(ROOT))
        for package in ("foundation", "schemas", "producer", "consumer", "puente")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert shipped <= held


def test_whatever_pip_installs_was_held_against_a_hash() -> None:
    fetching, *installing = [command for kind in ("pip download", "pip install", "pip wheel", "pip --python") for command in runs(kind)]
    assert {"--require-hashes", "--only-binary=:all:", "--no-deps"} <= set(fetching.split())
    assert len(installing) == 3
    assert all("--no-index" in command for command in installing)


def test_the_tools_of_developers_are_none_that_puente_asks_for() -> None:
    asked = {re.split(r"[^\w-]", requirement)[0] for requirement in PROJECT["project"]["dependencies"]}
    tools = {re.split(r"[^\w-]", requirement)[0] for requirement in PROJECT["dependency-groups"]["dev"]}
    assert asked.isdisjoint(tools)
    assert runs("pip --python")[0].split()[-1] == "puente"


def test_every_system_package_of_the_demo_is_in_the_image() -> None:
    wanted = runpy.run_path(str(ROOT / "tools" / "system-packages"))["DEMO"]
    (installing,) = runs("apt-get install")
    assert set(wanted) <= set(installing.split())


def test_both_stages_start_from_one_python_that_is_named_with_its_version() -> None:
    (argument,) = given("ARG")
    assert re.fullmatch(r"PYTHON=python:3\.\d+\.\d+-slim-[a-z]+", argument)
    assert given("FROM") == ["${PYTHON} AS builder", "${PYTHON}"]


def test_it_runs_puente_as_a_user_with_a_fixed_number_that_is_not_root() -> None:
    assert given("USER") == ["10001:10001"]
    assert services()["users"]["user"] == "10001:10001"
    assert json.loads(given("ENTRYPOINT")[0]) == [*PROJECT["project"]["scripts"]]
    assert "--uid 10001" in runs("useradd")[0]
    assert "--gid 10001" in runs("groupadd")[0]
    assert given("WORKDIR")[-1] == "/data"
