"""The product's source, parsed."""

import ast
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "Module", "modules"]

ROOT = Path(__file__).parents[2]
_PACKAGE = ROOT / "src" / "abaco"


@dataclass(frozen=True, slots=True)
class Module:
    name: str
    lines: int
    tree: ast.Module

    @property
    def is_migration(self) -> bool:
        return ".migrations" in self.name


def modules() -> list[Module]:
    found = []
    for path in sorted(_PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(_PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        text = path.read_text()
        found.append(Module(name, len(text.splitlines()), ast.parse(text)))
    return found
