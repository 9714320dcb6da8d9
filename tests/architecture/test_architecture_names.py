"""What a module offers is what its `__all__` says, and others use nothing else of it."""

import ast

import pytest
from architecture.source import Module, modules

SOURCE = {module.name: module for module in modules()}
# All but alembic's scripts, and packages that are but a name.
OFFERING = [module for module in SOURCE.values() if not module.is_migration and len(module.tree.body) > 1]


def bound(statement: ast.stmt) -> set[str]:
    """The names that a top-level statement defines or imports."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Assign(targets=targets):
            return {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            return {alias.asname or alias.name for alias in aliases}
    return set()


def offered(module: Module) -> list[str] | None:
    for statement in module.tree.body:
        if isinstance(statement, ast.Assign) and bound(statement) == {"__all__"}:
            names: list[str] = ast.literal_eval(statement.value)
            return names
    return None


def used(module: Module) -> list[tuple[str, str]]:
    """(module of ours, name) of everything imported from there, anywhere in the file."""
    return [
        (node.module, alias.name)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.module in SOURCE
        for alias in node.names
        if f"{node.module}.{alias.name}" not in SOURCE
    ]


@pytest.mark.parametrize("module", OFFERING, ids=lambda module: module.name)
def test_a_module_offers_public_names_that_exist(module: Module) -> None:
    names = offered(module)
    assert names is not None, "no __all__"
    assert len(set(names)) == len(names)
    assert set(names) <= set().union(*map(bound, module.tree.body))
    assert {name for name in names if name.startswith("_")} <= {"__version__"}


@pytest.mark.parametrize("module", OFFERING, ids=lambda module: module.name)
def test_a_module_uses_only_what_others_offer(module: Module) -> None:
    hidden = [(origin, name) for origin, name in used(module) if name not in (offered(SOURCE[origin]) or ())]
    assert hidden == []
