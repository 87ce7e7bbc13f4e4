"""The mode `compare`: everything in one snapshot, compared with the log index by key and content, deletes included.

It finds every change that is still there when it reads, however it was made; it is the only mode that needs nothing from SAE.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

from foundation.engines.database import TransactionIds
from producer.capture.comparison import Comparison
from producer.capture.port import Captured, CheckKeys
from producer.capture.schedule import is_newest, next_night, rest_after
from producer.index import LogIndex
from producer.progress import Progress, Stage
from producer.sae.contents import everything_with, price_lists
from producer.sae.limbo import UpToLimbo, resting_on
from producer.sae.port import Beating, Sae
from producer.sae.tables import Precios

COMPARE = "compare"


@dataclass(frozen=True, slots=True)
class _Marks:
    """`quiet` is the session and the number of our snapshot, None where another transaction ran: nothing changed while it is the newest.

    `due` is when all of SAE may be read again.
    """

    quiet: tuple[int, int] | None
    due: float


class CompareCapture:
    """The mode `compare`.

    All of SAE is read at most once in `every_seconds`, and for at most `share` (0 to 1) of the time. Nothing is read where no transaction
    began or ran since the last finished pass (transaction numbers count within one session only).
    """

    mode = COMPARE

    def __init__(
        self,
        sae: Sae,
        *,
        every_seconds: float = 0.0,
        share: float = 1.0,
        clock: Callable[[], float] = monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        local: Callable[[], datetime] = lambda: datetime.now().astimezone(),
        progress: Progress | None = None,
    ) -> None:
        self._sae, self._every, self._share = sae, every_seconds, share
        self._clock, self._now, self._local = clock, now, local
        self._kept: _Marks | None = None
        self._night = next_night(local())
        self._progress = progress or Progress()

    def changes(self, index: LogIndex, check: CheckKeys, beat: Callable[[], None]) -> Captured | None:
        began = self._clock()
        kept = None if check or self._is_night() else self._kept
        if kept is not None and (began < kept.due or (kept.quiet and is_newest(self._sae, *kept.quiet))):
            return None
        with self._sae.snapshot() as snapshot:
            ids, session, at = snapshot.ids, self._sae.connections, self._now()
            if kept is not None and ids is not None and kept.quiet == (session, ids.own - 1):  # where the counter tells nothing
                self._kept = _Marks((session, ids.own), kept.due)
                return None
            comparison, rows = Comparison(index), UpToLimbo(snapshot)
            self._progress.begin(Stage.READ, rows.count())
            for row in everything_with(Beating(rows, self._progress.with_beat(beat)), rows.places.source):
                comparison.add(row)
            self._progress.end()
            lists = price_lists(rows)
        comparison.skip(resting_on(rows.stuck, rows.places.source))
        return Captured(
            at=at,
            mode=self.mode,
            differences=comparison.differences,
            warehouses=comparison.warehouses | rows.places.warehouses,
            price_lists=None if Precios in rows.stuck else lists,
            read=comparison.read,
            problems=tuple(comparison.problems),
            collisions=tuple(comparison.collisions),
            stuck=rows.stuck,
            stock=rows.places.source,
            marks=_Marks(_quiet_after(ids, session), self._next(began)),
        )

    def _is_night(self) -> bool:
        """Once a night all is compared whatever happened, with the columns that SAE then has."""
        if self._local() < self._night:
            return False
        self._night = next_night(self._local())
        self._sae.look_anew()
        return True

    def has_news(self) -> bool:
        kept = self._kept
        return kept is not None and self._clock() >= kept.due and kept.quiet is not None and is_newest(self._sae, *kept.quiet) is False

    def _next(self, began: float) -> float:
        ended = self._clock()
        return ended + max(self._every, rest_after(ended - began, self._share))

    def keep(self, captured: Captured) -> None:
        assert isinstance(captured.marks, _Marks)
        self._kept = captured.marks

    def forget(self) -> None:
        self._kept = None


def _quiet_after(ids: TransactionIds | None, session: int) -> tuple[int, int] | None:
    return (session, ids.own) if ids is not None and ids.oldest_active == ids.own else None
