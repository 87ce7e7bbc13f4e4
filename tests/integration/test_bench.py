"""Every benchmark on real engines, with few rows: that its work is right is checked by itself, and never how fast it is."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from kafka import KafkaAdminClient
from rich.console import Console

from bench import edited, footprint, till
from bench.__main__ import BENCHMARKS
from bench.broker import Kafka
from bench.engines import EMBEDDED, SERVER, Engine, opened
from bench.felt import felt
from bench.peers import __main__ as peers
from bench.peers import report
from bench.peers.executemany import FIREBIRD_DRIVER
from bench.peers.figures import JVM, PUENTE
from bench.peers.line import DistantLine
from bench.peers.trial import JOINING, PHASES, Condition, Found
from bench.peers.used import Used
from bench.sae import build_shop
from bench.session import Session, Shown
from tests.engines import kafka_broker
from tests.engines.firebird_server import EXTERNAL_VARIABLE, FirebirdServer
from tests.engines.ports import HOST

ROWS = 40
FIGURES = {"apply": 3, "fetch": 2, "neighbours": 1, "poll": 3, "replay": 1, "snapshot": 1}
PLAIN = {"codec": 3}
OVER_KAFKA = {"kafka": 9, "latency": 1, "proving": 1, "chain": 1}


def session() -> Session:
    return Session(shown=Shown(Console(quiet=True)), rows=ROWS, rounds=1)


@pytest.mark.parametrize("name", sorted(BENCHMARKS.keys() - OVER_KAFKA.keys()))
def test_a_benchmark_runs_without_a_server_and_does_its_work_right(name: str) -> None:
    lines = list(session().run([BENCHMARKS[name]], [EMBEDDED]))
    assert [line.benchmark for line in lines] == [name] * {**FIGURES, **PLAIN}.get(name, 2)
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


def test_a_till_is_measured_while_a_consumer_writes_over_a_line(
    firebird_server: FirebirdServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(till, "opened", lambda _, folder: on_this_server(firebird_server, folder))
    monkeypatch.setattr(till, "ALONE", 3)
    measured = found(till.main, tmp_path, "--rows", "20", "--line", "2")
    assert measured["times"] > 0
    assert 0 < measured["beside"]["median"] <= measured["beside"]["highest"]


def test_puente_is_measured_beside_a_script_and_each_caja_is_right(
    kafka_servers: str, firebird_server: FirebirdServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(kafka_broker.EXTERNAL_VARIABLE, kafka_servers)
    monkeypatch.setattr(peers, "opened", lambda _, folder: on_this_server(firebird_server, folder))
    beside = FIREBIRD_DRIVER if Engine(SERVER, firebird_server, tmp_path).major >= 3 else "nobody"  # 2.5 tells no versions of rows
    sizes = ("--rows", "40", "--rounds", "1", "--edits", "1")
    done = CliRunner().invoke(peers.main, [*sizes, "--beside", beside, "--into", str(tmp_path)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    (file,) = tmp_path.glob("peers-*.json")
    found = json.loads(file.read_text(encoding="utf-8"))["found"]
    assert [one["side"] for one in found] == [PUENTE, *([f"{beside} executemany"] if beside != "nobody" else [])]
    assert all(of["rate"] > 0 and of["memory"] > 10 for one in found for of in one["figures"].values())
    assert all(list(one["figures"]) == [*PHASES, JOINING] and len(one["edits"]["seconds"]) == 1 for one in found)
    with closing(KafkaAdminClient(bootstrap_servers=kafka_servers)) as admin:
        assert [topic for topic in admin.list_topics() if topic.startswith("bench")] == []


def test_a_jvm_sink_that_is_missing_is_said_and_the_others_are_measured(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")  # no java
    kafka = Kafka("127.0.0.1:1", "bench")
    with peers.sides_of(Engine(EMBEDDED, None, tmp_path), kafka, tmp_path, [peers.DEBEZIUM], None) as sides:
        assert [side.name for side in sides] == [PUENTE]
    assert "Not measured: no JVM sink: Java is not installed" in caplog.text


def a_run(rate: float) -> list[Found]:
    used = Used(seconds=100 / rate, client=0.1, server=0.1, memory=90.0)
    slower = Used(seconds=400 / rate, client=0.4, server=0.1, memory=600.0)
    return [
        Found(condition=Condition(rows=100), side=side, phases={phase: [one] for phase in (*PHASES, JOINING)}, edits=[0.02, 0.03])
        for side, one in ((PUENTE, used), (JVM, slower))
    ]


def test_a_report_says_what_was_reached_and_what_has_changed_since_the_last_one(tmp_path: Path) -> None:
    began = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    first = report.write(tmp_path, a_run(1000), {"commit": "abc"}, began).read_text(encoding="utf-8")
    second = report.write(tmp_path, a_run(1500), {"commit": "def"}, began + timedelta(hours=1)).read_text(encoding="utf-8")
    assert f"| quiet, near, 100 rows | first load | rows/s | {JVM} | 4.00 × | ≥ 3 × | reached |" in first
    assert f"| quiet, near, 100 rows | all unchanged | rows/s | {JVM} | 4.00 × | ≥ 15 × | **missed** |" in first
    assert "Since" not in first
    assert "## Since 2026-01-02T03:04:05+00:00, commit abc" in second
    assert f"| quiet, near, 100 rows | {PUENTE} | first load, rows/s | 1,000.0 | 1,500.0 | 1.50 × |" in second


def test_what_goes_over_a_distant_line_arrives_whole_and_in_order() -> None:
    sent = b"".join(number.to_bytes(4, "big") for number in range(50_000))
    with (
        socket.create_server((HOST, 0)) as server,
        closing(DistantLine(server.getsockname()[1], 0.005)) as line,
        socket.create_connection((HOST, line.port)) as client,
    ):
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        end, _ = server.accept()
        with end, end.makefile("rb") as received:
            assert received.read() == sent
