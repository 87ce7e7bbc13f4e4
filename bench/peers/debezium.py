"""Debezium's JDBC sink in Kafka Connect, with the dialect that it lacks for Firebird: one worker for all rounds, a connector for each."""

import json
import os
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psutil
from sqlalchemy.engine import make_url

from bench.peers.figures import JVM
from bench.peers.guarded import Guarded
from bench.peers.rows import KEY, Numbered, Products
from bench.peers.side import READY_SECONDS, Side
from foundation.eventlog.port import Record, Topic
from tests.engines.kafka_jars import PACKAGES, BrokerUnavailableError, fetch_jars
from tests.engines.kafka_settings import LOG4J
from tests.engines.ports import HOST, free_port
from tests.engines.private_process import PrivateProcess

POM = Path(__file__).with_name("connect.pom.xml")
DIALECT = Path(__file__).with_name("FirebirdDialect.java")
SERVICE = "META-INF/services/io.debezium.connector.jdbc.dialect.DatabaseDialectProvider"
AT_ONCE = 2000
"""Rows of a commit, which is one poll of the topic."""
COMPILE_SECONDS = 120
FOR_EVER_MS = 1_500_000
"""Longer than a side ever stands still; a broker takes no more than half an hour."""


class Worker(PrivateProcess):
    """Kafka Connect, standalone."""

    start_seconds = READY_SECONDS

    def __init__(self, servers: str) -> None:
        if shutil.which("java") is None:
            raise BrokerUnavailableError(f"no JVM sink: Java is not installed (on Debian: {PACKAGES})")
        self._jars = fetch_jars(pom=POM, wanted="JVM sink")
        self.port = free_port()
        self.root = Path(tempfile.mkdtemp(prefix="connect-"))
        self._settings = self.root / "worker.properties"
        self._guarded = Guarded(self._settings)
        try:
            self._lay_out(servers)
            self.start()
        except BaseException:
            self.remove()
            raise

    def _lay_out(self, servers: str) -> None:
        (self.root / "log4j2.properties").write_text(LOG4J, encoding="utf-8")
        settings = {
            "bootstrap.servers": servers,
            "listeners": f"http://{HOST}:{self.port}",
            "offset.storage.file.filename": str(self.root / "offsets"),
            "key.converter": "org.apache.kafka.connect.storage.StringConverter",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        }
        self._settings.write_text("".join(f"{name}={value}\n" for name, value in settings.items()), encoding="utf-8")
        self._compile()

    def _compile(self) -> None:
        classes = self.root / "classes"
        (classes / SERVICE).parent.mkdir(parents=True)
        (classes / SERVICE).write_text("FirebirdDialect$Provider\n", encoding="utf-8")
        jars = os.pathsep.join(map(str, sorted(self._jars.glob("*.jar"))))
        compiler = ["java", "-cp", jars, "org.eclipse.jdt.internal.compiler.batch.Main", "-17", "-nowarn", "-proc:none", "-cp", jars]
        done = subprocess.run(
            [*compiler, "-d", str(classes), str(DIALECT)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMPILE_SECONDS,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{DIALECT.name} does not compile:\n{done.stdout[-3000:]}")

    def _command(self) -> list[str]:
        return [
            "java",
            "-Xmx1g",
            "-XX:+UseSerialGC",
            "-XX:-UsePerfData",
            f"-Dlog4j2.configurationFile={self.root / 'log4j2.properties'}",
            "-cp",
            f"{self.root / 'classes'}{os.pathsep}{self._jars}/*",
            "org.apache.kafka.connect.cli.ConnectStandalone",
            str(self._settings),
        ]

    def _did_not_start(self) -> Exception:
        return RuntimeError(f"Kafka Connect did not start:\n{self.log[-4000:]}")

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://{HOST}:{self.port}{path}", data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=READY_SECONDS) as answer:  # noqa: S310 - the same
            told = answer.read()
        return json.loads(told) if told else None

    def ask_patiently(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """It listens before it answers."""
        until = monotonic() + READY_SECONDS
        while True:
            try:
                return self.ask(method, path, body)
            except (urllib.error.URLError, ConnectionError) as error:
                if monotonic() > until or (isinstance(error, urllib.error.HTTPError) and error.code == 400):
                    told = error.read().decode() if isinstance(error, urllib.error.HTTPError) else ""
                    raise RuntimeError(f"Kafka Connect refuses {path}: {error} {told[:2000]}\n{self.log[-2000:]}") from error
            sleep(0.2)  # nothing tells when it does

    def remove(self) -> None:
        self.kill()
        self._guarded.release()
        shutil.rmtree(self.root, ignore_errors=True)


class Debezium(Side):
    name = JVM
    is_resident = True

    def __init__(self, products: Products, worker: Worker) -> None:
        super().__init__(products)
        self._worker, self._schema = worker, products.schema()

    def renew(self) -> None:
        self._worker.stop()
        self._worker.start()

    @property
    def topic(self) -> Topic:
        return Topic(f"{self.place.prefix}.rows")

    @property
    def process(self) -> psutil.Process:
        assert self._worker.pid is not None
        return psutil.Process(self._worker.pid)

    def event(self, one: Numbered) -> Record:
        return self.products.as_row(one)

    def start(self) -> None:
        self._worker.ask_patiently("POST", "/connectors", {"name": self.place.prefix, "config": self._settings()})

    def _settings(self) -> dict[str, str]:
        url = make_url(self.place.url)
        return {
            "connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector",
            "tasks.max": "1",
            "topics": self.topic,
            # The key is text, and the sink wants a struct.
            "key.converter": "org.apache.kafka.connect.storage.StringConverter",
            "transforms": "key",
            "transforms.key.type": "org.apache.kafka.connect.transforms.HoistField$Key",
            "transforms.key.field": KEY,
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter.schemas.enable": "true",
            # Instead of one within every event.
            "value.converter.schema.content": self._schema,
            "connection.url": f"jdbc:firebirdsql://{url.host}:{url.port}/{url.database}?charSet=ISO-8859-1",
            "connection.username": url.username or "",
            "connection.password": url.password or "",
            "hibernate.dialect": "org.hibernate.community.dialect.FirebirdDialect",
            "collection.name.format": self.products.table,
            # Firebird's names are in capitals; without this the sink looks for small ones.
            "quote.identifiers": "true",
            "schema.evolution": "none",
            "insert.mode": "upsert",
            "delete.enabled": "true",
            "primary.key.mode": "record_key",
            "primary.key.fields": KEY,
            # Two events of one key within a batch stop it otherwise.
            "use.reduction.buffer": "true",
            "batch.size": str(AT_ONCE),
            "consumer.override.max.poll.records": str(AT_ONCE),
            "consumer.override.max.poll.interval.ms": str(FOR_EVER_MS),
            "consumer.override.session.timeout.ms": str(FOR_EVER_MS),
        }

    def _finish(self) -> None:
        with suppress(urllib.error.HTTPError):  # it has none of that name yet
            self._worker.ask("DELETE", f"/connectors/{self.place.prefix}")

    def _said(self) -> str:
        status = self._worker.ask("GET", f"/connectors/{self.place.prefix}/status")
        return f"{self._worker.log}\n{json.dumps(status, indent=1)}"
