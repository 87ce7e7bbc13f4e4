"""The installed command as its users meet it: help, languages, output for machines, the demo, and its screen in the READMEs."""

import json
import re
import subprocess
import time
from contextlib import closing
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner

from foundation.errors import ExitCode
from foundation.eventlog.embedded.log import EmbeddedLog
from foundation.eventlog.port import START, Topic
from foundation.texts import use
from puente.cli.main import MODULES, build
from schemas.control import Heartbeat, record
from tests.docs.commands import COMMANDS
from tests.docs.pages import READMES, blocks, text_of
from tests.e2e.small_site import SmallSite, rows_of
from tests.e2e.small_site import build as build_site
from tests.engines.embedded import EmbeddedDatabases
from tests.engines.firebird_server import FirebirdServer

pytestmark = [pytest.mark.e2e, pytest.mark.file_log]


def puente(folder: Path, *arguments: str, language: str = "en") -> subprocess.CompletedProcess[str]:
    return SmallSite(folder=folder, sae_url="", caja_urls={}).puente("--lang", language, *arguments)


def test_every_command_that_a_module_makes_is_there() -> None:
    made = {command.name for module in set(MODULES.values()) for command in import_module(f"puente.cli.{module}").commands()}
    assert made == set(MODULES)


@pytest.mark.parametrize(("language", "usage"), [("es", "Uso:"), ("en", "Usage:")])
def test_help_is_in_the_language_asked_for(tmp_path: Path, language: str, usage: str) -> None:
    done = puente(tmp_path, "--help", language=language)
    assert done.returncode == 0
    assert usage in done.stdout
    assert "130/143" in done.stdout


def test_a_command_that_does_not_exist_is_an_error_of_configuration(tmp_path: Path) -> None:
    done = puente(tmp_path, "dance", language="es")
    assert done.returncode == 2
    assert "No existe el comando" in done.stderr


def test_a_disk_that_takes_no_more_of_the_log_is_told_and_nothing_is_lost(tmp_path: Path, firebird_server: FirebirdServer) -> None:
    site = build_site(tmp_path / "site", firebird_server.new_url)

    done = site.puente("produce", "--once", file_size=30_000)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "puente-log.db" in done.stderr
    assert "Traceback" not in done.stderr
    site.fill()
    assert site.differences() == []


def test_the_producer_keeps_the_log_from_growing(tmp_path: Path, embedded: EmbeddedDatabases) -> None:
    site = build_site(tmp_path / "site", embedded.url)
    topic, days_ago = Topic("puente.01.control"), time.time() - 3 * 24 * 3600
    with closing(EmbeddedLog(site.folder / "puente-log.db", clock=lambda: days_ago)) as log:
        log.append([record(topic, Heartbeat(run="old", time=datetime.now(UTC), topics=(), compared=False))] * 500)
    assert site.puente("produce", "--once").returncode == 0
    with closing(EmbeddedLog(site.folder / "puente-log.db")) as log:
        assert len(log.read(topic, START, 10_000).events) < 10
    site.fill()
    assert site.differences() == []


def test_the_demo_shows_every_edit_arrive_and_leaves_a_site_that_works(tmp_path: Path) -> None:
    done = puente(tmp_path, "demo", "--products", "400", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    shown = json.loads(done.stdout)
    assert len(shown["edits"]) >= 12
    assert all(a["milliseconds"] is not None for edit in shown["edits"] for a in edit["arrivals"] if a["concerned"])
    deleted = next(edit for edit in shown["edits"] if "is deleted from SAE" in edit["edit"] and "Customer" not in edit["edit"])
    assert {a["caja"]: "product" in a["kept"] for a in deleted["arrivals"]} == {"central": True, "norte": False, "sur": True}
    assert [len(c["differences"]) for c in shown["cajas"]] == [0, 0, 0]
    assert all(c["fields"] > 1000 for c in shown["cajas"])

    where = "CVE_ART = (SELECT MIN(CVE_ART) FROM INVE01 WHERE STATUS = 'A')"
    assert puente(tmp_path, "demo", "sql", f"UPDATE INVE01 SET DESCR = 'Cambio ñ' WHERE {where}").returncode == 0
    assert puente(tmp_path, "run", "--once", "-c", "puente-demo/puente.toml").returncode == 0
    for name in ("central", "norte", "sur"):
        url = f"firebird+firebird:///{tmp_path}/puente-demo/CAJA50-{name}.FDB"
        assert rows_of(url, "COUNT(*) FROM CATINVEN WHERE DESCRIPCIO = 'Cambio ' || ASCII_CHAR(241)") == [(1,)]
    for command, code in ((("check",), ExitCode.OK), (("status",), ExitCode.DOWN), (("setup", "--yes"), ExitCode.OK)):
        assert puente(tmp_path, *command, "-c", "puente-demo/puente.toml").returncode == code


@pytest.mark.parametrize("language", READMES)
def test_the_readme_shows_the_end_of_what_the_demo_shows(tmp_path: Path, language: str) -> None:
    """But for figures and widths, which depend on the machine and on how many products there are."""
    (shown,) = (block.code for block in blocks(text_of(READMES[language])) if block.language == "text")
    done = puente(tmp_path, "demo", "--products", "60", language=language)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = without_figures(shown)
    assert without_figures(done.stdout)[-len(lines) :] == lines
    assert f"puente --lang {language} demo | tail -n {len(lines)} " in text_of(READMES[language])


def without_figures(screen: str) -> list[str]:
    """The words, line by line."""
    return [" ".join(re.sub(r"[\d.,]+", "0", re.sub(r"[━─]+", "─", line)).split()) for line in screen.splitlines()]


def test_a_folder_that_is_no_demo_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear aunt", encoding="utf-8")
    done = puente(tmp_path, "demo", "--folder", "mine")
    assert done.returncode == 2
    assert (tmp_path / "mine" / "letter.txt").exists()
    assert puente(tmp_path, "demo", "sql", "SELECT 1 FROM RDB$DATABASE").returncode == 2


def test_reference_databases_are_made_and_never_made_over(tmp_path: Path, embedded: EmbeddedDatabases) -> None:
    assert puente(tmp_path, "reference", "sae", "--url", embedded.url("sae"), "--company", "07").returncode == 0
    assert puente(tmp_path, "reference", "caja", "--url", embedded.url("caja"), "--warehouse", "1", "--warehouse", "4").returncode == 0
    assert rows_of(embedded.url("sae"), "COUNT(*) FROM INVE07") == [(0,)]
    assert rows_of(embedded.url("caja"), "TIENDA, ALMSAE FROM TIENDAS ORDER BY 1") == [(1, 1), (2, 4)]
    again = puente(tmp_path, "reference", "caja", "--url", embedded.url("caja"))
    assert again.returncode in {2, 3}
    assert "Traceback" not in again.stderr


ENGLISH = ("[OPTIONS]", "COMMAND", "ARGS", "TEXT ", "INTEGER", "RANGE", "FLOAT", "FILE", "required", "default", "Usage", "Options", "Show")


@pytest.mark.parametrize("path", [(), *COMMANDS], ids=" ".join)
def test_nothing_of_a_help_in_spanish_is_in_english(path: tuple[str, ...]) -> None:
    use("es")
    try:
        said = CliRunner().invoke(build(), [*path, "--help"]).output
    finally:
        use("en")
    assert said.startswith("Uso: ")
    assert [english for english in ENGLISH if english in said] == [], said
