"""SIGTERM and SIGINT are the program's: Firebird's library would end every connection at once, in the middle of what is being done."""

import signal
import subprocess
import sys

import pytest

from foundation.engines import create_database
from tests.engines.embedded import EmbeddedDatabases, Engine

PROGRAM = """
import os, signal, sys, time
from foundation.engines import open_database

if sys.argv[2] == "before":
    signal.signal(signal.SIGTERM, lambda *_: print("asked"))
database = open_database(sys.argv[1])
database.catalogue()
if sys.argv[2] == "after":
    signal.signal(signal.SIGTERM, lambda *_: print("asked"))
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(0.5)  # in which the client library would end its connections
database.catalogue()
print("connections:", database.connections)
database.close()
"""


@pytest.mark.parametrize("handled", ["before", "after"], ids=["handled before the first connection", "handled after it"])
def test_a_signal_that_the_program_handles_ends_no_connection(engine: Engine, handled: str) -> None:
    url = engine.new_url("signals")
    create_database(url)
    done = subprocess.run([sys.executable, "-c", PROGRAM, url, handled], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split("\n")[:2] == ["asked", "connections: 1"], done.stdout + done.stderr


def test_a_crash_in_native_code_tells_every_threads_stack() -> None:
    program = "import ctypes, puente.cli.main as m; m.run = lambda _: ctypes.string_at(0); m.main([])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGSEGV
    assert "Segmentation fault" in done.stderr
    assert "in main" in done.stderr


def test_a_signal_that_nobody_handles_ends_the_program_at_once(embedded: EmbeddedDatabases) -> None:
    create_database(embedded.url("signals"))
    done = subprocess.run([sys.executable, "-c", PROGRAM, embedded.url("signals"), "never"], capture_output=True, timeout=60, check=False)
    assert done.returncode < 0
    assert done.stdout == b""
