"""Databases of the embedded engine, beside those of a server."""

import itertools
from pathlib import Path

from tests.engines.firebird_server import FirebirdServer


class EmbeddedDatabases:
    """Where a test's databases of the embedded engine stand."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._numbers = folder, itertools.count(1)

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.fdb"

    def url(self, name: str) -> str:
        return f"firebird+firebird:///{self.path(name)}"

    def new_url(self, stem: str) -> str:
        """The URL of a database that is nowhere yet."""
        return self.url(f"{stem}_{next(self._numbers)}")


Engine = EmbeddedDatabases | FirebirdServer
"""Where new databases are made."""
