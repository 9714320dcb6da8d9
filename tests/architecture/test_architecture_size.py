"""A reader should know a module in a screen or two."""

import ast

import pytest
from architecture.source import Module, modules

MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 60
ONE_FILE = {"abaco.actors": 500}
"""What users copy into images as a single file cannot be divided; `docs/design.md` (2026-11-26) says so."""


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_no_module_is_longer_than_a_reader_bears(module: Module) -> None:
    assert module.lines <= ONE_FILE.get(module.name, MAX_MODULE_LINES)


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_no_function_is_longer_than_a_screen(module: Module) -> None:
    """But for the migrations' `upgrade`, which lists tables."""
    lengths = {
        node.name: (node.end_lineno or node.lineno) - node.lineno + 1
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    if module.is_migration:
        lengths.pop("upgrade", None)
    assert {name: length for name, length in lengths.items() if length > MAX_FUNCTION_LINES} == {}


def test_the_source_is_seen() -> None:
    assert len(modules()) > 50
    assert {"abaco.errors", "abaco.store.claims"} <= {module.name for module in modules()}
