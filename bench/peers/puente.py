"""Puente's consumer as it runs: `puente consume`, a process of its own, with the settings that everybody begins with."""

import subprocess
from contextlib import suppress
from pathlib import Path

import psutil

from bench.caja import LEFT_OUT
from bench.checkout import Checkout
from bench.peers.guarded import Guarded
from bench.peers.rows import PRODUCT, Numbered, Products
from bench.peers.side import Side
from bench.sae import COMPANY, kafka_log
from foundation.eventlog.port import Record, Topic
from schemas.topics import Topics

PROFILE, NAME = "fourteen.toml", "bench"
STOP_SECONDS = 60.0


class Puente(Side):
    """Of this checkout or another."""

    def __init__(self, products: Products, root: Path, folder: Path, name: str) -> None:
        super().__init__(products)
        self.name, self._root, self._folder = name, root, folder
        self._checkout: Checkout | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._guarded: Guarded | None = None

    @property
    def topic(self) -> Topic:
        return Topics(self.place.prefix, COMPANY).of(PRODUCT)

    @property
    def process(self) -> psutil.Process:
        assert self._process is not None
        return psutil.Process(self._process.pid)

    def event(self, one: Numbered) -> Record:
        return self.products.as_event(one)

    def _prepare(self) -> None:
        checkout = self._checkout = Checkout(self._root, self._own)
        (self._own / PROFILE).write_text(_fourteen_columns(self._root), encoding="utf-8")
        tables = (
            f'company = "{COMPANY}"',
            f"[log]\n{kafka_log(self.place.servers, self.place.prefix)}",
            f'[[caja]]\nname = "{NAME}"\nurl = "{self.place.url}"\nprofile = "{PROFILE}"',
        )
        self._settings.write_text("\n\n".join(tables) + "\n", encoding="utf-8")
        checkout.run("setup", "setup", "--yes")

    def start(self) -> None:
        assert self._checkout is not None
        self._guarded = Guarded(self._settings)
        self._process = self._checkout.start("consume", "-c", str(self._settings), in_session=False)

    def arrived(self) -> bool:
        """By its ledger, where how far it is commits with the rows: what is unchanged is written nowhere else.

        A resync names the end before it is there, so the last row counts, too.
        """
        found = self._read(f"NEXT_OFFSET FROM PUENTE_POSITIONS WHERE TOPIC = '{self.topic}'")
        return bool(found) and int(str(found[0][0])) >= self._end and self._version(self._last[0]) is not None

    def _finish(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
        finally:
            process.kill()
            process.wait()
            if self._guarded is not None:
                self._guarded.release()

    def _said(self) -> str:
        return (self._own / "output").read_text(encoding="utf-8")

    @property
    def _own(self) -> Path:
        return self._folder / self.place.prefix

    @property
    def _settings(self) -> Path:
        return self._own / "puente.toml"


def _fourteen_columns(root: Path) -> str:
    """The profile that comes with a checkout, its products cut to the columns that all sides write."""
    shipped = (root / "consumer/profiles/caja50.toml").read_text(encoding="utf-8")
    head, heading, products = shipped.partition("[product.columns]\n")
    lines = products.splitlines()
    return "\n".join([head + heading.rstrip("\n"), *(line for line in lines if line.partition(" ")[0] not in LEFT_OUT), ""])
