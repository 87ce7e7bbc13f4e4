"""What a process and the server behind it use: CPU and memory, as Linux keeps them."""

from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import psutil

from bench.engines import Engine

PROC = Path("/proc")


@dataclass(frozen=True, kw_only=True, slots=True)
class Used:
    """In so many seconds: CPU of the client's process and of the server, in seconds; the most memory that the process had, in MB."""

    seconds: float
    client: float
    server: float
    memory: float


class Meter:
    """Begins when it is made, or began then."""

    def __init__(self, client: psutil.Process, engine: Engine, began: float | None = None) -> None:
        self._client, self._engine = client, engine
        (PROC / str(client.pid) / "clear_refs").write_text("5", encoding="ascii")  # forgets how much memory it once had
        self._cpu = self._now()
        self._began = monotonic() if began is None else began

    def _now(self) -> tuple[float, float]:
        used = self._client.cpu_times()
        return used.user + used.system, self._engine.cpu() or 0.0

    def read(self) -> Used:
        seconds = monotonic() - self._began
        (client, server), (client_now, server_now) = self._cpu, self._now()
        return Used(seconds=seconds, client=client_now - client, server=server_now - server, memory=self._most())

    def _most(self) -> float:
        status = (PROC / str(self._client.pid) / "status").read_text(encoding="utf-8")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) / 1024
