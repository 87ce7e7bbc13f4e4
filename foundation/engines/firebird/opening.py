"""Statements that an EXECUTE BLOCK runs before its rows, so that they cost no round trips of their own.

SQLAlchemy writes them, with their parameters by name: in a block these are its own.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql.compiler import SQLCompiler

from foundation.engines.firebird.text import to_database
from foundation.engines.writing import Prior

REPORT = "(row_no integer, code integer, state char(5), seen integer)"
"""What a block returns: errors by row, an opening that is not met, at last how many rows it touched."""
UNMET, DONE = -2, -1
"""What stands for the number of a row."""
Statement = sa.Update | sa.Insert | sa.Select[Any]
_PARAMETER = re.compile(r":(\w+)")


@dataclass(frozen=True, slots=True)
class Opening:
    """What a block declares and does; `names` are its parameters in order: of which statement, and which."""

    declared: Sequence[str] = ()
    lines: Sequence[str] = ()
    names: Sequence[tuple[int, str]] = ()

    def values(self, prior: Sequence[Prior]) -> list[Any]:
        """What is given for its parameters."""
        return [_sent(prior[place].values[name]) for place, name in self.names]

    @property
    def sql(self) -> str:
        """A block of its own."""
        declared = ", ".join(f"{one} = ?" for one in self.declared)
        return "\n".join(
            [f"execute block ({declared})", f"returns {REPORT} as begin", *self.lines, f"row_no = {DONE}; code = 0; suspend; end"]
        )


NO_OPENING = Opening()


def build(prior: Sequence[Prior], dialect: Dialect) -> Opening:
    """The opening that runs these."""
    declared: dict[str, str] = {}
    names: list[tuple[int, str]] = []

    def in_block(place: int, statement: Statement) -> str:
        compiled = statement.compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler)
        for name, bound in compiled.binds.items():
            if _named(place, name) not in declared:
                declared[_named(place, name)] = dialect.type_compiler_instance.process(bound.type)
                names.append((place, name))
        return _PARAMETER.sub(lambda found: ":" + _named(place, found[1]), compiled.string)

    lines = [line for place, one in enumerate(prior) for line in _lines(place, one, in_block)]
    return Opening([f"{name} {_in_latin(type_)}" for name, type_ in declared.items()], lines, names)


def _lines(place: int, prior: Prior, in_block: Callable[[int, Statement], str]) -> Iterator[str]:
    unmet = f"begin row_no = {UNMET}; code = {place}; suspend; exit; end"
    if isinstance(prior.statement, sa.Select):
        yield f"if (not exists({in_block(place, prior.statement)})) then {unmet}"
        return
    yield f"{in_block(place, prior.statement)};"
    if prior.otherwise is not None:
        yield f"if (row_count = 0) then {in_block(place, prior.otherwise)};"
    if prior.required:
        yield f"if (row_count = 0) then {unmet}"


def _named(place: int, name: str) -> str:
    return f"p{place}_{name}"


def _in_latin(type_: str) -> str:
    return f"{type_} character set iso8859_1" if type_.startswith("VARCHAR") else type_


def _sent(value: Any) -> Any:
    return to_database(value) if isinstance(value, str) else value


def named(dialect: Dialect) -> Dialect:
    """The same with parameters by name."""
    made = copy(dialect)
    made.paramstyle, made.positional = "named", False
    return made
