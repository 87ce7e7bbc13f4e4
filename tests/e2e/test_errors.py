"""What goes wrong at a site: one clear message that names the thing and says what to do, the right exit code, no other CAJA affected."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from foundation.errors import ExitCode
from producer.sae.tables import TABLES
from tests.e2e.running import Running
from tests.e2e.small_site import SmallSite, build, wait_until
from tests.engines.firebird_server import USER_PASSWORD, FirebirdServer, PrivateServer
from tests.engines.users import as_reader

pytestmark = pytest.mark.e2e


@pytest.fixture
def site(tmp_path: Path, firebird_server: FirebirdServer) -> SmallSite:
    return build(tmp_path / "site", firebird_server.new_url)


def only_message(stderr: str) -> str:
    """What `puente` said, which must be one line and no traceback."""
    said = [line for line in stderr.splitlines() if line.startswith("puente: ")]
    assert "Traceback" not in stderr, stderr
    assert len(said) == 1, stderr
    return said[0]


def centro_elsewhere(most: FirebirdServer, centro: FirebirdServer) -> Callable[[str], str]:
    """Where a site's databases stand whose CAJA `centro` has a server of its own."""
    return lambda name: (centro if name == "centro" else most).new_url(name)


def assert_only_centro_failed(site: SmallSite, code: int, *names: str) -> None:
    """`run --once` reaches norte all the same."""
    done = site.puente("run", "--once")
    message = only_message(done.stderr)
    assert done.returncode == code, done.stdout + done.stderr
    for name in names:
        assert name in message
    norte = site.compare("norte")[0]
    assert norte.differences == []
    assert norte.rows > 0


def test_a_wrong_password_of_one_caja_is_named_and_the_other_caja_is_served(site: SmallSite) -> None:
    url = site.caja_setting("centro")
    wrong = url.replace(f":{USER_PASSWORD}@", ":wrong@")
    assert wrong != url
    site.edit_settings(url, wrong)
    done = site.puente("run", "--once")
    message = only_message(done.stderr)
    assert done.returncode == 2
    assert "user name or the password" in message
    assert "wrong@" not in done.stdout + done.stderr
    checked = site.puente("check")
    assert checked.returncode == 2
    assert "user name or the password" in checked.stdout


def test_a_wrong_password_of_sae_is_named_and_check_goes_on_to_the_cajas(site: SmallSite) -> None:
    url = as_reader(site.sae_url)
    site.edit_settings(url, url.replace(f":{USER_PASSWORD}@", ":wrong@"))
    assert site.puente("produce", "--once").returncode == 2
    checked = site.puente("check")
    assert checked.returncode == 2
    assert "centro" in checked.stdout
    assert "norte" in checked.stdout


def test_a_table_that_caja_lacks_is_named_and_nothing_is_written_there(site: SmallSite) -> None:
    site.caja_sql("centro", "DROP TABLE CATMONED")
    assert_only_centro_failed(site, 2, "centro", "CATMONED")
    assert site.caja_rows("centro", "COUNT(*) FROM CATINVEN") == [(0,)]


def test_a_key_column_that_is_too_short_refuses_to_write(site: SmallSite) -> None:
    site.caja_sql("centro", "DROP TABLE CATLINEA")
    site.caja_sql(
        "centro",
        "CREATE TABLE CATLINEA (LINEA VARCHAR(4) NOT NULL PRIMARY KEY, DESCRIPCIO VARCHAR(20), ALTA VARCHAR(1) NOT NULL)",
    )
    assert_only_centro_failed(site, 2, "centro", "CATLINEA.LINEA", "4", "5")


def test_an_unknown_profile_is_named_with_those_there_are(site: SmallSite) -> None:
    site.edit_settings('name = "centro"', 'name = "centro"\nprofile = "caja60"')
    assert_only_centro_failed(site, 2, "caja60", "caja50")


def test_a_company_that_sae_lacks_is_named_with_those_it_has(site: SmallSite) -> None:
    site.edit_settings("[sae]", 'company = "07"\n[sae]')
    done = site.puente("produce", "--once")
    assert done.returncode == 2
    message = only_message(done.stderr)
    assert "07" in message
    assert "01" in message


