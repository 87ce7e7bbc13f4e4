"""`puente log copy` as a shop that grows runs it: to another file, to Kafka and back; then `[log]` is changed and all goes on."""

import json
import os
import pty
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from foundation.eventlog.embedded.log import EmbeddedLog
from foundation.eventlog.port import START, Record, Topic, TopicSettings
from schemas.control import Heartbeat, record
from tests.e2e.command import Command
from tests.e2e.running import Running
from tests.e2e.small_site import SmallSite, build, wait_until
from tests.engines.embedded import EmbeddedDatabases
from tests.engines.kafka_topics import delete_topics

pytestmark = [pytest.mark.e2e, pytest.mark.file_log]

TABLES = ("CATINVEN", "CATCLIEN", "CATMONED", "ESQIMP", "EXIST")
NEXT = "next.toml"
Hops = list[str]


@pytest.fixture(params=["file", "kafka"])
def hops(request: pytest.FixtureRequest, kafka_prefix: str) -> Iterator[Hops]:
    """The `[log]` of each log that the history goes to, one after the other."""
    if request.param == "file":
        yield ['path = "second.db"']
        return
    servers = request.getfixturevalue("kafka_servers")
    yield [f'kind = "kafka"\nbootstrap_servers = "{servers}"\nprefix = "{kafka_prefix}"', 'path = "third.db"']
    delete_topics(servers, kafka_prefix)


@pytest.fixture
def site(tmp_path: Path, embedded: EmbeddedDatabases) -> SmallSite:
    """A SAE and two CAJAs that are equal to it; the log is a file."""
    made = build(tmp_path / "site", embedded.url)
    made.fill()
    return made


@pytest.fixture(scope="module")
def full_log(tmp_path_factory: pytest.TempPathFactory) -> SmallSite:
    """A site whose log is only read here; each test copies it to a place of its own."""
    folder = tmp_path_factory.mktemp("copied")
    made = build(folder / "site", EmbeddedDatabases(folder).url)
    done(made, "produce", "--once")
    return made


@pytest.fixture
def second(full_log: SmallSite, tmp_path: Path) -> str:
    """The settings of a log that is nowhere yet."""
    return target(full_log, f'path = "{tmp_path}/second.db"')


def done(site: SmallSite, *arguments: str) -> subprocess.CompletedProcess[str]:
    ended = site.puente(*arguments)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended


def report(site: SmallSite, *arguments: str) -> Any:
    return json.loads(done(site, *arguments, "--json").stdout)


def status_of_cajas(site: SmallSite) -> list[dict[str, Any]]:
    """Whether they work or were stopped."""
    found: list[dict[str, Any]] = json.loads(site.puente("status", "--json").stdout)["cajas"]
    return found


def target(site: SmallSite, log: str, name: str = NEXT) -> str:
    """The settings of a log alone, in a file whose name is returned."""
    (site.folder / name).write_text(f"[log]\n{log}\n", encoding="utf-8")
    return name


def move_to(site: SmallSite, log: str) -> None:
    """What the user does after the copy."""
    rest = site.settings.read_text(encoding="utf-8").partition("\n[log]\n")[0]
    site.write_settings(f"{rest}\n[log]\n{log}\n")
    done(site, "setup", "--yes")


def copied(found: Any) -> int:
    assert all(topic["equal"] for topic in found["topics"])
    return sum(topic["copied"] for topic in found["topics"])


def versions(site: SmallSite) -> dict[str, list[tuple[Any, ...]]]:
    """Which transaction wrote each row of each CAJA last."""
    return {
        f"{name} {table}": site.caja_rows(name, f"RDB$RECORD_VERSION FROM {table} ORDER BY RDB$DB_KEY")
        for name in site.caja_urls
        for table in TABLES
    }


def assert_only_changes_travel(site: SmallSite, changes: int) -> None:
    """Each of them concerns one row of each CAJA."""
    before = versions(site)
    found = report(site, "run", "--once")
    assert found["produced"]["published"] == changes
    assert [caja["rows_written"] for caja in found["cajas"]] == [changes] * len(site.caja_urls)
    assert versions(site) == before
    assert site.differences() == []
    assert [caja["resyncs"] for caja in status_of_cajas(site)] == [[]] * len(site.caja_urls)


def rename_a_line(site: SmallSite, name: str) -> None:
    assert site.sql(f"UPDATE CLIN01 SET DESC_LIN = '{name}' WHERE CVE_LIN = (SELECT MIN(CVE_LIN) FROM CLIN01)") == 1


def test_a_shop_that_moves_its_log_keeps_its_history_and_writes_no_row_again(site: SmallSite, hops: Hops) -> None:
    for number, log in enumerate(hops):
        rename_a_line(site, f"Línea {number}")
        assert copied(report(site, "log", "copy", target(site, log))) > 100
        move_to(site, log)
        assert_only_changes_travel(site, 1)


def test_it_may_be_copied_while_puente_runs_and_then_the_rest(site: SmallSite, hops: Hops) -> None:
    into = target(site, hops[0])
    running = Running(site, "run")
    try:
        wait_until(lambda: status_of_cajas(site)[0]["holder"] is not None)
        assert copied(report(site, "log", "copy", into)) > 100
        rename_a_line(site, "Mientras")
        wait_until(lambda: site.caja_rows("norte", "COUNT(*) FROM CATLINEA WHERE DESCRIPCIO = 'Mientras'") == [(1,)])
    finally:
        running.ends()
    found = report(site, "log", "copy", into)
    assert copied(found) == 1
    assert found["grew"] == []
    move_to(site, hops[0])
    assert_only_changes_travel(site, 0)
    refused = site.puente("log", "copy", "puente.toml", "-c", target(site, 'path = "puente-log.db"', "first.toml"))
    assert refused.returncode == 2
    assert "A producer has written to the target already" in refused.stderr


