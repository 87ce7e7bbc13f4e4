"""docs/architecture.md and its picture name files and what stands in them: all of it is there, and the picture can be read."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import combinations
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest

ROOT = Path(__file__).parents[2]
PAGE, PICTURE = ROOT / "docs" / "architecture.md", ROOT / "docs" / "architecture.svg"
ROOMS = ("foundation/", "schemas/", "producer/", "consumer/", "puente/")
SVG = "{http://www.w3.org/2000/svg}"
PATH = re.compile(r"(?:[\w.-]+/)+|(?:[\w.-]+/)*[\w.-]+\.(?:py|toml|json|csv|po)")
NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?")
MONO_WIDTH, SANS_WIDTH = 0.602, 0.56
"""Of the widest fonts that the picture names: a letter in its size; of the second one an average."""
Named = tuple[str, str]


@cache
def names_in(path: str) -> frozenset[str]:
    """What a module defines: functions, classes, values, and what stands in its classes; of another file its words."""
    content = (ROOT / path).read_text(encoding="utf-8")
    if not path.endswith(".py"):
        return frozenset(re.findall(r"\w+", content))
    found = set()
    for node in ast.parse(content).body:
        for name in defined(node):
            found.add(name)
            if isinstance(node, ast.ClassDef):
                found.update(f"{name}.{inner}" for part in node.body for inner in defined(part))
    return frozenset(found)


def defined(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Assign(targets=targets):
            for target in targets:
                yield from (one.id for one in ast.walk(target) if isinstance(one, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name
        case _:
            pass


def marked() -> list[str]:
    """What stands between backticks, line by line; each line begins with an empty one."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return [token for line in lines for token in ("", *re.findall(r"`([^`]+)`", line))]


def told_by_the_page() -> Iterator[Named]:
    """File and name; the name is empty where the file itself is meant, the file where there is none."""
    file = ""
    for token in marked():
        if not token or PATH.fullmatch(token):
            file = token
            yield file, ""
        elif not token.startswith("make "):
            yield file, token


def picture() -> Element:
    return fromstring(PICTURE.read_text(encoding="utf-8"))  # noqa: S314 - it is our own


def parts_of_the_picture() -> Iterator[Element]:
    return picture().iter(f"{SVG}g")


def texts(part: Element, kind: str) -> list[str]:
    return [text.text or "" for text in part.findall(f"{SVG}text") if text.get("class") == kind]


def told_by_the_picture() -> Iterator[Named]:
    for part in parts_of_the_picture():
        for file in texts(part, "file"):
            yield file, ""
            yield from ((file, name) for line in texts(part, "name") for name in line.split(" · "))


def wrong(named: Iterator[Named]) -> list[Named]:
    """What is not as it is told."""
    return [(file, name) for file, name in named if (file or name) and not is_so(file, name)]


def is_so(file: str, name: str) -> bool:
    path = ROOT / file
    if not name:
        return path.is_dir() if file.endswith("/") else path.is_file()
    return path.is_file() and NAME.fullmatch(name) is not None and name in names_in(file)


def test_every_file_of_the_page_exists_and_holds_what_is_named_after_it() -> None:
    told = [one for one in told_by_the_page() if any(one)]
    assert sum(not name for _, name in told) > 60
    assert sum(bool(name) for _, name in told) > 80
    assert not wrong(iter(told))


def test_every_file_of_the_picture_exists_and_holds_what_is_named_in_its_box() -> None:
    told = list(told_by_the_picture())
    assert sum(not name for _, name in told) > 25
    assert not wrong(iter(told))


def test_other_files_and_folders_that_the_picture_speaks_of_exist() -> None:
    words = " ".join(text.text or "" for text in picture().iter(f"{SVG}text"))
    paths = {word for word in re.findall(r"\w+/[\w/.]*\w/?|\w+/", words) if word != "avro/"}
    assert len(paths) > 30
    assert not [path for path in paths if not (ROOT / path).exists()]


def test_the_picture_shows_no_file_that_the_page_does_not_tell_of() -> None:
    assert {file for file, _ in told_by_the_picture()} <= {file for file, _ in told_by_the_page()}


@pytest.mark.parametrize("room", ROOMS)
def test_both_lead_through_every_room(room: str) -> None:
    assert any(file == room for file, _ in told_by_the_page())
    assert any(file.startswith(room) for file, _ in told_by_the_picture())


def test_the_page_names_only_targets_of_make_that_there_are() -> None:
    made = {token.removeprefix("make ") for token in marked() if token.startswith("make ")}
    assert made
    assert made <= set(re.findall(r"(?m)^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("file", "name"),
    [("producer/sae/prices.py", ""), ("producer/sae/", "product"), ("producer/poll.py", "Producer.sweep"), ("producer/poll.py", "a sweep")],
)
def test_what_is_not_there_is_found(file: str, name: str) -> None:
    assert wrong(iter([(file, name)])) == [(file, name)]


def boxes() -> list[tuple[float, float, float, float, list[Element]]]:
    """Where each box stands (left, top, right, bottom), with the texts in it, which belong to its group."""
    found = []
    for part in parts_of_the_picture():
        box = part.find(f"{SVG}rect")
        left, top = map(float, re.findall(r"[\d.]+", part.attrib["transform"]))
        if box is not None:
            size = float(box.attrib["width"]), float(box.attrib["height"])
            found.append((left, top, left + size[0], top + size[1], part.findall(f"{SVG}text")))
    return found


def test_no_box_of_the_picture_covers_another_or_is_cut() -> None:
    _, _, width, height = map(float, picture().attrib["viewBox"].split())
    places = [box[:4] for box in boxes()]
    assert len(places) > 25
    assert all(left >= 0 and top >= 0 and right <= width and bottom <= height for left, top, right, bottom in places)
    for one, other in combinations(places, 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1], (one, other)


def test_every_text_of_the_picture_fits_into_its_box() -> None:
    for left, top, right, bottom, lines in boxes():
        for line in lines:
            wide = SANS_WIDTH if line.get("class") == "say" else MONO_WIDTH
            assert float(line.attrib["x"]) + len(line.text or "") * wide * 12 <= right - left, line.text
            assert float(line.attrib["y"]) + 4 <= bottom - top, line.text


def test_the_picture_has_colours_for_the_light_and_for_the_dark() -> None:
    light, dark = (style for style in re.findall(r"svg \{([^}]+)\}", PICTURE.read_text(encoding="utf-8")))
    assert re.findall(r"--\w+", light) == re.findall(r"--\w+", dark)
    assert "prefers-color-scheme: dark" in PICTURE.read_text(encoding="utf-8")
