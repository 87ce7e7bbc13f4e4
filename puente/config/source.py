"""The text of a file that somebody wrote with whatever editor there was."""

import codecs
from pathlib import Path

from foundation.texts import Text, text

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class NotUtf8Error(Exception):
    """`line` is the first that says so, as ANSI has it; None where the whole file is of another kind."""

    def __init__(self, line: int | None = None, column: int | None = None) -> None:
        super().__init__()
        self.line, self.column = line, column


def read(path: Path) -> str:
    """UTF-8, or what a byte order mark says. Raises `NotUtf8Error` for what could be read in several ways, and `OSError`."""
    return decoded(path.read_bytes())


def decoded(content: bytes) -> str:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            try:
                return content[len(mark) :].decode(encoding)
            except UnicodeDecodeError as error:
                raise NotUtf8Error from error
    if b"\0" in content:  # UTF-16 without a mark, most likely
        raise NotUtf8Error
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        raise NotUtf8Error(before.count(b"\n") + 1, error.start - before.rfind(b"\n")) from error


def as_ansi(content: bytes) -> str:
    """How Windows' old programs show it: to show a line, never to read a setting."""
    return content.decode("cp1252", errors="replace")


REMEDY: Text = text("save it as UTF-8: in Notepad, File, Save as, Encoding: UTF-8")
