"""A library that is used beneath what it promises to keep is taken in the series that was tried, and in no other."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from foundation.errors import ConfigError, ExitCode
from foundation.pinned import PINNED, require

ROOT = Path(__file__).parents[2]
DRIVER = "firebird-driver"
OURS = PINNED[DRIVER]
SERIES, LAST = OURS.rsplit(".", 1)
NEXT = f"{SERIES.split('.')[0]}.{int(SERIES.split('.')[1]) + 1}.0"
SETTINGS = """
company = "01"
[sae]
url = "firebird+firebird:////nowhere/sae.fdb"
[log]
kind = "kafka"
bootstrap_servers = ["127.0.0.1:1"]
[[caja]]
name = "centro"
url = "firebird+firebird:////nowhere/caja.fdb"
"""
MODULES = {"firebird-driver": "firebird/driver/__init__.py", "kafka-python": "kafka/__init__.py"}


@pytest.mark.parametrize(
    "found", [OURS, f"{SERIES}.{int(LAST) + 1}", f"{SERIES}.{int(LAST) + 10}", f"{OURS}.post1", f"{OURS}+debian1", "2.1"]
)
def test_a_version_of_the_series_does(found: str) -> None:
    require(DRIVER, lambda _name: found)


@pytest.mark.parametrize("found", [NEXT, "2.0.3", "2", "3.0.0", "1.10.11", f"{OURS}rc1", f"{NEXT}.dev1", f"{SERIES}0.0", "unknown"])
def test_another_one_is_refused_with_both_versions_and_what_to_do(found: str) -> None:
    with pytest.raises(ConfigError) as told:
        require(DRIVER, lambda _name: found)
    assert OURS in str(told.value)
    assert f"{found} is installed" in str(told.value)
    assert f'pip install "{DRIVER}~={OURS}"' in str(told.value)


def test_an_older_one_of_the_series_is_refused() -> None:
    with pytest.raises(ConfigError, match=re.escape("3.0.11 is installed")):
        require("kafka-python", lambda _name: "3.0.11")


def test_one_that_is_not_there_is_told() -> None:
    def lacking(name: str) -> str:
        raise PackageNotFoundError(name)

    with pytest.raises(ConfigError, match=f"{DRIVER} is not installed"):
        require(DRIVER, lacking)


@pytest.mark.parametrize("name", PINNED)
def test_what_is_asked_for_at_the_start_is_what_is_asked_of_the_installer(name: str) -> None:
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    (found,) = (one for one in asked if re.split(r"[\[~<>=]", one)[0] == name)
    assert re.sub(r"\[.*\]", "", found) == f"{name}~={PINNED[name]}"


@pytest.mark.parametrize("name", PINNED)
def test_what_is_locked_and_what_is_installed_here_are_of_the_series(name: str) -> None:
    (locked,) = re.findall(rf"(?m)^{name}(?:\[\w+\])?==(\S+)", (ROOT / "requirements.lock").read_text(encoding="utf-8"))
    assert locked == version(name)
    require(name)


@pytest.mark.parametrize("name", PINNED)
def test_a_command_ends_with_that_and_not_with_what_it_would_run_into(name: str, tmp_path: Path) -> None:
    """Before anything of the library is imported: this one has nothing of what is imported from it."""
    module = tmp_path / "elsewhere" / MODULES[name]
    module.parent.mkdir(parents=True)
    module.write_text("")
    about = tmp_path / "elsewhere" / f"{name.replace('-', '_')}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    settings = tmp_path / "puente.toml"
    settings.write_text(SETTINGS)
    command = [sys.executable, "-c", "from puente.cli.main import main; main()", "--lang", "es", "check", "-c", str(settings)]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(tmp_path / "elsewhere")}, cwd=ROOT, capture_output=True, text=True, check=False
    )
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == ExitCode.CONFIG, said
    assert "está instalada la 1.0" in said
    assert f'pip install "{name}~={PINNED[name]}"' in said
