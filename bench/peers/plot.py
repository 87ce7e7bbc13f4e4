"""Pictures of a run: rate against the number of rows and against the line, and latencies by percentile. matplotlib draws them."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.peers.figures import percentiles, taken
from bench.peers.trial import PHASES, Condition, Found

DPI = 130
WIDTH, HEIGHT = 4.2, 3.6
COLOURS = ("#0969da", "#cf222e", "#9a6700", "#1a7f37", "#8250df")


def draw(place: Path, found: Sequence[Found]) -> Iterator[Path]:
    """PNG files whose names begin as `place` does; raises ImportError where matplotlib is not installed."""
    near = [one for one in found if not one.condition.line and not one.condition.cold]
    yield _rates(place.with_name(f"{place.name}-rows.png"), near, lambda condition: condition.rows, "rows")
    if any(one.condition.line for one in found):
        quiet = [one for one in found if not one.condition.busy and not one.condition.cold]
        yield _rates(place.with_name(f"{place.name}-line.png"), quiet, lambda condition: condition.line, "line, ms there and back")
    if any(one.edits for one in found):
        yield _latencies(place.with_name(f"{place.name}-edits.png"), [one for one in found if one.edits])


def _rates(path: Path, found: Sequence[Found], x: Callable[[Condition], float], named: str) -> Path:
    """A panel for each phase, a line for each side; dashed on a busy machine."""
    figure, panels = _panels(len(PHASES))
    for panel, phase in zip(panels, PHASES, strict=True):
        for (side, busy), colour in _coloured(found):
            those = [one for one in found if (one.side, one.condition.busy) == (side, busy)]
            # Over a line fewer rows are sent: of several at one place the most.
            points = {
                x(one.condition): taken(one.condition, one.phases[phase]).rate for one in sorted(those, key=lambda one: one.condition.rows)
            }
            label = f"{side}, busy" if busy else side
            panel.plot(sorted(points), [points[at] for at in sorted(points)], "o--" if busy else "o-", color=colour, label=label)
        panel.set_title(phase)
        panel.set_xlabel(named)
    panels[0].set_ylabel("rows/s")
    return _save(path, figure, panels)


def _latencies(path: Path, found: Sequence[Found]) -> Path:
    """A panel for each condition."""
    conditions = list(dict.fromkeys(one.condition for one in found))
    figure, panels = _panels(len(conditions))
    for panel, condition in zip(panels, conditions, strict=True):
        for (side, _), colour in _coloured(found):
            for one in found:
                if (one.condition, one.side) == (condition, side):
                    panel.plot(range(1, 100), percentiles(one.edits), color=colour, label=side)
        panel.set_title(str(condition), fontsize=9)
        panel.set_xlabel("% of the edits")
    panels[0].set_ylabel("from the log to the row, ms")
    return _save(path, figure, panels)


def _coloured(found: Sequence[Found]) -> Iterator[tuple[tuple[str, bool], str]]:
    sides = list(dict.fromkeys(one.side for one in found))
    for place in dict.fromkeys((one.side, one.condition.busy) for one in found):
        yield place, COLOURS[sides.index(place[0]) % len(COLOURS)]


def _panels(count: int) -> tuple[Any, Sequence[Any]]:
    from matplotlib.figure import Figure  # noqa: PLC0415 - installed for these pictures alone
    from matplotlib.ticker import LogLocator, NullFormatter  # noqa: PLC0415 - the same

    figure = Figure(figsize=(WIDTH * count, HEIGHT))
    panels = figure.subplots(1, count, sharey=True, squeeze=False)[0]
    for panel in panels:
        panel.set_yscale("log")
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.yaxis.set_major_formatter("{x:,g}")
        panel.yaxis.set_minor_formatter(NullFormatter())
    return figure, panels


def _save(path: Path, figure: Any, panels: Sequence[Any]) -> Path:
    for panel in panels:
        panel.grid(visible=True, which="both", alpha=0.2)
    panels[-1].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=DPI)
    return path
