"""A Kafka broker for tests and for `make demo-kafka`: one node, in KRaft mode, of Kafka's own jars; Docker is not needed.

A private broker lives in one temporary folder and on loopback ports of its own, and never outlives the test run.
`PUENTE_TEST_KAFKA="HOST:PORT[,HOST:PORT]"` names a broker that is already there instead.
"""

import atexit
import os
import re
import resource
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from tests.engines import guard
from tests.engines.kafka_jars import PACKAGES, BrokerUnavailableError, fetch_jars
from tests.engines.kafka_line import Line
from tests.engines.kafka_settings import LOG4J, SETTINGS, Ports, private_settings
from tests.engines.ports import HOST
from tests.engines.private_process import STOP_SECONDS, PrivateProcess
from tests.patience import HANG_SECONDS

EXTERNAL_VARIABLE = "PUENTE_TEST_KAFKA"

FORMAT_SECONDS = 60
START_SECONDS = HANG_SECONDS
LOG_LINES = 30
"""How much of a broker's log an error shows."""


class BrokerFailedError(Exception):
    """A broker was not laid out, or did not come up."""


class Broker(PrivateProcess):
    """A broker of the test run's own. It listens when its controller has let it in: from then on topics can be made."""

    start_seconds = START_SECONDS
    _archive_to: Path | None = None

    def __init__(self, root: Path, jars: Path, ends_with: Sequence[int], further: Mapping[str, str]) -> None:
        self.root, self._further = root, further
        self._ports = Ports.free()
        self.port = self._ports.clients
        self._jars = jars
        self._maker = os.getpid()
        self._guard = subprocess.Popen(
            # Isolated: the modules beside it are no modules of its.
            [sys.executable, "-I", guard.__file__, self._settings, *map(str, ends_with)],
            stdin=subprocess.DEVNULL,
            # It must not keep a pipe open that somebody reads the test run's output from.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Ctrl-C is for pytest, which then removes the broker.
            start_new_session=True,
        )

    @classmethod
    def create(
        cls, *, ends_with: Sequence[int] = (), further: Mapping[str, str] | None = None, format_options: Sequence[str] = ()
    ) -> "Broker":
        """Lays out a new broker's folder and starts it, with `further` settings.

        It ends with one of these processes: with ours, unless others are named.
        """
        if shutil.which("java") is None:
            raise BrokerUnavailableError(
                f"no Kafka broker: Java is not installed (on Debian: {PACKAGES}), and {EXTERNAL_VARIABLE} names none"
            )
        jars = fetch_jars()
        owners = ends_with or [os.getpid()]
        # Not pytest's tmp_path, which stays after the run.
        broker = cls(Path(tempfile.mkdtemp(prefix="kafka-")), jars, owners, further or {})
        if os.getpid() in owners:
            atexit.register(broker.remove)
        try:
            broker._lay_out(format_options)
            broker.start()
        except BaseException:
            broker.remove()
            raise
        return broker

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.bootstrap_servers})"

    @property
    def bootstrap_servers(self) -> str:
        return f"{HOST}:{self.port}"

    def line(self) -> Line:
        """Another way to the broker, by its own address, until it is closed; one at a time."""
        return Line(self._ports.behind_line, self._ports.line)

    @property
    def data(self) -> Path:
        """All that the broker keeps; to change or copy it, stop the broker or kill it first."""
        return self.root / "data"

    def log_folder(self, topic: str) -> Path:
        """Where the segments of the topic's only partition stand."""
        return self.data / f"{topic}-0"

    def fill_disk(self) -> None:
        """The topic that holds most can grow no more, which is an error like that of a full disk. A new start has room."""
        assert self._process is not None
        largest = max(segment.stat().st_size for segment in self.data.glob("*/*.log"))
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))

    def wait_until_ended(self) -> None:
        """Where it ends by itself."""
        assert self._process is not None
        self._process.wait(STOP_SECONDS)

    def remove(self) -> None:
        """Ends the broker and removes its folder; nothing in a forked child, whose parent still needs it."""
        if os.getpid() != self._maker:
            return
        atexit.unregister(self.remove)
        self.kill()
        shutil.rmtree(self.root, ignore_errors=True)
        self._guard.kill()
        self._guard.wait()

    @property
    def _settings(self) -> str:
        return str(self.root / "server.properties")

    def _lay_out(self, format_options: Sequence[str]) -> None:
        """Fills the broker's folder and has Kafka format its data."""
        (self.root / "tmp").mkdir()
        (self.root / "log4j2.properties").write_text(LOG4J)
        Path(self._settings).write_text(private_settings(self._ports, self.data, self._further))
        formatted = _formatted_of(self._jars)
        if not format_options and formatted.exists():
            shutil.copytree(formatted, self.data)
            _write_new_ids(self.data / "meta.properties")
            return
        self._format(format_options)
        if not format_options:
            _keep(self.data, formatted)

    def _format(self, options: Sequence[str]) -> None:
        done = subprocess.run(
            self.java("kafka.tools.StorageTool", "format", "-t", _new_id(), "-c", self._settings, *options),
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=FORMAT_SECONDS,
            check=False,
        )
        if done.returncode:
            raise BrokerFailedError(
                f"a Kafka broker's data cannot be made with {java_version()}; Kafka needs Java 17 or newer:\n{_end(done.stdout)}"
            )

    def java(self, program: str, *arguments: str) -> list[str]:
        """The command that runs one of Kafka's programs."""
        archive = _archive_of(self._jars)
        return [
            "java",
            *([f"-XX:SharedArchiveFile={archive}"] if archive.exists() else []),
            "-Xmx512m",
            "-XX:+UseSerialGC",
            # Up a second earlier; what a test sends is soon done anyway.
            "-XX:TieredStopAtLevel=1",
            # Nothing of it stays in the system's /tmp.
            "-XX:-UsePerfData",
            f"-Djava.io.tmpdir={self.root / 'tmp'}",
            f"-Dlog4j2.configurationFile={self.root / 'log4j2.properties'}",
            "-cp",
            f"{self._jars}/*",
            program,
            *arguments,
        ]

    def _command(self) -> list[str]:
        command = self.java("kafka.Kafka", self._settings)
        return command if self._archive_to is None else [command[0], f"-XX:ArchiveClassesAtExit={self._archive_to}", *command[1:]]

    def archive_classes(self) -> None:
        """Keeps what the JVM made of Kafka's classes beside the jars: from then on a broker starts in half the time."""
        archive = _archive_of(self._jars)
        self.stop()
        self._archive_to = archive.with_suffix(f".{os.getpid()}")
        self.start()
        self.stop()
        self._archive_to.rename(archive)

    def _did_not_start(self) -> Exception:
        return BrokerFailedError(
            f"the Kafka broker on port {self.port} did not come up ({java_version()}; Kafka needs Java 17 or newer):\n{_end(self.log)}"
        )


