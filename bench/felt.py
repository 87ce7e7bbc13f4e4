"""What a SAE in which nobody works spends on Puente: of its server's CPU, numbers of transactions, pages written, rows read.

Measured twice: with nobody there, and with a form that somebody left open, whose transaction wrote a row and has not ended.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, sleep

import sqlalchemy as sa

from foundation.engines import open_database
from foundation.engines.database import Database

NEWEST = sa.text("SELECT MON$NEXT_TRANSACTION FROM MON$DATABASE")
WORK = sa.text("""SELECT A.MON$ATTACHMENT_ID, I.MON$PAGE_WRITES, R.MON$RECORD_SEQ_READS + R.MON$RECORD_IDX_READS
FROM MON$ATTACHMENTS A JOIN MON$IO_STATS I ON I.MON$STAT_ID = A.MON$STAT_ID JOIN MON$RECORD_STATS R ON R.MON$STAT_ID = A.MON$STAT_ID
WHERE A.MON$ATTACHMENT_ID <> CURRENT_CONNECTION""")
"""Of each connection but the one that asks; in Classic the database's own figures are those of one process."""
OPEN_FORM = sa.text("UPDATE CLIE01 SET NOMBRE = NOMBRE WHERE CLAVE = (SELECT MIN(CLAVE) FROM CLIE01)")
OWN_NUMBERS = 1
"""Of transactions: what one look at the monitoring tables takes, for the next to see."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Felt:
    """In so many seconds; `cpu` is the server's, in seconds, None where its process is not ours."""

    what: str
    seconds: float
    transactions: int
    page_writes: int
    rows: int
    cpu: float | None

    def __str__(self) -> str:
        cpu = "" if self.cpu is None else f", CPU of the server {100 * self.cpu / self.seconds:.1f} %"
        done = f"{self.transactions} transactions, {self.page_writes} pages written, {self.rows / self.seconds:.0f} rows read a second"
        return f"{self.what}: in {self.seconds:.0f} s {done}{cpu}"


def felt(url: str, seconds: float, cpu: Callable[[], float | None]) -> Iterator[Felt]:
    """Puente runs meanwhile; `cpu` tells what the server used of it since it began, in seconds."""
    watching, writing = open_database(url), open_database(url)
    try:
        yield _felt("SAE idle", watching, seconds, cpu)
        with _open_form(writing):
            sleep(min(seconds, 1.0))  # what it wrote is looked at once
            yield _felt("SAE with a form left open", watching, seconds, cpu)
    finally:
        watching.close()
        writing.close()


@contextmanager
def _open_form(sae: Database) -> Iterator[None]:
    with sae.writing() as writer:
        writer.execute(OPEN_FORM)
        yield


def _felt(what: str, sae: Database, seconds: float, cpu: Callable[[], float | None]) -> Felt:
    began, (first, before), cpu_before = monotonic(), _work(sae), cpu()
    sleep(seconds)
    cpu_now, (last, now) = cpu(), _work(sae)
    spent = [(writes - before.get(one, (0, 0))[0], rows - before.get(one, (0, 0))[1]) for one, (writes, rows) in now.items()]
    return Felt(
        what=what,
        seconds=monotonic() - began,
        transactions=last - first - OWN_NUMBERS,
        page_writes=sum(writes for writes, _ in spent),
        rows=sum(rows for _, rows in spent),
        cpu=None if cpu_now is None or cpu_before is None else cpu_now - cpu_before,
    )


def _work(sae: Database) -> tuple[int, dict[int, tuple[int, int]]]:
    """The newest transaction, and by connection pages written and rows read; one that has gone meanwhile is not counted."""
    with sae.reading() as reader:
        ((newest,),) = reader.rows(NEWEST)
        return int(newest), {int(one): (int(writes), int(rows)) for one, writes, rows in reader.rows(WORK)}
