"""The command, as it is installed; it stands still (`SIGSTOP`) the first time that it has written rows to a CAJA and not committed them."""

import signal
import threading

from consumer.caja.transaction import SqlTransaction
from puente.cli.main import main as command
from tests.e2e.dying import Step


def stand_still() -> None:
    """This thread at once: sent to the process the signal may stop another one first, and this one goes on meanwhile."""
    signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)


def main() -> None:
    Step(owner=SqlTransaction, name="write", act=stand_still).plant()
    command()
