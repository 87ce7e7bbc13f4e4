"""Firebird 3 servers for tests, made of Debian's files but touching no server of the system's.

A private server lives in one temporary folder: its configuration, its security database and its databases. It listens on a
loopback port of its own and never outlives the test run.
`PUENTE_TEST_FIREBIRD="host/port;folder;user;password"` names a server that is already there instead, a 2.5 one for
example; the folder is as that server sees it.
"""

import atexit
import itertools
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from tests.engines.ports import HOST, free_port
from tests.engines.private_process import PrivateProcess
from tests.patience import HANG_SECONDS

EXTERNAL_VARIABLE = "PUENTE_TEST_FIREBIRD"
USER = "SYSDBA"
PASSWORD = "masterkey"
USERS = ("LECTOR", "ESCRITOR")
"""Those of the product, with what Firebird 2.5 takes of a password."""
USER_PASSWORD = "prueba-1"
ALIASES = ("sae", "caja")
"""Stand in every private server's `databases.conf`: one name, but on each server another file."""

PROGRAM = Path("/usr/sbin/firebird")
SECURITY_SCHEMA = Path("/usr/share/firebird/3.0/security.sql")
PACKAGES = "libfbclient2 firebird3.0-server firebird3.0-server-core firebird3.0-utils"

START_SECONDS = HANG_SECONDS

CONFIGURATION = """\
ServerMode = {mode}
DatabaseAccess = Full
RemoteBindAddress = {host}
RemoteServicePort = {port}
AuthServer = Srp
UserManager = Srp
WireCrypt = Enabled
# A client that was killed keeps its locks this long, not ten seconds.
DeadlockTimeout = 1
SecurityDatabase = {root}/security3.fdb
"""

# Reads from a pipe that the test run holds open: the process id of each new server, an empty line when that stops. The
# pipe closes however the run ends, by kill -9 too; then the server and its folder go.
GUARD = """\
while read -r line; do server=$line; done
if [ -n "$server" ]; then kill -KILL "$server"; sleep 0.2; fi
rm -rf "$1"
"""


class ServerUnavailableError(Exception):
    """This machine has not what a private server is made of."""


class FirebirdServer:
    """A Firebird server as tests see it: where it is, and how its databases are called.

    On an external server the databases of a test run get a prefix of their own, for nobody removes them there.
    """

    def __init__(self, *, host: str, port: int, user: str, password: str, folder: str, prefix: str = "") -> None:
        self.host = host
        self.port = port
        self.user = user
        self.password = password
        self.folder = folder
        self._prefix = prefix
        self._numbers = itertools.count(1)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.host}/{self.port})"

    def new_name(self, stem: str) -> str:
        """A database name that was not given out before."""
        return f"{stem}_{next(self._numbers)}"

    def path(self, name: str) -> str:
        """The database `name` as the server sees it; slashes also on Windows, where Firebird takes both."""
        return f"{self.folder}/{self._prefix}{name}.fdb"

    def url(self, name: str) -> str:
        """SQLAlchemy's URL of the database `name`."""
        return self._url(self.path(name))

    def new_url(self, stem: str) -> str:
        """The URL of a database that is nowhere yet."""
        return self.url(self.new_name(stem))

    def dsn(self, name: str) -> str:
        """The same as the driver's connection string."""
        return f"{self.host}/{self.port}:{self.path(name)}"

    def _url(self, database: str) -> str:
        return (
            f"firebird+firebird://{quote(self.user, safe='')}:{quote(self.password, safe='')}"
            f"@{self.host}:{self.port}/{quote(database, safe='/:')}"
        )


class PrivateServer(FirebirdServer, PrivateProcess):
    """A server of this test run alone."""

    start_seconds = START_SECONDS
    known: ClassVar[list["PrivateServer"]] = []
    """All that this process made."""

    def __init__(self, root: Path) -> None:
        super().__init__(host=HOST, port=free_port(), user=USER, password=PASSWORD, folder=str(root / "data"))
        self.root = root
        self._owner = os.getpid()
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", GUARD, "guard", root],
            stdin=subprocess.PIPE,
            # Ctrl-C is for pytest, which then removes the server.
            start_new_session=True,
        )

    @classmethod
    def create(cls, mode: str = "Super") -> "PrivateServer":
        """Lays out a new server's folder and starts it; `mode` is Firebird's ServerMode."""
        engine = _engine_folder()
        # Short, as the names of sockets and lock files must be; and not pytest's tmp_path, which stays after the run.
        server = cls(Path(tempfile.mkdtemp(prefix="fb-")))
        cls.known.append(server)
        atexit.register(server.remove)
        try:
            _lay_out(server, engine, mode)
            _create_security_database(server.root)
            server.start()
        except BaseException:
            server.remove()
            raise
        return server

    def alias_url(self, alias: str) -> str:
        """The URL of a database by one of `ALIASES`: but for the port, the same string on every private server."""
        return self._url(alias)

    def remove(self) -> None:
        """Stops the server and removes its folder; nothing in a forked child, whose parent still needs it."""
        if os.getpid() != self._owner:
            return
        atexit.unregister(self.remove)
        self.kill()
        self._guard.communicate()

    def _command(self) -> list[str]:
        return [str(PROGRAM)]

    def _environment(self) -> Mapping[str, str]:
        return _environment(self.root)

    def _did_not_start(self) -> Exception:
        return RuntimeError(f"the Firebird server on port {self.port} did not start:\n{self.log}")

    def _note(self, pid: int | None) -> None:
        assert self._guard.stdin is not None
        self._guard.stdin.write(f"{pid or ''}\n".encode())
        self._guard.stdin.flush()


