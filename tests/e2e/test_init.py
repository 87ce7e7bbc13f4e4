"""`puente init`: settings by asking at a terminal, or all from options; no password in them, and nothing written over."""

import os
import subprocess
from pathlib import Path

import pytest

from foundation.errors import ConfigError
from puente.config import EmbeddedLogSettings, KafkaLogSettings, load
from puente.config.writing import url_of
from tests.e2e.command import run
from tests.e2e.small_site import SmallSite, build
from tests.e2e.terminal import Said, at_terminal
from tests.engines.firebird_server import USER_PASSWORD, FirebirdServer

pytestmark = [pytest.mark.e2e, pytest.mark.file_log]
PASSWORDS = {"SAE_PASSWORD": "a@b", "CAJA_PASSWORD": "c:d", "KAFKA_PASSWORD": "e"}
BRANCH = ("--no-sae", "--company", "01", "--caja", "centro=caja:C:\\Aspel\\CAJA50.FDB")


def environment(language: str = "en") -> dict[str, str]:
    return {**os.environ, "PUENTE_LANG": language, "NO_COLOR": "1"}


def init(folder: Path, *options: str, language: str = "en") -> subprocess.CompletedProcess[str]:
    return run("init", *options, folder=folder, environment=environment(language))


def asked(folder: Path, *lines: str, language: str = "es") -> Said:
    return at_terminal(folder, environment(language), ["init"], lines)


# From options


def test_all_of_a_site_can_be_given_as_options_without_a_terminal(tmp_path: Path) -> None:
    done = init(
        tmp_path,
        *("--sae-url", r"erp:C:\Program Files (x86)\Aspel\SAE90EMPRE01.FDB", "--company", "01", "--log", "log.db"),
        *("--caja", r"centro=caja-1/3051:C:\Aspel\CAJA50.FDB", "--caja", "norte=firebird+firebird://otro:${NORTE}@caja-2/caja50"),
    )
    assert done.returncode == 0, done.stderr
    assert "puente check" in done.stdout
    for name in ("SAE_PASSWORD", "CAJA_PASSWORD", "NORTE"):
        assert f"export {name}=" in done.stdout
    settings = load(tmp_path / "puente.toml", {**PASSWORDS, "NORTE": "x"})
    assert settings.company == "01"
    assert isinstance(settings.log, EmbeddedLogSettings)
    assert settings.sae is not None
    assert settings.sae.address == "firebird+firebird://lector:a%40b@erp:3050/C:/Program%20Files%20%28x86%29/Aspel/SAE90EMPRE01.FDB"
    assert settings.caja_named("centro").address == "firebird+firebird://escritor:c%3Ad@caja-1:3051/C:/Aspel/CAJA50.FDB"
    assert settings.caja_named("norte").address == "firebird+firebird://otro:x@caja-2/caja50"


def test_a_producers_place_on_kafka_needs_no_caja(tmp_path: Path) -> None:
    done = init(tmp_path, "--sae-url", "erp:sae", "--kafka", "kafka-1:9092,kafka-2:9092", "--kafka-user", "puente", "-o", "sae.toml")
    assert done.returncode == 0, done.stderr
    assert "puente check -c sae.toml" in done.stdout
    log = load(tmp_path / "sae.toml", PASSWORDS).log
    assert isinstance(log, KafkaLogSettings)
    assert (log.bootstrap_servers, log.username, log.security_protocol) == (("kafka-1:9092", "kafka-2:9092"), "puente", "SASL_SSL")


@pytest.mark.parametrize(
    ("options", "missing"),
    [((), "--sae-url"), (("--no-sae",), "--caja"), (("--sae-url", "erp:sae"), "--caja"), (("--caja", "a=b:c"), "--sae-url")],
)
def test_without_a_terminal_what_is_missing_is_named(tmp_path: Path, options: tuple[str, ...], missing: str) -> None:
    done = init(tmp_path, *options)
    assert done.returncode == 2
    assert f"{missing}" in done.stderr
    assert "terminal" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("centro=firebird+firebird://u:s3cr3t@h/x", "history"),
        ("centro=mssql+pyodbc://h/x", "no engine"),
        ("centro=CAJA50.FDB", "whole path"),
        ("centro=\\\\caja\\c\\CAJA50.FDB", "network share"),
        ("centro", "NAME=URL"),
        ("=h:x", "NAME=URL"),
        ("Sucursal №=caja:x", "№"),
    ],
)
def test_an_option_that_is_wrong_is_told_and_nothing_is_written(tmp_path: Path, option: str, words: str) -> None:
    done = init(tmp_path, "--no-sae", "--caja", option)
    assert done.returncode == 2
    assert words in done.stderr
    assert "s3cr3t" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_over_unless_that_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "puente.toml"
    file.write_text("mine", encoding="utf-8")
    refused = init(tmp_path, *BRANCH)
    assert refused.returncode == 2
    assert "--force" in refused.stderr
    assert file.read_text(encoding="utf-8") == "mine"
    assert init(tmp_path, *BRANCH, "--force").returncode == 0
    assert [caja.name for caja in load(file, PASSWORDS).caja] == ["centro"]
    assert [each.name for each in tmp_path.iterdir()] == ["puente.toml"]


