"""Names of images, as in ``docker pull``: ``[registry/]repository[:tag][@digest]``; and whose the pushed ones are."""

import hashlib
import re

from abaco.errors import InvalidInput, NotPermitted

__all__ = ["at_digest", "home", "is_of_tenant", "normalize", "pushed_name", "registry"]

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"(?:localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|[A-Za-z0-9.-]+:[0-9]+|\[[0-9a-fA-F:]+\](?::[0-9]+)?)"
_NAME = re.compile(
    rf"(?:(?P<host>{_HOST})/)?(?P<repository>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
)
_DOCKER_HUB = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
_MAX_LENGTH = 512
_PLAIN_TENANT = re.compile(r"(?!(?:localhost|library)$)[a-z0-9]+(?:[_-][a-z0-9]+)*")
"""What stands for itself as the first component, where a dot makes a registry, and Docker Hub has words of its own."""
_PLAIN_USER = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")


def normalize(name: str) -> str:
    """The one spelling of an image's name: ``docker.io/library/redis`` is ``redis:latest``.

    A digest says all, so a tag beside it is left out. Raises InvalidInput if `name` cannot be an image's name.
    """
    host, repository, tag, digest = _parts(name)
    if host is None or host in _DOCKER_HUB:
        host = None
        repository = repository.removeprefix("library/")
    base = f"{host}/{repository}" if host else repository
    return f"{base}@{digest}" if digest else f"{base}:{tag or 'latest'}"


def registry(name: str) -> str:
    """The registry that `name` is pulled from, ``docker.io`` unless it says so."""
    host, *_ = _parts(name)
    return host or "docker.io"


def at_digest(name: str, digest: str) -> str:
    """`name` with its tag, or its former digest, replaced by `digest`."""
    host, repository, *_ = _parts(name)
    return f"{host}/{repository}@{digest}" if host else f"{repository}@{digest}"


def home(tenant: str, username: str) -> str:
    """What the names of a user's own images begin with: ``dev/ada``.

    Three components and more without a registry are nobody's on Docker Hub, so that no push stands in for an image
    from there; and no two users have the same home, since a digest stands for what could not stand in a name.
    """
    return f"{_tenant_part(tenant)}/{_part(username, _PLAIN_USER)}"


def pushed_name(name: str, tenant: str, username: str, *, is_admin: bool) -> str:
    """The normalized name that a user's push of `name` goes to; one without a slash is one of their own.

    Admins may push to every name of their tenant. Raises NotPermitted for others' names, InvalidInput for no name.
    """
    own = home(tenant, username)
    full = normalize(name if "/" in name else f"{own}/{name}")
    if "@" in full:
        raise InvalidInput("image: a push makes the digest, so the name cannot have one: leave out what follows the @.")
    begins = is_admin and is_of_tenant(full, tenant) and full.count("/") > 1
    if not begins and not full.startswith(f"{own}/"):
        raise NotPermitted(f"Not authorized -- your images are those below {own}/: push to {own}/NAME, or just NAME.")
    return full


def is_of_tenant(name: str, tenant: str) -> bool:
    """Whether a normalized name is that of a pushed image of the tenant, if it is one of any."""
    return name.startswith(f"{_tenant_part(tenant)}/")


def _tenant_part(tenant: str) -> str:
    return _part(tenant.lower(), _PLAIN_TENANT)  # tenants differ in more than case


def _part(text: str, plain: re.Pattern[str]) -> str:
    return text if plain.fullmatch(text) else f"x--{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _parts(name: str) -> tuple[str | None, str, str | None, str | None]:
    match = _NAME.fullmatch(name) if len(name) <= _MAX_LENGTH else None
    if match is None:
        raise InvalidInput(
            f"image: {name[:80]!r} is not the name of an image. Use [registry/]repository[:tag], "
            "with the repository in lower case, as in abacosamples/test or registry.example.org:5000/team/actor:1.2.",
        )
    return match["host"], match["repository"], match["tag"], match["digest"]
