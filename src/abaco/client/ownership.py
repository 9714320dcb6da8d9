"""Whose an actor is. Names are not unique, and a listing also has what others share with everybody: whoever looks for
an actor of their own by its name must not find one that somebody else has given that name.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from abaco.client.actors import Actor
from abaco.errors import NotFound

if TYPE_CHECKING:
    from abaco.client.abaco import Abaco

__all__ = ["own"]


def own(ab: "Abaco", actors: Iterable[Actor]) -> list[Actor]:
    """Those of the actors that are the caller's; all, on a server that asks nobody who they are."""
    found = list(actors)
    if not found:
        return []
    try:
        me = ab.profiles.getProfile()["username"]
    except NotFound:
        return found
    return [actor for actor in found if actor.owner == me]
