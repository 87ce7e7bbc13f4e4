"""Every benchmark on real engines, with few rows: that its work is right is checked by itself, and never how fast it is."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from kafka import KafkaAdminClient
from rich.console import Console

from bench import edited, footprint
from bench.__main__ import BENCHMARKS
from bench.engines import EMBEDDED, SERVER, Engine, opened
from bench.felt import felt
from bench.sae import build_shop
from bench.session import Session, Shown
from tests.engines import kafka_broker
from tests.engines.firebird_server import EXTERNAL_VARIABLE, FirebirdServer

ROWS = 40
FIGURES = {"apply": 3, "fetch": 2, "neighbours": 1, "poll": 3, "replay": 1, "snapshot": 1}
OVER_KAFKA = {"kafka": 9, "latency": 1, "proving": 1, "chain": 1}


def session() -> Session:
    return Session(shown=Shown(Console(quiet=True)), rows=ROWS, rounds=1)


@pytest.mark.parametrize("name", sorted(BENCHMARKS.keys() - OVER_KAFKA.keys()))
def test_a_benchmark_runs_without_a_server_and_does_its_work_right(name: str) -> None:
    lines = list(session().run([BENCHMARKS[name]], [EMBEDDED]))
    assert [line.benchmark for line in lines] == [name] * FIGURES.get(name, 2)
    assert all(line.measured.ratio.median > 0 for line in lines)


@pytest.mark.parametrize("name", sorted(OVER_KAFKA))
def test_a_benchmark_over_kafka_does_its_work_right_and_leaves_no_topic(
    name: str, kafka_servers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(kafka_broker.EXTERNAL_VARIABLE, kafka_servers)
    monkeypatch.setattr("bench.chain.OTHERS", 2)  # of nineteen: it is about the work, not about its time
    lines = list(session().run([BENCHMARKS[name]], [EMBEDDED]))
    assert [line.benchmark for line in lines] == [name] * OVER_KAFKA[name]
    assert all(line.measured.ratio.median > 0 for line in lines)
    with closing(KafkaAdminClient(bootstrap_servers=kafka_servers)) as admin:
        assert [topic for topic in admin.list_topics() if topic.startswith("bench")] == []


def test_a_broker_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.delenv(kafka_broker.EXTERNAL_VARIABLE, raising=False)
    monkeypatch.setenv("PATH", "/nowhere")  # no java
    assert list(session().run([BENCHMARKS["kafka"]], [EMBEDDED])) == []
    assert "Not measured: no Kafka broker" in caplog.text


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_a_benchmark_runs_on_a_server_that_is_new_enough_and_does_its_work_right(
    name: str, firebird_server: FirebirdServer, tmp_path: Path
) -> None:
    assert firebird_server.port
    with opened(SERVER, tmp_path) as engine:
        assert engine is not None
        told, new_enough = str(engine), engine.major >= BENCHMARKS[name].since
    lines = list(session().run([BENCHMARKS[name]], [SERVER]))
    assert [line.engine for line in lines] == [told] * (FIGURES[name] if new_enough else 0)


def test_an_engine_that_is_missing_is_said_and_the_others_are_measured(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv(EXTERNAL_VARIABLE, raising=False)
    monkeypatch.setenv("PATH", "/nowhere")  # no isql, of which a private server is made
    lines = list(session().run([BENCHMARKS["apply"]], [SERVER, EMBEDDED]))
    assert "Not measured: no Firebird 3 server" in caplog.text
    assert all("embedded" in line.engine for line in lines)
    assert len(lines) == FIGURES["apply"]


@contextmanager
def on_this_server(server: FirebirdServer, folder: Path) -> Iterator[Engine]:
    yield Engine(SERVER, server, folder)


def found(command: click.Command, folder: Path, *options: str) -> Any:
    """What a measurement of this checkout wrote."""
    done = CliRunner().invoke(command, [*options, "--into", str(folder)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    (file,) = folder.glob("*.json")
    (measured,) = json.loads(file.read_text(encoding="utf-8"))["found"].values()
    return measured


def test_the_footprint_of_a_checkout_is_measured_by_its_commands_alone(
    firebird_server: FirebirdServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(footprint, "opened", lambda _, folder: on_this_server(firebird_server, folder))
    monkeypatch.setattr(footprint, "SETTLE_SECONDS", 0.5)
    measured = found(footprint.main, tmp_path, "--products", "20", "--cajas", "1", "--seconds", "0.5")
    assert [used["what"] for used in measured] == ["first load", "start", "SAE idle", "SAE with a form left open", "idle, 1 CAJAs"]
    assert all(used["memory"] > 20 for used in measured if "memory" in used)
    assert all(used["transactions"] >= 0 and used["rows"] >= 0 for used in measured[2:4])


def test_a_sae_that_nobody_uses_spends_nothing(firebird_server: FirebirdServer, tmp_path: Path) -> None:
    """What the gauge itself does is no matter of theirs."""
    with on_this_server(firebird_server, tmp_path) as engine:
        url = engine.new("sae")
        build_shop(url, 20)
        idle, form_open = felt(url, 0.1, engine.cpu)
    assert (idle.transactions, form_open.transactions) == (0, 0)


def test_the_time_of_edits_is_measured_by_commands_and_databases_alone(
    firebird_server: FirebirdServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(edited, "opened", lambda _, folder: on_this_server(firebird_server, folder))
    monkeypatch.setattr(edited, "BETWEEN_SECONDS", 0.1)
    took = found(edited.main, tmp_path, "--products", "20", "--edits", "2")
    assert len(took) == 2
    assert all(0 < seconds < edited.ARRIVAL_SECONDS for seconds in took)
