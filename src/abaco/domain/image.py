"""Names of images, as in ``docker pull``: ``[registry/]repository[:tag][@digest]``."""

import re

from abaco.errors import InvalidInput

__all__ = ["at_digest", "normalize", "registry"]

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"(?:localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|[A-Za-z0-9.-]+:[0-9]+|\[[0-9a-fA-F:]+\](?::[0-9]+)?)"
_NAME = re.compile(
    rf"(?:(?P<host>{_HOST})/)?(?P<repository>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
)
_DOCKER_HUB = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
_MAX_LENGTH = 512


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


def _parts(name: str) -> tuple[str | None, str, str | None, str | None]:
    match = _NAME.fullmatch(name) if len(name) <= _MAX_LENGTH else None
    if match is None:
        raise InvalidInput(
            f"image: {name[:80]!r} is not the name of an image. Use [registry/]repository[:tag], "
            "with the repository in lower case, as in abacosamples/test or registry.example.org:5000/team/actor:1.2.",
        )
    return match["host"], match["repository"], match["tag"], match["digest"]
