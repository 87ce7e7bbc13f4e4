"""A rate of exchange arrives with all of its digits, however small it is."""

import json
from pathlib import Path

import pytest

from tests.e2e.small_site import SmallSite, build
from tests.engines.embedded import EmbeddedDatabases
from tests.engines.firebird_server import FirebirdServer

pytestmark = pytest.mark.e2e
RATES = {20: 0.00000041234, 21: 0.00452345678, 22: 123456789.012345, 23: 17.0 + 1e-9, 24: 18.5}


@pytest.fixture(params=["embedded", "server"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> SmallSite:
    if request.param == "server":
        server: FirebirdServer = request.getfixturevalue("firebird_server")
        return build(tmp_path / "site", server.new_url)
    embedded: EmbeddedDatabases = request.getfixturevalue("embedded")
    return build(tmp_path / "site", embedded.url)


def test_a_rate_keeps_its_digits_and_is_written_once(site: SmallSite) -> None:
    site.sql(*(f"INSERT INTO MONED01 (NUM_MONED, DESCR, TCAMBIO, STATUS) VALUES ({n}, 'M', {rate!r}, 'A')" for n, rate in RATES.items()))
    site.fill()
    for name in ("centro", "norte"):
        found = dict(site.caja_rows(name, "MONEDA, TCAMBIO FROM CATMONED WHERE MONEDA >= 20"))
        assert found == {n: pytest.approx(rate, rel=1e-14) for n, rate in RATES.items()}
    assert site.differences() == []
    looked = site.puente("resync", "--caja", "norte", "--dry-run", "--json")
    assert looked.returncode == 0, looked.stdout + looked.stderr
    assert all(entity["changed"] == [] for entity in json.loads(looked.stdout)), looked.stdout
