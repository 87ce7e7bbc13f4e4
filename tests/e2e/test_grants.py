"""From an administrator who runs the scripts of `puente grants` to a site that works; and what happens where a right is missing."""

import secrets
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from foundation.engines import open_database
from foundation.errors import ConfigError
from puente.commands import grants
from puente.commands.grants import READER, WRITER
from puente.config import CajaSettings
from tests.e2e.small_site import SmallSite, build
from tests.engines.administrator import run_tool
from tests.engines.firebird_server import FirebirdServer, PrivateServer
from tests.engines.users import execute, grant_caja

VERSION = "RDB$GET_CONTEXT('SYSTEM', 'ENGINE_VERSION')"
pytestmark = pytest.mark.e2e


def isql(script: Path, url: str) -> subprocess.CompletedProcess[str]:
    return run_tool("isql-fb", url, lambda database: ["-input", str(script), database])


@pytest.fixture
def site(tmp_path: Path, firebird_server: FirebirdServer) -> SmallSite:
    return build(tmp_path / "site", firebird_server.new_url, is_set_up=False)


def said(done: subprocess.CompletedProcess[str]) -> str:
    return f"{done.stdout}{done.stderr}"


# `private_firebird_server`: where that can be made there is an isql, too.
def test_the_scripts_that_an_administrator_runs_are_enough_for_everything(site: SmallSite, private_firebird_server: PrivateServer) -> None:
    # Given settings that name users whom nobody has made yet
    reader, writer = (f"{name}_{secrets.token_hex(4)}".upper() for name in ("R", "W"))
    text = site.settings.read_text(encoding="utf-8")
    site.write_settings(text.replace(f"{READER}:", f"{reader}:").replace(f"{WRITER}:", f"{writer}:").replace(":prueba-1@", ":it%27s%3Bx@"))
    (site.folder / "password").write_text("it's;x\n", encoding="utf-8")
    refused = site.puente("grants", "sae")
    assert refused.returncode == 2
    assert "set company" in refused.stderr
    site.edit_settings("[sae]", 'company = "01"\n[sae]')
    assert site.puente("check").returncode == 2
    # When the administrator runs the scripts
    scripts = {"sae": (("sae",), site.sae_url), **{name: (("caja", "--caja", name), url) for name, url in site.caja_urls.items()}}
    for name, (words, url) in scripts.items():
        made = site.puente("grants", *words, "--password-file", "password", "-o", f"{name}.sql", "--lang", "es")
        assert made.returncode == 0, said(made)
        script = site.folder / f"{name}.sql"
        assert script.stat().st_mode & 0o077 == 0
        done = isql(script, url)  # norte's writer is centro's, and there already
        assert (done.returncode, said(done)) == (0, ""), said(done)
    # Then everything works, and in check there is no more to be said
    assert site.puente("setup", "--yes").returncode == 0
    done = site.puente("run", "--once")
    assert done.returncode == 0, said(done)
    assert site.differences() == []
    checked = site.puente("check")
    assert checked.returncode == 0, said(checked)
    assert f"{reader} may read the tables that are read" in checked.stdout
    assert checked.stdout.count(f"{writer} may write what is written") == 2


def may_enter(url: str, user: str, password: str) -> bool:
    address = make_url(url).set(username=user, password=password).render_as_string(hide_password=False)
    try:
        with closing(open_database(address)) as database, database.reading():
            return True
    except ConfigError:
        return False


def test_a_script_that_is_run_again_gives_the_user_its_new_password(site: SmallSite, private_firebird_server: PrivateServer) -> None:
    name, url = f"N_{secrets.token_hex(4)}".upper(), site.caja_urls["norte"]
    for password, other in (("it's;^x", "2nd'pass"), ("2nd'pass", "it's;^x")):
        (site.folder / "password").write_text(f"{password}\n", encoding="utf-8")
        made = site.puente("grants", "caja", "--caja", "norte", "--user", name, "--password-file", "password", "-o", "norte.sql")
        assert made.returncode == 0, said(made)
        done = isql(site.folder / "norte.sql", url)
        assert (done.returncode, said(done)) == (0, ""), said(done)
        assert may_enter(url, name, password)
        assert not may_enter(url, name, other)


