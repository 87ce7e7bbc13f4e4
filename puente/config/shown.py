"""A line of the settings on the screen: with a mark under the fault, without a secret."""

import re
from collections.abc import Sequence

from puente.config.places import HEADER, KEY, Place

_PASSWORD = re.compile(
    r"""(?<!\$\{)(?<![\w-])["']?[\w-]*(?:password|passwd|pwd|secret|clave|contrase\w*)[\w-]*(?<!_file)(?![\w-])["']?\s*[=:]?\s*""",
    re.IGNORECASE,
)
_URL_KEY = re.compile(r"""(?<![\w-])["']?url(?![\w-])["']?\s*[=:]?\s*""", re.IGNORECASE)
_NO_USER = re.compile(r"[\w.-]*(:\d{1,5})?/[^@]*")
_VARIABLE_USER = re.compile(r"\w*(:\$\{\w+\})?")
HIDDEN = "***"


def is_secret(name: str) -> bool:
    """Whether what a setting of this name holds is shown nowhere."""
    return any(key.fullmatch(name) for key in (_PASSWORD, _URL_KEY))


def shown(lines: Sequence[str], place: Place) -> list[str]:
    """The line with its number, and the mark; the mark alone where all of the line may be a secret."""
    line, column = lines[place.line - 1], place.column - 1
    for start, end in _secrets(lines, place.line - 1):
        removed = end - start - len(HIDDEN)
        line = line[:start] + HIDDEN + line[end:]
        column = column - removed if column >= end else min(column, start)
    line, column = line.expandtabs(1).rstrip(), max(0, column)
    head = f"{place.line} | "
    return [f"    {head}{line}", f"    {' ' * (len(head) + column)}^"]


def _secrets(lines: Sequence[str], index: int) -> list[tuple[int, int]]:
    """The parts of a line that are not to be seen, the last first."""
    line = lines[index]
    if not (KEY.match(line) or HEADER.fullmatch(line) or line.lstrip().startswith("#")) and _follows_secret(lines, index):
        return [(0, len(line))]
    hidden = []
    if password := _PASSWORD.search(line):
        hidden.append((password.end(), len(line)))
        line = line[: password.end()]
    if "://" in line:
        hidden += _in_url(line, line.index("://") + len("://"))
    elif url := _URL_KEY.search(line):
        hidden.append((url.end(), len(line)))
    return hidden


def _in_url(line: str, start: int) -> list[tuple[int, int]]:
    """All before the last @ of the line; without one, all unless no password can be in it."""
    end = line.rfind("@")
    if end < start:
        return [] if _NO_USER.match(line, start) else [(start, len(line))]
    return [] if _VARIABLE_USER.fullmatch(line, start, end) else [(start, end)]


def _follows_secret(lines: Sequence[str], index: int) -> bool:
    """Whether the value that goes on here may be one."""
    for line in reversed(lines[:index]):
        if KEY.match(line) or HEADER.fullmatch(line):
            return "://" in line or any(key.search(line) for key in (_PASSWORD, _URL_KEY))
    return False
