"""Actors: registered container images with a mailbox."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict, Unpack, cast

import msgspec

from abaco.client.connection import Connection, path
from abaco.client.polling import Clock, wait_for
from abaco.client.record import Record
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


class Actors:
    """The actors of the caller: ``/actors/v2``."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def list(self) -> list[Actor]:
        """All actors the caller may read, in the order of their registration."""
        found = self._connection.get("")
        if not isinstance(found, list):
            raise InternalError("The server's list of actors is not a list: is it an Abaco server of this version?")
        return [Actor.from_wire(each) for each in found]

    def add(self, image: str, **attributes: Unpack[ActorAttributes]) -> Actor:
        """Register `image` as a new actor. Its status is SUBMITTED until the image is there: see `wait`."""
        return Actor.from_wire(self._connection.post("", _body(image, attributes)))

    def get(self, actor_id: str) -> Actor:
        """Raises NotFound if there is no such actor."""
        return Actor.from_wire(self._connection.get(path(actor_id)))

    def update(
        self,
        actor_id: str,
        image: str,
        *,
        force: bool = False,
        **attributes: Unpack[ActorAttributes],
    ) -> Actor:
        """Describe the actor anew: attributes left out return to their defaults (see `Actor.attributes`).

        A changed image, or `force`, makes the server fetch the image and start over with a new revision.
        """
        body = _body(image, attributes)
        if force:
            body["force"] = True
        return Actor.from_wire(self._connection.put(path(actor_id), body))

    def delete(self, actor_id: str) -> None:
        """Delete the actor; what it is executing is stopped."""
        self._connection.delete(path(actor_id))

    def wait(
        self,
        actor_id: str,
        timeout: float | None = None,
        on_change: Callable[[Actor], None] | None = None,
    ) -> Actor:
        """The actor once it is READY or ERROR (`status_message` says why). Raises TimeoutError after `timeout` s."""
        return wait_for(lambda: self.get(actor_id), _SETTLED, self._clock, timeout, on_change)


def _body(image: str, attributes: ActorAttributes) -> dict[str, Any]:
    unknown = attributes.keys() - ActorAttributes.__annotations__.keys()
    if unknown:
        # The server ignores what it does not know; a misspelt limit would go unnoticed.
        raise InvalidInput(f"an actor has no attribute {', '.join(sorted(unknown))}.")
    return {"image": image} | {_camel(name): value for name, value in attributes.items()}


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)
