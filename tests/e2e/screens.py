"""What the installed command shows on a terminal of some width."""

import re

from foundation.errors import ExitCode
from tests.e2e.small_site import SmallSite
from tests.e2e.terminal import at_terminal

MOVES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_a_terminal(site: SmallSite, columns: int, *arguments: str) -> str:
    """All of it, what it writes over included, line by line."""
    said = at_terminal(site.folder, {**site.environment(), "COLUMNS": str(columns), "TERM": "xterm"}, arguments, ())
    assert said.returncode in {ExitCode.OK, ExitCode.DOWN}, said.screen
    return MOVES.sub("", said.screen).replace("\r", "\n")
