"""For pybabel: the texts of a Python file by its syntax tree. Babel itself goes by tokens: Python 3.11 has none inside an f-string."""

import ast
from collections.abc import Collection, Iterator
from typing import IO


def extract(
    source: IO[bytes],
    keywords: Collection[str],
    comment_tags: object,  # noqa: ARG001 - Babel gives it
    options: object,  # noqa: ARG001 - the same
) -> Iterator[tuple[int, str, str | tuple[str | None, ...], list[str]]]:
    """Babel's interface: line, function, its texts (None for what is no literal), comments."""
    for node in ast.walk(ast.parse(source.read())):
        if isinstance(node, ast.Call) and node.args and (name := _name(node.func)) in keywords:
            texts = tuple(_literal(argument) for argument in node.args)
            if texts[0] is not None:
                yield node.lineno, name, texts[0] if len(texts) == 1 else texts, []


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""


def _literal(argument: ast.expr) -> str | None:
    return argument.value if isinstance(argument, ast.Constant) and isinstance(argument.value, str) else None
