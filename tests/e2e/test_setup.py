"""`puente setup`: a backup is asked for in either language, all that can be done is done, a dry run writes nothing, no two are one."""

import json
import secrets
import shlex
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from foundation.engines import create_database, open_database
from puente.config import load
from puente.reference import build_sae
from puente.wiring.one_database import are_one
from tests.e2e.small_site import CajaSpec, SmallSite, build
from tests.e2e.terminal import Said, at_terminal
from tests.engines.embedded import EmbeddedDatabases, Engine
from tests.engines.firebird_server import FirebirdServer, PrivateServer
from tests.engines.users import grant_sae

pytestmark = [pytest.mark.e2e, pytest.mark.file_log]
ONE = (CajaSpec(name="centro"),)


@pytest.fixture
def site(tmp_path: Path, embedded: EmbeddedDatabases) -> SmallSite:
    return build(tmp_path / "site", embedded.url, is_set_up=False)


def tables(site: SmallSite, name: str) -> int:
    return int(site.caja_rows(name, "COUNT(*) FROM RDB$RELATIONS WHERE RDB$RELATION_NAME STARTING WITH 'PUENTE_'")[0][0])


def asked(site: SmallSite, *lines: str, language: str = "es") -> Said:
    return at_terminal(site.folder, site.environment(), ["setup", "--lang", language], lines)


# The backup


@pytest.mark.parametrize(("language", "answer"), [("es", "s"), ("es", "Sí"), ("es", "yes"), ("en", "si"), ("en", "Y")])
def test_a_yes_is_understood_in_either_language(site: SmallSite, language: str, answer: str) -> None:
    said = asked(site, answer, language=language)
    assert said.returncode == 0, said.screen
    assert tables(site, "centro") > 0


@pytest.mark.parametrize("lines", [("",), ("n",), ("quizás", "no")])
def test_a_no_says_how_a_backup_is_made_and_nothing_is_done(site: SmallSite, lines: Sequence[str]) -> None:
    said = asked(site, *lines)
    assert said.returncode == 2
    assert "[s/N]" in said.screen
    assert said.screen.count("gbak -b ") == 2
    assert tables(site, "centro") == 0


def test_the_backup_that_it_names_can_be_made_as_it_says(tmp_path: Path, private_firebird_server: PrivateServer) -> None:
    site = build(tmp_path / "site", private_firebird_server.new_url, ONE, is_set_up=False)
    said = site.puente("setup")
    assert said.returncode == 2
    assert "prueba-1" not in said.stderr
    command = next(line for line in said.stderr.splitlines() if "gbak -b" in line).replace(" ... ", f" {private_firebird_server.password} ")
    made = subprocess.run(shlex.split(command), cwd=site.folder, capture_output=True, text=True, timeout=60, check=False)
    assert made.returncode == 0, made.stderr
    assert (site.folder / "centro.fbk").stat().st_size > 0


# One part's trouble


def test_what_is_wrong_with_one_caja_keeps_the_others_from_nothing(site: SmallSite) -> None:
    site.caja_sql("norte", "DROP TABLE EXIST")
    said = site.puente("setup", "--yes")
    assert said.returncode == 2
    assert "EXIST" in said.stderr
    assert "but for: norte" in said.stdout
    assert tables(site, "centro") > 0
    assert tables(site, "norte") == 0
    assert load(site.settings).log_path.exists()
    as_json = json.loads(site.puente("setup", "--yes", "--json").stdout)
    assert [(found["about"], found["exit_code"]) for found in as_json["failures"]] == [("norte", 2)]


def test_a_sae_that_is_not_there_keeps_no_caja_from_its_ledger(site: SmallSite) -> None:
    site.edit_settings(site.sae_url.rpartition("/")[2], "nowhere.fdb")
    assert site.puente("setup", "--yes").returncode in {2, 3}
    assert tables(site, "centro") > 0


# The dry run


def test_a_dry_run_without_sae_writes_nothing(site: SmallSite) -> None:
    text = site.settings.read_text(encoding="utf-8")
    site.write_settings('company = "01"\n' + text[text.index("[[caja]]") :])
    before = sorted(site.folder.iterdir())
    said = site.puente("setup", "--dry-run")
    assert said.returncode == 0
    assert "puente-log.db" in said.stdout
    assert sorted(site.folder.iterdir()) == before
    site.write_settings(text[text.index("[[caja]]") :])
    refused = site.puente("setup", "--dry-run")
    assert refused.returncode == 2
    assert "set company" in refused.stderr
    assert sorted(site.folder.iterdir()) == before


# One database


def with_alias(server: PrivateServer, url: str) -> str:
    """The same database by a name that only the server can resolve."""
    alias = f"twin_{secrets.token_hex(4)}"
    with (server.root / "databases.conf").open("a") as file:
        file.write(f"{alias} = {url.partition(f':{server.port}/')[2]}\n")
    return server.alias_url(alias)


