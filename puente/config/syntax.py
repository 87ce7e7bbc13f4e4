"""A file that is no TOML: what is wrong, in our own words. The parser tells the place; what stands there tells the rest."""

import re
from collections.abc import Callable, Iterator

from foundation.texts import Text, text
from puente.config.faults import Fault
from puente.config.places import HEADER, KEY, Place, lines_of
from puente.config.shown import is_secret
from puente.config.words import meant

_AT = re.compile(r"\(at line (\d+), column (\d+)\)")
_CURLY = re.compile(r"[“”„‟«»‘’‚‹›´`]")
_INVISIBLE = re.compile(r"[\u00a0\u2000-\u200f\u2028-\u202f\u2060\ufeff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_BARE = re.compile(rf"{KEY.pattern}(?P<value>[^\"'\[{{#\s][^#]*?)\s*(?:#.*)?")
_NO_EQUALS = re.compile(r"\s*[^\W\d][\w-]*\s*(?P<sign>:|\s)\s*\S")
_COMMENT = re.compile(r"\s*(;|//|--|/\*|')")
_OPEN_HEADING = re.compile(r"\s*(\[\[?)[^\[\]]*(\]?)\s*(?:#.*)?")
_NAME = re.compile(r"\s*(?P<name>[^\W\d][\w .-]*?)\s*=")
_STRING = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'")
_YES, _NO = {"true", "yes", "on", "si", "sí", "verdadero"}, {"false", "no", "off", "falso"}

Look = tuple[int, Text]
"""A column from 0, and what is wrong there."""


def fault(content: str, error: Exception) -> Fault:
    """Of what `tomllib` raised for this text."""
    lines = lines_of(content)
    found = _AT.search(str(error))
    line, column = (int(found[1]), int(found[2]) - 1) if found else _unclosed(lines)
    line = min(line, len(lines))
    before, here = lines[: line - 1], lines[line - 1]
    for look in _LOOKS:
        for place, what in look(here, column, before):
            return Fault(what, place=Place(line, place + 1))
    return Fault(text("from the mark on this is not written as settings are"), place=Place(line, min(column, len(here)) + 1))


def _unclosed(lines: list[str]) -> tuple[int, int]:
    """The parser read to the end: a line whose quotes are no pairs, else the last."""
    for number, line in enumerate(lines, start=1):
        rest = _STRING.sub(lambda found: "_" * len(found[0]), line).partition("#")[0]
        if '"' in rest or "'" in rest:
            return number, len(line.rstrip())
    return len(lines), len(lines[-1])


def _outside(line: str) -> str:
    """The line with its complete texts and its comment blanked out; columns stay."""
    plain = _STRING.sub(lambda found: "_" * len(found[0]), line)
    return plain.partition("#")[0]


def _curly(line: str, _column: int, _before: list[str]) -> Iterator[Look]:
    if found := _CURLY.search(_outside(line)):
        yield found.start(), text("these are quotes of a word processor: write straight ones, \"…\" or '…'")


def _invisible(line: str, _column: int, _before: list[str]) -> Iterator[Look]:
    if found := _INVISIBLE.search(_outside(line)):
        yield found.start(), text("here is a blank that is none, copied from a page or a document: delete it and type a blank")
    elif found := _CONTROL.search(line):
        yield found.start(), text("here is a character that cannot be seen: delete it")


def _backslash(line: str, column: int, _before: list[str]) -> Iterator[Look]:
    if line[column - 2 : column - 1] == "\\":  # the parser stops behind the letter
        yield column - 2, text("between double quotes a path is written with slashes: \"C:/Aspel/…\"; or use single quotes: 'C:\\Aspel\\…'")


def _heading(line: str, _column: int, before: list[str]) -> Iterator[Look]:
    header = HEADER.fullmatch(line)
    if header is None or not _is_closed(line, header):
        if header is not None or (_OPEN_HEADING.fullmatch(line) and "=" not in line):
            yield len(line.rstrip()), text("a bracket is missing: a heading is written [sae], [log] or [[caja]]")
        return
    name = header[2]
    earlier = next((n for n, each in enumerate(before, start=1) if (h := HEADER.fullmatch(each)) and h[2] == name), None)
    if name.rpartition(".")[2] in {"caja", "store"}:
        yield header.start(1), text("each of them begins with two brackets on either side: [[{name}]]", name=name)
    elif earlier is not None:
        yield header.start(1), text("[{name}] stands in line {line} already: put all of it there", name=name, line=earlier)
    else:
        yield header.start(1), text("{name} is set further up already", name=name)


def _is_closed(line: str, header: re.Match[str]) -> bool:
    """With as many brackets as it begins with."""
    return re.match(rf"\s*{']' * len(header[1])}\s*(#|$)", line[header.end(2) :]) is not None


def _zero(line: str, column: int, _before: list[str]) -> Iterator[Look]:
    if re.fullmatch(r"(.*\W)?0\d", line[: column + 1]) and "[" in _outside(line[:column]):
        yield column - 1, text("a number does not begin with 0")


def _open_list(line: str, column: int, before: list[str]) -> Iterator[Look]:
    key = KEY.match(line)
    begun = key is not None and column >= key.end()
    value = _outside(line)[key.end() : column] if key and begun else "\n".join([*map(_outside, before), _outside(line)[:column]])
    if value.count("{") > value.count("}"):
        yield column, text("a comma or the bracket }} is missing; what stands between {{ and }} stands on one line")
    elif value.count("[") > value.count("]"):
        yield column, text("a comma or the bracket ] is missing")


def _name(line: str, column: int, _before: list[str]) -> Iterator[Look]:
    found = _NAME.match(_outside(line))
    if found and column < found.end() and KEY.match(line) is None:
        name = found["name"].strip()
        if known := meant(name):
            yield found.start("name"), text("{name} is no setting; did you mean {known}?", name=name, known=known)
        else:
            yield found.start("name"), text("the name of a setting has no accents and no blanks")


def _equals(line: str, _column: int, _before: list[str]) -> Iterator[Look]:
    if found := _COMMENT.match(line):
        yield found.start(1), text("a comment begins with #")
    elif re.fullmatch(rf"{KEY.pattern}(#.*)?", line):
        yield len(line.partition("#")[0].rstrip()), text("the value is missing")
    elif "=" not in _outside(line) and (found := _NO_EQUALS.match(line)):
        yield found.start("sign"), text("a setting is written name = value")


def _twice(line: str, _column: int, before: list[str]) -> Iterator[Look]:
    key = KEY.match(line)
    for number in range(len(before), 0, -1):
        if key is None or HEADER.fullmatch(before[number - 1]):
            return
        if (other := KEY.match(before[number - 1])) and other[1] == key[1]:
            yield key.start(1), text("{name} is set in line {line} already", name=key[1], line=number)
            return


def _quote(line: str, _column: int, _before: list[str]) -> Iterator[Look]:
    rest = _outside(line)
    if '"' in rest or (rest.count("'") % 2 and "=" in rest):
        yield len(line.rstrip()), text("a quote is missing: a text stands between two, on one line")
    elif found := re.match(rf"{KEY.pattern}(?P<text>_++)\s*(?P<more>\S)", rest):
        yield found.start("more"), text("this stands behind the value, where only a comment may stand: # …")


def _bare(line: str, _column: int, _before: list[str]) -> Iterator[Look]:
    found = _BARE.fullmatch(line)
    if found is None:
        return
    name, value, start = found[1], found["value"], found.start("value")
    if is_secret(name):
        yield start, text('a text stands in quotes: {name} = "…"', name=name)
    elif re.fullmatch(r"[+-]?(0|[1-9]\d*)(\.\d+)?", value):
        return
    elif value.lower() in _YES | _NO:
        yield start, text("write {name} = {value}", name=name, value="true" if value.lower() in _YES else "false")
    elif re.fullmatch(r"\d+,\d+", value):
        yield start, text("a decimal number is written with a point: {name} = {value}", name=name, value=value.replace(",", "."))
    elif re.fullmatch(r"\w+", value):
        yield start, text('write {name} = "{value}", in quotes', name=name, value=value)
    else:
        yield start, text('a text stands in quotes: {name} = "…"', name=name)


_LOOKS: tuple[Callable[[str, int, list[str]], Iterator[Look]], ...] = (
    _invisible,
    _curly,
    _backslash,
    _heading,
    _zero,
    _open_list,
    _name,
    _equals,
    _twice,
    _quote,
    _bare,
)
"""In this order: the first that finds something says what it is."""
