"""`puente check` says of every table of SAE how it is read and when a change is seen; the engine decides what there is."""

from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from foundation.engines import create_database, open_database
from foundation.errors import ExitCode
from producer.sae.tables import TABLES
from puente.commands.check import check
from puente.config import Settings
from puente.demo.statements import run
from puente.findings import Finding, Level
from puente.reference import build_sae
from tests.engines.embedded import Engine

PRIMARY_KEYS = (
    "SELECT TRIM(RDB$RELATION_NAME), TRIM(RDB$CONSTRAINT_NAME) FROM RDB$RELATION_CONSTRAINTS WHERE RDB$CONSTRAINT_TYPE = 'PRIMARY KEY'"
)


@pytest.fixture
def url(engine: Engine) -> str:
    made = engine.new_url("sae")
    create_database(made)
    with closing(open_database(made)) as database:
        build_sae(database)
    return made


def found(folder: Path, url: str, capture: str) -> list[Finding]:
    """What is said of SAE and its tables, but for rights."""
    settings = Settings.model_validate({"sae": {"url": url, "capture": capture, "reconcile_seconds": 300}, "folder": folder})
    of_sae = [finding for finding in check(settings) if finding.about == "SAE" or finding.about.endswith("01")]
    return [finding for finding in of_sae if " may " not in str(finding.text)]


@pytest.mark.parametrize("capture", ["auto", "record-version"])
def test_every_table_is_read_by_the_best_mode_there_is(url: str, tmp_path: Path, capture: str) -> None:
    _, stock, *tables = found(tmp_path, url, capture)
    assert str(stock.text) == "stock is read by warehouse, from MULT01"
    said = {finding.about: str(finding.text) for finding in tables}
    assert said.keys() == {f"{name}01" for name in TABLES.values()}
    for text in said.values():
        assert ("record-version" in text, "compare" in text) == (True, False)
        assert float(text.split()[-2]) < 60


def test_compare_may_be_asked_for(url: str, tmp_path: Path) -> None:
    said = [str(finding.text) for finding in found(tmp_path, url, "compare")[2:]]
    assert all("compare" in text and float(text.split()[-2]) >= 300 for text in said)


def test_record_version_where_no_table_has_a_key_is_an_error_of_configuration(url: str, tmp_path: Path) -> None:
    with closing(open_database(url)) as database:
        with database.reading() as reader:
            keys = list(reader.rows(sa.text(PRIMARY_KEYS)))
        with database.writing() as writer:
            for table, name in keys:
                run(writer, f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    last = found(tmp_path, url, "record-version")[-1]
    assert (last.level, last.code) == (Level.ERROR, ExitCode.CONFIG)
    assert 'set sae.capture to "auto"' in str(last.text)


def test_a_table_that_is_not_exact_is_read_by_compare(url: str, tmp_path: Path) -> None:
    """Here because its key is gone."""
    with closing(open_database(url)) as database:
        with database.reading() as reader:
            ((_, name),) = reader.rows(sa.text(f"{PRIMARY_KEYS} AND RDB$RELATION_NAME = 'CLIN01'"))
        with database.writing() as writer:
            run(writer, f"ALTER TABLE CLIN01 DROP CONSTRAINT {name}")
    _, stock, *tables = found(tmp_path, url, "auto")
    assert str(stock.text) == "stock is read by warehouse, from MULT01"
    said = {finding.about: str(finding.text) for finding in tables}
    assert "compare" in said["CLIN01"]
    assert "record-version" in said["INVE01"]
