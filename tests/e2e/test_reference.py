"""`puente reference`: what is there is told, or kept, so that a start that is made again and again may say it each time."""

from pathlib import Path

import pytest

from foundation.engines import create_database
from tests.e2e.small_site import SmallSite, rows_of
from tests.engines.embedded import EmbeddedDatabases, Engine
from tests.engines.firebird_server import FirebirdServer

pytestmark = [pytest.mark.e2e, pytest.mark.file_log]


@pytest.fixture
def command(tmp_path: Path) -> SmallSite:
    return SmallSite(folder=tmp_path, sae_url="", caja_urls={})


def test_a_database_that_is_there_is_kept_and_gets_what_it_lacks(command: SmallSite, engine: Engine) -> None:
    sae, caja = engine.new_url("sae"), engine.new_url("caja")
    create_database(sae)
    first = command.puente("reference", "sae", "--keep", "--products", "60", "--url", sae)
    assert first.returncode == 0, first.stderr
    assert "with 60 products" in first.stdout
    made = command.puente("reference", "caja", "--keep", "--warehouse", "3", "--url", caja)
    assert made.returncode == 0, made.stderr
    assert "Made an empty CAJA with 1 stores" in made.stdout
    for words in (("sae", "--products", "70", "--url", sae), ("caja", "--warehouse", "4", "--url", caja)):
        again = command.puente("reference", *words, "--keep")
        assert again.returncode == 0, again.stderr
        assert "is there already" in again.stdout
        refused = command.puente("reference", *words)
        assert refused.returncode in {2, 3}
    assert rows_of(sae, "COUNT(*) FROM INVE01") == [(60,)]
    assert rows_of(caja, "TIENDA, ALMSAE FROM TIENDAS") == [(1, 3)]


def test_a_database_that_is_there_is_told_as_such_with_what_to_do(command: SmallSite, engine: Engine) -> None:
    for words in (("sae",), ("caja",)):
        url = engine.new_url("there")
        assert command.puente("reference", *words, "--url", url).returncode == 0
        refused = command.puente("reference", *words, "--url", url)
        assert refused.returncode == 2
        assert "is there already; --keep adds only what it lacks" in refused.stderr
        assert "no such database" not in refused.stderr


def test_a_file_that_is_no_database_is_left_alone(command: SmallSite, embedded: EmbeddedDatabases) -> None:
    embedded.path("letter").write_text("a letter", encoding="utf-8")
    for words in ((), ("--keep",)):
        refused = command.puente("reference", "caja", *words, "--url", embedded.url("letter"))
        assert refused.returncode == 2
        assert "is no database" in refused.stderr
    assert embedded.path("letter").read_text(encoding="utf-8") == "a letter"


def test_keeping_hides_no_wrong_password(command: SmallSite, firebird_server: FirebirdServer) -> None:
    url = firebird_server.new_url("sae").replace(f":{firebird_server.password}@", ":wrong@")
    refused = command.puente("reference", "sae", "--keep", "--url", url)
    assert refused.returncode == 2
    assert "password is wrong" in refused.stderr
