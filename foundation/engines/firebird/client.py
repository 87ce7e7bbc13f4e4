"""Firebird's client library: the one of the `firebird-embedded` wheel, which also is an engine of its own (Firebird 5, embedded).

It needs three things that the wheel does not arrange: libtommath and libtomcrypt loaded globally before it (Linux), a runtime folder
whose `firebird.conf` lets several processes open one file, and the same folder in every process, for the lock files stand there.
"""

import ctypes
import os
import shutil
import signal
import sys
import tempfile
import threading
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from zlib import crc32

from firebird.driver import Error, connect, load_api

from foundation.engines.firebird import messages, threads
from foundation.errors import ConfigError
from foundation.texts import text

CLIENT_VARIABLE = "PUENTE_FBCLIENT"
"""Names another client library (fbclient.dll, libfbclient.so.2); without the wheel's there is no embedded engine."""

SIGACTION_BYTES = 1024
"""More than the structure has anywhere."""

CONFIGURATION = """\
# Several processes may open one database; a survivor of a killed process waits one second for its locks, not ten.
ServerMode = SuperClassic
DeadlockTimeout = 1
"""


NOBODY = "127.0.0.1/1:none"
"""A database that there is none of, on a port where nobody listens."""

_loading = threading.Lock()


def load_client() -> None:
    """Loads the client library, once per process; raises `ConfigError` where it or what it needs is missing.

    The driver would load one by itself at its first use, but not safely where two threads come at once, and not the wheel's.
    """
    with _loading:
        _load()


@cache
def _load() -> None:
    named = os.environ.get(CLIENT_VARIABLE)
    wheel = _wheel_runtime()
    library = Path(named) if named else wheel and _prepare(wheel)
    try:
        load_api(library)
        threads.separate()
        messages.legible()
        _keep_our_signals()
    except (OSError, FileNotFoundError, Error) as error:
        raise ConfigError(
            text(
                "Firebird's client library cannot be loaded ({error}): install it, or name one in {variable}",
                error=error,
                variable=CLIENT_VARIABLE,
            )
        ) from error


def _keep_our_signals() -> None:
    """At its first connection the library puts itself before Python at SIGINT and SIGTERM, to end every connection at once.

    The program wants to end them itself, when what it is doing is done. So that first connection is made here, and Python put back.
    """
    if sys.platform == "win32":
        return
    c = ctypes.CDLL(None)
    ours = {number: ctypes.create_string_buffer(SIGACTION_BYTES) for number in (signal.SIGINT, signal.SIGTERM)}
    for number, action in ours.items():
        c.sigaction(number, None, action)
    with suppress(Error):
        connect(NOBODY, user="nobody", password="none")  # noqa: S106 - nobody's
    for number, action in ours.items():
        c.sigaction(number, action, None)


def _prepare(wheel: Path) -> Path:
    """Makes the wheel's engine usable; returns its library."""
    runtime = _runtime_folder(wheel)
    os.environ["FIREBIRD"] = str(runtime)
    os.environ["FIREBIRD_LOCK"] = str(runtime / "lock")
    if sys.platform != "win32":
        _load_globally(wheel)
    return next(path for path in (runtime / "fbclient.dll", runtime / "libfbclient.so.2") if path.exists())


def _wheel_runtime() -> Path | None:
    """The wheel's own runtime folder; None on a platform without such a wheel, where the system's client library serves."""
    try:
        spec = find_spec("firebird.embedded")
    except ModuleNotFoundError:
        return None
    return Path(spec.submodule_search_locations[0]) / "runtime" if spec and spec.submodule_search_locations else None


def _load_globally(wheel: Path) -> None:
    for name, package in (("libtommath.so.1", "libtommath1"), (str(wheel / "libtomcrypt.so.1"), "firebird-embedded")):
        try:
            ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL)
        except OSError as error:
            raise ConfigError(text("The library {name} is missing: install the package {package}", name=name, package=package)) from error


def _runtime_folder(wheel: Path) -> Path:
    """A folder of our own with links to the wheel's files (copies where links are not allowed); the same for every process of this user."""
    parent = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "puente"
    if sys.platform == "win32":
        parent = Path(os.environ.get("LOCALAPPDATA", tempfile.gettempdir())) / "Puente"
    folder = parent / f"firebird-{_stamp(wheel)}"
    if not folder.exists():
        _build(wheel, parent, folder)
    return folder


def _stamp(wheel: Path) -> str:
    """Tells one installed wheel from another, so that an upgrade or a second environment gets its own folder."""
    library = next(path for path in (wheel / "fbclient.dll", wheel / "libfbclient.so.2") if path.exists())
    status = library.stat()
    return f"{crc32(str(wheel).encode()):08x}-{status.st_size:x}-{int(status.st_mtime):x}"


def _build(wheel: Path, parent: Path, folder: Path) -> None:
    try:
        parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix="draft-", dir=parent))
    except OSError as error:
        raise ConfigError(text("The folder {folder} for Firebird's runtime cannot be written", folder=parent)) from error
    (draft / "lock").mkdir()
    (draft / "firebird.conf").write_text(CONFIGURATION, encoding="ascii")
    for source in wheel.iterdir():
        if source.name not in ("firebird.conf", "firebird.log"):
            _link(source, draft / source.name)
    try:
        draft.rename(folder)
    except OSError:  # another process was faster; its folder is as good
        shutil.rmtree(draft, ignore_errors=True)


def _link(source: Path, target: Path) -> None:
    try:
        target.symlink_to(source, target_is_directory=source.is_dir())
    except OSError:  # Windows lets few accounts make links
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy2(source, target)
