"""docs/events.md says of every field what its schema says, and the schemas name columns that SAE has and Puente reads."""

import csv
import re
from importlib.resources import files
from pathlib import Path

import pytest

from producer.sae.tables import TABLES, columns
from schemas.codec import NAMES
from schemas.entities import Entity, Subject
from schemas.keys import KEY_FIELD
from schemas.topics import Topics
from tests.contracts.schema_docs import HEAD, HEAD_WITHOUT_SAE, fields, schema, table_of

PAGE = (Path(__file__).parents[2] / "docs" / "events.md").read_text(encoding="utf-8")
READ = {(name, column) for table, name in TABLES.items() for column in columns(table)}


def tables_of_the_page() -> list[list[str]]:
    """The tables of fields, line by line."""
    heads = "|".join(map(re.escape, (HEAD, HEAD_WITHOUT_SAE)))
    return [found[0].splitlines() for found in re.finditer(rf"^({heads})\n(\|.*\n)+", PAGE, re.MULTILINE)]


def columns_of_sae() -> set[tuple[str, str]]:
    with (files("puente.reference") / "sae-columns.csv").open(encoding="utf-8") as lines:
        return {(row["table"], row["column"]) for row in csv.DictReader(lines)}


@pytest.mark.parametrize("name", NAMES)
def test_the_page_has_the_table_of_every_schema_as_the_schema_has_it(name: str) -> None:
    assert table_of(name) in tables_of_the_page()


def test_the_page_has_no_other_table_of_fields() -> None:
    assert len(tables_of_the_page()) == len(NAMES)


@pytest.mark.parametrize("entity", Entity)
def test_the_page_names_every_topic_with_its_key(entity: Entity) -> None:
    subject = Subject(entity, 1 if entity is Entity.STOCK else None)
    named = Topics("<prefix>", "<company>").of(subject).replace("stock.1", "stock.<warehouse>")
    (line,) = re.findall(rf"^\| `{re.escape(named)}` .*$", PAGE, re.MULTILINE)
    assert line.endswith(f"| `{KEY_FIELD[entity]}` |")


@pytest.mark.parametrize("entity", Entity)
def test_every_field_has_a_meaning_and_columns_that_sae_has_and_the_producer_reads(entity: Entity) -> None:
    inside = {field.name.rpartition(".")[0] for field in fields(schema(entity))}
    for field in fields(schema(entity)):
        assert field.meaning
        if field.name in inside:  # it is its parts that stand in columns
            assert field.source in TABLES.values()
        else:
            assert field.columns
            assert set(field.columns) <= READ & columns_of_sae()


def test_only_customers_hold_what_the_page_calls_personal() -> None:
    """Every column of CLIE that travels is a customer's."""
    of = {entity for entity in Entity for field in fields(schema(entity)) for table, _ in field.columns if table == "CLIE"}
    assert of == {Entity.CUSTOMER}
