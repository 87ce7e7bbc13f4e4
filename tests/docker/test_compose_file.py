"""docker-compose.yml holds to the specification and to what it promises. That its commands work is shown in tests/e2e/test_compose.py."""

import re
import shlex
import subprocess
import sysconfig
import tomllib
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import click
import pytest
from sqlalchemy.engine import make_url

from puente.cli.main import build
from puente.config import load
from tests.docker.compose_file import COMPOSE, ROOT, SETTINGS, document, lines, one_shots, services

SERVICES = services()
ONE_SHOTS = one_shots(SERVICES)
STANDING = [name for name in SERVICES if name not in ONE_SHOTS]
SERVERS = ["sae", "caja-centro", "caja-norte"]
OF_PUENTE = [name for name, service in SERVICES.items() if service["image"].startswith("puente:")]
HEALTHY, COMPLETED = {"condition": "service_healthy"}, {"condition": "service_completed_successfully"}


def against_the_schema(path: Path) -> subprocess.CompletedProcess[str]:
    """The schema comes with the tool: nothing is fetched."""
    tool = Path(sysconfig.get_path("scripts")) / "check-jsonschema"
    return subprocess.run(
        [tool, "--builtin-schema", "vendor.compose-spec", path],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def test_the_file_fits_the_compose_specifications_schema() -> None:
    done = against_the_schema(COMPOSE)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("right", "wrong"), [("depends_on:", "depend_on:"), ("service_healthy", "healthy"), ("\nservices:", "\nservice:")])
def test_a_mistake_does_not_fit_it(tmp_path: Path, right: str, wrong: str) -> None:
    text = COMPOSE.read_text(encoding="utf-8")
    assert right in text
    (tmp_path / "docker-compose.yml").write_text(text.replace(right, wrong), encoding="utf-8")
    assert against_the_schema(tmp_path / "docker-compose.yml").returncode == 1


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_named_with_its_version(name: str) -> None:
    image = SERVICES[name]["image"]
    assert re.fullmatch(r"[a-z/]+:\d+\.\d+\.\d+(-[a-z]+)?", image)
    assert ("build" in SERVICES[name]) is (image == f"puente:{version('puente')}")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_until_what_it_needs_is_healthy_or_done(name: str) -> None:
    for other, condition in SERVICES[name].get("depends_on", {}).items():
        assert condition == (COMPLETED if other in ONE_SHOTS else HEALTHY), other
        assert other in ONE_SHOTS or SERVICES[other]["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    assert SERVICES[name]["restart"] == ("no" if name in ONE_SHOTS else "unless-stopped")


def test_the_three_that_run_once_follow_one_another() -> None:
    assert ONE_SHOTS == ["databases", "users", "setup"]
    for before, after in pairwise(ONE_SHOTS):
        assert before in SERVICES[after]["depends_on"]


def test_there_is_one_producer_and_one_consumer_for_each_caja_and_each_waits_for_what_it_connects_to() -> None:
    settings = tomllib.loads(SETTINGS.read_text(encoding="utf-8"))
    log = settings["log"]["bootstrap_servers"].partition(":")[0]
    hosts = {"produce": make_url(settings["sae"]["url"]).host}
    hosts |= {f"consume --caja {caja['name']}": make_url(caja["url"]).host for caja in settings["caja"]}
    found = {shlex.join(SERVICES[name]["command"]): set(SERVICES[name]["depends_on"]) for name in OF_PUENTE if name in STANDING}
    assert found == {command: {log, host, "setup"} for command, host in hosts.items()}


def test_every_host_of_the_settings_is_a_service_and_every_caja_has_a_server_of_its_own() -> None:
    settings = tomllib.loads(SETTINGS.read_text(encoding="utf-8"))
    assert [make_url(place["url"]).host for place in (settings["sae"], *settings["caja"])] == SERVERS
    assert {*SERVERS, "kafka"} == {name for name in STANDING if name not in OF_PUENTE}


def test_the_broker_is_advertised_as_the_settings_name_it() -> None:
    settings = tomllib.loads(SETTINGS.read_text(encoding="utf-8"))
    kafka = SERVICES["kafka"]
    assert kafka["environment"]["KAFKA_ADVERTISED_LISTENERS"] == f"PLAINTEXT://{settings['log']['bootstrap_servers']}"
    assert kafka["healthcheck"]["test"][-1] == settings["log"]["bootstrap_servers"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_may_do_no_more_than_it_must(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"ports", "privileged", "network_mode", "pid"}.isdisjoint(service)
    assert bool(service.get("cap_add")) is (name in SERVERS)
    if name not in {*SERVERS, "kafka"}:
        assert service["read_only"] is True
        assert service["tmpfs"] == ["/tmp"]  # noqa: S108 - the container's
        assert service.get("user", "10001:10001") == "10001:10001"


def test_what_must_last_stands_in_volumes_that_nobody_shares() -> None:
    kept = {"kafka": SERVICES["kafka"]["environment"]["KAFKA_LOG_DIRS"]}
    kept |= {make_url(url).host or "": str(Path(make_url(url).database or "").parent) for url in urls_of_the_settings()}
    for name, folder in kept.items():
        assert SERVICES[name]["volumes"] == [f"{name}:{folder}"]
    assert set(document()["volumes"]) == {*kept, "scripts"}


def urls_of_the_settings() -> list[str]:
    settings = tomllib.loads(SETTINGS.read_text(encoding="utf-8"))
    return [place["url"] for place in (settings["sae"], *settings["caja"])]


@pytest.mark.parametrize("line", [line for line in lines(SERVICES) if line.startswith("puente ")])
def test_every_command_of_puente_is_one_that_puente_has(line: str) -> None:
    command: click.Command | None = build()
    words = shlex.split(line)[1:]
    while isinstance(command, click.Group):
        command = command.get_command(click.Context(command), words.pop(0))
    assert command is not None
    _, left, _ = command.make_parser(click.Context(command)).parse_args(words)
    assert left == []


def test_the_settings_are_mounted_where_puente_looks_for_them() -> None:
    for name in OF_PUENTE:
        source, target, mode = SERVICES[name]["volumes"][0].split(":")
        assert (ROOT / source).samefile(SETTINGS)
        assert target == f"{SERVICES[name]['working_dir']}/puente.toml"
        assert mode == "ro"


def test_the_example_of_the_environment_has_every_variable_with_its_default() -> None:
    defaults = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", COMPOSE.read_text(encoding="utf-8")))
    example = dict(re.findall(r"^(\w+)=(.*)$", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))
    assert example == defaults
    assert all(value.isalnum() for value in defaults.values())


def test_the_administrators_password_reaches_all_who_need_it() -> None:
    found = services({"SYSDBA_PASSWORD": "other"})
    assert {name for name, service in found.items() if "other" in service["environment"].values()} == {*SERVERS, "databases", "users"}


@pytest.mark.parametrize("name", OF_PUENTE)
def test_puente_takes_the_settings_with_what_the_container_has_in_its_environment(name: str) -> None:
    settings = load(SETTINGS, SERVICES[name]["environment"])
    assert [caja.name for caja in settings.caja] == ["centro", "norte"]
