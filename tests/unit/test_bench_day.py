"""The picture of a day: what was measured stands in it, in both languages."""

from xml.etree import ElementTree as ET

import pytest

from bench.day.day import Arrived
from bench.day.gauge import Sample, Work
from bench.day.plot import WORDS, draw

MARKS = {"price round": 20.0, "restore": 100.0}


def sample(at: float, numbers: int) -> Sample:
    work = Work(page_reads=1, page_writes=20, page_fetches=3000, rows=500)
    return Sample(at=at, seconds=10, numbers=numbers, ours=10, written=5, puente=Work(rows=100), all=work, cpu=0.05, memory=88.0)


@pytest.mark.parametrize("language", WORDS)
def test_every_edit_and_everything_that_happened_once_is_in_the_picture(language: str) -> None:
    arrived = [Arrived(at=float(number), took=0.1 + number / 100) for number in range(40)] + [Arrived(at=60.0, took=None)]
    made = draw(120.0, MARKS, arrived, [sample(10.0 * number, 50) for number in range(1, 12)], language)
    root = ET.fromstring(made)  # noqa: S314 - made here
    named = {name: list(root.iter(f"{{http://www.w3.org/2000/svg}}{name}")) for name in ("circle", "text", "path")}
    kinds = [dot.get("class") for dot in named["circle"]]
    assert (kinds.count("dot"), kinds.count("late")) == (40, 1)
    texts = "\n".join(text.text or "" for text in named["text"])
    for name in MARKS:
        assert WORDS[language][name] in texts
    assert "n = 41" in texts
    assert "88 MB" in texts
    points = next(path for path in named["path"] if path.get("class") == "all" and "L" in str(path.get("d")))
    assert str(points.get("d")).count("L") == 10


def test_both_languages_have_the_same_words() -> None:
    assert WORDS["es"].keys() == WORDS["en"].keys()
