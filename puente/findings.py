"""What a command found out, for the screen and for `--json`."""

from dataclasses import dataclass
from enum import StrEnum

from foundation.errors import ExitCode, PuenteError
from foundation.texts import Text


class Level(StrEnum):
    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, and what is to be said about it. `code` is what an error makes the command exit with."""

    level: Level
    about: str
    text: Text
    code: ExitCode = ExitCode.OK
    needs_setup: bool = False


def failure(about: str, error: PuenteError) -> Finding:
    return Finding(Level.ERROR, about, error.text, error.exit_code)
