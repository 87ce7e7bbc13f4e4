"""What `make` looks for before it starts anything: Java, which no Python package brings along."""

import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "system-packages"
JAVA, MAVEN = "default-jre-headless", "maven"
NAMED = {"PUENTE_TEST_FIREBIRD": "host/3050;folder;user;password", "PUENTE_TEST_KAFKA": "host:9092"}


def missing(target: str, programs: Path, **environment: str) -> set[str]:
    """The packages that the tool asks for where nothing but these programs is on the path; it installs none there."""
    done = subprocess.run(
        [sys.executable, TOOL, target], env={"PATH": str(programs), **environment}, text=True, capture_output=True, check=False
    )
    assert done.returncode == (2 if done.stderr else 0)
    return set(done.stderr.partition("apt-get install ")[2].split())


def put(programs: Path, name: str, says: str) -> None:
    (programs / name).write_text(f"#!/bin/sh\n{says}\n")
    (programs / name).chmod(0o755)


@pytest.mark.parametrize(
    ("java", "enough"),
    [
        ("echo 'openjdk 17.0.15 2025-04-15'", True),
        ("echo 'java 21 2023-09-19 LTS'", True),
        ("echo 'openjdk 11.0.2 2019-01-15'", False),
        ("echo 'Unrecognized option: --version' >&2; exit 1", False),
    ],
    ids=["17", "21", "11", "8"],
)
def test_a_java_that_kafka_can_use_is_enough(java: str, enough: bool, tmp_path: Path) -> None:
    put(tmp_path, "java", java)
    put(tmp_path, "mvn", "exit 1")
    assert (JAVA in missing("demo-kafka", tmp_path)) is not enough


@pytest.mark.parametrize("target", ["test", "demo-kafka"])
def test_java_and_maven_are_asked_for_where_a_broker_is_needed(target: str, tmp_path: Path) -> None:
    assert {JAVA, MAVEN} <= missing(target, tmp_path)


def test_tests_on_a_broker_that_is_already_there_need_no_java(tmp_path: Path) -> None:
    assert not {JAVA, MAVEN} & missing("test", tmp_path, **NAMED)


def test_the_demonstration_without_kafka_needs_no_java(tmp_path: Path) -> None:
    assert not {JAVA, MAVEN} & missing("demo", tmp_path)
