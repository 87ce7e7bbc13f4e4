"""Functions whose source the program writes itself: one expression for a whole row is several times as fast as a loop over its parts."""

import builtins
from collections.abc import Callable, Mapping
from types import CodeType
from typing import Any

ATTRIBUTES = frozenset({"__class__", "decode", "encode", "isascii"})
"""What generated source may ask of a value."""


def function(arguments: str, expression: str, names: Mapping[str, Any]) -> Callable[..., Any]:
    """The function of these arguments that gives `expression`, which may use `names`, what it binds itself, builtins and `ATTRIBUTES`.

    Raises `ValueError` for anything else in it: source is made of the program's own names and of numbers, never of data. What it uses is
    read from the code that Python made of it: the module `ast` of Python 3.11 fails now and then where several threads use it.
    """
    code = compile(f"lambda {arguments}: {expression}", "<generated>", "eval")
    for name in _asked_for(code):
        if name not in names and name not in ATTRIBUTES and (name.startswith("_") or not hasattr(builtins, name)):
            raise ValueError(f"{name} is no name of the generated {expression}")
    made: Callable[..., Any] = eval(code, dict(names))  # noqa: S307 - checked above
    return made


def _asked_for(code: CodeType) -> set[str]:
    """The globals and attributes that it uses, in the functions within it, too."""
    inner = [_asked_for(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*inner)