def test_a_dry_run_tells_what_the_copy_then_does_and_writes_nothing(full_log: SmallSite, tmp_path: Path) -> None:
    into = target(full_log, f'path = "{tmp_path}/second.db"\nprefix = "moved"')
    told = report(full_log, "log", "copy", into, "--dry-run")
    assert list(tmp_path.iterdir()) == []
    assert all(topic["is_new"] for topic in told)
    found = report(full_log, "log", "copy", into)
    assert [(topic["into"], topic["copied"]) for topic in found["topics"]] == [(topic["into"], topic["to_copy"]) for topic in told]
    assert {"moved.schemas", "moved.01.product", "moved.01.stock.3"} <= {topic["into"] for topic in found["topics"]}
    said = done(full_log, "log", "copy", into, "--dry-run").stdout
    assert "moved.01.product" in said
    assert "is there" in said
    assert "Nothing was written" in said


def test_the_report_is_a_table_that_says_what_comes_next(full_log: SmallSite, second: str) -> None:
    ended = done(full_log, "log", "copy", second)
    assert "second.db (puente)" in ended.stdout
    row = next(line for line in ended.stdout.splitlines() if "puente.01.currency" in line)
    assert [cell.strip() for cell in row.split("│")[1:-1]] == ["puente.01.currency", "3", "3", "0", "3", "yes"]
    assert "puente setup, puente run" in ended.stdout
    assert ended.stderr == ""


def test_on_a_terminal_a_bar_per_topic_shows_how_far_it_is(full_log: SmallSite, second: str) -> None:
    assert on_a_terminal(full_log, "log", "copy", second, "--json") == ""
    assert "100 %" in on_a_terminal(full_log, "log", "copy", second)


def on_a_terminal(site: SmallSite, *arguments: str) -> str:
    """What the command says there on its standard error."""
    ours, theirs = pty.openpty()
    said = bytearray()
    environment = {**site.environment(), "TERM": "xterm"}
    with Path(os.devnull).open("wb") as nowhere:
        running = Command(*arguments, folder=site.folder, environment=environment, stdout=nowhere, stderr=theirs)
    os.close(theirs)
    try:
        while part := os.read(ours, 10_000):
            said += part
    except OSError:
        pass  # Linux's way of saying that the other end is closed
    finally:
        os.close(ours)
    assert running.wait() == 0
    return said.decode()


@contextmanager
def somebody_writes(path: Path) -> Iterator[None]:
    """Words, one after the other."""
    stop, topic = threading.Event(), Topic("puente.01.control")

    def write() -> None:
        with closing(EmbeddedLog(path)) as log:
            while not stop.is_set():
                log.append([record(topic, Heartbeat(run="other", time=datetime.now(UTC), topics=(), compared=False))])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        stop.set()
        writer.join()


def test_a_source_that_is_written_to_meanwhile_is_told_and_is_no_failure(full_log: SmallSite, second: str) -> None:
    with somebody_writes(full_log.folder / "puente-log.db"):
        # The writer may be kept waiting by the copy itself.
        wait_until(lambda: report(full_log, "log", "copy", second)["grew"] == ["puente.01.control"])
        wait_until(lambda: "stop it and copy again" in done(full_log, "log", "copy", second).stdout)
    assert "stop it and copy again" not in done(full_log, "log", "copy", second).stdout


def test_a_target_that_holds_something_else_is_refused_and_left_as_it_is(full_log: SmallSite, second: str, tmp_path: Path) -> None:
    topic = Topic("puente.01.product")
    with closing(EmbeddedLog(tmp_path / "second.db")) as log:
        log.create({topic: TopicSettings()})
        log.append([Record(topic=topic, key=b"1", value=b"theirs")])
        refused = full_log.puente("log", "copy", second)
        assert refused.returncode == 2
        assert "puente.01.product of the target holds what the source does not" in refused.stderr
        assert [event.value for event in log.read(topic, START).events] == [b"theirs"]
        assert list(log.topics()) == [topic]


@pytest.mark.parametrize(
    ("log", "code", "said"),
    [
        ('kind = "kafka"\nbootstrap_servers = "127.0.0.1:9"', 3, "cannot be reached"),
        ('path = "nowhere/log.db"', 2, "nowhere"),
        ('path = "puente-log.db"', 2, "the source itself"),
        ('paths = "log.db"', 2, "is no setting"),
    ],
)
def test_a_target_that_cannot_be_is_named_with_the_exit_code_of_every_command(full_log: SmallSite, log: str, code: int, said: str) -> None:
    for dry_run in ((), ("--dry-run",)):
        ended = full_log.puente("log", "copy", target(full_log, log), *dry_run)
        assert (ended.returncode, said in ended.stderr) == (code, True), ended.stderr
        assert "Traceback" not in ended.stderr


def test_a_source_that_is_not_there_is_not_made(full_log: SmallSite, second: str, tmp_path: Path) -> None:
    ended = full_log.puente("log", "copy", "puente.toml", "-c", second)
    assert ended.returncode == 2
    assert "nothing to copy" in ended.stderr
    assert list(tmp_path.iterdir()) == []
