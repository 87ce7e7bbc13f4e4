"""The settings name another company's database by mistake (also of suffix 01), or on purpose: the log knows which SAE it holds."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from foundation.engines import create_database, open_database
from foundation.errors import ExitCode
from puente.commands.grants import READER
from puente.demo.retail import fill_sae
from puente.reference import build_sae
from tests.e2e.small_site import TWO, SmallSite, build
from tests.engines.embedded import Engine
from tests.engines.users import as_reader, execute, grant_sae

PRODUCTS = 60
MANY = "1000"
REFUSED = "is not the SAE that the log holds, which was read from"


@pytest.fixture
def site(engine: Engine, tmp_path: Path) -> SmallSite:
    site = build(tmp_path / "site", engine.new_url, TWO[:1], products=PRODUCTS)
    site.fill()
    return site


@pytest.fixture
def another(engine: Engine) -> str:
    """The URL of another company's SAE, as its owner has it; many of its products have the keys of ours."""
    url = engine.new_url("another")
    create_database(url)
    with closing(open_database(url)) as database:
        build_sae(database)
        fill_sae(database, count=PRODUCTS, seed=2)
    grant_sae(url)
    return url


def prices(site: SmallSite) -> list[tuple[Any, ...]]:
    return site.caja_rows("centro", "PRODUCTO, DESCRIPCIO, PRECIOP FROM CATINVEN WHERE ALTA = 'T' ORDER BY PRODUCTO")


def ends(site: SmallSite) -> dict[str, int]:
    """Of all topics: nothing at all was written while they are the same."""
    with site.log() as log:
        return {topic: state.end for topic, state in log.topics().items()}


def findings(site: SmallSite) -> tuple[int, list[tuple[str, str]]]:
    """The exit code of `check`, and what it says of SAE but for the rows that the demo has twice."""
    done = site.puente("check", "--json")
    told = [(one["level"], one["text"]) for one in json.loads(done.stdout) if one["about"] == "SAE"]
    return done.returncode, [one for one in told if "do not travel" not in one[1]]


def test_another_companys_database_is_refused_by_every_command_until_somebody_says_that_it_is_meant(site: SmallSite, another: str) -> None:
    ours, before = prices(site), ends(site)
    assert findings(site)[1][-1] == ("ok", "it is the one that the log holds")
    site.edit_settings(as_reader(site.sae_url), as_reader(another))
    code, told = findings(site)
    assert code == ExitCode.CONFIG
    assert told[-1][0] == "error"
    assert REFUSED in told[-1][1]
    for command in (("produce", "--once"), ("run", "--once"), ("produce", "--once", "--allow-deletes", MANY)):
        done = site.puente(*command)
        assert done.returncode == ExitCode.CONFIG, done.stderr
        assert REFUSED in done.stderr
        assert "puente produce --accept-sae" in done.stderr
    assert prices(site) == ours
    assert {topic: end for topic, end in ends(site).items() if "control" not in topic} == {
        topic: end for topic, end in before.items() if "control" not in topic
    }

    accepted = site.puente("produce", "--once", "--accept-sae", "--allow-deletes", MANY)
    assert accepted.returncode == 0, accepted.stderr
    # Said once
    assert site.puente("run", "--once").returncode == 0
    assert site.differences() == []
    assert prices(site) != ours
    assert findings(site)[1][-1] == ("ok", "it is the one that the log holds")
    site.edit_settings(as_reader(another), as_reader(site.sae_url))
    assert site.puente("produce", "--once").returncode == ExitCode.CONFIG


def test_in_spanish_it_says_so_too(site: SmallSite, another: str) -> None:
    site.edit_settings(as_reader(site.sae_url), as_reader(another))
    done = site.puente("produce", "--once", "--lang", "es")
    assert done.returncode == ExitCode.CONFIG
    assert "no es el SAE que la bitácora contiene" in done.stderr
    assert "sus monedas, esquemas de impuestos, listas de precios y almacenes son otros" in done.stderr


