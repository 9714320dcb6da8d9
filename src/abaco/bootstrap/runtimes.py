"""Chooses what runs containers, and where its images come from."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from abaco.bootstrap.machine import open_crun, starts_without_root
from abaco.domain.actor import memory_bytes
from abaco.errors import Unavailable
from abaco.ports import Clock, ImageProvider, Runtime
from abaco.runtime.crun import CrunRuntime
from abaco.runtime.docker.location import answering_socket
from abaco.runtime.images import OciImages
from abaco.runtime.unavailable import RuntimeUnavailable
from abaco.settings import Settings

__all__ = ["open_images", "open_runtime"]


@contextmanager
def open_runtime(settings: Settings, clock: Clock) -> Iterator[tuple[Runtime, ImageProvider]]:
    """Must be entered before any thread is started. Raises RuntimeUnavailable, which says what to do instead."""
    if settings.runtime == "docker":
        from abaco.bootstrap.docker import open_docker  # noqa: PLC0415 - loads much that crun does without

        with open_docker(settings, clock) as opened:
            yield opened
    else:
        runtime, images = _crun(settings, clock)
        with closing(runtime):
            yield runtime, images


@contextmanager
def open_images(settings: Settings) -> Iterator[ImageProvider]:
    """The images of the runtime. Raises Unavailable if this machine lacks what it takes."""
    try:
        if settings.runtime == "docker":
            from abaco.bootstrap.docker import open_docker_images  # noqa: PLC0415 - as above

            with open_docker_images(settings) as images:
                yield images
        else:
            yield _oci_images(settings, rootless=starts_without_root())
    except RuntimeUnavailable as error:
        raise Unavailable(str(error)) from None


def _crun(settings: Settings, clock: Clock) -> tuple[CrunRuntime, ImageProvider]:
    try:
        rootless = starts_without_root()
        return open_crun(settings, clock), _oci_images(settings, rootless=rootless)
    except RuntimeUnavailable as error:
        engine = answering_socket()
        if engine is None:
            raise
        raise RuntimeUnavailable(f"{error} Or start with --runtime docker: an engine listens at {engine}.") from None


def _oci_images(settings: Settings, *, rootless: bool) -> OciImages:
    return OciImages(
        settings.data / "images",
        settings.insecure_registries,
        rootless=rootless,
        most=memory_bytes(settings.max_image_size),
        least_free=memory_bytes(settings.min_free_space),
    )