def test_the_way_of_firebird_2_5_gives_the_new_password_too_and_says_that_the_user_exists(
    site: SmallSite, private_firebird_server: PrivateServer
) -> None:
    """Told of version 2.5, the script does what this server can do as well; what 2.5 itself makes of it is to be seen on one."""
    name, url = f"N_{secrets.token_hex(4)}".upper(), site.caja_urls["norte"]
    refused = []
    for password in ("it's;^x", "2nd'pass"):
        script = grants.for_caja(CajaSettings.model_validate({"name": "norte", "url": url}), name).text(password)
        (site.folder / "norte.sql").write_text(script.replace(VERSION, "'2.5'"), encoding="utf-8")
        refused.append(said(isql(site.folder / "norte.sql", url)).count("Statement failed"))
        assert may_enter(url, name, password)
    assert refused == [0, 1]


def test_a_script_is_readable_by_its_owner_alone_whatever_stood_in_its_place(site: SmallSite) -> None:
    (site.folder / "password").write_text("hidden-1\n", encoding="utf-8")
    target, elsewhere = site.folder / "norte.sql", site.folder / "elsewhere.sql"
    target.write_text("old", encoding="utf-8")
    target.chmod(0o644)
    elsewhere.write_text("kept", encoding="utf-8")
    for _ in range(2):
        assert site.puente("grants", "caja", "--caja", "norte", "--password-file", "password", "-o", "norte.sql").returncode == 0
        assert target.stat().st_mode & 0o777 == 0o600
        assert "hidden-1" in target.read_text(encoding="utf-8")
        target.unlink()
        target.symlink_to(elsewhere)
    assert elsewhere.read_text(encoding="utf-8") == "kept"
    assert not [file for file in site.folder.iterdir() if file.name.startswith(".norte")]


def test_a_script_without_a_password_makes_no_user(site: SmallSite, private_firebird_server: PrivateServer) -> None:
    name = f"N_{secrets.token_hex(4)}".upper()
    script = site.folder / "script.sql"
    script.write_text(site.puente("grants", "caja", "--caja", "norte", "--user", name).stdout, encoding="utf-8")
    done = isql(script, site.caja_urls["norte"])
    assert said(done).count("Statement failed") == 1
    assert "Token unknown" in said(done)
    execute(site.caja_urls["norte"], [f"CREATE USER {name} PASSWORD 'x'"])  # which fails where there is one


def test_each_caja_has_a_script_of_its_own(site: SmallSite) -> None:
    refused = site.puente("grants", "caja")
    assert refused.returncode == 2
    assert "centro, norte" in refused.stderr
    assert site.puente("grants", "caja", "--caja", "sur").returncode == 2
    assert site.puente("grants", "caja", "--caja", "norte", "--user", "sysdba").returncode == 2
    assert site.puente("grants", "caja", "--caja", "norte", "-o", "nowhere/x.sql").returncode == 2


def test_a_right_that_is_taken_away_stops_that_caja_with_one_clear_line_and_loses_nothing(site: SmallSite) -> None:
    assert site.puente("setup", "--yes").returncode == 0
    site.fill()
    execute(site.caja_urls["centro"], [f"REVOKE UPDATE ON CATINVEN FROM USER {WRITER}"])
    site.sql("UPDATE INVE01 SET DESCR = 'otra' WHERE STATUS = 'A'", "UPDATE CLIN01 SET DESC_LIN = 'otra'")
    done = site.puente("run", "--once")
    assert done.returncode == 2, said(done)
    lines = [line for line in done.stderr.splitlines() if line.startswith("puente: ")]
    assert len(lines) == 1
    assert "permission" in lines[0]
    assert "CATINVEN" in lines[0]
    assert site.compare("norte")[0].differences == []
    checked = site.puente("check")
    assert checked.returncode == 2
    assert f"{WRITER} lacks UPDATE on CATINVEN: puente grants caja --caja centro" in checked.stdout
    grant_caja(site.caja_urls["centro"])
    site.fill()
    assert site.differences() == []
    assert site.caja_rows("centro", "COUNT(*) FROM PUENTE_PARKED WHERE REASON = 'rejected'") == [(0,)]


def test_a_ledger_that_somebody_else_made_can_be_used_once_the_script_has_run(site: SmallSite) -> None:
    # Given a setup by the owner
    for name in site.caja_urls:
        site.edit_settings(site.caja_setting(name), site.caja_urls[name])
    assert site.puente("setup", "--yes").returncode == 0
    for name in site.caja_urls:
        site.edit_settings(site.caja_urls[name], site.caja_setting(name))
    refused = site.puente("run", "--once")
    assert refused.returncode == 2
    assert "PUENTE_LEASE" in refused.stderr
    # When the script gives the writer what it needs
    for url in site.caja_urls.values():
        grant_caja(url)
    # Then it works
    done = site.puente("run", "--once")
    assert done.returncode == 0, said(done)
    assert site.differences() == []
