"""Databases that many tests begin with: made once by each process of a test run, the others are copies of their files."""

import atexit
import itertools
import shutil
import tempfile
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path

from sqlalchemy.engine import make_url

from tests.engines.firebird_server import PrivateServer

_kept: dict[Hashable, list[Path]] = {}
_numbers = itertools.count(1)


def databases(urls: Sequence[str], key: Hashable, make: Callable[[], object]) -> None:
    """Sees that databases of this key stand at the URLs: as `make` makes them there, or as it made others before.

    Nobody may have them open when `make` returns. Where their files are not ours to copy each is made.
    """
    files = [_file(url) for url in urls]
    if not all(files):
        make()
        return
    paths = [Path(file) for file in files if file]
    whole = (key, tuple(make_url(url).host for url in urls))
    if whole in _kept:
        for template, path in zip(_kept[whole], paths, strict=True):
            shutil.copyfile(template, path)
        return
    make()
    _kept[whole] = [Path(shutil.copyfile(path, _folder() / f"{next(_numbers)}.fdb")) for path in paths]


def _file(url: str) -> str | None:
    """None where it is a server's own affair: one from outside, or an alias."""
    parsed = make_url(url)
    is_ours = parsed.host is None or any(server.port == parsed.port for server in PrivateServer.known)
    return parsed.database if is_ours and parsed.database is not None and parsed.database.startswith("/") else None


_folders: list[Path] = []


def _folder() -> Path:
    if not _folders:
        _folders.append(Path(tempfile.mkdtemp(prefix="templates-")))
        atexit.register(shutil.rmtree, _folders[0], ignore_errors=True)
    return _folders[0]