def test_a_company_with_another_rfc_goes_on_once_somebody_says_that_it_is_meant(site: SmallSite) -> None:
    execute(site.sae_url, ["UPDATE PARAM_DATOSEMP01 SET RFC = 'FER010203AB1'"])
    site.fill()
    execute(site.sae_url, ["UPDATE PARAM_DATOSEMP01 SET NOMBRE_EMPRESA = 'Otra razón social'"])
    site.fill()
    execute(site.sae_url, ["UPDATE PARAM_DATOSEMP01 SET RFC = 'OTR010203AB1'"])
    refused = site.puente("produce", "--once")
    assert refused.returncode == ExitCode.CONFIG
    assert "its company has another RFC" in refused.stderr
    assert "OTR010203AB1" not in refused.stderr
    assert site.puente("produce", "--once", "--accept-sae").returncode == 0
    site.fill()
    assert site.differences() == []


def test_without_the_right_to_read_the_companys_data_check_says_it_and_all_goes_on(site: SmallSite) -> None:
    execute(site.sae_url, [f"REVOKE SELECT ON PARAM_DATOSEMP01 FROM USER {READER}"])
    code, told = findings(site)
    assert code == 0
    assert [text for level, text in told if level == "warning"] == [
        "its user may not read the company's RFC, which tells one SAE from another: puente grants sae prints the script that lets it"
    ]
    assert told[-1] == ("ok", "it is the one that the log holds")
    site.sql("UPDATE INVE01 SET DESCR = 'Otra'")
    assert site.puente("run", "--once").returncode == 0
    assert site.differences() == []


def test_where_nothing_in_sae_tells_it_check_says_so_and_its_products_tell_another_one(site: SmallSite, another: str) -> None:
    for url in (site.sae_url, another):
        execute(url, [f"UPDATE {table}01 SET UUID = NULL" for table in ("MONED", "IMPU", "PRECIOS", "ALMACENES")])
    site.delete_log()
    site.set_up()
    site.fill()
    assert findings(site)[1][-1] == ("note", "nothing in it tells whether it is the one that the log holds; its products do")
    tables = ("INVE", "PRECIO_X_PROD", "CVES_ALTER", "MULT", "KITS")
    execute(another, [f"UPDATE {table}01 SET CVE_ART = 'X' || SUBSTRING(CVE_ART FROM 2)" for table in tables])
    site.edit_settings(as_reader(site.sae_url), as_reader(another))
    code, told = findings(site)
    assert (code, told[-1][0]) == (ExitCode.CONFIG, "error")
    done = site.puente("produce", "--once")
    assert done.returncode == ExitCode.CONFIG
    assert "of its 60 products the log has" in done.stderr
    assert "of its 60 products the log has" in told[-1][1]


def test_a_backup_put_back_is_told_and_one_of_months_ago_waits(site: SmallSite) -> None:
    site.sql("UPDATE INVE01 SET VERSION_SINC = CURRENT_TIMESTAMP, DESCR = 'Ahora'")
    site.delete_log()
    site.set_up()
    site.fill()
    site.sql("UPDATE INVE01 SET VERSION_SINC = CURRENT_TIMESTAMP - 10, DESCR = 'Diez'")
    assert findings(site)[1][-1] == ("warning", "it is 10.0 days older than what the log holds: every CAJA goes back with it")
    told = site.puente("produce", "--once")
    assert told.returncode == 0
    assert "action=older" in told.stderr
    again = site.puente("produce", "--once")
    assert "action=older" not in again.stderr
    site.sql("UPDATE INVE01 SET VERSION_SINC = CURRENT_TIMESTAMP - 100, DESCR = 'Cien'")
    refused = site.puente("produce", "--once")
    assert refused.returncode == ExitCode.CONFIG
    assert "is 90 days older than the SAE that the log holds" in refused.stderr.replace("89 days", "90 days")
    assert site.puente("produce", "--once", "--accept-sae").returncode == 0
    assert site.puente("run", "--once").returncode == 0
    assert site.differences() == []
