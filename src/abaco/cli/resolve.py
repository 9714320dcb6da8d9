"""From what people type to the actor or execution they mean."""

from collections.abc import Sequence

from abaco.client import Abaco, Actor
from abaco.client.ownership import own
from abaco.errors import InvalidInput, NotFound, NotPermitted

__all__ = ["find_actor", "find_execution", "find_link"]

_ID_LENGTH = 13
_MOST_CANDIDATES = 8
_WORDS = {"admin", "aliases", "configs", "images", "search", "utilization"}
"""Of the API: no alias is one of them, and what is there is no actor."""


def find_actor(ab: Abaco, given: str) -> Actor:
    """The actor meant by `given`: its id, else its name, else an alias of it, else the beginning of its id or name.

    The caller's own go before others', which are anybody's to name. Raises NotFound if there is none and InvalidInput,
    listing the candidates, if there are several.
    """
    if _may_be_id(given):
        try:
            # Also finds what the list leaves out, such as the actors of others for an administrator.
            return ab.actors.get(given)
        except NotFound:
            pass  # a name may look like an id
    candidates = [actor for actor in ab.actors.list() if _begins(actor, given)] if given else []
    named = [actor for actor in candidates if given in {actor.id, actor.name}]
    if not named and (aliased := _aliased(ab, given)):
        named = [aliased]
    possible = [*named, *(actor for actor in candidates if actor not in named)]
    if len(possible) > 1 and (mine := own(ab, possible)):
        # What is somebody else's by its whole name, and the caller's by its beginning, may be meant either way.
        return _only([actor for actor in mine if actor in named] or [*named, *mine], given)
    return _only(named or candidates, given)


def find_link(ab: Abaco, given: str) -> str:
    """How a link to what `given` means is written: an alias stays one, since each event goes where it leads then."""
    if not given:
        return given
    try:
        ab.actors.getAlias(alias=given)
    except NotPermitted:
        return given
    except (NotFound, InvalidInput):
        return find_actor(ab, given).id
    return given


def find_execution(ab: Abaco, actor_id: str, given: str | None) -> str:
    """The id of the actor's execution that `given` is, or begins; without `given`, of the latest one.

    Raises NotFound if there is none and InvalidInput, listing the candidates, if there are several.
    """
    if given is not None and _may_be_id(given):
        return given
    ids = [entry.id for entry in ab.executions.list(actor_id).executions]
    if given is None:
        if not ids:
            raise NotFound(f"actor {actor_id} has no executions.")
        return ids[-1]
    found = [each for each in ids if given and each.startswith(given)]
    if not found:
        raise NotFound(f"actor {actor_id} has no execution {given!r}: see 'abaco executions list {actor_id}'.")
    if len(found) > 1:
        raise InvalidInput(f"{given!r} begins {_counted(found, 'executions')}: type more of the id.")
    return found[0]


def _aliased(ab: Abaco, given: str) -> Actor | None:
    if not given or given in _WORDS:
        return None
    try:
        return ab.actors.get(given)
    except (NotFound, NotPermitted, InvalidInput):
        return None  # it may begin something, all the same


def _only(actors: Sequence[Actor], given: str) -> Actor:
    if not actors:
        raise NotFound(f"there is no actor {given!r}: see 'abaco actors list'.")
    if len(actors) > 1:
        candidates = [f"{actor.id} ({actor.name or actor.image})" for actor in actors]
        raise InvalidInput(f"{given!r} may be any of {_counted(candidates, 'actors')}: give an id.")
    return actors[0]


def _begins(actor: Actor, given: str) -> bool:
    return actor.id.startswith(given) or (actor.name or "").startswith(given)


def _may_be_id(given: str) -> bool:
    return len(given) == _ID_LENGTH and given.isascii() and given.isalnum()


def _counted(candidates: Sequence[str], kind: str) -> str:
    more = ", ..." if len(candidates) > _MOST_CANDIDATES else ""
    return f"{len(candidates)} {kind}: {', '.join(candidates[:_MOST_CANDIDATES])}{more}"
