"""Texts: every one of ours has its Spanish, with the same values in it, however the source is written; the catalogue is compiled."""

import ast
import io
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from foundation import texts

ROOT = Path(texts.__file__).parent.parent
CATALOGUE = ROOT / "foundation" / "locale" / "es" / "LC_MESSAGES" / "puente.po"
TRANSLATED = {"text", "translate", "marked"}
LOGGED = {"debug", "info", "warning", "error", "exception", "critical"}
SHOWN = {"echo", "secho", "confirm", "prompt", "print", "print_table", "add_column", "_tell"}
"""What puts its arguments on the screen as they are."""
NO_HEARTBEATS = {"puente", "SAE", "CAJA"}


def calls(*packages: str) -> Iterator[tuple[Path, ast.Call, str]]:
    """Every call in the source, inside f-strings too, with the function's own name."""
    for package in packages:
        for file in sorted((ROOT / package).rglob("*.py")):
            content = file.read_text(encoding="utf-8")
            others = {"text"} if "from foundation.texts import" not in content else set()  # SQLAlchemy has one, too
            for node in ast.walk(ast.parse(content)):
                if isinstance(node, ast.Call) and name_of(node) not in others:
                    yield file, node, name_of(node)


def name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id if isinstance(call.func, ast.Name) else ""


def is_logger(call: ast.Call) -> bool:
    return (
        isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id.lower().strip("_") in {"log", "logger"}
    )


def literal(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def where(file: Path, node: ast.expr) -> str:
    return f"{file.relative_to(ROOT)}:{node.lineno}"


def ours() -> set[str]:
    found = {
        literal(call.args[0])
        for _, call, name in calls("foundation", "schemas", "producer", "consumer", "puente")
        if call.args and (name in TRANSLATED or (name in LOGGED and is_logger(call)))
    }
    return {message for message in found if message is not None}


def spanish() -> dict[str, str]:
    with CATALOGUE.open("rb") as file:
        return {message.id: message.string for message in read_po(file) if isinstance(message.id, str) and isinstance(message.string, str)}


def places(template: str) -> list[tuple[str, str, str]]:
    return sorted((name, spec or "", conversion or "") for _, name, spec, conversion in Formatter().parse(template) if name is not None)


def words(node: ast.AST) -> Iterator[str]:
    """Those that stand in the source and are shown as they stand: what a call makes of its own arguments is its own matter."""
    if isinstance(node, ast.Call):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from set(re.findall(r"[^\W\d_]{2,}", re.sub(r"\[[a-z /]*\]", "", node.value))) - NO_HEARTBEATS
    for inner in ast.iter_child_nodes(node):
        yield from words(inner)


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    texts.use("en")


def test_every_text_of_ours_has_its_spanish() -> None:
    known = spanish()
    assert [message for message in sorted(ours()) if not known.get(message)] == []


def test_a_text_inside_an_f_string_is_one_of_ours() -> None:
    assert "Run it as SYSDBA:" in ours()  # of the script of `puente grants`


def test_no_message_is_put_together_before_it_is_translated() -> None:
    """A variable may stand for one that is marked elsewhere; what is put together is in no catalogue."""
    made_up = [
        where(file, call)
        for file, call, name in calls("foundation", "schemas", "producer", "consumer", "puente")
        if name in TRANSLATED or (name in LOGGED and is_logger(call))
        if call.args and isinstance(call.args[0], ast.JoinedStr | ast.BinOp)
    ]
    assert made_up == []


def test_the_spanish_has_the_same_values_as_the_english() -> None:
    known, mine = spanish(), ours()
    assert [english for english in sorted(mine) if places(english) != places(known[english])] == []


def test_no_command_shows_words_that_have_no_spanish() -> None:
    shown = [
        f"{where(file, call)}: {word}"
        for file, call, name in calls("puente/cli")
        for argument in [*(call.args if name in SHOWN else ()), *(k.value for k in call.keywords if k.arg in {"help", "title", "epilog"})]
        for word in words(argument)
    ]
    assert shown == []


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
