"""The commands of docker-compose.yml, run as its containers run them, in the order in which they wait for one another.

Only where things are differs: the servers' hosts and folders, the topics' prefix, and the containers' own folders.
"""

import os
import re
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from puente.config import load
from puente.demo.compare import compare_all
from tests.docker.compose_file import SETTINGS, Service, argv, one_shots, services
from tests.e2e.command import WARNINGS
from tests.e2e.small_site import COMMAND, rows_of, wait_until
from tests.engines.firebird_server import PrivateServer
from tests.engines.users import execute
from tests.patience import HANG_SECONDS

# Its log is Kafka whatever the site of another test has: once is enough.
pytestmark = [pytest.mark.e2e, pytest.mark.file_log]

DATA = "/var/lib/firebird/data"
SERVICES = services()
LASTING = ("producer", "consumer-centro", "consumer-norte")


@dataclass(kw_only=True)
class Containers:
    """Stands in for the containers: `places` says what of theirs is what here."""

    folder: Path
    places: Mapping[str, str]
    sysdba: Mapping[str, str]
    """The URLs of the databases as their owner's, by the name of the service."""

    def __post_init__(self) -> None:
        (self.folder / "bin").mkdir()
        # Debian's name for it.
        (self.folder / "bin" / "isql").symlink_to(shutil.which("isql-fb") or "")
        for name in ("data", "tmp"):
            (self.folder / name).mkdir()
        self.settings.write_text(self.here(SETTINGS.read_text(encoding="utf-8")), encoding="utf-8")

    @property
    def settings(self) -> Path:
        return self.folder / "puente.toml"

    def here(self, text: str) -> str:
        """In one pass: what is put in is not looked at again."""
        return re.sub("|".join(re.escape(place) for place in self.places), lambda found: self.places[found[0]], text)

    def environment(self, service: Service) -> dict[str, str]:
        path = f"{self.folder / 'bin'}:{COMMAND.parent}:{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "PUENTE_LANG": "en", "PYTHONWARNINGS": WARNINGS, **service["environment"]}

    def run(self, name: str) -> str:
        """Runs a service that ends by itself, well; returns what it said."""
        service = SERVICES[name]
        done = self._run([self.here(word) for word in argv(service)], self.environment(service))
        assert done.returncode == 0, done.stdout
        return done.stdout

    def puente(self, *words: str) -> str:
        """What `docker compose exec producer puente …` says."""
        done = self._run(["puente", *words], {**self.environment(SERVICES["producer"]), "COLUMNS": "200"})
        assert done.returncode == 0, done.stdout
        return done.stdout

    def is_healthy(self, name: str, **environment: str) -> bool:
        kind, command = SERVICES[name]["healthcheck"]["test"]
        assert kind == "CMD-SHELL"
        local = self.here(command.replace("localhost/", f"{name}/"))
        return self._run(["/bin/sh", "-c", local], {**self.environment(SERVICES[name]), **environment}).returncode == 0

    def start_once(self) -> str:
        """What `up` does before anything lasting starts."""
        return "".join(self.run(name) for name in one_shots(SERVICES))

    @contextmanager
    def started(self) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
        """The producer and the consumers; whatever happens, none is left running."""
        with ExitStack() as stack:
            running = {}
            for name in LASTING:
                process = subprocess.Popen(
                    [self.here(word) for word in argv(SERVICES[name])],
                    cwd=self.folder,
                    env=self.environment(SERVICES[name]),
                    stdin=subprocess.DEVNULL,
                )
                stack.callback(process.wait)
                stack.callback(process.kill)
                running[name] = process
            yield running

    def differs(self) -> bool:
        settings = load(self.settings, SERVICES["producer"]["environment"])
        return any(comparison.differences for comparison in compare_all(settings))

    def _run(self, words: list[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words,
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=HANG_SECONDS,
            check=False,
        )


@pytest.fixture
def containers(
    tmp_path: Path, private_firebird_server: PrivateServer, second_firebird_server: PrivateServer, kafka_servers: str, kafka_prefix: str
) -> Containers:
    """Two Firebird servers stand for three: SAE and the centre have one together, in folders of their own; the north has its own."""
    servers = {"sae": private_firebird_server, "caja-centro": private_firebird_server, "caja-norte": second_firebird_server}
    mark = secrets.token_hex(4)
    # Users whom nobody has made yet.
    places = {"//lector:": f"//r_{mark}:", "//escritor:": f"//w_{mark}:", "/tmp/": f"{tmp_path}/tmp/", "/data/": f"{tmp_path}/data/"}  # noqa: S108 - the containers'
    # The broker is one for all tests.
    places['"kafka:9092"'] = f'"{kafka_servers}"\nprefix = "{kafka_prefix}"'
    sysdba = {}
    for host, server in servers.items():
        folder = Path(server.folder) / f"{mark}-{host}"
        folder.mkdir()
        at = f"{server.host}:{server.port}"
        sysdba[host] = f"firebird+firebird://{server.user}:{server.password}@{at}/{folder}/{'sae' if host == 'sae' else 'caja'}.fdb"
        places = {
            f"@{host}:3050/{DATA}/": f"@{at}/{folder}/",
            f"{host}/3050:{DATA}/": f"{server.host}/{server.port}:{folder}/",
            f"{host}/3050:": f"{server.host}/{server.port}:",
            **places,
        }
    return Containers(folder=tmp_path, places=places, sysdba=sysdba)


def test_the_site_comes_up_carries_everything_and_stops_when_asked(containers: Containers) -> None:
    # Given all that runs once
    containers.start_once()
    assert list((containers.folder / "data").iterdir()) == []
    assert containers.differs()
    # When the lasting services run
    with containers.started() as running:
        wait_until(lambda: not containers.differs())
        execute(containers.sysdba["sae"], ["UPDATE INVE01 SET DESCR = 'Cambio' WHERE STATUS = 'A'"])
        wait_until(lambda: all(changed_rows(containers.sysdba[name]) > 100 for name in ("caja-centro", "caja-norte")))
        wait_until(lambda: not containers.differs())
        assert containers.puente("status").count(" yes ") == 2
        for process in running.values():
            process.send_signal(signal.SIGTERM)
        # Then each ends well
        assert {name: process.wait(HANG_SECONDS) for name, process in running.items()} == dict.fromkeys(LASTING, 0)


def changed_rows(url: str) -> int:
    ((count,),) = rows_of(url, "COUNT(*) FROM CATINVEN WHERE DESCRIPCIO = 'Cambio'")
    return int(count)


def test_a_second_start_keeps_what_is_there_and_brings_back_users_that_went_with_their_container(containers: Containers) -> None:
    containers.start_once()
    products = rows_of(containers.sysdba["sae"], "COUNT(*), MAX(UUID) FROM INVE01")
    assert "Nothing to do: all is there." in containers.start_once()
    (user,) = (found for place, found in containers.places.items() if place.startswith("//lector"))
    execute(containers.sysdba["sae"], [f"DROP USER {user.strip('/:')}"])
    said = containers.start_once()
    assert said.count("is there already") == 3
    assert "Nothing to do: all is there." in said
    assert rows_of(containers.sysdba["sae"], "COUNT(*), MAX(UUID) FROM INVE01") == products


def test_a_missing_user_ends_the_start_before_anything_lasting_runs(containers: Containers) -> None:
    containers.run("databases")
    (containers.folder / "data" / "norte.sql").write_text("SELECT 1 FROM RDB$DATABASE;\n", encoding="ascii")
    containers.run("users")
    with pytest.raises(AssertionError, match="the user name or the password is wrong"):
        containers.run("setup")


@pytest.mark.parametrize("name", ["sae", "caja-centro", "caja-norte"])
def test_a_server_is_healthy_once_it_takes_the_password_and_not_while_it_is_down(
    containers: Containers, name: str, second_firebird_server: PrivateServer
) -> None:
    assert containers.is_healthy(name)
    assert not containers.is_healthy(name, FIREBIRD_ROOT_PASSWORD="wrong")
    second_firebird_server.stop()
    assert containers.is_healthy(name) is (name != "caja-norte")