def prepare() -> None:
    """Fetches Kafka's jars and archives its classes, where that was not done yet."""
    if not _archive_of(fetch_jars()).exists():
        broker = Broker.create()
        try:
            broker.archive_classes()
        finally:
            broker.remove()


def _new_id() -> str:
    """22 characters, as of a UUID in base 64; one that began with "-" would be taken for an option."""
    return "A" + secrets.token_urlsafe(16)[1:]


def _formatted_of(jars: Path) -> Path:
    """What Kafka's own program lays out, which takes a JVM as long as a broker takes to come up; kept beside the jars."""
    return jars.with_name(f"{jars.name}.{sha256(repr(SETTINGS).encode()).hexdigest()[:8]}.formatted")


def _write_new_ids(properties: Path) -> None:
    """No two brokers have the same."""
    text = properties.read_text()
    properties.write_text(re.sub(r"^(cluster\.id|directory\.id)=.*$", lambda found: f"{found[1]}={_new_id()}", text, flags=re.MULTILINE))


def _keep(data: Path, formatted: Path) -> None:
    made = formatted.with_suffix(f".{os.getpid()}")
    shutil.copytree(data, made)
    try:
        made.rename(formatted)
    except OSError:  # another process was faster
        shutil.rmtree(made)


def _archive_of(jars: Path) -> Path:
    return jars.with_name(f"{jars.name}.jsa")


def external_broker() -> str | None:
    """The bootstrap servers that PUENTE_TEST_KAFKA names."""
    named = os.environ.get(EXTERNAL_VARIABLE)
    if not named:
        return None
    if not all(re.fullmatch(r"[^:,\s]+:\d+", address) for address in named.split(",")):
        raise ValueError(f'{EXTERNAL_VARIABLE} must read "HOST:PORT[,HOST:PORT]"')
    return named


def java_version() -> str:
    """As it says itself."""
    told = subprocess.run(["java", "-version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False).stderr
    return told.partition("\n")[0]


def _end(text: str) -> str:
    return "\n".join(text.splitlines()[-LOG_LINES:])
