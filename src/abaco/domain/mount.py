"""Directories of the machine that containers see: the administrator says which, an actor's owner fills in whose."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from abaco.domain.actor import Actor

__all__ = ["WORK_PATH", "MountPoint", "MountRules", "home_of", "mounts_of", "parse_mount"]

WORK_PATH = "/work"
"""Where the owner's work directory is; the place is the wire contract's (5.9)."""
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_KNOWN = {"tenant_id", "username", "tasdir"}
_TAKEN = ("/", "/proc", "/sys", "/dev", "/_abaco_results.sock", "/_abaco_binary_data", "/_abaco_serve.sock")


@dataclass(frozen=True, slots=True)
class MountPoint:
    """`mode` is ``ro`` or ``rw``. In rules the paths may hold ``{tenant_id}``, ``{username}`` and ``{tasdir}``."""

    host_path: str
    container_path: str
    mode: str


@dataclass(frozen=True, slots=True)
class MountRules:
    """What actors get: `all_tenants`, or what `by_tenant` has instead; privileged ones `privileged` besides."""

    all_tenants: Sequence[MountPoint] = ()
    by_tenant: Mapping[str, Sequence[MountPoint]] = field(default_factory=dict)
    privileged: Sequence[MountPoint] = ()


def home_of(homes: str | None, tenant: str, username: str) -> str | None:
    """The home directory by a template such as ``/home/{username}``, None if there is none for that name."""
    if homes is None:
        return None
    known = {"tenant_id": tenant, "username": username}
    names = _PLACEHOLDER.findall(homes)
    return homes.format(**known) if all(_is_usable(name, known[name]) for name in names) else None


def parse_mount(text: str) -> MountPoint:
    """A rule as administrators write it, ``host_path:container_path:mode``. Raises ValueError saying what is wrong."""
    parts = text.split(":")
    if len(parts) != 3 or parts[2] not in {"ro", "rw"}:
        raise ValueError(f"mount {text!r} is not host_path:container_path:ro (or rw)")
    unknown = set(_PLACEHOLDER.findall(text)) - _KNOWN
    if unknown:
        raise ValueError(
            f"mount {text!r} has {{{unknown.pop()}}}; known are {{tenant_id}}, {{username}} and {{tasdir}}"
        )
    for path in parts[:2]:
        if not path.startswith(("/", "{tasdir}")) or ".." in path.split("/"):
            raise ValueError(f"mount {text!r}: {path!r} is not an absolute path")
    if parts[1].rstrip("/") in {place.rstrip("/") for place in _TAKEN}:
        raise ValueError(f"mount {text!r}: {parts[1]!r} in containers is taken")
    return MountPoint(*parts)


def mounts_of(rules: MountRules, actor: Actor) -> list[MountPoint]:
    """The mounts of the actor's containers; a rule that needs what is not known of the owner is left out."""
    known = {"tenant_id": actor.tenant, "username": actor.owner, "tasdir": actor.tasdir or ""}
    rows = [*rules.by_tenant.get(actor.tenant, rules.all_tenants), *(rules.privileged if actor.privileged else ())]
    return list(_filled(rows, known))


def _filled(rows: Sequence[MountPoint], known: Mapping[str, str]) -> Iterator[MountPoint]:
    for row in rows:
        names = _PLACEHOLDER.findall(row.host_path + row.container_path)
        if all(_is_usable(name, known[name]) for name in names):
            yield MountPoint(row.host_path.format(**known), row.container_path.format(**known), row.mode)


def _is_usable(name: str, value: str) -> bool:
    """Names are parts of paths: one of dots would lead to where another's files are."""
    if name == "tasdir":
        return value.startswith("/") and ".." not in value.split("/")
    return bool(value) and value not in {".", ".."} and "/" not in value
