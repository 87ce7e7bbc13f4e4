"""What a private Kafka broker is made of, with a Maven that downloads nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engines.kafka_broker import EXTERNAL_VARIABLE, Broker, external_broker
from tests.engines.kafka_jars import BrokerUnavailableError, can_be_private, fetch_jars, kafka_version

ROOT = Path(__file__).parents[2]
# It gets -DoutputDirectory=… last.
WORKING = """#!/bin/sh
echo run >> {folder}/runs
for folder; do :; done
mkdir "${{folder#*=}}"
sleep 0.3
echo all > "${{folder#*=}}/kafka.jar"
"""
FAILING = """#!/bin/sh
echo "Downloading"
echo "[ERROR] no route to host"
exit 1
"""


@pytest.fixture
def maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program `mvn` that is found before any other; it is not written yet."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    program = programs / "mvn"
    program.touch(mode=0o755)
    return program


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def test_jars_are_fetched_once_however_many_ask_at_the_same_time(maven: Path, cache: Path) -> None:
    maven.write_text(WORKING.format(folder=maven.parent))
    program = (
        "import sys; from pathlib import Path; from tests.engines.kafka_jars import fetch_jars\n"
        "print((fetch_jars(Path(sys.argv[1])) / 'kafka.jar').read_text())"
    )
    asking = [
        subprocess.Popen(
            [sys.executable, "-c", program, cache], env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True, stdout=subprocess.PIPE
        )
        for _ in range(4)
    ]
    assert [each.communicate(timeout=60)[0].strip() for each in asking] == ["all"] * 4
    assert (maven.parent / "runs").read_text() == "run\n"
    assert [folder.name.partition("-")[0] for folder in cache.iterdir()] == [kafka_version()]


def test_jars_that_are_there_need_no_maven(maven: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maven.write_text(WORKING.format(folder=maven.parent))
    fetched = fetch_jars(cache)
    monkeypatch.setenv("PATH", "/nowhere")
    assert fetch_jars(cache) == fetched


def test_a_failed_download_tells_what_maven_said_and_leaves_nothing(maven: Path, cache: Path) -> None:
    maven.write_text(FAILING)
    with pytest.raises(BrokerUnavailableError, match=r"(?s)did not get its jars.*needs the network.*no route to host"):
        fetch_jars(cache)
    assert list(cache.iterdir()) == []


def test_the_next_download_after_a_failed_one_is_tried(maven: Path, cache: Path) -> None:
    maven.write_text(FAILING)
    with pytest.raises(BrokerUnavailableError):
        fetch_jars(cache)
    maven.write_text(WORKING.format(folder=maven.parent))
    assert (fetch_jars(cache) / "kafka.jar").exists()


def test_without_maven_it_is_said_what_to_install(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert not can_be_private(cache)
    with pytest.raises(BrokerUnavailableError, match=r"Maven.* is not installed \(on Debian: default-jre-headless maven\)"):
        fetch_jars(cache)


def test_without_java_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BrokerUnavailableError, match=r"Java is not installed \(on Debian: default-jre-headless maven\)"):
        Broker.create()


@pytest.mark.parametrize("named", ["broker:9092", "127.0.0.1:9092,127.0.0.1:9093"])
def test_a_broker_that_is_already_there_is_taken_as_named(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(EXTERNAL_VARIABLE, named)
    assert external_broker() == named


@pytest.mark.parametrize("named", ["broker", "broker:", ":9092", "broker:9092,", "kafka://broker:9092", "a:1 b:2"])
def test_a_broker_that_is_named_wrongly_is_refused(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(EXTERNAL_VARIABLE, named)
    with pytest.raises(ValueError, match="HOST:PORT"):
        external_broker()


def test_without_a_named_broker_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(EXTERNAL_VARIABLE, raising=False)
    assert external_broker() is None
