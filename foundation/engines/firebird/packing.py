"""Rows in the parameters of an EXECUTE BLOCK: how they are put together here, and cut apart there.

Each row and each field follow their length, which is a character or two, so that a row takes no more than it holds: over a slow line each
call more is felt. Bytes travel as the characters of the same number, which an ISO8859_1 parameter keeps as they are.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from foundation.generated import function

PARAMETERS = ("d", "e")
"""A block takes two, as long as a text may be, and together no longer than all that it takes may be (64 KB)."""
PARAMETER_LENGTH = 31_000
NARROW = 222
"""Characters that a field may have whose length is one character."""
BASE = 200
FIRST = 32
"""The character that stands for nothing: below are those that control terminals."""
DECLARED = "declare o integer = 1; declare w integer; declare n integer; declare x integer;"
BEGUN = "n = char_length(d);"
MORE = "(n > 0)"
"""Whether a row is left; stands after `BEGUN` and after each row, when `NEXT` did its work."""
Texts = Callable[[Any], str]
"""What turns a value, which is not None, into its field."""


def parameters(more: Sequence[str] = ()) -> str:
    """What stands behind EXECUTE BLOCK; `more` are others, which come first."""
    declared = [f"{name} varchar({PARAMETER_LENGTH}) character set iso8859_1" for name in PARAMETERS]
    return "(" + ", ".join(f"{one} = ?" for one in (*more, *declared)) + ")"


def _number(at: str) -> str:
    """Of two characters."""
    return f"(ascii_val(substring(d from {at} for 1)) - {FIRST}) * {BASE} + ascii_val(substring(d from {at} + 1 for 1)) - {FIRST}"


def _characters(number: int) -> str:
    return chr(FIRST + number // BASE) + chr(FIRST + number % BASE)


BEGIN = f"x = {_number('o')}; x = o + x + 2; o = o + 2;"
"""Stands before a row is cut."""
NEXT = "o = x; if (o > n) then begin d = e; e = ''; o = 1; n = char_length(d); end"
"""Goes on behind the row, however much of it was cut."""


def cut(variable: str, width: int, value: Callable[[str], str]) -> Iterator[str]:
    """Statements that take the next field, of at most `width` characters, into a variable; `value` makes its value of the text."""
    if width <= NARROW:
        yield f"w = ascii_val(substring(d from o for 1)) - {FIRST + 1}; o = o + 1;"
    else:
        yield f"w = {_number('o')} - 1; o = o + 2;"
    yield f"if (w < 0) then {variable} = null; else begin {variable} = {value('substring(d from o for w)')}; o = o + w; end"


def heads(width: int) -> tuple[str, list[str]]:
    """What stands for NULL in a field of at most so many characters, and what before a text, by its length."""
    if width <= NARROW:
        return chr(FIRST), [chr(FIRST + 1 + length) for length in range(width + 1)]
    return _characters(0), [_characters(length + 1) for length in range(width + 1)]


def whole(row: str) -> str:
    """A row with its length."""
    return _characters(len(row)) + row


def packer(fields: Sequence[tuple[int, Texts]]) -> Callable[[Sequence[Any]], str]:
    """What puts the fields of a row together, given the width of each, and what makes a text of its value.

    It raises `IndexError` where a value is too long.
    """
    names: dict[str, Any] = {}
    parts = []
    for place, (width, text_of) in enumerate(fields):
        null, of_length = heads(width)
        names |= {f"N{place}": null, f"H{place}": of_length, f"T{place}": text_of}
        parts.append(f"{{N{place} if (v := r[{place}]) is None else H{place}[len(t := T{place}(v))] + t}}")
    return function("r", f"f'{''.join(parts)}'", names)


def calls(rows: Iterable[str]) -> Iterator[tuple[Sequence[int], tuple[str, ...]]]:
    """Packed rows, each short enough for a parameter, in as few calls as hold them: the places of the rows, and the parameters."""
    full: list[str] = []
    part: list[str] = []
    first = length = place = 0
    for place, row in enumerate(rows):
        if length + len(row) > PARAMETER_LENGTH:
            full.append("".join(part))
            part, length = [], 0
            if len(full) == len(PARAMETERS):
                yield range(first, place), tuple(full)
                full, first = [], place
        part.append(row)
        length += len(row)
    if part:
        full.append("".join(part))
        yield range(first, place + 1), (*full, *[""] * (len(PARAMETERS) - len(full)))
