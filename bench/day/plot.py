"""The day as a picture: SVG, legible on a light and on a dark page."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from math import ceil, floor, log10
from statistics import quantiles

from bench.day.day import Arrived
from bench.day.gauge import Sample

WIDTH, LEFT, RIGHT, TOP, HEIGHT, GAP = 860, 70, 20, 64, 96, 46
FONT = "system-ui, 'Segoe UI', Helvetica, Arial, sans-serif"
WORDS = {
    "en": {
        "title": "An hour beside a SAE at work",
        "arrival": "From an edit in SAE to the last CAJA, seconds",
        "numbers": "Transactions begun in SAE, per second",
        "rows": "Rows of SAE that were read, per second",
        "writes": "Pages of SAE that were written, per second",
        "cpu": "Puente's process, % of one core",
        "all": "everybody",
        "puente": "Puente",
        "minutes": "minutes",
        "price round": "all prices +8 %",
        "stocktaking": "stocktaking",
        "backup": "backup",
        "restore": "restore",
    },
    "es": {
        "title": "Una hora junto a un SAE que trabaja",
        "arrival": "De un cambio en SAE a la última CAJA, segundos",
        "numbers": "Transacciones iniciadas en SAE, por segundo",
        "rows": "Filas de SAE leídas, por segundo",
        "writes": "Páginas de SAE escritas, por segundo",
        "cpu": "Proceso de Puente, % de un núcleo",
        "all": "todos",
        "puente": "Puente",
        "minutes": "minutos",
        "price round": "todos los precios +8 %",
        "stocktaking": "inventario físico",
        "backup": "respaldo",
        "restore": "restauración",
    },
}
STYLE = """
    .panel { fill: #f6f8fa; stroke: #d0d7de }
    text { fill: #424a53; font-size: 12px }
    .head { fill: #1f2328; font-size: 16px; font-weight: 600 }
    .all { stroke: #8c959f; fill: none }
    .puente { stroke: #0969da; stroke-width: 1.6; fill: none }
    .dot { fill: #0969da }
    .late { fill: #cf222e }
    .mark { stroke: #9a6700; stroke-dasharray: 3 3 }
    .line { stroke: #d0d7de }
    @media (prefers-color-scheme: dark) {
      .panel { fill: #161b22; stroke: #30363d }
      text { fill: #c9d1d9 }
      .head { fill: #f0f6fc }
      .all { stroke: #8b949e }
      .puente { stroke: #58a6ff }
      .dot { fill: #58a6ff }
      .late { fill: #ff7b72 }
      .mark { stroke: #d29922 }
      .line { stroke: #30363d }
    }
"""


class Panel:
    """One picture above the other, all over the same time."""

    def __init__(self, place: int, length: float, low: float, high: float, *, logarithmic: bool = False) -> None:
        self._top, self._length = TOP + place * (HEIGHT + GAP), length
        self._scale = log10 if logarithmic else float
        self._low, self._high = self._scale(low), self._scale(high)
        self.parts: list[str] = [f'<rect class="panel" x="{LEFT}" y="{self._top}" width="{WIDTH - LEFT - RIGHT}" height="{HEIGHT}"/>']

    def x(self, at: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * at / self._length, 1)

    def y(self, value: float) -> float:
        share = (self._scale(value) - self._low) / (self._high - self._low)
        return round(self._top + HEIGHT * (1 - min(1.0, max(0.0, share))), 1)

    def title(self, text: str) -> None:
        self.parts.append(f'<text x="{LEFT}" y="{self._top - 8}">{escape(text)}</text>')

    def ticks(self, values: Iterable[float]) -> None:
        for value in values:
            y = self.y(value)
            self.parts.append(f'<path class="line" d="M{LEFT} {y}H{WIDTH - RIGHT}"/>')
            self.parts.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{value:,g}</text>')

    def line(self, kind: str, points: Iterable[tuple[float, float]]) -> None:
        drawn = "L".join(f"{self.x(at)} {self.y(value)}" for at, value in points)
        self.parts.append(f'<path class="{kind}" d="M{drawn}"/>')

    def dots(self, points: Iterable[tuple[float, float]], kind: str) -> None:
        self.parts += [f'<circle class="{kind}" cx="{self.x(at)}" cy="{self.y(value)}" r="1.8"/>' for at, value in points]

    def marks(self, marks: Mapping[str, float]) -> None:
        self.parts += [f'<path class="mark" d="M{self.x(at)} {self._top}v{HEIGHT}"/>' for at in marks.values()]


def draw(length: float, marks: Mapping[str, float], arrived: Sequence[Arrived], samples: Sequence[Sample], language: str) -> str:
    """`length` is the day's, in seconds."""
    words = WORDS[language]
    panels = [_arrivals(length, arrived, words)]
    rates = {
        "numbers": [(one.numbers / one.seconds, one.ours / one.seconds) for one in samples],
        "rows": [(one.all.rows / one.seconds, one.puente.rows / one.seconds) for one in samples],
        "writes": [(one.all.page_writes / one.seconds, one.puente.page_writes / one.seconds) for one in samples],
    }
    for name, pairs in rates.items():
        high = _round_up(max(everybody for everybody, _ in pairs))
        panel = Panel(len(panels), length, 0, high)
        panel.title(words[name])
        panel.ticks([0, high / 2, high])
        for kind, place in (("all", 0), ("puente", 1)):
            panel.line(kind, ((sample.at, pair[place]) for sample, pair in zip(samples, pairs, strict=True)))
        panels.append(panel)
    high = _round_up(max(100 * sample.cpu for sample in samples))
    cpu = Panel(len(panels), length, 0, high)
    cpu.title(f"{words['cpu']} · {max(sample.memory for sample in samples):.0f} MB")
    cpu.ticks([0, high / 2, high])
    cpu.line("puente", ((sample.at, 100 * sample.cpu) for sample in samples))
    panels.append(cpu)
    for panel in panels:
        panel.marks(marks)
    bottom = TOP + len(panels) * (HEIGHT + GAP)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom}" role="img" aria-labelledby="t" font-family="{FONT}">',
            f'  <title id="t">{escape(words["title"])}</title>',
            "  <!-- Drawn by python -m bench.day -->",
            f"  <style>{STYLE}  </style>",
            f'  <text class="head" x="{LEFT}" y="20">{escape(words["title"])}</text>',
            _legend(words),
            *(f"  {part}" for panel in panels for part in panel.parts),
            *(f'  <text x="{cpu.x(at) + 4}" y="{TOP + 14}">{escape(words[name])}</text>' for name, at in marks.items()),
            *(f'  <text x="{cpu.x(60 * minute)}" y="{bottom - 26}" text-anchor="middle">{minute}</text>' for minute in _minutes(length)),
            f'  <text x="{WIDTH - RIGHT}" y="{bottom - 10}" text-anchor="end">{escape(words["minutes"])}</text>',
            "</svg>",
            "",
        ]
    )


def _arrivals(length: float, arrived: Sequence[Arrived], words: Mapping[str, str]) -> Panel:
    took = sorted(one.took for one in arrived if one.took is not None)
    low, high = 10 ** floor(log10(took[0])), 10 ** ceil(log10(max(took[-1], 1.1)))
    panel = Panel(0, length, low, high, logarithmic=True)
    cuts = quantiles(took, n=100)
    panel.title(f"{words['arrival']} · p50 {cuts[49]:.2f} · p99 {cuts[98]:.2f} · n = {len(arrived)}")
    panel.ticks(10.0**power for power in range(round(log10(low)), round(log10(high)) + 1))
    panel.dots(((one.at, one.took) for one in arrived if one.took is not None), "dot")
    panel.dots(((one.at, high) for one in arrived if one.took is None), "late")
    return panel


def _legend(words: Mapping[str, str]) -> str:
    end = WIDTH - RIGHT
    return (
        f'  <path class="all" d="M{end - 210} 16h24"/><text x="{end - 180}" y="20">{escape(words["all"])}</text>'
        f'<path class="puente" d="M{end - 90} 16h24"/><text x="{end - 60}" y="20">{escape(words["puente"])}</text>'
    )


def _round_up(value: float) -> float:
    """To 1, 2 or 5 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** floor(log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)


def _minutes(length: float) -> list[int]:
    whole = int(length / 60)
    return list(range(0, whole + 1, max(1, whole // 6)))
