"""The three faces of the API: where each is rooted, how it spells names, where its links point."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

__all__ = ["CANONICAL_ROOT", "Surface", "camel", "surfaces"]

CANONICAL_ROOT = "/actors/v2"
"""Routes are declared under this root; the edge rewrites the others to it."""


@cache
def camel(name: str) -> str:
    """``default_environment`` -> ``defaultEnvironment``; a leading underscore survives."""
    head, *rest = name.lstrip("_").split("_")
    return "_" * (len(name) - len(name.lstrip("_"))) + head + "".join(part.capitalize() for part in rest)


@dataclass(frozen=True, slots=True)
class Surface:
    """One face. `links` and `profiles` are the paths that `_links` use."""

    root: str
    case: Literal["camel", "snake"]
    links: str = CANONICAL_ROOT
    profiles: str = "/profiles/v2"

    def spell(self, name: str) -> str:
        """A field's name as users of this surface write it."""
        return camel(name) if self.case == "camel" else name

    def render(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """An object as shown here: camel case omits nulls, and keys inside values are never converted."""
        if self.case == "snake":
            return dict(fields)
        return {camel(name): value for name, value in fields.items() if value is not None}


def surfaces(bare_case: Literal["camel", "snake"]) -> tuple[Surface, ...]:
    """All faces, the longest root first, as the edge matches them."""
    return (
        Surface(CANONICAL_ROOT, "camel"),
        Surface("/v3/actors", "snake", links="/v3/actors", profiles="/v3/oauth2/profiles"),
        Surface("/actors", bare_case),
    )
