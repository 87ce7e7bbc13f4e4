"""What SAE's engine says of everybody's work, by its monitoring tables (MON$); and what Puente's process uses."""

import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

import psutil
import sqlalchemy as sa

from bench.day.day import Day
from foundation.engines import open_database
from foundation.engines.database import Database
from foundation.errors import PuenteError
from puente.commands.grants import READER

EVERY_SECONDS = 10.0
NEWEST = sa.text("SELECT MON$NEXT_TRANSACTION FROM MON$DATABASE")
WORK = sa.text("""SELECT A.MON$ATTACHMENT_ID, A.MON$USER, I.MON$PAGE_READS, I.MON$PAGE_WRITES, I.MON$PAGE_FETCHES,
R.MON$RECORD_SEQ_READS + R.MON$RECORD_IDX_READS
FROM MON$ATTACHMENTS A JOIN MON$IO_STATS I ON I.MON$STAT_ID = A.MON$STAT_ID JOIN MON$RECORD_STATS R ON R.MON$STAT_ID = A.MON$STAT_ID""")


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """Within one interval: pages read from the disk and written to it, pages looked at in memory, rows read."""

    page_reads: int = 0
    page_writes: int = 0
    page_fetches: int = 0
    rows: int = 0

    def __add__(self, other: "Work") -> "Work":
        return Work(**{name: value + getattr(other, name) for name, value in asdict(self).items()})

    def since(self, before: "Work") -> "Work":
        return Work(**{name: value - getattr(before, name) for name, value in asdict(self).items()})


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One interval, which ended `at` seconds from the day's beginning.

    `numbers` are the transactions that began, `ours` those that nobody but Puente can have begun. People wrote `written` rows of SAE.
    `cpu` is of one core (0 to 1), `memory` in MB.
    """

    at: float
    seconds: float
    numbers: int
    ours: int
    written: int
    puente: Work
    all: Work
    cpu: float
    memory: float


class Gauge:
    """Takes samples in a thread of its own until the day is over. An interval in which SAE was restored is left out."""

    def __init__(self, day: Day, process: psutil.Process) -> None:
        self._day, self._process = day, process
        self.samples: list[Sample] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        with closing(open_database(self._day.site.sae_url)) as sae:
            before = None
            while not self._day.over.wait(EVERY_SECONDS):
                now = self._look(sae)
                if before is not None and now is not None and now.newest >= before.newest:
                    self.samples.append(_between(before, now))
                before = now

    def _look(self, sae: Database) -> "_Look | None":
        try:
            with self._day.at_work():
                with sae.reading() as reader:
                    ((newest,),) = reader.rows(NEWEST)
                    found = {int(row[0]): (str(row[1]).strip(), _work(row[2:])) for row in reader.rows(WORK)}
                self._day.count()
        except PuenteError:
            return None
        used = self._process.cpu_times()
        return _Look(
            at=self._day.now,
            newest=int(newest),
            known=self._day.transactions,
            written=self._day.rows,
            by_attachment=found,
            cpu=used.user + used.system,
            memory=self._process.memory_info().rss / 1e6,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Look:
    at: float
    newest: int
    known: int
    written: int
    by_attachment: Mapping[int, tuple[str, Work]]
    cpu: float
    memory: float


def _work(row: Sequence[Any]) -> Work:
    reads, writes, fetches, rows = (int(value or 0) for value in row)
    return Work(page_reads=reads, page_writes=writes, page_fetches=fetches, rows=rows)


def _between(before: _Look, now: _Look) -> Sample:
    puente, everybody = Work(), Work()
    for number, (user, work) in now.by_attachment.items():
        done = work.since(before.by_attachment[number][1]) if number in before.by_attachment else work
        everybody += done
        puente += done if user == READER else Work()
    seconds, numbers = now.at - before.at, now.newest - before.newest
    return Sample(
        at=now.at,
        seconds=seconds,
        numbers=numbers,
        ours=max(0, numbers - (now.known - before.known)),
        written=now.written - before.written,
        puente=puente,
        all=everybody,
        cpu=(now.cpu - before.cpu) / seconds,
        memory=now.memory,
    )
