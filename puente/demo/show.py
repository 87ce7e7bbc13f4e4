"""`puente demo`: builds the site, runs both sides in this process, edits SAE, shows each change arrive, compares every field."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from foundation.engines import open_database
from foundation.engines.database import Database
from foundation.errors import ExitCode, InvariantError
from foundation.texts import Text, text
from puente.commands.run import SAE, Result, Watch, forever, once
from puente.config import Settings
from puente.demo import site
from puente.demo.compare import compare_all
from puente.demo.edits import Edit, apply_edit, edits
from puente.demo.oracle.expected import Comparison
from puente.demo.statements import run
from puente.demo.watch import Arrival, Watcher, before, open_all, wait_for
from puente.loop import Stop

ARRIVAL_TIMEOUT_SECONDS = 15.0

Watched = Callable[[], AbstractContextManager[Watch]]


@dataclass(frozen=True, slots=True)
class Shown:
    """An edit and what became of it."""

    edit: Edit
    arrivals: list[Arrival]

    @property
    def lost(self) -> bool:
        return any(arrival.concerned and arrival.seconds is None for arrival in self.arrivals)


@dataclass(kw_only=True)
class Outcome:
    """The whole demo. `load_seconds` is from the first pass to the last row of the first load."""

    folder: Path
    loaded: Result
    load_seconds: float
    shown: list[Shown] = field(default_factory=list)
    comparisons: list[Comparison] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def exit_code(self) -> ExitCode:
        good = not any(item.lost for item in self.shown) and not any(found.differences for found in self.comparisons)
        return ExitCode.OK if good else ExitCode.DIFFERENCES


def demo(
    folder: Path,
    products: int,
    *,
    announce: Callable[[Text], None],
    showed: Callable[[Shown], None],
    watched: Watched,
    kafka: str | None = None,
) -> Outcome:
    """Runs all of it; `announce` hears what is being done, `showed` each edit as it arrived. `kafka` as `site.build` takes it.

    `watched` gives what hears how far something long is, for as long as it lasts.
    """
    began = perf_counter()
    with watched() as watch:
        settings = site.build(folder, products, announce, kafka, lambda done: watch(SAE, (done, products)))
    announce(text("First load: SAE to the log, the log to each CAJA"))
    loading = perf_counter()
    with watched() as watch:
        loaded = once(settings, Stop(), produce=True, cajas=settings.caja, watch=watch)
    for error in loaded.errors:
        raise error
    outcome = Outcome(folder=folder, loaded=loaded, load_seconds=perf_counter() - loading)
    announce(text("Now SAE is edited while Puente runs"))
    with _running(settings):
        outcome.shown = list(_edit(settings, showed))
    announce(text("Every field of every CAJA against a mapping of SAE made by other code"))
    outcome.comparisons = compare_all(settings)
    outcome.seconds = perf_counter() - began
    return outcome


@contextmanager
def _running(settings: Settings) -> Iterator[None]:
    """Both sides, in threads of their own, as `puente run` has them."""
    stop = Stop()
    thread = threading.Thread(target=forever, args=(settings, stop), kwargs={"produce": True, "cajas": settings.caja})
    thread.start()
    try:
        yield
    finally:
        stop.ask()
        thread.join()


def _edit(settings: Settings, showed: Callable[[Shown], None]) -> Iterator[Shown]:
    watchers = open_all(settings.caja)
    try:
        with closing(open_database(site.owner_url(settings))) as sae:
            for edit in edits(sae, site.COMPANY):
                shown = _one(sae, edit, watchers)
                showed(shown)
                yield shown
    finally:
        for watcher in watchers:
            watcher.close()


def _one(sae: Database, edit: Edit, watchers: Sequence[Watcher]) -> Shown:
    held = before(watchers, edit.looks)
    if not apply_edit(sae, edit):
        raise InvariantError(text("The demo's edit touched no row: {edit}", edit=edit.name))
    return Shown(edit, wait_for(held, perf_counter(), ARRIVAL_TIMEOUT_SECONDS))


def run_sql(folder: Path, statement: str) -> int:
    """One statement on the demo's SAE, in a transaction of its own; returns the rows it touched."""
    with closing(open_database(site.owner_url(site.find(folder)))) as sae, sae.writing() as writer:
        return run(writer, statement)
