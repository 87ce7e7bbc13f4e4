"""What SAE holds and a CAJA does not get is said wherever somebody looks; settings that can never be right are refused before a write."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consumer.leftout import LISTED
from tests.e2e.small_site import CajaSpec, SmallSite, build
from tests.engines.embedded import EmbeddedDatabases

pytestmark = [pytest.mark.e2e, pytest.mark.file_log]
PARAMETERS = {"INTERFAZSAE": "T", "CAMBIOEXIS": "T", "PRECIOIMP": "F"}
ONE = (CajaSpec(name="centro", stores=((1, 1), (2, 2))),)


@pytest.fixture(scope="module")
def loaded(site_log: str, tmp_path_factory: pytest.TempPathFactory) -> SmallSite:
    assert site_log == "file"
    folder = tmp_path_factory.mktemp("left_out")
    made = build(folder / "site", EmbeddedDatabases(folder).url, ONE, products=60)
    made.fill()
    return made


@pytest.fixture
def site(loaded: SmallSite) -> Iterator[SmallSite]:
    """A SAE and a CAJA that is equal to it; its settings are put back."""
    settings = loaded.settings.read_text(encoding="utf-8")
    yield loaded
    loaded.write_settings(settings)
    loaded.caja_sql("centro", *(f"UPDATE PARAMS SET VALOR = '{value}' WHERE PARAMETRO = '{name}'" for name, value in PARAMETERS.items()))
    loaded.fill()
    assert loaded.differences() == []


PRICED = "SELECT COUNT(*) FROM PRECIO_X_PROD01 P WHERE P.CVE_ART = I.CVE_ART AND P.CVE_PRECIO = 3 AND P.PRECIO > 0"
CODED = "SELECT COUNT(*) FROM CVES_ALTER01 C WHERE C.CVE_ART = I.CVE_ART"


def keys(site: SmallSite, count: int, having: str = f"({PRICED}) = 1") -> list[str]:
    """Products in use whose keys stand in SAE as they travel."""
    raw = [row[0] for row in site.sae_rows(f"I.CVE_ART FROM INVE01 I WHERE I.STATUS = 'A' AND {having} ORDER BY I.CVE_ART")]
    found = [key for key in raw if key == key.strip() and sum(other.strip() == key for other in raw) == 1][:count]
    assert len(found) == count
    return found


def in_status(site: SmallSite) -> list[dict[str, Any]]:
    (caja,) = json.loads(site.puente("status", "--json").stdout)["cajas"]
    told: list[dict[str, Any]] = caja["left_out"]
    return told


def told(found: list[dict[str, Any]], reason: str, column: str) -> dict[str, Any] | None:
    return next((one for one in found if (one["reason"], one["column"]) == (reason, column)), None)


def test_prices_that_name_a_list_which_sae_lacks_are_refused_with_those_there_are(site: SmallSite) -> None:
    before = site.caja_rows("centro", "PRODUCTO, PRECIOP FROM CATINVEN ORDER BY 1")
    lists = ", ".join(str(row[0]) for row in site.sae_rows("CVE_PRECIO FROM PRECIOS01 ORDER BY 1"))
    said = f"centro: prices names lists that SAE does not have (9); SAE has: {lists}"
    site.edit_settings('name = "centro"', 'name = "centro"\nprices = { PRECIOP = 9 }')
    for arguments in (("check",), ("run", "--once"), ("consume", "--once")):
        refused = site.puente(*arguments)
        assert refused.returncode == 2, arguments
        assert said in " ".join((refused.stdout + refused.stderr).split())
    assert site.caja_rows("centro", "PRODUCTO, PRECIOP FROM CATINVEN ORDER BY 1") == before
    # A branch that does not reach SAE knows them from the log
    settings = site.settings.read_text(encoding="utf-8")
    site.write_settings('company = "01"\n' + settings[settings.index("[[caja]]") :])
    refused = site.puente("check")
    assert refused.returncode == 2
    assert said in " ".join(refused.stdout.split())


def test_products_without_the_price_that_a_store_sells_at_are_listed_with_it_until_they_have_one(site: SmallSite) -> None:
    none, null, nought = keys(site, 3)
    site.caja_sql("centro", "UPDATE TIENDAS SET PRECIODEF = 3 WHERE TIENDA = 2")
    before = told(in_status(site), "no price", "PRECIO3")
    site.sql(
        f"DELETE FROM PRECIO_X_PROD01 WHERE CVE_ART = '{none}' AND CVE_PRECIO = 3",
        f"UPDATE PRECIO_X_PROD01 SET PRECIO = NULL WHERE CVE_ART = '{null}' AND CVE_PRECIO = 3",
        f"UPDATE PRECIO_X_PROD01 SET PRECIO = 0 WHERE CVE_ART = '{nought}' AND CVE_PRECIO = 3",
    )
    done = site.puente("run", "--once")
    assert done.returncode == 0
    shown = dict(site.caja_rows("centro", f"PRODUCTO, PRECIO3 FROM CATINVEN WHERE PRODUCTO IN ('{none}', '{null}', '{nought}')"))
    assert shown == {none: None, null: None, nought: 0.0}
    lacking = told(in_status(site), "no price", "PRECIO3")
    assert lacking is not None
    assert lacking["count"] == (before["count"] if before else 0) + 2
    assert lacking["stores"] == [2]
    line = f"product, PRECIO3 no price («Precio por omisión» of store 2): {lacking['count']} ({', '.join(lacking['first'])}"
    assert len(lacking["first"]) == min(LISTED, lacking["count"])
    assert line in done.stdout
    assert line in site.puente("status").stdout
    assert line in " ".join(site.puente("check").stdout.split())
    assert line in site.puente("resync", "--caja", "centro").stdout
    assert f"product, PRECIO3 no price: {lacking['count']} (" in site.puente("resync", "--caja", "centro", "--dry-run").stdout
    site.sql(
        f"INSERT INTO PRECIO_X_PROD01 (CVE_ART, CVE_PRECIO, PRECIO) VALUES ('{none}', 3, 5)",
        f"UPDATE PRECIO_X_PROD01 SET PRECIO = 5 WHERE CVE_ART = '{null}' AND CVE_PRECIO = 3",
    )
    assert site.puente("run", "--once").returncode == 0
    found = told(in_status(site), "no price", "PRECIO3")
    assert (found["count"] if found else 0) == (before["count"] if before else 0)


def test_a_bar_code_that_is_another_products_key_is_listed_while_both_are_in_use(site: SmallSite) -> None:
    one, other = keys(site, 2, f"({CODED}) = 0")
    site.sql(f"INSERT INTO CVES_ALTER01 (CVE_ART, CVE_ALTER, TIPO) VALUES ('{one}', '{other}', 'N')")
    done = site.puente("run", "--once")
    assert f"product, CLVALTER1 another's key: 1 ({one})" in done.stdout
    found = told(in_status(site), "another's key", "CLVALTER1")
    assert found is not None
    assert (found["count"], found["first"]) == (1, [one])
    site.sql(f"UPDATE INVE01 SET STATUS = 'B' WHERE CVE_ART = '{other}'")
    site.fill()
    assert told(in_status(site), "another's key", "CLVALTER1") is None


def test_addresses_that_do_not_fit_are_cut_between_two_and_listed(site: SmallSite) -> None:
    (key,) = (
        str(row[0]).strip() for row in site.sae_rows("FIRST 1 CLAVE FROM CLIE01 WHERE PROSPECTO = 'N' AND STATUS = 'A' ORDER BY CLAVE")
    )
    first = "compras@ferreteria.example.mx"
    site.sql(f"UPDATE CLIE01 SET EMAILPRED = '{first};{'x' * 40}@example.mx' WHERE TRIM(CLAVE) = '{key}'")
    site.fill()
    assert site.caja_rows("centro", f"EMAIL FROM CATCLIEN WHERE CLAVESAE = '{key}'") == [(first,)]
    found = told(in_status(site), "shortened", "EMAIL")
    assert found is not None
    assert key in found["first"]
    assert site.differences() == []


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_with_an_unknown_letter_stops_every_write(site: SmallSite, name: str) -> None:
    (key,) = keys(site, 1)
    site.caja_sql("centro", f"UPDATE PARAMS SET VALOR = 'S' WHERE PARAMETRO = '{name}'")
    site.sql(f"UPDATE INVE01 SET DESCR = '{name}' WHERE CVE_ART = '{key}'")
    for arguments in (("check",), ("run", "--once")):
        refused = site.puente(*arguments)
        said = " ".join((refused.stdout + refused.stderr).split())
        assert refused.returncode == 2, arguments
        assert f"centro: the parameter PARAMS.{name} is “S”, neither T (yes) nor F (no)" in said
    assert site.caja_rows("centro", f"COUNT(*) FROM CATINVEN WHERE DESCRIPCIO = '{name}'") == [(0,)]


def test_a_profile_of_the_sites_own_lies_beside_its_settings(site: SmallSite, tmp_path: Path) -> None:
    shipped = (Path(__file__).parents[2] / "consumer/profiles/caja50.toml").read_text(encoding="utf-8")
    (site.folder / "mia.toml").write_text(shipped.replace('name = "caja50"', 'name = "mia"'), encoding="utf-8")
    site.edit_settings('name = "centro"', 'name = "centro"\nprofile = "mia.toml"')
    elsewhere = SmallSite(folder=tmp_path, sae_url=site.sae_url, caja_urls=site.caja_urls)
    assert "fits the profile mia" in " ".join(elsewhere.puente("check", "-c", str(site.settings)).stdout.split())


@pytest.mark.parametrize(
    ("line", "wrong", "said"),
    [
        ("TELEFONO", 'from = "credit_days", as = "text"', "customer.TELEFONO: credit_days cannot be taken as text, but as integer, number"),
        (
            "LISTAPREC",
            'from = "postal_code", as = "integer"',
            "customer.LISTAPREC: postal_code cannot be taken as integer, but as key, text",
        ),
    ],
)
def test_a_profile_that_takes_a_field_for_what_it_is_not_is_refused_before_anything_is_written(
    site: SmallSite, line: str, wrong: str, said: str
) -> None:
    shipped = (Path(__file__).parents[2] / "consumer/profiles/caja50.toml").read_text(encoding="utf-8")
    begin = f"\n{line} = {{ from"
    was = shipped[shipped.index(begin) :].splitlines()[1]
    (site.folder / "own.toml").write_text(shipped.replace(was, f'{line} = {{ {wrong}, evidence = "seen" }}'), encoding="utf-8")
    site.edit_settings('name = "centro"', 'name = "centro"\nprofile = "own.toml"')
    site.sql("UPDATE CLIE01 SET NOMBRE = NOMBRE || 'X' WHERE PROSPECTO = 'N'")
    before = site.caja_rows("centro", "CLAVESAE, NOMBRE FROM CATCLIEN ORDER BY 1")
    for arguments in (("check",), ("run", "--once")):
        refused = site.puente(*arguments)
        assert refused.returncode == 2, arguments
        assert said in " ".join((refused.stdout + refused.stderr).split())
    assert site.caja_rows("centro", "CLAVESAE, NOMBRE FROM CATCLIEN ORDER BY 1") == before
