"""Where each setting stands in the file: tomllib does not tell."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

Path = tuple[str | int, ...]
"""As pydantic names a setting: ("caja", 0, "url")."""

_PART = r"(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')"
KEY = re.compile(rf"\s*({_PART}(?:\s*\.\s*{_PART})*)\s*=\s*")
HEADER = re.compile(rf"\s*(\[\[?)\s*({_PART}(?:\s*\.\s*{_PART})*)\s*\]\]?\s*(?:#.*)?")
_LONG = re.compile(r'"""|\'\'\'')


def lines_of(content: str) -> list[str]:
    """As tomllib counts them: a line ends in a line feed and nowhere else."""
    return [line.rstrip("\r") for line in content.split("\n")]


@dataclass(frozen=True, slots=True)
class Place:
    """Of a value, or of a table's heading; both count from 1."""

    line: int
    column: int


class Places:
    """Those of one file. What stands inside a value is where the value begins."""

    def __init__(self, text: str) -> None:
        self.lines = lines_of(text)
        self._found: dict[Path, Place] = {}
        self._tables: dict[Path, int] = {}
        table: Path = ()
        long = ""
        for number, line in enumerate(self.lines, start=1):
            if not long:
                table = self._look(line, number, table)
            long = _inside(line, long)

    def _look(self, line: str, number: int, table: Path) -> Path:
        if header := HEADER.fullmatch(line):
            table = self._enter(_parts(header[2]), is_one_of_many=header[1] == "[[")
            self._found.setdefault(table, Place(number, header.start(1) + 1))
        elif key := KEY.match(line):
            self._found.setdefault((*table, *_parts(key[1])), Place(number, key.end() + 1))
        return table

    def _enter(self, names: Path, *, is_one_of_many: bool) -> Path:
        """The table of a heading; [[caja]] and [[caja.store]] are numbered, the latter within the last of the former."""
        entered: Path = ()
        for depth, name in enumerate(names, start=1):
            entered = (*entered, name)
            if depth == len(names) and is_one_of_many:
                self._tables[entered] = self._tables.get(entered, -1) + 1
            if entered in self._tables:
                entered = (*entered, self._tables[entered])
        return entered

    def of(self, setting: Sequence[str | int]) -> Place | None:
        """Of a setting, of the file that it is read from, else of the nearest table around it."""
        for length in range(len(setting), 0, -1):
            path = tuple(setting[:length])
            for candidate in (path, (*path[:-1], f"{path[-1]}_file"), (*path, 0)):
                if candidate in self._found:
                    return self._found[candidate]
        return None


def _parts(dotted: str) -> Path:
    return tuple(part.strip("\"'") for part in re.findall(_PART, dotted))


def _inside(line: str, long: str) -> str:
    """The quotes of the text of several lines that goes on behind this line, if any."""
    for match in _LONG.finditer(line):
        long = match[0] if not long else "" if match[0] == long else long
    return long
