"""Jars by Maven, as a pom names them (Kafka's: `kafka.pom.xml`): fetched once for a checkout, however many ask at the same time."""

import getpass
import hashlib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from filelock import FileLock

POM = Path(__file__).with_name("kafka.pom.xml")
CACHE = Path(__file__).parents[2] / ".kafka"
PACKAGES = "default-jre-headless maven"
FETCH_SECONDS = 600


class BrokerUnavailableError(Exception):
    """This machine has not what a private broker is made of."""


def kafka_version(pom: Path = POM) -> str:
    found = re.search("<kafka.version>(.+)</kafka.version>", pom.read_text())
    assert found is not None
    return found[1]


def can_be_private(cache: Path = CACHE) -> bool:
    """Whether this machine has Java, and the jars or what fetches them."""
    return shutil.which("java") is not None and (_folder(cache).exists() or shutil.which("mvn") is not None)


def fetch_jars(cache: Path = CACHE, pom: Path = POM, wanted: str = "Kafka broker") -> Path:
    """The folder of the jars. The first who asks fetches them, and the others wait; later nobody needs Maven or a network.

    Raises `BrokerUnavailableError`, which tells why there is nothing `wanted`.
    """
    folder = _folder(cache, pom)
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with _maven_lock():
            if not folder.exists():
                _fetch(folder, pom, wanted)
    return folder


def _folder(cache: Path, pom: Path = POM) -> Path:
    """Named after what is in it: a pom that says something else finds no old jars."""
    return cache / f"{kafka_version(pom)}-{hashlib.sha256(pom.read_bytes()).hexdigest()[:8]}"


def _maven_lock() -> FileLock:
    """One for all checkouts of a user: they share Maven's own repository, which two processes must not fill at once."""
    return FileLock(Path(tempfile.gettempdir()) / f"puente-maven-{getpass.getuser()}.lock")


def _fetch(folder: Path, pom: Path, wanted: str) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise BrokerUnavailableError(f"no {wanted}: Maven, which fetches its jars, is not installed (on Debian: {PACKAGES})")
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetching-") as unfinished:
        jars = Path(unfinished) / "jars"
        copy = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={jars}"]
        try:
            done = subprocess.run(
                [maven, "-q", "-B", "-f", pom, *copy],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=FETCH_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise BrokerUnavailableError(f"no {wanted}: Maven did not get its jars within {FETCH_SECONDS} s") from None
        if done.returncode or not jars.exists():
            raise BrokerUnavailableError(
                f"no {wanted}: Maven did not get its jars. It needs the network, or a mirror in ~/.m2/settings.xml. It says:\n"
                + done.stdout[-3000:]
            )
        # In one step: who sees the folder sees all of it.
        jars.rename(folder)
