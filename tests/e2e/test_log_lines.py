"""What `run` tells under a service manager: when it begins, works and ends, what went through, and lines that machines can keep."""

import ast
import json
import logging
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from foundation.errors import ExitCode
from puente import logs
from puente.logs import FIELDS
from tests.e2e.running import Running
from tests.e2e.small_site import SmallSite, build, wait_until
from tests.engines.firebird_server import FirebirdServer

pytestmark = [pytest.mark.e2e, pytest.mark.file_log]
ROOT = Path(__file__).parents[2]
ALWAYS = {"time": str, "level": str, "message": str, "host": str, "version": str, "worker": str}
DATED = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (DEBUG|INFO|WARNING|ERROR) ")


@pytest.fixture
def site(tmp_path: Path, firebird_server: FirebirdServer) -> SmallSite:
    return build(tmp_path / "site", firebird_server.new_url)


def a_day(site: SmallSite, *arguments: str) -> tuple[Running, int]:
    """A first load, edits, a CAJA whose interface is off for a while, and a clean stop."""
    running = Running(site, "run", *arguments)
    try:
        wait_until(lambda: "all work" in running.said and running.said.count("Ready to sell") == 2)
        site.sql("UPDATE INVE01 SET DESCR = 'Nuevo nombre' WHERE STATUS = 'A'", "UPDATE MULT01 SET EXIST = EXIST + 1")
        wait_until(lambda: shows(site, "centro", "Nuevo nombre") and shows(site, "norte", "Nuevo nombre"))
        site.caja_sql("norte", "UPDATE PARAMS SET VALOR = 'F' WHERE PARAMETRO = 'INTERFAZSAE'")
        wait_until(lambda: "failed" in running.said)
        site.caja_sql("norte", "UPDATE PARAMS SET VALOR = 'T' WHERE PARAMETRO = 'INTERFAZSAE'")
        wait_until(lambda: "recovered" in running.said)
        running.process.send_signal(signal.SIGTERM)
        return running, running.process.wait()
    finally:
        running.kill()


def shows(site: SmallSite, name: str, text: str) -> bool:
    return site.caja_rows(name, f"COUNT(*) FROM CATINVEN WHERE DESCRIPCIO = '{text}'") > [(0,)]


def test_a_run_tells_when_it_begins_works_and_ends_and_what_went_through(site: SmallSite) -> None:
    site.write_settings(site.settings.read_text(encoding="utf-8") + '\n[run]\nlog_file = "puente.log"\n')
    running, code = a_day(site)
    assert code == ExitCode.OK, running.said
    lines = running.said.splitlines()
    assert all(DATED.match(line) for line in lines), running.said
    for about in ("version=", "settings=", "sae=", "log=puente-log.db", "cajas=centro, norte"):
        assert about in lines[0]
    assert "action=begin" in lines[0]
    assert re.search(r"action=end exit_code=0$", lines[-1])
    assert len(running.told("all work")) == 1
    (published, *_) = running.told("published", "stock=")
    assert re.search(r" count=\d+ .*product=\d+", published)
    for name in ("centro", "norte"):
        assert running.told("applied", f"caja={name} ")
    assert not running.told("applied", "key=")
    # The file holds the same, in its own order where two threads write at once, and nothing of what was written before is lost
    assert sorted((site.folder / "puente.log").read_text(encoding="utf-8").splitlines()) == sorted(lines)


def test_each_change_is_told_where_somebody_wants_to_know(site: SmallSite) -> None:
    running, _ = a_day(site, "--verbose")
    key = site.sae_rows("MIN(CVE_ART) FROM INVE01 WHERE DESCR = 'Nuevo nombre'")[0][0].strip()
    assert running.told("published", f"entity=product key={key} gone=False")
    for name in ("centro", "norte"):
        assert running.told("applied", f"caja={name} entity=product key={key} gone=False")


def test_every_json_line_says_who_tells_it_and_has_each_field_in_one_type_for_good(site: SmallSite) -> None:
    running, code = a_day(site, "--json", "--verbose")
    assert code == ExitCode.OK
    found = [json.loads(line) for line in running.said.splitlines()]
    for line in found:
        assert {name: type(value) for name, value in line.items()} == {name: {**ALWAYS, **FIELDS}[name] for name in {*ALWAYS, *line}}, line
    assert {line["worker"] for line in found} == {"main", "SAE", "centro", "norte"}
    assert {"begin", "start", "published", "claim", "resync", "resynced", "applied", "ready", "all work", "failed", "recovered", "end"} <= {
        line["action"] for line in found
    }


def test_every_field_that_any_line_may_have_is_in_the_table() -> None:
    unknown = {(path.name, name) for path, name in named_fields() if name not in FIELDS}
    assert unknown == set()


def named_fields() -> Iterator[tuple[Path, str]]:
    """Keys of the dictionaries that calls of a logger are given, or that have an `action` or go into one that has."""
    for folder in ("foundation", "schemas", "producer", "consumer", "puente"):
        for path in (ROOT / folder).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
                if any(is_logging(node) for node in ast.walk(function)):
                    yield from ((path, key) for node in ast.walk(function) for key in keys_of(node))


def is_logging(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and any(keyword.arg == "extra" for keyword in node.keywords)


def keys_of(node: ast.AST) -> list[str]:
    if not isinstance(node, ast.Dict):
        return []
    return [key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]


def test_a_log_file_that_cannot_be_written_is_an_error_of_configuration(site: SmallSite) -> None:
    site.write_settings(site.settings.read_text(encoding="utf-8") + '\n[run]\nlog_file = "nowhere/puente.log"\n')
    done = site.puente("run", "--once")
    assert done.returncode == ExitCode.CONFIG
    assert "puente.log" in done.stderr


def test_a_log_file_begins_anew_at_its_size_and_older_ones_stay(tmp_path: Path) -> None:
    before = list(logging.getLogger().handlers)
    try:
        logs.keep(tmp_path / "puente.log", as_json=False, megabytes=0.001, files=2)
        for turn in range(100):
            logging.getLogger("puente.test").warning("A line of the test", extra={"action": "test", "count": turn})
    finally:
        for handler in [handler for handler in logging.getLogger().handlers if handler not in before]:
            logging.getLogger().removeHandler(handler)
            handler.close()
    files = sorted(file.name for file in tmp_path.iterdir())
    assert files == ["puente.log", "puente.log.1", "puente.log.2"]
    assert all(file.stat().st_size <= 1000 for file in tmp_path.iterdir())
    assert "count=99" in (tmp_path / "puente.log").read_text(encoding="utf-8")
