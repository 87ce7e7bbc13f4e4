"""The commands of a site, from the first look to two programs at once."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from foundation.errors import ExitCode
from tests.e2e.running import Running
from tests.e2e.small_site import SmallSite, wait_until
from tests.e2e.small_site import build as build_site
from tests.engines.embedded import EmbeddedDatabases

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def site(site_log: str, tmp_path_factory: pytest.TempPathFactory) -> SmallSite:
    folder = tmp_path_factory.mktemp("site")
    return build_site(folder / "site", EmbeddedDatabases(folder).url, is_set_up=False)


def report(done: subprocess.CompletedProcess[str]) -> Any:
    return json.loads(done.stdout)


def test_from_check_to_status_every_step_reports_for_people_and_for_machines(site: SmallSite) -> None:
    before = site.puente("check", "--json", "--lang", "es")
    assert before.returncode == 0
    assert any(f["level"] == "warning" and "puente setup" in f["text"] for f in report(before))
    assert any("read by record-version" in f["text"] and f["about"] == "INVE01" for f in report(before))

    dry = site.puente("setup", "--dry-run", "--json")
    assert report(dry)["done"] is False
    assert any("PUENTE_LEASE" in action["text"] for action in report(dry)["actions"])
    asked = site.puente("setup")
    assert asked.returncode == 2
    assert "--yes" in asked.stderr
    assert "PUENTE_ROWS" not in str(site.caja_rows("centro", "RDB$RELATION_NAME FROM RDB$RELATIONS"))
    assert site.puente("setup", "--yes").returncode == 0
    again = site.puente("setup", "--yes")
    assert "Nothing to do" in again.stdout

    assert site.puente("check").returncode == 0
    produced = report(site.puente("produce", "--once", "--json"))
    assert produced["produced"]["published"] > 100
    consumed = report(site.puente("consume", "--caja", "norte", "--once", "--json"))
    assert [caja["name"] for caja in consumed["cajas"]] == ["norte"]
    assert consumed["cajas"][0]["rows_written"] > 50
    status = report(site.puente("status", "--json"))
    assert status["producer"]["complete"] is True
    assert {c["name"]: c["behind"] > 0 for c in status["cajas"]} == {"centro": True, "norte": False}
    assert {c["name"]: c["applied_at"] is not None for c in status["cajas"]} == {"centro": False, "norte": True}
    site.fill()
    assert site.differences() == []
    shown = site.puente("status", "--lang", "es")
    assert shown.returncode == ExitCode.DOWN  # nothing runs
    assert "fuera por política" not in shown.stdout  # which is no trouble
    assert report(site.puente("status", "--json"))["cajas"][0]["parked"]["kept-out"]["count"] > 0


def test_a_ledger_copied_with_its_database_is_refused_until_it_is_adopted(tmp_path: Path, embedded: EmbeddedDatabases) -> None:
    site = build_site(tmp_path / "site", embedded.url)
    site.fill()
    site.edit_settings('name = "norte"', 'name = "sur"')
    refused = site.puente("run", "--once")
    assert refused.returncode == 2
    assert "--adopt" in refused.stderr
    assert site.puente("setup", "--yes").returncode == 2
    assert site.puente("setup", "--yes", "--adopt").returncode == 0
    done = site.puente("run", "--once", "--json")
    assert done.returncode == 0
    assert report(done)["cajas"][1]["rows_written"] == 0
    assert site.differences() == []


def test_a_log_deleted_under_a_running_program_is_made_again_and_every_caja_ends_equal(tmp_path: Path, embedded: EmbeddedDatabases) -> None:
    site = build_site(tmp_path / "site", embedded.url)
    running = Running(site, "run")
    try:
        wait_until(lambda: bool(site.caja_rows("norte", "COUNT(*) FROM PUENTE_ROWS WHERE ENTITY = 'stock'")[0][0]))
        site.delete_log()
        site.sql("UPDATE CLIN01 SET DESC_LIN = 'después'")
        wait_until(lambda: site.caja_rows("norte", "MAX(DESCRIPCIO) FROM CATLINEA") == [("después",)])
        wait_until(lambda: site.caja_rows("centro", "MAX(DESCRIPCIO) FROM CATLINEA") == [("después",)])
    finally:
        running.ends()
    assert re.search("deleted or replaced|deleted, cut or made again", running.said)
    site.fill()
    assert site.differences() == []


def test_two_programs_at_once_leave_one_to_write_and_tell_the_other(tmp_path: Path, embedded: EmbeddedDatabases) -> None:
    site = build_site(tmp_path / "site", embedded.url)
    site.fill()
    running = Running(site, "run")
    try:
        for _ in range(100):
            if report(site.puente("status", "--json"))["cajas"][1]["holder"]:
                break
        second = site.puente("run", "--once")
        assert second.returncode == 3
        assert "Another p" in second.stderr
        assert second.stderr.count("puente: ") == 3
    finally:
        running.ends()
    site.fill()
