"""An actor: a registered container image with a mailbox, and the rules of registering and updating one."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from abaco.domain.environment import require_environment
from abaco.domain.ids import actor_dbid
from abaco.domain.image import normalize
from abaco.domain.lifecycle import ActorStatus
from abaco.domain.user import Principal
from abaco.domain.webhook import require_webhook, without_nonces
from abaco.errors import Conflict, InvalidInput, NotPermitted

__all__ = [
    "DEFAULT_QUEUE",
    "Actor",
    "ActorDescription",
    "check_description",
    "described",
    "memory_bytes",
    "require_privileged_allowed",
    "revised",
    "without_nonce",
]

DEFAULT_QUEUE = "default"
_MAX_NAME = 255
_MAX_DESCRIPTION = 16_384
_MAX_HINTS = 100
_HINT_FORBIDDEN = set("\"'{}[]\0")
_MEMORY = re.compile(r"(\d+)([bkmg]?)b?", re.IGNORECASE)
_MEMORY_UNITS = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_MIN_MEMORY = 6 * 1024**2
"""Docker's own floor for a container's memory limit."""
_MAX_INTEGER = 2**63 - 1
"""What databases and kernels can hold."""


@dataclass(frozen=True, slots=True)
class ActorDescription:
    """What a user says of an actor when registering or updating it; None means "not said"."""

    image: str
    name: str | None = None
    description: str = ""
    type: str = "none"
    default_environment: Mapping[str, Any] = field(default_factory=dict)
    stateless: bool | None = None
    state: Any = None
    hints: Sequence[str] = ()
    link: str = ""
    webhook: str = ""
    token: bool | None = None
    privileged: bool = False
    use_container_uid: bool = False
    run_as_executor: bool = False
    queue: str | None = None
    gpus: Sequence[str] = ()
    max_workers: int | None = None
    mem_limit: str | None = None
    max_cpus: int | None = None
    log_ex: int | None = None
    max_run_time: int | None = None
    cron_schedule: str | None = None
    cron_on: bool | None = None
    force: bool = False


@dataclass(frozen=True, slots=True)
class Actor:
    """A registered actor. `max_cpus` is in nano-CPUs, `mem_limit` in Docker's syntax, the times are in seconds.

    `gpus` are CDI names of devices, all of which each of its containers has for itself.

    `link` is an actor's id or alias as its user gave it, resolved when an event happens. `cron_start_at` is where the
    schedule's grid begins and `cron_next_at` when it is due next, None without one. `tasdir` is the owner's home
    directory, when the directory knows it.
    """

    id: str
    tenant: str
    owner: str
    api_server: str
    image: str
    name: str | None
    description: str
    type: str
    default_environment: Mapping[str, Any]
    stateless: bool
    state: Any
    hints: tuple[str, ...]
    link: str
    webhook: str
    token: bool | None
    privileged: bool
    use_container_uid: bool
    run_as_executor: bool
    queue: str
    max_workers: int | None
    mem_limit: str | None
    max_cpus: int | None
    log_ex: int | None
    cron_schedule: str | None
    cron_on: bool
    cron_start_at: datetime | None
    cron_next_at: datetime | None
    uid: int | None
    gid: int | None
    tasdir: str | None
    revision: int
    status: ActorStatus
    status_message: str
    created_at: datetime
    updated_at: datetime
    max_run_time: int | None = None
    gpus: tuple[str, ...] = ()

    @property
    def dbid(self) -> str:
        """The id that containers see as ``_abaco_actor_dbid``."""
        return actor_dbid(self.tenant, self.id)

    @property
    def has_listener(self) -> bool:
        """Whether somebody is told of this actor's events."""
        return bool(self.link or self.webhook)

    @property
    def is_sync(self) -> bool:
        """Whether it has the hint `sync`: somebody waits for its answers, so a worker is kept ready."""
        return "sync" in self.hints

    @property
    def is_warm(self) -> bool:
        """Whether it has the hint `warm`: its containers stay for the next message."""
        return "warm" in self.hints

    def gives_owner_token(self, default: bool) -> bool:
        """Whether its executions may do everything its owner may; `default` holds where the actor does not say."""
        return default if self.token is None else self.token

    def worker_limit(self, default: int) -> int:
        """How many executions of this actor may run at once."""
        if not self.stateless or self.gpus:
            return 1
        return default if self.max_workers is None else self.max_workers


def check_description(description: ActorDescription, caller: Principal, current: Actor | None) -> None:
    """Raise InvalidInput, Conflict or NotPermitted if `caller` may not describe an actor so.

    With `current`, the description updates that actor: a restricted attribute left as it is needs no role.
    """
    _check_texts(description)
    require_environment(description.default_environment, "default_environment")
    _check_restricted(description, caller, current)
    _check_numbers(description)
    stateless = description.stateless
    if stateless is None:
        stateless = current.stateless if current else True
    if description.run_as_executor and description.use_container_uid:
        raise InvalidInput("run_as_executor and use_container_uid exclude each other: choose one.")
    if description.max_workers is not None and not stateless:
        raise InvalidInput("max_workers cannot be set: stateful actors can only have 1 worker.")
    if description.state not in (None, {}) and stateless and current is None:
        raise InvalidInput("state can only be given for a stateful actor: add stateless=false.")


