"""Reading the project's Markdown: files, sections, tables, code blocks, links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "Block", "anchors", "blocks", "code_words", "links", "markdown_files", "page", "sections", "table"]

ROOT = Path(__file__).parents[2]
_GENERATED = {".venv", "build", "dist"}
_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(?P<level>#{1,6}) (?P<title>.+)$", re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; `info` are the words behind the fence, the first of them the language."""

    info: tuple[str, ...]
    text: str


def markdown_files() -> list[Path]:
    """Every page of the project, those that tools generated aside."""
    found = (path for path in ROOT.rglob("*.md") if not _GENERATED & set(path.relative_to(ROOT).parts))
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(ROOT).parts))


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


def blocks(text: str) -> list[Block]:
    return [Block(tuple(match["info"].split()), match["text"]) for match in _FENCE.finditer(text)]


def _prose(text: str) -> str:
    """The page without its blocks, in which a # is no heading and brackets are no link."""
    return _FENCE.sub("", text)


def sections(text: str) -> Iterator[tuple[str, str]]:
    """(title, what stands below it up to the next heading of any level)."""
    prose = _prose(text)
    headings = [*_HEADING.finditer(prose)]
    ends = [heading.start() for heading in headings[1:]] + [len(prose)]
    for heading, end in zip(headings, ends, strict=True):
        yield heading["title"].strip(), prose[heading.end() : end]


def table(text: str) -> list[list[str]]:
    """The rows of every table in `text`, heads and rulers left out."""
    lines = [line.strip() for line in text.splitlines()]
    rows = []
    for before, line in zip(["", *lines], lines, strict=False):
        is_head = not before.startswith("|")
        if line.startswith("|") and not is_head and not set(line) <= set("|-: "):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def code_words(cell: str) -> list[str]:
    """What stands in backquotes."""
    return _CODE.findall(cell)


def links(text: str) -> list[str]:
    return [match["target"] for match in _LINK.finditer(_prose(text))]


def anchors(text: str) -> set[str]:
    """The fragments that GitHub gives the headings."""
    titles = (re.sub(r"[^\w\- ]", "", title.lower()) for title, _ in sections(text))
    return {title.replace(" ", "-") for title in titles}
