"""The command, as it is installed; it stands still (`SIGSTOP`) the first time that it has written rows to a CAJA and not committed them."""

import os
import signal

from consumer.caja.transaction import SqlTransaction
from puente.cli.main import main as command
from tests.e2e.dying import Step


def stand_still() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def main() -> None:
    Step(owner=SqlTransaction, name="write", act=stand_still).plant()
    command()