@pytest.fixture
def twins(tmp_path: Path, private_firebird_server: PrivateServer) -> SmallSite:
    """Two CAJAs on one database, by its path and by an alias."""
    site = build(tmp_path / "site", private_firebird_server.new_url, ONE, is_set_up=False)
    alias = with_alias(private_firebird_server, site.caja_urls["centro"])
    url = site.caja_setting("centro")
    before, _, path = url.rpartition(f":{private_firebird_server.port}/")
    assert path
    twin = f"{before}:{private_firebird_server.port}/{alias.rpartition('/')[2]}"
    site.write_settings(f'{site.settings.read_text(encoding="utf-8")}\n[[caja]]\nname = "norte"\nurl = "{twin}"\n')
    return site


def test_two_cajas_that_an_alias_makes_one_database_are_refused_by_check_and_setup(twins: SmallSite) -> None:
    for words in (("check",), ("setup", "--yes"), ("setup", "--yes", "--adopt")):
        said = twins.puente(*words)
        assert said.returncode == 2
        assert "centro and norte are one database" in said.stdout + said.stderr
    assert tables(twins, "centro") == 0


def test_a_caja_in_saes_own_database_is_refused_though_an_alias_hides_it(tmp_path: Path, private_firebird_server: PrivateServer) -> None:
    site = build(tmp_path / "site", private_firebird_server.new_url, ONE, is_set_up=False)
    with closing(open_database(site.caja_urls["centro"])) as database:
        build_sae(database)
    grant_sae(site.caja_urls["centro"])
    alias = with_alias(private_firebird_server, site.caja_urls["centro"]).rpartition("/")[2]
    site.edit_settings(site.sae_url.rpartition(f":{private_firebird_server.port}/")[2], alias)
    for words in (("check",), ("setup", "--yes")):
        said = site.puente(*words)
        assert said.returncode == 2
        assert "SAE and centro are one database" in said.stdout + said.stderr
    assert tables(site, "centro") == 0


def test_a_second_caja_never_takes_the_ledger_of_the_first(twins: SmallSite) -> None:
    # Given a ledger that was made when the settings named one CAJA alone
    whole = twins.settings.read_text(encoding="utf-8")
    twins.write_settings(whole[: whole.index('[[caja]]\nname = "norte"')])
    assert twins.puente("setup", "--yes").returncode == 0
    assert twins.puente("run", "--once").returncode == 0
    # When the other is added
    twins.write_settings(whole)
    for words in (("check",), ("setup", "--yes", "--adopt"), ("run", "--once")):
        assert twins.puente(*words).returncode == 2
    # Then it is the first one's still
    assert twins.caja_rows("centro", "CAJA FROM PUENTE_LEASE") == [("centro",)]


def test_databases_are_told_apart_by_their_transactions(engine: Engine) -> None:
    urls = [engine.new_url("one"), engine.new_url("other")]
    build_two(urls)
    with closing(open_database(urls[0])) as one, closing(open_database(urls[0])) as again, closing(open_database(urls[1])) as other:
        assert are_one(one, again)
        assert not are_one(one, other)
        assert not are_one(other, again)


def build_two(urls: list[str]) -> None:
    for url in urls:
        create_database(url)


# A database that is not what it is taken for


def test_a_sae_in_a_cajas_place_is_told_as_what_it_is_and_nobody_is_sent_to_grants(tmp_path: Path, firebird_server: FirebirdServer) -> None:
    site = build(tmp_path / "site", firebird_server.new_url, is_set_up=False)
    writer = site.caja_setting("norte")
    host = writer.partition("@")[0]
    site.edit_settings(writer, f"{host}@{site.sae_url.partition('@')[2]}")
    sae = site.settings.read_text(encoding="utf-8")
    site.write_settings(sae[sae.index("[[caja]]") :])
    for words in (("check",), ("setup", "--yes"), ("consume", "--once", "--caja", "norte")):
        said = site.puente(*words)
        assert said.returncode == 2, said.stderr
        assert "norte: this looks like a SAE: it has INVE01" in said.stdout + said.stderr
        assert "grants" not in said.stdout + said.stderr


def test_a_caja_in_saes_place_is_told_as_what_it_is(tmp_path: Path, embedded: EmbeddedDatabases) -> None:
    site = build(tmp_path / "site", embedded.url, ONE, is_set_up=False)
    text = site.settings.read_text(encoding="utf-8")
    site.write_settings(text[: text.index("[[caja]]")].replace("sae.fdb", "centro.fdb"))
    for words in (("check",), ("setup", "--yes"), ("produce", "--once")):
        said = site.puente(*words)
        assert said.returncode == 2
        assert "looks like a CAJA: it has CATINVEN" in said.stdout + said.stderr
        assert "grants" not in said.stdout + said.stderr
