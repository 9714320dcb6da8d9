"""Links between the pages lead somewhere; targets of make exist; nothing points out of the project."""

import re
from pathlib import Path

import pytest
from docs.pages import ROOT, anchors, blocks, links, markdown_files

_PAGES = [path.relative_to(ROOT).as_posix() for path in markdown_files()]
_MADE_LATER = {"bench/RESULTS.md"}
"""Written by `make bench`."""


def _is_local(link: str) -> bool:
    return not re.match(r"[a-z]+:", link)


@pytest.mark.parametrize("name", _PAGES)
def test_relative_links_resolve(name: str) -> None:
    here = ROOT / name
    for link in filter(_is_local, links(here.read_text("utf-8"))):
        path, _, anchor = link.partition("#")
        target = (here.parent / path).resolve() if path else here
        relative = target.relative_to(ROOT).as_posix()
        assert target.exists() or relative in _MADE_LATER, f"{name}: {link}"
        if anchor:
            assert anchor in anchors(target.read_text("utf-8")), f"{name}: {link}"


@pytest.mark.parametrize("name", _PAGES)
def test_make_targets_exist(name: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for block in blocks((ROOT / name).read_text("utf-8")):
        if block.info[:1] == ("shell",):
            assert set(re.findall(r"^make ([a-z]+)", block.text, re.MULTILINE)) <= targets


def test_the_project_makes_sense_by_itself() -> None:
    outside = re.compile(r"/work/|contract\.md|models\.md")
    assert [name for name in _PAGES if outside.search((ROOT / name).read_text("utf-8"))] == []


def test_every_page_can_be_found_from_the_readme() -> None:
    readme = set(links((ROOT / "README.md").read_text("utf-8")))
    pages = {Path(name).as_posix() for name in _PAGES if name.startswith("docs/")}
    assert pages <= {link.partition("#")[0] for link in readme}
