"""A row of SAE that no event can hold: all else arrives, nothing is taken for it, and the heartbeat names it."""

import json
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from foundation.engines import open_database
from producer.capture.comparison import unpublished
from producer.sae.company import AUTO
from producer.sae.contents import everything
from producer.sae.port import SqlSae
from puente.commands.heartbeat import last_heartbeat
from puente.config import load
from schemas.keys import trim
from schemas.topics import Topics
from tests.e2e.small_site import SmallSite, build
from tests.engines.embedded import EmbeddedDatabases

pytestmark = pytest.mark.e2e

BAD = "INSERT INTO INVE01 (CVE_ART, DESCR, TIPO_ELE, CVE_ESQIMPU, COSTO_PROM, STATUS) VALUES ('MALO', 'Malo', 'P', 1, 1e30, 'A')"
OWN = "INSERT INTO CATINVEN (PRODUCTO, DESCRIPCIO, ALTA) VALUES ('{key}', 'De antes', 'T')"


def active(site: SmallSite, *keys: str) -> list[str]:
    """Of these products, those that norte shows, which inactivates what SAE lacks."""
    listed = ", ".join(f"'{key}'" for key in keys)
    return [row[0] for row in site.caja_rows("norte", f"PRODUCTO FROM CATINVEN WHERE PRODUCTO IN ({listed}) AND ALTA = 'T'")]


def test_a_caja_is_ready_and_swept_but_for_the_row_that_no_event_can_hold(tmp_path: Path, embedded: EmbeddedDatabases) -> None:
    site = build(tmp_path / "site", embedded.url)
    site.sql(BAD)
    site.caja_sql("norte", OWN.format(key="MALO"), OWN.format(key="AJENO"))
    site.fill()
    assert active(site, "MALO", "AJENO") == ["MALO"]
    site.caja_sql("norte", "UPDATE CATINVEN SET ALTA = 'T' WHERE PRODUCTO = 'AJENO'")
    told = site.puente("resync", "--caja", "norte", "--json", "--dry-run")
    assert [one["not_in_sae"] for one in json.loads(told.stdout) if one["entity"] == "product"] == [["AJENO"]]
    site.caja_sql("norte", "UPDATE CATINVEN SET ALTA = 'F' WHERE PRODUCTO = 'AJENO'")
    assert all(site.caja_rows(name, "READY_AT FROM PUENTE_LEASE") != [(None,)] for name in ("centro", "norte"))
    with site.log() as log:
        heartbeat = last_heartbeat(log, Topics(load(site.settings).log.prefix, "01"))
    assert heartbeat is not None
    assert [(one.entity, one.key) for one in heartbeat.unpublished] == [("product", "MALO")]
    assert "average_cost" in heartbeat.unpublished[0].reason
    assert heartbeat.price_lists == tuple(row[0] for row in site.sae_rows("CVE_PRECIO FROM PRECIOS01 ORDER BY CVE_PRECIO"))
    with closing(SqlSae(open_database(site.sae_url), AUTO)) as sae, sae.snapshot() as snapshot:
        assert list(unpublished(everything(snapshot))) == list(heartbeat.unpublished)
    site.sql("UPDATE INVE01 SET COSTO_PROM = 1 WHERE CVE_ART = 'MALO'")
    site.fill()
    assert site.differences() == []


def test_rows_whose_keys_are_those_of_others_are_listed_wherever_people_look(tmp_path: Path, embedded: EmbeddedDatabases) -> None:
    site = build(tmp_path / "site", embedded.url)
    found = Counter((trim(key), warehouse) for key, warehouse in site.sae_rows("CVE_ART, CVE_ALM FROM MULT01"))
    ((own, warehouse),) = [place for place, count in found.items() if count > 1]  # the demo's pair
    for key in ("DOBLE", " DOBLE"):
        site.sql(f"INSERT INTO INVE01 (CVE_ART, DESCR, TIPO_ELE, CVE_ESQIMPU, STATUS) VALUES ('{key}', 'De{key}', 'P', 1, 'A')")
    listed = [
        {"entity": "product", "key": own},
        {"entity": "product", "key": "DOBLE"},
        {"entity": f"stock.{warehouse}", "key": own},
    ]
    assert json.loads(site.puente("run", "--once", "--json").stdout)["produced"]["duplicates"] == listed
    assert site.caja_rows("norte", "DESCRIPCIO FROM CATINVEN WHERE PRODUCTO = 'DOBLE'") == [("De DOBLE",)]
    keys = f"product '{own}', product 'DOBLE', stock {warehouse} '{own}'"
    said = f"3 rows of SAE do not travel, for other ones have the same keys once trimmed, and the first counts: {keys}"
    for command in (["run", "--once"], ["status"], ["check"]):
        assert said in " ".join(site.puente(*command).stdout.split())
    producer = json.loads(site.puente("status", "--json").stdout)["producer"]
    assert (producer["duplicate_count"], producer["duplicates"]) == (3, listed)
    site.sql("UPDATE INVE01 SET CVE_ART = 'OTRO' WHERE CVE_ART = 'DOBLE'")
    site.fill()
    assert site.differences() == []
    assert "2 rows of SAE do not travel" in site.puente("status").stdout
