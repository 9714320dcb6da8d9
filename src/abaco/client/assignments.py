"""Variables as people type them."""

from collections.abc import Iterable

from abaco.errors import InvalidInput

__all__ = ["variables"]


def variables(assignments: Iterable[str], where: str = "--env") -> dict[str, str]:
    """NAME=VALUE texts as a dict. Raises InvalidInput, naming `where` it stood, for anything else."""
    found = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not name or not equals:
            raise InvalidInput(f"{where}: {assignment[:80]!r} is not NAME=VALUE.")
        found[name] = value
    return found
