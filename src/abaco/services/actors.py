"""Registering, reading, updating and deleting actors."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from abaco.domain.actor import (
    Actor,
    ActorDescription,
    check_description,
    described,
    require_privileged_allowed,
    revised,
)
from abaco.domain.event import ActorDeleted, ActorRegistered, ActorUpdated
from abaco.domain.ids import NewId
from abaco.domain.lifecycle import ActorStatus
from abaco.domain.mount import home_of
from abaco.domain.permission import Level
from abaco.domain.queue import Queue, check_placement
from abaco.domain.run_time import check_run_time
from abaco.domain.schedule import scheduled
from abaco.domain.user import Principal
from abaco.errors import NotPermitted
from abaco.ports import ActorFiles, Clock, Emit, Notifier, Store
from abaco.services.access import Access, require_full
from abaco.services.links import require_link
from abaco.services.state import require_state

__all__ = ["Actors"]


class Actors:
    """`max_run_seconds` and `privileged` are settings, `queues` the server's; `homes` is where owners live."""

    def __init__(
        self,
        store: Store,
        access: Access,
        clock: Clock,
        new_id: NewId,
        notifier: Notifier,
        emit: Emit,
        max_run_seconds: float,
        queues: Mapping[str, Queue],
        files: ActorFiles,
        *,
        privileged: bool = False,
        homes: str | None = None,
    ) -> None:
        self._store = store
        self._access = access
        self._clock = clock
        self._new_id = new_id
        self._notifier = notifier
        self._emit = emit
        self._max_run_seconds = max_run_seconds
        self._privileged = privileged
        self._homes = homes
        self._queues = queues
        self._files = files

    def list(self, caller: Principal) -> "list[Actor]":
        """The actors the caller may read by an entry of their own or the world's, in order of registration."""
        require_full(caller)
        visible = self._store.actors.list_visible(caller.tenant, caller.username)
        return [self._access.shown(caller, actor) for actor in visible]

    def get(self, caller: Principal, identifier: str) -> Actor:
        return self._access.shown(caller, self._access.require(caller, identifier, Level.READ))

    def register(self, caller: Principal, description: ActorDescription) -> Actor:
        """A new actor, SUBMITTED; the engine prepares its image. Raises InvalidInput or NotPermitted."""
        require_full(caller)
        self._check(description, caller, None)
        require_link(self._store, caller, description.link)
        actor = self._born(caller, description)
        require_state(actor.state)
        self._store.actors.add(actor)
        self._notifier.notify(f"actor:{actor.id}")
        self._emit(ActorRegistered(actor.tenant, actor.id, actor.image, actor.owner))
        return actor

    def _check(self, description: ActorDescription, caller: Principal, current: Actor | None) -> None:
        check_description(description, caller, current)
        require_privileged_allowed(description, allowed=self._privileged)
        check_placement(description, self._queues)
        check_run_time(description, caller, current, self._max_run_seconds)

    def _born(self, caller: Principal, description: ActorDescription) -> Actor:
        now = self._clock.now()
        return Actor(
            id=self._new_id(),
            tenant=caller.tenant,
            owner=caller.username,
            api_server=self._access.api_server(caller.tenant),
            name=description.name,
            state={} if description.state is None else description.state,
            **described(description, stateless=True),
            **scheduled(description, None, now),
            **self._ids_of(caller.tenant, caller.username),
            revision=1,
            status=ActorStatus.SUBMITTED,
            status_message="",
            created_at=now,
            updated_at=now,
        )

    def _ids_of(self, tenant: str, owner: str) -> dict[str, Any]:
        """What the directory knows of an owner, for their containers."""
        user = self._store.users.find(tenant, owner)
        ids = {"uid": user.uid if user else None, "gid": user.gid if user else None}
        return {**ids, "tasdir": home_of(self._homes, tenant, owner)}

    def update(self, caller: Principal, identifier: str, description: ActorDescription) -> Actor:
        """The actor as `description` says; a new image, or force, starts a new revision."""
        actor = self._access.require(caller, identifier, Level.UPDATE)
        if description.link != actor.link:
            require_link(self._store, caller, description.link, actor)
        owner = self._ids_of(actor.tenant, actor.owner)

        def revise(current: Actor) -> Actor:
            self._check(description, caller, current)
            now = self._clock.now()
            changed = replace(revised(current, description, now), **scheduled(description, current, now), **owner)
            self._require_no_takeover(caller, current, changed)
            return changed

        actor = self._store.actors.change(caller.tenant, actor.id, caller.username, revise)
        self._notifier.notify(f"actor:{actor.id}")
        self._emit(ActorUpdated(actor.tenant, actor.id, actor.revision, caller.username))
        return self._access.shown(caller, actor)

    def _require_no_takeover(self, caller: Principal, current: Actor, changed: Actor) -> None:
        """Raise NotPermitted if somebody would have code of theirs run with what only others may give it."""
        if changed.privileged and current.privileged and not caller.may_set_restricted:
            raise NotPermitted("Not authorized -- this actor is privileged: only privileged or admin users change it.")
        if self._access.is_owner(caller, current) or caller.is_admin or not self._access.gives_owner_token(changed):
            return
        given = self._access.gives_owner_token(current)
        for label, is_changed in (
            ("token", not given),
            ("image", changed.revision != current.revision),
            ("default_environment", changed.default_environment != current.default_environment),
            ("use_container_uid", changed.use_container_uid != current.use_container_uid),
        ):
            if is_changed:
                raise NotPermitted(
                    f"Not authorized -- {label} may only be changed by the owner while the actor runs with the owner's "
                    "access token (token=true).",
                )

    def delete(self, caller: Principal, identifier: str) -> str:
        """Hide the actor and have its containers killed; its id. `is_gone` says when nothing of it runs."""
        actor = self._access.require(caller, identifier, Level.UPDATE)
        self._store.actors.begin_delete(caller.tenant, actor.id, self._clock.now())
        self._notifier.notify(f"actor:{actor.id}")
        self._files.remove(actor.id)
        self._emit(ActorDeleted(actor.tenant, actor.id, caller.username))
        return actor.id

    def is_gone(self, actor_id: str) -> bool:
        """Whether nothing of a deleted actor runs any more."""
        return self._store.actors.remaining_executions(actor_id) == 0
