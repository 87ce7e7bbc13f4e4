"""The pages as a reader meets them: links that lead somewhere, a short front door, the same in both languages."""

import re
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.docs.pages import (
    PAGES,
    READMES,
    ROOT,
    TWINS,
    anchors,
    blocks,
    comments,
    english,
    headings,
    inline,
    links,
    name_of,
    prose,
    text_of,
    without_comments,
)

LINES_OF_A_README = 170
ONLY_ENGLISH = {"docs/architecture.md", "docs/events.md", "docs/status.md", "docs/time-limits.md", "CONTRIBUTING.md", "CHANGELOG.md"}
PICTURES = sorted({page.parent / link for page in READMES.values() for link in links(text_of(page)) if link.endswith(".svg")})


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_to_a_file_and_to_a_heading_in_it(page: Path) -> None:
    wrong = []
    for link in links(text_of(page)):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(text_of(target))):
            wrong.append(link)
    assert wrong == []


@pytest.mark.parametrize("page", READMES.values(), ids=name_of)
def test_a_readme_is_short_and_leads_to_every_page(page: Path) -> None:
    text = text_of(page)
    assert len(text.splitlines()) <= LINES_OF_A_README
    reached = {(page.parent / link.partition("#")[0]).resolve() for link in links(text)}
    twins = {english(twin) for twin in TWINS} if page == READMES["es"] else set(TWINS)
    wanted = {other for other in PAGES if "decisions" not in other.parts} - twins
    assert [name_of(other) for other in sorted(wanted | {ROOT / "docs/decisions"}) if other not in reached | {page}] == []


def test_every_page_for_users_is_in_both_languages_but_for_those_known() -> None:
    alone = {name_of(page) for page in PAGES if page not in TWINS and page not in map(english, TWINS)}
    assert {name for name in alone if not name.startswith("docs/decisions/")} <= ONLY_ENGLISH
    assert READMES["es"] in TWINS


@pytest.mark.parametrize("page", TWINS, ids=name_of)
def test_both_languages_hold_the_same_code(page: Path) -> None:
    """What is the same in any language is the same: code, names between backticks, headings by their depth, rows of tables, links.

    What code says of itself is in the page's language, and so is what a program shows (`text`).
    """
    ours, theirs = text_of(english(page)), text_of(page)
    shown = [[without_comments(block) for block in blocks(text) if block.language != "text"] for text in (ours, theirs)]
    assert shown[0] == shown[1]
    assert Counter(block.language for block in blocks(ours)) == Counter(block.language for block in blocks(theirs))
    assert Counter(inline(ours)) == Counter(inline(theirs))
    assert [depth for depth, _ in headings(ours)] == [depth for depth, _ in headings(theirs)]
    assert first_cells(ours) == first_cells(theirs)
    assert ours.count("\n|") == theirs.count("\n|")
    assert len(links(ours)) == len(links(theirs))


@pytest.mark.parametrize("page", TWINS, ids=name_of)
def test_both_languages_are_two_languages(page: Path) -> None:
    ours, theirs = text_of(english(page)), text_of(page)
    assert f"]({page.name})" in ours
    assert f"]({english(page).name})" in theirs
    assert len(comments(ours)) == len(comments(theirs))
    assert set(comments(ours)).isdisjoint(comments(theirs))
    sentences = [{line for line in prose(text).splitlines() if len(re.findall(r"[a-záéíóúñ]{2,}", line)) > 8} for text in (ours, theirs)]
    assert all(sentences)
    assert sentences[0].isdisjoint(sentences[1])


def test_a_spanish_page_leads_to_spanish_pages() -> None:
    wrong = []
    for page in TWINS:
        for link in links(text_of(page)):
            target = (page.parent / link.partition("#")[0]).resolve()
            if target in map(english, TWINS) and target != english(page):
                wrong.append(f"{name_of(page)}: {link}")
    assert wrong == []


@pytest.mark.parametrize("picture", PICTURES, ids=name_of)
def test_a_picture_is_whole_and_says_in_words_what_it_shows(picture: Path) -> None:
    root = ET.fromstring(text_of(picture))  # noqa: S314 - our own file
    name = "{http://www.w3.org/2000/svg}"
    assert root.tag == f"{name}svg"
    assert all((root.findtext(f"{name}{part}") or "").strip() for part in ("title", "desc"))


def first_cells(text: str) -> list[str]:
    """Names that begin a row of a table: settings, commands, benchmarks; and exit codes."""
    return re.findall(r"^\| (`[^`]+`|\d[\d, ]*) [^|]*\|", text, re.MULTILINE)
