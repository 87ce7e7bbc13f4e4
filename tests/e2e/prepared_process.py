"""A process that has imported the program and done nothing else: each run of the command is a fork of it.

So a run is a process of its own, with its own streams, signals and end, but without the second in which Python imports all that it needs.
`tests/e2e/command.py` gives the orders: a datagram each, with where to write as file descriptors.
"""

import gc
import json
import os
import pkgutil
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from io import TextIOWrapper

PACKAGES = ("foundation", "schemas", "producer", "consumer", "puente")
ALSO = ("sqlalchemy_firebird.firebird", "kafka.codec", "tests.e2e.dying", "tests.e2e.buggy")
STREAMS = 3
LARGEST_ORDER = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Order:
    """`entry` is `module:function`, called without arguments once `sys.argv` is set. `file_size` limits, in bytes, each file it writes."""

    entry: str
    arguments: Sequence[str]
    folder: str
    environment: dict[str, str]
    session: bool = False
    file_size: int | None = None


def prepare() -> None:
    for package in PACKAGES:
        for found in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
            if not found.name.endswith("__main__"):
                import_module(found.name)
    for name in ALSO:
        import_module(name)
    gc.collect()
    gc.freeze()


def serve(control: socket.socket) -> tuple[Order, list[int]] | None:
    """Forks once for each order; tells its process id, and then how it ended.

    Returns the order in the fork; None when nobody orders any more.
    """
    running: dict[int, tuple[int, int]] = {}
    asked = control.fileno()
    while True:
        for ready in select.select([asked, *running], [], [])[0]:
            if ready != asked:
                process, answers = running.pop(ready)
                os.close(ready)
                _, status = os.waitpid(process, 0)
                os.write(answers, f"{os.waitstatus_to_exitcode(status)}\n".encode())
                os.close(answers)
                continue
            message, files, _, _ = socket.recv_fds(control, LARGEST_ORDER, STREAMS + 1)
            if not message:
                return None
            *streams, answers = files
            process = os.fork()
            if process == 0:
                for number in [asked, answers, *running, *(of for _, of in running.values())]:
                    os.close(number)
                return Order(**json.loads(message)), streams
            for number in streams:
                os.close(number)
            os.write(answers, f"{process}\n".encode())
            running[os.pidfd_open(process)] = process, answers


def become(order: Order, streams: Sequence[int]) -> None:
    """The fork turns into the process that was ordered."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if order.session:
        os.setsid()
    if order.file_size is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order.file_size, order.file_size))
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin, sys.stdout, sys.stderr = _stream(0, "r"), _stream(1, "w"), _stream(2, "w")
    os.chdir(order.folder)
    os.environ.clear()
    os.environ.update(order.environment)
    time.tzset()
    sys.argv = [order.entry, *order.arguments]


def _stream(number: int, mode: str) -> TextIOWrapper:
    """As Python opens it at its start: by the line where it is a terminal, or for errors."""
    raw = os.fdopen(number, f"{mode}b", closefd=False)
    return TextIOWrapper(raw, encoding="utf-8", errors="surrogateescape", line_buffering=number == STREAMS - 1 or os.isatty(number))


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for pytest
    prepare()
    with socket.socket(fileno=int(sys.argv[1])) as control:
        ordered = serve(control)
        control.detach()
    if ordered is None:
        return
    order, streams = ordered
    become(order, streams)
    module, _, function = order.entry.partition(":")
    getattr(import_module(module), function)()


if __name__ == "__main__":
    main()
