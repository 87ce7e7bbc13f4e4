"""A bar for each of several things under way, with its rate and the time that is left."""

import sys
from collections.abc import Callable, Hashable, Mapping
from threading import Lock
from typing import Generic, Self, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

Thing = TypeVar("Thing", bound=Hashable)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None or task.total is None else f"{speed:,.0f}/s" if speed >= 10 else f"{speed:.1f}/s")


class Bars(Generic[Thing]):
    """On the standard error, where somebody looks at it; `name` is what a bar is called. Any thread may show something.

    What is no longer under way is done, and so is all at a good end.
    """

    def __init__(self, name: Callable[[Thing], str], *, quiet: bool) -> None:
        console = Console(stderr=True, quiet=quiet or sys.stderr is None or not sys.stderr.isatty())
        columns = (
            TextColumn("{task.description:<16}"),
            BarColumn(bar_width=None),
            TextColumn("{task.percentage:>3.0f} %"),
            _Rate(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        self._progress = Progress(*columns, console=console, expand=True)
        self._name, self._lock = name, Lock()
        self._tasks: dict[Thing, TaskID] = {}

    def __enter__(self) -> Self:
        if not self._progress.console.quiet:
            self._progress.start()
        return self

    def __exit__(self, failed: object, *_: object) -> None:
        if failed is None:
            self.show({})
        self._progress.stop()

    def begin(self, thing: Thing) -> None:
        """It is under way; how much it is nobody knows."""
        with self._lock:
            self._tasks[thing] = self._progress.add_task(self._name(thing), total=None)

    def at(self, thing: Thing, done: float, of: float) -> None:
        """How much of how much of one of them; the others stay as they are."""
        with self._lock:
            if thing not in self._tasks:
                self._tasks[thing] = self._progress.add_task(self._name(thing))
            self._progress.update(self._tasks[thing], total=max(of, 1), completed=done)

    def hear(self, thing: Thing, how_far: tuple[float, float] | None) -> None:
        """One or the other."""
        if how_far is None:
            self.begin(thing)
        else:
            self.at(thing, *how_far)

    def show(self, under_way: Mapping[Thing, tuple[float, float]]) -> None:
        """How much of how much of all of them."""
        for thing, (done, of) in under_way.items():
            self.at(thing, done, of)
        with self._lock:
            for thing, task in self._tasks.items():
                if thing not in under_way:
                    total = self._progress.tasks[self._progress.task_ids.index(task)].total or 1
                    self._progress.update(task, total=total, completed=total)
