"""A bar for each of several things under way."""

from collections.abc import Callable, Hashable, Mapping
from typing import Generic, Self, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

Thing = TypeVar("Thing", bound=Hashable)


class Bars(Generic[Thing]):
    """On the standard error; `name` is what a bar is called. What is no longer under way is done, and so is all at a good end."""

    def __init__(self, name: Callable[[Thing], str], *, quiet: bool) -> None:
        console = Console(stderr=True, quiet=quiet)
        columns = (TextColumn("{task.description:<16}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console)
        self._name = name
        self._tasks: dict[Thing, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, failed: object, *_: object) -> None:
        if failed is None:
            self.show({})
        self._progress.stop()

    def show(self, under_way: Mapping[Thing, tuple[float, float]]) -> None:
        """How much of how much."""
        for thing, (done, of) in under_way.items():
            if thing not in self._tasks:
                self._tasks[thing] = self._progress.add_task(self._name(thing))
            self._progress.update(self._tasks[thing], total=max(of, 1), completed=done)
        for thing, task in self._tasks.items():
            if thing not in under_way:
                self._progress.update(task, total=1, completed=1)
