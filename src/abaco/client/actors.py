"""Actors: registered container images with a mailbox."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict, Unpack, cast, overload

import msgspec

from abaco.client.connection import Connection
from abaco.client.operations.actors import ActorsOperations
from abaco.client.operations.calling import Listing, More
from abaco.client.polling import Clock, wait_for
from abaco.client.record import Record
from abaco.client.reply import Reply
from abaco.errors import InternalError, InvalidInput

__all__ = ["Actor", "ActorAttributes", "Actors"]

_SETTLED = frozenset({"READY", "ERROR"})


class ActorAttributes(TypedDict, total=False):
    """What a user may say of an actor beside its image; what is left out has the server's default."""

    name: str
    description: str
    type: str
    default_environment: Mapping[str, Any]
    stateless: bool
    state: Any
    hints: Sequence[str]
    link: str
    webhook: str
    token: bool
    privileged: bool
    use_container_uid: bool
    queue: str
    gpus: Sequence[str]
    max_workers: int
    mem_limit: str
    max_cpus: int
    log_ex: int
    max_run_time: int
    cron_schedule: str
    cron_on: bool


# The attributes a PUT resets when they are left out; name, state and the cron schedule are kept by the server.
_RESET_BY_UPDATE = (
    "description",
    "type",
    "default_environment",
    "stateless",
    "hints",
    "link",
    "webhook",
    "token",
    "privileged",
    "use_container_uid",
    "queue",
    "gpus",
    "max_workers",
    "mem_limit",
    "max_cpus",
    "log_ex",
    "max_run_time",
)


class Actor(Record, frozen=True, kw_only=True, rename="camel"):
    """A registered actor. `max_cpus` is in nano-CPUs, `mem_limit` in Docker's syntax, other limits in seconds."""

    id: str
    image: str
    name: str | None = None
    description: str = ""
    type: str = "none"
    owner: str = ""
    default_environment: dict[str, Any] = msgspec.field(default_factory=dict)
    stateless: bool = True
    state: Any = None
    hints: tuple[str, ...] = ()
    link: str = ""
    webhook: str = ""
    token: bool | str | None = None  # the text "true" or "false" when the user said nothing
    privileged: bool = False
    use_container_uid: bool = False
    queue: str = "default"
    gpus: tuple[str, ...] = ()
    max_workers: int | None = None
    mem_limit: str | None = None
    max_cpus: int | None = None
    log_ex: int | None = None
    max_run_time: int | None = None
    cron_schedule: str | None = None
    cron_on: bool = False
    cron_next_ex: str | None = None
    mounts: tuple[dict[str, Any], ...] = ()
    uid: int | str | None = None
    gid: int | str | None = None
    revision: int = 1
    status: str = ""
    status_message: str = ""
    create_time: datetime | None = None
    last_update_time: datetime | None = None

    def attributes(self) -> ActorAttributes:
        """What an update must repeat for this actor to stay as it is."""
        said = {name: getattr(self, name) for name in _RESET_BY_UPDATE}
        if not isinstance(self.token, bool):
            del said["token"]
        return cast("ActorAttributes", {name: value for name, value in said.items() if value not in (None, "")})


class Actors(ActorsOperations):
    """The actors of the caller: ``/actors/v2``.

    `list`, `add`, `get`, `update` and `delete` are called in either of two ways. With arguments as here they return
    records; with those of the old clients (``body=``, ``actorId=``), as all operations inherited from
    `ActorsOperations`, they return dictionaries whose keys are attributes too.
    """

    def __init__(self, connection: Connection, clock: Clock) -> None:
        super().__init__(connection)
        self._clock = clock

    @overload
    def list(self) -> list[Actor]: ...
    @overload
    def list(self, **more: Unpack[Listing]) -> Any: ...
    def list(self, **more: Unpack[Listing]) -> Any:
        """All actors the caller may read, in the order of their registration; with arguments a search of them."""
        found = super().list(**more)
        if more:
            return found
        if not isinstance(found, list):
            raise InternalError("The server's list of actors is not a list: is it an Abaco server of this version?")
        return [Actor.from_wire(each) for each in found]

    @overload
    def add(self, image: str, **attributes: Unpack[ActorAttributes]) -> Actor: ...
    @overload
    def add(self, *, body: Any, **more: Unpack[More]) -> Reply: ...
    def add(self, image: str | None = None, **given: Any) -> Actor | Reply:
        """Register `image` as a new actor. Its status is SUBMITTED until the image is there: see `wait`."""
        if image is None:
            return super().add(**given)
        return Actor.from_wire(super().add(body=_body(image, given)))

    @overload
    def get(self, actor_id: str) -> Actor: ...
    @overload
    def get(self, *, actorId: str, **more: Unpack[More]) -> Reply: ...
    def get(self, actor_id: str | None = None, **given: Any) -> Actor | Reply:
        """Raises NotFound if there is no such actor."""
        if actor_id is None:
            return super().get(**given)
        return Actor.from_wire(super().get(actorId=actor_id, **given))

    @overload
    def update(
        self,
        actor_id: str,
        image: str,
        *,
        force: bool = False,
        **attributes: Unpack[ActorAttributes],
    ) -> Actor: ...
    @overload
    def update(self, *, actorId: str, body: Any, **more: Unpack[More]) -> Reply: ...
    def update(
        self,
        actor_id: str | None = None,
        image: str | None = None,
        **given: Any,
    ) -> Actor | Reply:
        """Describe the actor anew: attributes left out return to their defaults (see `Actor.attributes`).

        A changed image, or `force`, makes the server fetch the image and start over with a new revision.
        """
        if actor_id is None or image is None:
            return super().update(**given)
        forced = {"force": True} if given.pop("force", False) else {}
        body = _body(image, given) | forced
        return Actor.from_wire(super().update(actorId=actor_id, body=body))

    @overload
    def delete(self, actor_id: str) -> None: ...
    @overload
    def delete(self, *, actorId: str, **more: Unpack[More]) -> None: ...
    def delete(self, actor_id: str | None = None, **given: Any) -> None:
        """Delete the actor; what it is executing is stopped."""
        super().delete(**(given if actor_id is None else {"actorId": actor_id, **given}))

    def wait(
        self,
        actor_id: str,
        timeout: float | None = None,
        on_change: Callable[[Actor], None] | None = None,
    ) -> Actor:
        """The actor once it is READY or ERROR (`status_message` says why). Raises TimeoutError after `timeout` s."""
        return wait_for(lambda: self.get(actor_id), _SETTLED, self._clock, timeout, on_change)


def _body(image: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    unknown = attributes.keys() - ActorAttributes.__annotations__.keys()
    if unknown:
        # The server ignores what it does not know; a misspelt limit would go unnoticed.
        raise InvalidInput(f"an actor has no attribute {', '.join(sorted(unknown))}.")
    return {"image": image} | {_camel(name): value for name, value in attributes.items()}


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)