def test_two_companies_in_one_sae_are_not_guessed_between(site: SmallSite) -> None:
    site.sql(*(f"CREATE TABLE {table}02 (A INTEGER)" for table in TABLES.values()))
    done = site.puente("produce", "--once")
    assert done.returncode == 2
    message = only_message(done.stderr)
    assert "01, 02" in message
    assert "company" in message


def test_a_missing_table_of_sae_is_named(site: SmallSite) -> None:
    site.sql("DROP TABLE MONED01")
    done = site.puente("produce", "--once")
    assert done.returncode == 2
    assert "MONED01" in only_message(done.stderr)


def test_a_caja_with_taxes_in_its_prices_is_refused(site: SmallSite) -> None:
    site.caja_sql("centro", "UPDATE PARAMS SET VALOR = 'T' WHERE PARAMETRO = 'PRECIOIMP'")
    assert_only_centro_failed(site, 2, "centro", "taxes included")
    assert site.caja_rows("centro", "COUNT(*) FROM CATINVEN") == [(0,)]
    assert site.puente("check").returncode == 2


def test_a_caja_whose_interface_is_off_waits_and_loses_nothing(site: SmallSite) -> None:
    site.caja_sql("centro", "UPDATE PARAMS SET VALOR = 'F' WHERE PARAMETRO = 'INTERFAZSAE'")
    assert_only_centro_failed(site, 3, "centro", "interface")
    site.caja_sql("centro", "UPDATE PARAMS SET VALOR = 'T' WHERE PARAMETRO = 'INTERFAZSAE'")
    site.fill()
    assert site.differences() == []


def test_settings_that_are_wrong_are_all_told_at_once(site: SmallSite) -> None:
    site.write_settings('company = "1"\nsea = 3\n[sae]\nurl = "${NOT_THERE}"\npoll_seconds = -1\n[[caja]]\nname = "a"\n')
    done = site.puente("run", "--once")
    assert done.returncode == 2
    assert "puente.toml" in only_message(done.stderr)
    for part in ("line 1, company", "line 2, sea", "NOT_THERE", "line 5, sae.poll_seconds", "line 6, CAJA a, url"):
        assert part in done.stderr


def test_no_part_of_a_password_that_is_written_wrongly_is_ever_shown(site: SmallSite) -> None:
    for password in ("s3cr3t@z9q", "s3cr3t#z9q"):
        site.write_settings(f'[[caja]]\nname = "a"\nurl = "firebird+firebird://u:{password}@localhost/x"\n')
        for words in (("check", "--json"), ("status", "--json"), ("run", "--once", "--json")):
            done = site.puente(*words)
            assert done.returncode == 2
            assert "@ = %40" in done.stderr
            for part in ("s3cr3t", "z9q"):
                assert part not in done.stdout + done.stderr


def test_no_settings_file_says_how_to_get_one(site: SmallSite) -> None:
    done = site.puente("status", "-c", "elsewhere.toml")
    assert done.returncode == 2
    assert "elsewhere.toml" in only_message(done.stderr)


def test_a_caja_that_is_down_exits_3_and_catches_up_later(
    tmp_path: Path, firebird_server: FirebirdServer, second_firebird_server: PrivateServer
) -> None:
    site = build(tmp_path / "site", centro_elsewhere(firebird_server, second_firebird_server))
    second_firebird_server.stop()
    done = site.puente("run", "--once")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "cannot be reached" in only_message(done.stderr)
    second_firebird_server.start()
    site.fill()
    assert site.differences() == []


