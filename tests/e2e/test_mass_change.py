"""Mass changes of SAE by the installed command: nothing of them reaches a till until somebody lets them through, and all else does."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from foundation.errors import ExitCode
from puente.demo.statements import literal
from tests.e2e.running import Running
from tests.e2e.small_site import TWO, SmallSite, build, wait_until
from tests.e2e.statuses import ask
from tests.engines.embedded import Engine

pytestmark = [pytest.mark.e2e, pytest.mark.file_log]
PRODUCTS = 120
SHOWN = "PRODUCTO, PRECIOP, CLVALTER1, ALTA FROM CATINVEN ORDER BY PRODUCTO"


@pytest.fixture
def site(engine: Engine, tmp_path: Path) -> SmallSite:
    made = build(tmp_path / "site", engine.new_url, TWO[:1], products=PRODUCTS)
    made.fill()
    return made


def shown(site: SmallSite) -> list[tuple[object, ...]]:
    """What the tills sell, at which price and by which bar code."""
    return site.caja_rows("centro", SHOWN)


def held(site: SmallSite) -> dict[tuple[str, str], int]:
    return {(one["kind"], one["entity"]): one["count"] for one in ask(site).found["producer"]["held_updates"]}


def produced(site: SmallSite, *arguments: str) -> dict[str, object]:
    done = site.puente("produce", "--once", "--json", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, object] = json.loads(done.stdout)["produced"]
    return found


def run_once(site: SmallSite) -> str:
    done = site.puente("run", "--once")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rename(site: SmallSite, key: str, name: str) -> None:
    site.sql(f"UPDATE INVE01 SET DESCR = {literal(name)} WHERE CVE_ART = {literal(key)}")


def names(site: SmallSite, name: str) -> int:
    return int(site.caja_rows("centro", f"COUNT(*) FROM CATINVEN WHERE DESCRIPCIO = {literal(name)}")[0][0])


def priceless(site: SmallSite) -> str:
    """A product that no kind of loss can hold."""
    site.sql("INSERT INTO INVE01 (CVE_ART, DESCR, STATUS, TIPO_ELE) VALUES ('ZZ-LIBRE', 'libre', 'A', 'P')")
    run_once(site)
    return "ZZ-LIBRE"


CASES = {
    "price-gone": "DELETE FROM PRECIO_X_PROD01",
    "code-gone": "DELETE FROM CVES_ALTER01",
    "inactive": "UPDATE INVE01 SET STATUS = 'B'",
    "price-moved": "UPDATE PRECIO_X_PROD01 SET PRECIO = PRECIO * 100",
}


@pytest.mark.parametrize(("kind", "statement"), CASES.items(), ids=CASES)
def test_it_is_held_and_told_while_all_else_goes_on_and_is_let_through_by_kind_and_number(
    site: SmallSite, kind: str, statement: str
) -> None:
    free = priceless(site)
    before = shown(site)
    site.sql(statement)
    rename(site, free, "uno")
    said = run_once(site)
    after = shown(site)
    if kind != "inactive":  # else that one waits, too
        assert names(site, "uno") == 1
    assert after == before
    ((of, count),) = held(site).items()
    assert of == (kind, "product")
    assert count > 50
    command = f"puente produce --allow {kind}={count}"
    assert f"{count} changes at once wait (product: " in said
    assert command in said
    assert command in site.puente("status").stdout
    assert command in site.puente("check").stdout
    assert f"{count} cambios a la vez esperan" in site.puente("status", "--lang", "es").stdout

    too_few = produced(site, "--allow", f"{kind}={count - 1}")
    assert (too_few["published"], too_few["held_updates"]) == (0, [{"kind": kind, "entity": "product", "count": count}])
    done = produced(site, "--allow", f"{kind}={count}")
    assert (done["published"], done["held_updates"]) == (count, [])
    run_once(site)
    assert site.differences() == []
    assert shown(site) != before


def test_what_sae_takes_back_is_released_by_itself(site: SmallSite) -> None:
    before = shown(site)
    active = site.sae_rows("CVE_ART FROM INVE01 WHERE STATUS = 'A'")
    site.sql("UPDATE INVE01 SET STATUS = 'B'")
    run_once(site)
    assert list(held(site)) == [("inactive", "product")]
    site.sql(*(f"UPDATE INVE01 SET STATUS = 'A' WHERE CVE_ART = {literal(raw)}" for (raw,) in active))
    run_once(site)
    assert held(site) == {}
    assert shown(site) == before


def test_a_price_round_passes(site: SmallSite) -> None:
    site.sql("UPDATE PRECIO_X_PROD01 SET PRECIO = PRECIO * 1.08", "UPDATE MONED01 SET TCAMBIO = TCAMBIO * 1.08 WHERE NUM_MONED > 1")
    run_once(site)
    assert held(site) == {}
    assert site.differences() == []


def test_kinds_are_held_apart_and_let_through_apart(site: SmallSite) -> None:
    free = priceless(site)
    before = shown(site)
    site.sql("DELETE FROM PRECIO_X_PROD01", "UPDATE IMPU01 SET STATUS = 'B'")
    site.sql("DELETE FROM CVES_ALTER01")
    rename(site, free, "dos")
    run_once(site)
    assert (shown(site), names(site, "dos")) == (before, 1)
    counts = held(site)
    assert set(counts) == {("price-gone", "product"), ("code-gone", "product"), ("inactive", "tax_scheme")}
    schemes = site.caja_rows("centro", "COUNT(*) FROM ESQIMP WHERE ALTA = 'T'")
    produced(site, "--allow", f"inactive={counts['inactive', 'tax_scheme']}")
    run_once(site)
    assert site.caja_rows("centro", "COUNT(*) FROM ESQIMP WHERE ALTA = 'T'") != schemes
    assert shown(site) == before
    produced(site, *(part for (kind, _), count in held(site).items() for part in ("--allow", f"{kind}={count}")))
    run_once(site)
    assert held(site) == {}
    assert site.differences() == []


@contextmanager
def running(site: SmallSite) -> Iterator[Running]:
    started = Running(site, "run")
    try:
        yield started
    finally:
        started.kill()


def test_a_table_that_is_emptied_and_filled_again_in_another_transaction_never_shows_at_a_till(site: SmallSite) -> None:
    """While Puente runs; as programs do that load prices from elsewhere."""
    free = priceless(site)
    site.sql("CREATE TABLE COPIA (CVE_ART VARCHAR(16), CVE_PRECIO INTEGER, PRECIO DOUBLE PRECISION)")
    site.sql("INSERT INTO COPIA SELECT CVE_ART, CVE_PRECIO, PRECIO FROM PRECIO_X_PROD01")
    before = shown(site)
    with running(site) as puente:
        wait_until(lambda: ask(site).found["producer"]["state"] == "working")
        site.sql("DELETE FROM PRECIO_X_PROD01")
        wait_until(lambda: bool(held(site)))
        assert "action=held" in puente.said
        rename(site, free, "meanwhile")
        wait_until(lambda: names(site, "meanwhile") == 1)  # what came before it has arrived, too
        assert shown(site) == before
        site.sql("INSERT INTO PRECIO_X_PROD01 (CVE_ART, CVE_PRECIO, PRECIO) SELECT CVE_ART, CVE_PRECIO, PRECIO FROM COPIA")
        wait_until(lambda: held(site) == {})
        rename(site, free, "after")
        wait_until(lambda: names(site, "after") == 1)
        puente.ends_cleanly()
    assert shown(site) == before
    assert site.differences() == []


def test_it_is_let_through_while_puente_runs(site: SmallSite) -> None:
    with running(site) as puente:
        wait_until(lambda: ask(site).found["producer"]["state"] == "working")
        site.sql("DELETE FROM CVES_ALTER01")
        wait_until(lambda: bool(held(site)))
        count = held(site)["code-gone", "product"]
        assert produced(site, "--allow", f"code-gone={count}")["held_updates"] == []
        wait_until(lambda: site.caja_rows("centro", "COUNT(*) FROM CATINVEN WHERE CLVALTER1 IS NOT NULL") == [(0,)])
        puente.ends_cleanly()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--allow", "prices=5"], "price-gone (prices or rates gone)"),
        (["--allow", "price-gone"], "price-gone=100"),
        (["--allow", "price-gone=0"], "price-gone=100"),
        (["--allow", "price-gone=many"], "price-gone=100"),
        (["--allow-deletes", "0"], "--allow-deletes"),
    ],
)
def test_a_kind_or_number_that_is_none_is_refused_with_those_there_are(site: SmallSite, given: list[str], told: str) -> None:
    done = site.puente("produce", "--once", *given)
    assert done.returncode == ExitCode.CONFIG
    assert told in done.stderr
