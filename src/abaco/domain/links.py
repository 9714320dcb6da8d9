"""Links between actors: each actor has at most one, so they form chains, which must not close."""

from collections.abc import Hashable, Mapping
from typing import TypeVar

__all__ = ["CYCLE", "MAX_CHAIN", "has_cycle"]

CYCLE = "this update would result in a cycle of linked actors"
MAX_CHAIN = 100
"""Links that an event may travel; longer chains are refused, and cut where aliases made one behind our back."""

Node = TypeVar("Node", bound=Hashable)


def has_cycle(links: Mapping[Node, Node]) -> bool:
    """Whether following `links` from some node leads back to it; a link to itself does."""
    harmless: set[Node] = set()
    for start in links:
        path: set[Node] = set()
        node = start
        while node in links and node not in harmless:
            if node in path:
                return True
            path.add(node)
            node = links[node]
        harmless |= path
    return False
