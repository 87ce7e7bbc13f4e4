"""`executemany` of a Firebird driver, behind Kafka: `script.py` as a process of its own."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import psutil
from sqlalchemy.engine import make_url

from bench.peers.guarded import Guarded
from bench.peers.rows import Numbered, Products
from bench.peers.side import Side
from foundation.eventlog.port import Record, Topic

PROGRAM = Path(__file__).with_name("script.py")
FDB, FIREBIRD_DRIVER = "fdb", "firebird-driver"
MODULES = {FDB: "fdb", FIREBIRD_DRIVER: "firebird.driver"}


def is_installed(driver: str) -> bool:
    return find_spec(MODULES[driver]) is not None


class ExecuteMany(Side):
    """By the driver of that name."""

    def __init__(self, products: Products, driver: str, folder: Path) -> None:
        super().__init__(products)
        self.name, self._module, self._folder = f"{driver} executemany", MODULES[driver], folder
        self._process: subprocess.Popen[bytes] | None = None
        self._guarded: Guarded | None = None

    @property
    def topic(self) -> Topic:
        return Topic(f"{self.place.prefix}.rows")

    @property
    def process(self) -> psutil.Process:
        assert self._process is not None
        return psutil.Process(self._process.pid)

    def event(self, one: Numbered) -> Record:
        return self.products.as_row(one)

    def start(self) -> None:
        url = make_url(self.place.url)
        place = f"{url.host}/{url.port}:{url.database}" if url.host else str(url.database)
        settings = {
            "module": self._module,
            "servers": self.place.servers,
            "topic": self.topic,
            "place": place,
            "user": url.username,
            "password": url.password,
            "table": self.products.table,
            "columns": self.products.columns,
        }
        self._own.mkdir()
        self._settings.write_text(json.dumps(settings), encoding="utf-8")
        self._guarded = Guarded(self._settings)
        with self._output.open("wb") as output:
            command = [sys.executable, "-I", "-W", "ignore", str(PROGRAM), str(self._settings)]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)

    def _finish(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            if self._guarded is not None:
                self._guarded.release()

    @property
    def _own(self) -> Path:
        return self._folder / f"{self._module}-{self.place.prefix}"

    @property
    def _settings(self) -> Path:
        return self._own / "settings.json"

    @property
    def _output(self) -> Path:
        return self._own / "output"

    def _said(self) -> str:
        return self._output.read_text(encoding="utf-8")