def test_a_caja_whose_server_stops_under_a_running_program_holds_up_no_other_and_catches_up(
    tmp_path: Path, firebird_server: FirebirdServer, second_firebird_server: PrivateServer
) -> None:
    site = build(tmp_path / "site", centro_elsewhere(firebird_server, second_firebird_server))

    def shows(name: str, text: str) -> bool:
        return site.caja_rows(name, "MAX(DESCRIPCIO) FROM CATLINEA WHERE ALTA = 'T'") == [(text,)]

    site.fill()
    running = Running(site, "run")
    try:
        site.sql("UPDATE CLIN01 SET DESC_LIN = 'uno'")
        wait_until(lambda: shows("centro", "uno") and shows("norte", "uno"))
        second_firebird_server.kill()
        site.sql("UPDATE CLIN01 SET DESC_LIN = 'dos'")
        wait_until(lambda: shows("norte", "dos"))
        second_firebird_server.start()
        wait_until(lambda: shows("centro", "dos"))
    finally:
        running.ends()
    assert "Works again" in running.said
    site.fill()
    assert site.differences() == []


@pytest.mark.file_log
def test_two_cajas_with_the_same_path_on_two_servers_stay_apart(
    tmp_path: Path, private_firebird_server: PrivateServer, second_firebird_server: PrivateServer
) -> None:
    urls = {"centro": private_firebird_server.alias_url("caja"), "norte": second_firebird_server.alias_url("caja")}
    site = build(tmp_path / "site", lambda name: urls.get(name) or private_firebird_server.new_url(name))
    site.fill()
    assert site.differences() == []
    stores = [site.caja_rows(name, "COUNT(*) FROM TIENDAS") for name in ("centro", "norte")]
    assert stores == [[(2,)], [(1,)]]


def test_a_second_run_of_the_same_history_touches_no_row(site: SmallSite) -> None:
    site.fill()
    tables = ("CATINVEN", "CATCLIEN", "CATLINEA", "CATMONED", "ESQIMP", "EXIST", "PUENTE_ROWS", "PUENTE_PARKED")
    if not site.sae_rows("RDB$GET_CONTEXT('SYSTEM', 'ENGINE_VERSION') FROM RDB$DATABASE")[0][0].startswith("2."):
        before = {t: site.caja_rows("centro", f"RDB$RECORD_VERSION FROM {t} ORDER BY RDB$DB_KEY") for t in tables}
        site.fill()
        assert {t: site.caja_rows("centro", f"RDB$RECORD_VERSION FROM {t} ORDER BY RDB$DB_KEY") for t in tables} == before
    site.delete_log()
    done = site.puente("run", "--once", "--json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('"rows_written": 0') == 2
    assert site.differences() == []


@pytest.mark.file_log
def test_check_ends_by_what_it_found_and_what_to_do_next(tmp_path: Path, firebird_server: FirebirdServer) -> None:
    site = build(tmp_path / "site", firebird_server.new_url, is_set_up=False)

    def last_line() -> str:
        return site.puente("check").stdout.splitlines()[-1]

    assert re.fullmatch(r"0 errors, \d+ warnings?: you can run puente setup", last_line())
    site.set_up()
    site.fill()
    assert re.fullmatch(r"0 errors, \d+ warnings?: all is set up: you can run puente run", last_line())
    site.edit_settings(site.caja_setting("norte"), "firebird+firebird://nobody:nothing@127.0.0.1:1/nowhere")
    assert re.fullmatch(r"1 error, \d+ warnings?: mend what is marked ✘, then puente check again", last_line())


@pytest.mark.file_log
@pytest.mark.parametrize(("folder", "said"), [("nowhere", "does not exist"), ("/proc", "can be written")])
def test_a_folder_that_lacks_or_takes_no_file_is_found_by_check(
    tmp_path: Path, firebird_server: FirebirdServer, folder: str, said: str
) -> None:
    site = build(tmp_path / "site", firebird_server.new_url, is_set_up=False)
    settings = site.settings.read_text(encoding="utf-8")
    for lines in (f'[log]\npath = "{folder}/puente-log.db"', f'[run]\nlog_file = "{folder}/puente.log"'):
        site.write_settings(f"{settings}\n{lines}\n")
        checked = site.puente("check")
        assert checked.returncode == ExitCode.CONFIG
        assert any(line.startswith("✘") and said in line and folder in line for line in checked.stdout.splitlines())