def _check_texts(description: ActorDescription) -> None:
    image = description.image
    if not image:
        raise InvalidInput("image is required: the name of the container image that the actor runs.")
    normalize(image)
    require_webhook(description.webhook)
    for label, text, longest in (
        ("name", description.name or "", _MAX_NAME),
        ("description", description.description, _MAX_DESCRIPTION),
        ("type", description.type, _MAX_DESCRIPTION),
    ):
        if len(text) > longest or "\0" in text:
            raise InvalidInput(f"{label} may be {longest} characters long at most and may not hold a NUL character.")
    if len(description.hints) > _MAX_HINTS:
        raise InvalidInput(f"hints may be {_MAX_HINTS} at most.")
    for hint in description.hints:
        if _HINT_FORBIDDEN & set(hint) or len(hint) > _MAX_NAME:
            raise InvalidInput(
                "hints may not contain quotes, braces, brackets or NUL, nor be longer than 255 characters.",
            )


def _check_numbers(description: ActorDescription) -> None:
    if description.max_workers is not None and not 1 <= description.max_workers <= _MAX_INTEGER:
        raise InvalidInput(f"max_workers must be at least 1 and at most {_MAX_INTEGER}.")
    if description.mem_limit is not None:
        memory_bytes(description.mem_limit)
    max_cpus = description.max_cpus
    if max_cpus is not None and max_cpus != -1 and not 10_000_000 <= max_cpus <= _MAX_INTEGER:
        raise InvalidInput(
            "max_cpus is in nano-CPUs: at least 10000000 (a hundredth of a CPU) "
            f"and at most {_MAX_INTEGER}, or -1 for no limit.",
        )
    if description.log_ex is not None and not 1 <= description.log_ex <= _MAX_INTEGER:
        raise InvalidInput(f"log_ex is in seconds and must be at least 1 and at most {_MAX_INTEGER}.")


def _check_restricted(description: ActorDescription, caller: Principal, current: Actor | None) -> None:
    if caller.may_set_restricted:
        return
    for label, wanted, kept in (
        ("privileged", description.privileged or None, current and (current.privileged or None)),
        ("use_container_uid", description.use_container_uid or None, current and (current.use_container_uid or None)),
        ("queue", description.queue, current and current.queue),
        ("gpus", tuple(description.gpus) or None, current and (current.gpus or None)),
        ("max_workers", description.max_workers, current and current.max_workers),
        ("mem_limit", description.mem_limit, current and current.mem_limit),
        ("max_cpus", description.max_cpus, current and current.max_cpus),
    ):
        if wanted is not None and wanted != kept:
            raise NotPermitted(f"Not authorized -- {label} may only be set by privileged or admin users.")


def require_privileged_allowed(description: ActorDescription, *, allowed: bool) -> None:
    """Raise InvalidInput for a privileged actor on a server that has none; `allowed` is its setting."""
    if description.privileged and not allowed:
        raise InvalidInput("privileged containers are not available on this server: leave privileged out.")


def memory_bytes(text: str) -> int | None:
    """Bytes of a Docker memory limit such as ``512m``; None for ``-1`` (no limit). Raises InvalidInput."""
    if text.strip() == "-1":
        return None
    match = _MEMORY.fullmatch(text.strip())
    if match is None or len(match[1]) > 15:
        raise InvalidInput("mem_limit must be a number with an optional unit b, k, m or g (such as '512m'), or '-1'.")
    size = int(match[1]) * _MEMORY_UNITS[match[2].lower()]
    if not _MIN_MEMORY <= size <= _MAX_INTEGER:
        raise InvalidInput(f"mem_limit must be at least 6m and at most {_MAX_INTEGER} bytes.")
    return size


def described(description: ActorDescription, *, stateless: bool) -> dict[str, Any]:
    """The attributes that a description sets, registering and updating alike; `stateless` is what holds if not said."""
    return {
        "image": description.image,
        "description": description.description,
        "type": description.type,
        "default_environment": description.default_environment,
        "stateless": stateless if description.stateless is None else description.stateless,
        "hints": tuple(description.hints),
        "link": description.link,
        "webhook": description.webhook,
        "token": description.token,
        "privileged": description.privileged,
        "use_container_uid": description.use_container_uid,
        "run_as_executor": description.run_as_executor,
        "queue": description.queue or DEFAULT_QUEUE,
        "gpus": tuple(description.gpus),
        "max_workers": description.max_workers,
        "mem_limit": description.mem_limit,
        "max_cpus": description.max_cpus,
        "log_ex": description.log_ex,
        "max_run_time": description.max_run_time if (description.max_run_time or 0) > 0 else None,
    }


def without_nonce(actor: Actor) -> Actor:
    """`actor` as others than its owner see it: a nonce in its webhook opens more than reading this actor does."""
    masked = without_nonces(actor.webhook)
    return actor if masked == actor.webhook else replace(actor, webhook=masked)


def revised(actor: Actor, description: ActorDescription, now: datetime) -> Actor:
    """`actor` as a PUT of `description` leaves it: omitted attributes return to their defaults.

    The name, the owner, the state and (when not said) statelessness are kept. A new image, force, and what needs
    other workers (queue, gpus) make a new revision that starts over as SUBMITTED. Raises Conflict if a stateful actor
    would become stateless.
    """
    if description.stateless and not actor.stateless:
        raise Conflict("stateless cannot be set: an actor that was not stateless cannot become stateless.")
    changes = described(description, stateless=actor.stateless)
    moved = (changes["queue"], changes["gpus"]) != (actor.queue, actor.gpus)
    renewed = description.force or moved or description.image != actor.image
    # Sent back as it was shown, it stays what it is.
    webhook = actor.webhook if description.webhook == without_nonce(actor).webhook else description.webhook
    return replace(
        actor,
        **{**changes, "webhook": webhook},
        revision=actor.revision + 1 if renewed else actor.revision,
        status=ActorStatus.SUBMITTED if renewed else actor.status,
        status_message="" if renewed else actor.status_message,
        updated_at=now,
    )
