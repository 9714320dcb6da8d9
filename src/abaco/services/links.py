"""Links between actors: who may make one, and that chains of them never close."""

from abaco.domain.actor import Actor
from abaco.domain.links import CYCLE, MAX_CHAIN, has_cycle
from abaco.domain.permission import Level
from abaco.domain.user import Principal, Role
from abaco.errors import InvalidInput, NotPermitted
from abaco.ports import ActorPosition, Store

__all__ = ["owner_may_execute", "require_link", "require_no_cycle_through", "runs_in_a_circle"]


def require_link(store: Store, caller: Principal, link: str, source: Actor | None = None) -> None:
    """Raise unless `caller` may have `source` (None: a new actor of theirs) send its events to `link`; "" is no link.

    InvalidInput: there is no such actor, or a chain would close or grow too long. NotPermitted: the caller, or the
    owner, in whose name events are delivered, lacks EXECUTE on it.
    """
    if not link:
        return
    if caller.by_nonce:
        # It opens its own actor only, and messages would reach whatever its maker may use.
        raise NotPermitted("Not authorized -- link cannot be set with a nonce.")
    found = store.actors.find(caller.tenant, link, caller.username)
    if found is None:
        raise InvalidInput(f"link {link[:80]!r} is neither the id nor an alias of an actor.")
    if source is not None:
        _require_open(store, source, found.actor)
    if not caller.is_admin and found.level < Level.EXECUTE:
        raise NotPermitted("Not authorized -- you do not have EXECUTE access to the actor named by link.")
    if source is not None and source.owner != caller.username and not _owner_may(store, source, link):
        raise NotPermitted(
            "Not authorized -- the actor's owner does not have EXECUTE access to the actor named by link."
        )


def _require_open(store: Store, source: Actor, target: Actor) -> None:
    chain = {source.id: target.id}
    if target.id != source.id:
        chain |= _chain(store, target, stop=source.id)
    _require_finite(chain)


def _require_finite(chain: dict[str, str]) -> None:
    if has_cycle(chain):
        raise InvalidInput(f"Invalid link: {CYCLE}.")
    if len(chain) > MAX_CHAIN:
        raise InvalidInput(f"Invalid link: a chain may have {MAX_CHAIN} links at most.")


def _chain(store: Store, first: Actor, stop: str = "", renamed: tuple[str, str] = ("", "")) -> dict[str, str]:
    """The links from `first` on, by id, until they end, close, reach `stop` or are too many.

    `renamed` is an alias and the id of the actor that it is going to name.
    """
    chain: dict[str, str] = {}
    actor: Actor | None = first
    while actor is not None and actor.link and actor.id not in {*chain, stop} and len(chain) <= MAX_CHAIN:
        link = renamed[1] if actor.link == renamed[0] else actor.link
        target = store.actors.find(actor.tenant, link, actor.owner)
        if target is not None:
            chain[actor.id] = target.actor.id
        actor = target.actor if target else None
    return chain


def require_no_cycle_through(store: Store, tenant: str, alias: str, actor_id: str) -> None:
    """Raise InvalidInput if links would close, or chains grow too long, once `alias` names this actor.

    A new cycle has to go through the alias, hence through the actor.
    """
    found = store.actors.find(tenant, actor_id, "")
    if found is not None:
        _require_finite(_chain(store, found.actor, renamed=(alias, actor_id)))


def runs_in_a_circle(store: Store, source_id: str, target: Actor) -> bool:
    """Whether the links from `target` lead back to the source, or on for too long.

    Checked for every event: changes made at the same time can make a cycle that none of them would alone.
    """
    if not target.link:
        return target.id == source_id
    chain = {source_id: target.id} | _chain(store, target, stop=source_id)
    return has_cycle(chain) or len(chain) > MAX_CHAIN


def owner_may_execute(store: Store, tenant: str, owner: str, target: ActorPosition) -> bool:
    """Whether the source's owner has EXECUTE on the target, whose position is theirs, or is an administrator."""
    if target.level >= Level.EXECUTE:
        return True
    user = store.users.find(tenant, owner)
    return user is not None and Role.ADMIN in user.roles


def _owner_may(store: Store, source: Actor, link: str) -> bool:
    target = store.actors.find(source.tenant, link, source.owner)
    return target is not None and owner_may_execute(store, source.tenant, source.owner, target)
