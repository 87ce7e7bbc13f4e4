"""The pages of the tree, taken apart: code, prose, links, headings."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(folder for folder in ROOT.iterdir() if folder.is_dir() and not folder.name.startswith("."))
PAGES = sorted([*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in folder.rglob("*.md"))])
READMES = {"en": ROOT / "README.md", "es": ROOT / "README.es.md"}
TWINS = sorted(page for page in PAGES if page.name.endswith(".es.md"))
"""The Spanish ones of the pages that are in both languages."""

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"(?<=\S) +# .*$", re.MULTILINE)
_HIDDEN = re.compile(r"<!--.*?-->", re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block; `language` is empty where none is named."""

    language: str
    code: str


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def english(page: Path) -> Path:
    """The twin of a Spanish page."""
    return page.with_name(page.name.removesuffix(".es.md") + ".md")


def blocks(text: str) -> list[Block]:
    return [Block(found[2], found[3]) for found in _FENCE.finditer(text)]


def prose(text: str) -> str:
    """All but blocks of code, and what no reader sees."""
    return _HIDDEN.sub("", _FENCE.sub("", text))


def inline(text: str) -> list[str]:
    """What stands between backticks within the prose."""
    return _INLINE.findall(prose(text))


def links(text: str) -> list[str]:
    """The targets of links and pictures, but for those elsewhere in the world."""
    return [target for target in _LINK.findall(prose(text)) if not re.match(r"https?:", target)]


def headings(text: str) -> list[tuple[int, str]]:
    """Depth and words."""
    return [(len(found[1]), found[2]) for found in _HEADING.finditer(prose(text))]


def anchors(text: str) -> set[str]:
    """What links may name behind `#`, as GitHub makes it of headings."""
    seen: Counter[str] = Counter()
    found = set()
    for _, words in headings(text):
        slug = re.sub(r"[^\w\- ]", "", re.sub(r"\]\([^)]*\)", "]", words).lower()).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def comments(text: str) -> list[str]:
    """What code says of itself at the end of a line, in the page's language."""
    return [found.strip() for block in blocks(text) if block.language in {"sh", "toml"} for found in _COMMENT.findall(block.code)]


def without_comments(block: Block) -> Block:
    return Block(block.language, _COMMENT.sub("", block.code)) if block.language in {"sh", "toml"} else block


def cells(text: str) -> Iterator[list[str]]:
    """The rows of all tables, but for heads and rules."""
    lines = text.splitlines()
    for above, line, below in zip(["", *lines], lines, [*lines[1:], ""], strict=False):
        if line.startswith("|") and not below.startswith("|---") and not line.startswith("|---"):
            assert above.startswith("|"), line
            yield [cell.strip() for cell in line.strip("|").split("|")]
