"""What an administrator runs on a server: Firebird's own tools."""

import os
import subprocess
from collections.abc import Callable

from sqlalchemy.engine import make_url


def run_tool(tool: str, url: str, arguments: Callable[[str], list[str]]) -> subprocess.CompletedProcess[str]:
    """The tool as the user of the URL; `arguments` are made from the name by which it knows the database."""
    parsed = make_url(url)
    assert parsed.username
    assert parsed.password
    return subprocess.run(
        [tool, *arguments(f"{parsed.host}/{parsed.port}:{parsed.database}"), "-user", parsed.username, "-password", parsed.password],
        env={"PATH": os.environ["PATH"]},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