def external_server() -> FirebirdServer | None:
    """The server that PUENTE_TEST_FIREBIRD names."""
    named = os.environ.get(EXTERNAL_VARIABLE)
    if not named:
        return None
    try:
        address, folder, user, password = named.split(";")
        host, port = address.split("/")
        number = int(port)
    except ValueError:
        raise ValueError(f'{EXTERNAL_VARIABLE} must read "host/port;folder;user;password"') from None
    folder = folder.replace("\\", "/").rstrip("/")
    prefix = f"puente_{secrets.token_hex(4)}_"
    return FirebirdServer(host=host, port=number, user=user, password=password, folder=folder, prefix=prefix)


def _engine_folder() -> Path:
    """Debian's folder of the engine, once everything that a server needs is known to be there."""
    engines = sorted(Path("/usr/lib").glob("*/firebird/3.0/plugins/libEngine12.so"))
    tools = [PROGRAM, SECURITY_SCHEMA]
    if not engines or not all(tool.exists() for tool in tools) or shutil.which("isql-fb") is None:
        raise ServerUnavailableError(f"no Firebird 3 server: install {PACKAGES}, or name one in {EXTERNAL_VARIABLE}")
    return engines[0].parent.parent


def _lay_out(server: PrivateServer, engine: Path, mode: str) -> None:
    """Fills the server's folder. The libraries are copies: the engine follows no link to a plugin or an `intl`."""
    root = server.root
    for folder in ("data", "intl", "lock", "plugins", "tmp"):
        (root / folder).mkdir()
    for name in (
        "firebird.msg",
        "plugins.conf",
        "intl/fbintl.conf",
        "intl/libfbintl.so",
        "plugins/libEngine12.so",
        "plugins/libSrp.so",
    ):
        shutil.copyfile(engine / name, root / name)
    (root / "firebird.conf").write_text(CONFIGURATION.format(mode=mode, host=HOST, port=server.port, root=root))
    aliases = "".join(f"{alias} = {server.path(alias)}\n" for alias in ALIASES)
    (root / "databases.conf").write_text(f"security.db = {root}/security3.fdb\n{{\n    RemoteAccess = false\n}}\n{aliases}")


def _create_security_database(root: Path) -> None:
    """Makes the server's users before it starts: through the embedded engine, in a process of its own.

    In a boot build whoever comes is SYSDBA and every folder is under FIREBIRD. The server itself is none, or it would ask nobody who he is;
    so its plugins are those of the system, and where it is root's it may leave a line in the system's firebird.log.
    """
    script = root / "security.sql"
    others = "".join(f"CREATE USER {user} PASSWORD '{USER_PASSWORD}' USING PLUGIN Srp;\n" for user in USERS)
    script.write_text(
        f"CREATE DATABASE '{root}/security3.fdb';\n"
        f"INPUT '{SECURITY_SCHEMA}';\n"
        "COMMIT;\n"
        f"CREATE USER {USER} PASSWORD '{PASSWORD}' USING PLUGIN Srp;\n"
        f"{others}"
        "COMMIT;\n"
    )
    done = subprocess.run(
        ["isql-fb", "-quiet", "-bail", "-user", USER, "-input", script],
        env={**_environment(root), "FIREBIRD_BOOT_BUILD": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode or done.stderr:
        raise RuntimeError(f"the security database cannot be made:\n{done.stdout}{done.stderr}")


def _environment(root: Path) -> dict[str, str]:
    """All that the server's programs get: nothing of the test run's own Firebird client, nor of a user's ISC_USER."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "FIREBIRD": str(root),
        "FIREBIRD_LOCK": str(root / "lock"),
        "FIREBIRD_TMP": str(root / "tmp"),
    }
