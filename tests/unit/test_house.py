"""The product stays a house in which a stranger finds everything: small files, short functions."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("foundation", "schemas", "producer", "consumer", "puente")
LINES_OF_A_FILE, LINES_OF_A_FUNCTION = 250, 40


def files() -> Iterator[Path]:
    for room in ROOMS:
        yield from sorted((ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("room", ROOMS)
def test_no_file_is_longer_than_a_stranger_reads_at_once(room: str) -> None:
    found = {str(file.relative_to(ROOT)): len(file.read_text(encoding="utf-8").splitlines()) for file in (ROOT / room).rglob("*.py")}
    assert found
    assert not {name: lines for name, lines in found.items() if lines > LINES_OF_A_FILE}


def test_no_function_is_longer_than_a_screen() -> None:
    long = {
        f"{file.relative_to(ROOT)}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for file in files()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.end_lineno is not None
        if node.end_lineno - node.lineno + 1 > LINES_OF_A_FUNCTION
    }
    assert not long


def test_every_room_lists_the_files_that_stand_in_it() -> None:
    """The list in a package's docstring is what a stranger reads first; rooms inside a room are listed by the outer one."""
    for room in ("foundation", "schemas", "producer", "consumer", "puente", "puente/commands", "puente/wiring"):
        listed = ast.get_docstring(ast.parse((ROOT / room / "__init__.py").read_text(encoding="utf-8"))) or ""
        names = {path.stem for path in (ROOT / room).iterdir() if path.suffix == ".py" and path.stem != "__init__"}
        names |= {path.name for path in (ROOT / room).iterdir() if (path / "__init__.py").exists()}
        words = {word.strip("/.,;:()`") for word in listed.replace(".py", "").split()}
        assert not names - words, room
