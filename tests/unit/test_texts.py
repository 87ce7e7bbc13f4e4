"""Texts: every one of ours has its Spanish, with the same values in it; the compiled catalogue is the written one."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from puente import texts

ROOT = Path(texts.__file__).parent.parent
CATALOGUE = ROOT / "puente" / "locale" / "es" / "LC_MESSAGES" / "puente.po"
KEYWORDS = dict.fromkeys(("text", "translate", "marked", "info", "warning", "error"))
PLACES = re.compile(r"\{\w*[^}]*\}")


def ours() -> Iterator[str]:
    for package in ("schemas", "producer", "consumer", "puente"):
        for _, _, message, _, _ in extract_from_dir(ROOT / package, keywords=KEYWORDS):
            yield message if isinstance(message, str) else message[0]


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    texts.use("en")


def test_every_text_of_ours_has_its_spanish() -> None:
    with CATALOGUE.open("rb") as file:
        spanish = {message.id: message.string for message in read_po(file)}
    assert [message for message in sorted(set(ours())) if not spanish.get(message)] == []


def test_the_spanish_has_the_same_values_as_the_english() -> None:
    with CATALOGUE.open("rb") as file:
        pairs = [(m.id, m.string) for m in read_po(file) if m.id and isinstance(m.id, str) and isinstance(m.string, str) and m.string]
    assert [english for english, spanish in pairs if sorted(PLACES.findall(english)) != sorted(PLACES.findall(spanish))] == []


def test_the_compiled_catalogue_is_the_written_one() -> None:
    with CATALOGUE.open("rb") as file:
        written = read_po(file)
    made = io.BytesIO()
    write_mo(made, written)
    assert CATALOGUE.with_suffix(".mo").read_bytes() == made.getvalue()


@pytest.mark.parametrize(
    ("option", "environment", "chosen"),
    [
        ("en", {"PUENTE_LANG": "es"}, "en"),
        (None, {"PUENTE_LANG": "en", "LANG": "es_MX.UTF-8"}, "en"),
        (None, {"LANG": "en_US.UTF-8"}, "en"),
        (None, {"LANG": "es_MX.UTF-8"}, "es"),
        (None, {"LANG": "de_DE.UTF-8"}, "es"),
        (None, {"LC_ALL": "en_GB", "LANG": "es_MX"}, "en"),
        ("fr", {"LANG": "C.UTF-8"}, "es"),
    ],
)
def test_the_language_is_the_options_then_the_variables_then_the_locales_else_spanish(
    option: str | None, environment: dict[str, str], chosen: str
) -> None:
    assert texts.choose_language(option, environment) == chosen


def test_a_text_is_translated_when_it_is_read() -> None:
    message = texts.text("the table {table} is missing", table="CATINVEN")
    texts.use("es")
    assert str(message) == "falta la tabla CATINVEN"
    texts.use("en")
    assert str(message) == "the table CATINVEN is missing"