# At a terminal


def test_what_is_needed_is_asked_for_and_a_password_goes_into_a_file_of_its_own(tmp_path: Path) -> None:
    said = asked(
        tmp_path,
        *(r"erp:C:\Aspel\SAE90EMPRE01.FDB", "", "s3cr3t@1", "7", "01", ""),
        *("centro", "CAJA50.FDB", "caja:caja50", "ana", "s3cr3t-2", "norte", r"caja-2:C:\Aspel\CAJA50.FDB", "", "", ""),
    )
    assert said.returncode == 0, said.screen
    assert "s3cr3t" not in said.screen.partition("Base de datos de SAE")[2]
    assert "puente check" in said.screen
    written = (tmp_path / "puente.toml").read_text(encoding="utf-8")
    assert "s3cr3t" not in written
    assert "# La ruta es la que ve el servidor de SAE" in written
    for name in ("sae-url.txt", "centro-url.txt"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    settings = load(tmp_path / "puente.toml", PASSWORDS)
    assert settings.sae is not None
    assert settings.company == "01"
    assert settings.sae.address == "firebird+firebird://lector:s3cr3t%401@erp:3050/C:/Aspel/SAE90EMPRE01.FDB"
    assert settings.caja_named("centro").address == "firebird+firebird://ana:s3cr3t-2@caja:3050/caja50"
    assert settings.caja_named("norte").address == "firebird+firebird://escritor:c%3Ad@caja-2:3050/C:/Aspel/CAJA50.FDB"


def test_a_branch_names_no_sae_and_its_log_is_on_kafka(tmp_path: Path) -> None:
    said = asked(tmp_path, "", "03", "kafka:9092", "", "centro", "firebird+firebird://u:s3cr3t@caja/x", "", language="en")
    assert said.returncode == 0, said.screen
    assert "s3cr3t" not in (tmp_path / "puente.toml").read_text(encoding="utf-8")
    settings = load(tmp_path / "puente.toml", {})
    assert settings.sae is None
    assert isinstance(settings.log, KafkaLogSettings)
    assert settings.caja[0].address == "firebird+firebird://u:s3cr3t@caja/x"


def test_an_answer_that_cannot_be_is_asked_for_again(tmp_path: Path) -> None:
    said = asked(
        tmp_path,
        *(
            "SAE90EMPRE01.FDB",
            "",
            "7",
            "01",
            "puente-log.db",
            "Sucursal №",
            "centro",
            "caja:x",
            "",
            "",
            "centro",
            "norte",
            "caja:y",
            "",
            "",
            "",
        ),
        language="en",
    )
    assert said.returncode == 0, said.screen
    for words in ("by its whole path", "two digits", "№ cannot be written", "another CAJA above has this name"):
        assert words in said.screen
    assert [caja.name for caja in load(tmp_path / "puente.toml", PASSWORDS).caja] == ["centro", "norte"]


def test_one_who_stops_half_way_leaves_nothing_behind(tmp_path: Path) -> None:
    said = asked(tmp_path, "erp:sae", "", "s3cr3t", "\x03")
    assert said.returncode == 130
    assert list(tmp_path.iterdir()) == []


# On a real site


def test_the_settings_that_it_writes_work(tmp_path: Path, firebird_server: FirebirdServer) -> None:
    site: SmallSite = build(tmp_path / "site", firebird_server.new_url, is_set_up=False)

    def place(url: str) -> str:
        return url.partition("@")[2].replace(f":{firebird_server.port}/", f"/{firebird_server.port}:")

    folder = tmp_path / "mine"
    folder.mkdir()
    cajas = [part for name, url in site.caja_urls.items() for part in ("--caja", f"{name}={place(url)}")]
    assert init(folder, "--sae-url", place(site.sae_url), *cajas).returncode == 0
    passwords = {"SAE_PASSWORD": USER_PASSWORD, "CAJA_PASSWORD": USER_PASSWORD}
    done = run("check", folder=folder, environment={**environment(), **passwords})
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        (r"C:\Aspel\x.FDB", "firebird+firebird://u@localhost:3050/C:/Aspel/x.FDB"),
        (r'"C:\Aspel\x.FDB"', "firebird+firebird://u@localhost:3050/C:/Aspel/x.FDB"),
        (r"erp:C:\Aspel\x.FDB", "firebird+firebird://u@erp:3050/C:/Aspel/x.FDB"),
        ("10.0.0.7/3051:/srv/x@y.fdb", "firebird+firebird://u@10.0.0.7:3051//srv/x%40y.fdb"),
        ("[::1]/3051:alias", "firebird+firebird://u@[::1]:3051/alias"),
        ("/srv/x.fdb", "firebird+firebird://u@localhost:3050//srv/x.fdb"),
        ("firebird+firebird:////srv/x.fdb", "firebird+firebird:////srv/x.fdb"),
    ],
)
def test_a_database_may_be_called_as_people_call_it(typed: str, url: str) -> None:
    assert url_of(typed, "u") == url


def test_a_database_without_its_path_is_refused() -> None:
    with pytest.raises(ConfigError, match="whole path"):
        url_of("x.fdb", "u")
