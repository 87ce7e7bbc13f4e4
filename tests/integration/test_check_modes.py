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

PRIMARY_KEY = (
    "SELECT TRIM(RDB$CONSTRAINT_NAME) FROM RDB$RELATION_CONSTRAINTS"
    " WHERE RDB$RELATION_NAME = 'CLIN01' AND RDB$CONSTRAINT_TYPE = 'PRIMARY KEY'"
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


def has_record_versions(url: str) -> bool:
    with closing(open_database(url)) as database, database.reading() as reader:
        return reader.has_record_versions


def test_auto_reads_every_table_by_the_best_mode_there_is(url: str, tmp_path: Path) -> None:
    _, stock, *tables = found(tmp_path, url, "auto")
    assert str(stock.text) == "stock is read by warehouse, from MULT01"
    said = {finding.about: str(finding.text) for finding in tables}
    assert said.keys() == {f"{name}01" for name in TABLES.values()}
    exact = has_record_versions(url)
    for text in said.values():
        assert ("record-version" in text, "compare" in text) == (exact, not exact)
        assert float(text.split()[-2]) < 60 if exact else float(text.split()[-2]) >= 300


def test_compare_may_be_asked_for(url: str, tmp_path: Path) -> None:
    assert all("compare" in str(finding.text) for finding in found(tmp_path, url, "compare")[2:])


def test_record_version_where_there_is_none_is_an_error_of_configuration(url: str, tmp_path: Path) -> None:
    last = found(tmp_path, url, "record-version")[-1]
    assert (last.level, last.code) == ((Level.OK, ExitCode.OK) if has_record_versions(url) else (Level.ERROR, ExitCode.CONFIG))


def test_a_table_that_is_not_exact_is_read_by_compare(url: str, tmp_path: Path) -> None:
    """Here because its key is gone."""
    with closing(open_database(url)) as database:
        with database.reading() as reader:
            ((name,),) = reader.rows(sa.text(PRIMARY_KEY))
        with database.writing() as writer:
            run(writer, f"ALTER TABLE CLIN01 DROP CONSTRAINT {name}")
    _, stock, *tables = found(tmp_path, url, "auto")
    assert str(stock.text) == "stock is read by warehouse, from MULT01"
    said = {finding.about: str(finding.text) for finding in tables}
    assert "compare" in said["CLIN01"]
    assert ("record-version" in said["INVE01"]) == has_record_versions(url)
