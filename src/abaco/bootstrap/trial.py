"""One execution on this machine, without a server: what ``abaco run`` works with."""

import fcntl
import getpass
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import IO, Any

from abaco.bootstrap.machine import open_crun
from abaco.bootstrap.parts import SystemClock, open_store, prepare_data
from abaco.bootstrap.runtimes import open_images
from abaco.bootstrap.trial_api import TrialApi, trial_api
from abaco.domain.actor import Actor
from abaco.domain.execution import Claim, Outcome, context
from abaco.domain.ids import new_id
from abaco.domain.image import normalize
from abaco.domain.lifecycle import ActorStatus
from abaco.domain.manifest import parse_manifest
from abaco.domain.message import Payload, require_sendable
from abaco.errors import InvalidInput, NotFound, Unavailable
from abaco.pool.stop import StopSignal
from abaco.ports import (
    ContainerSink,
    ContainerSpec,
    ContainerStartError,
    DigestMismatch,
    ImageError,
    ImageProvider,
    Runtime,
)
from abaco.runtime.crun import require_crun
from abaco.runtime.docker.location import answering_socket
from abaco.runtime.pushed import PushedFiles
from abaco.runtime.unavailable import RuntimeUnavailable
from abaco.services.images import Images
from abaco.settings import Settings
from abaco.store.sql import SqlStore

__all__ = ["Trial", "TrialBase", "TrialRequest", "open_trial"]

_OWNER = "local/run"
_PIECE = 1 << 20
_PLENTY = 1 << 62
BlobSource = tuple[str, Callable[[], IO[bytes]] | None]
"""A digest and how to read the blob; None if it is here."""


@dataclass(frozen=True, slots=True)
class TrialBase:
    """An image to build on: its name, and the texts of its manifest and configuration."""

    name: str
    manifest: str
    config: str


@dataclass(frozen=True, slots=True)
class TrialRequest:
    """What is executed, beside the image; with `binary` the message is bytes. Without `stateful` there is no state."""

    payload: Payload
    binary: bytes | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None
    default_environment: Mapping[str, Any] = field(default_factory=dict)
    stateful: bool = False
    state: Any = None
    max_run_seconds: float | None = None


class Trial:
    """Images of a data directory, and a runtime of its own."""

    def __init__(self, runtime: Runtime, provider: ImageProvider, store: SqlStore, blobs: PushedFiles) -> None:
        self._runtime = runtime
        self._provider = provider
        self._store = store
        self._blobs = blobs

    def base(self, name: str) -> TrialBase:
        """Raises NotFound if the image, or its blobs, are not here."""
        found = self._store.images.find(normalize(name))
        if found is None:
            raise NotFound(f"There is no image {name} here.")
        try:
            text = self._blobs.read(found.digest)
            return TrialBase(found.name, text, self._blobs.read(parse_manifest(text).config.digest))
        except (ImageError, InvalidInput) as error:
            raise NotFound(f"The blobs of the image {name} are not here: {error}.") from None

    def take_in(self, manifest: str, blobs: Iterable[BlobSource]) -> str:
        """Make an image of blobs; its digest. Raises InvalidInput."""
        try:
            for digest, source in blobs:
                if source is not None:
                    self._store_blob(digest, source)
            digest, _ = self._provider.assemble(manifest, parse_manifest(manifest), _OWNER, _PLENTY)
        except (DigestMismatch, ImageError) as error:
            raise InvalidInput(str(error)) from None
        return digest

    def _store_blob(self, digest: str, source: Callable[[], IO[bytes]]) -> None:
        draft = self._blobs.begin(_OWNER)
        with source() as file:
            while piece := file.read(_PIECE):
                draft.write(piece)
        draft.keep(digest)

    def run(self, image: str, digest: str | None, request: TrialRequest, sink: ContainerSink) -> tuple[Outcome, Any]:
        """Run one container of the image called so (with `digest`, of that one); how it ended, and the state then.

        Raises InvalidInput for an image that cannot be had, and for a message or a program that cannot be started.
        """
        require_sendable(request.payload)
        images = Images(self._store, self._provider, SystemClock())
        try:
            # Whoever is here may use all images of this directory, whichever tenant's.
            ref = images.reference(image, image.partition("/")[0], pull=False)
            prepared = self._provider.prepare(ref if digest is None else type(ref)(ref.name, digest))
            if ref.digest is None and digest is None:
                images.pulled(ref.name, prepared.digest)
            with trial_api(request.state, stateful=request.stateful) as api:
                spec = _spec(_claim(image, request, api), api, request)
                sandbox = self._runtime.sandbox(new_id(), prepared)
                stop = StopSignal()
                try:
                    return sandbox.run(spec, sink, stop), api.state
                finally:
                    stop.close()
                    sandbox.close()
        except (ImageError, ContainerStartError) as error:
            raise InvalidInput(str(error)) from None


def _claim(image: str, request: TrialRequest, api: TrialApi) -> Claim:
    now, user = SystemClock().now(), getpass.getuser()
    nothing: dict[str, Any] = dict.fromkeys(Actor.__dataclass_fields__)
    said = {
        "id": api.actor_id,
        "tenant": "local",
        "owner": user,
        "api_server": api.url,
        "image": image,
        "name": request.name,
        "default_environment": request.default_environment,
        "stateless": not request.stateful,
        "hints": (),
        "gpus": (),
        "revision": 1,
        "status": ActorStatus.READY,
        "created_at": now,
        "updated_at": now,
    }
    actor = Actor(**nothing | said)
    return Claim(new_id(), 1, new_id(), actor, request.state, request.payload, user, 1, environment=request.environment)


def _spec(claim: Claim, api: TrialApi, request: TrialRequest) -> ContainerSpec:
    binary = request.binary
    return ContainerSpec(
        execution_id=claim.execution_id,
        environment=context(claim, api.token),
        max_run_seconds=request.max_run_seconds,
        binary=None if binary is None else lambda: iter([binary]),
    )


@contextmanager
def open_trial(data: Path) -> Iterator[Trial]:
    """With the images of `data`, which is made if it is not there; must be entered before any thread is started.

    Raises Unavailable if nothing here can run containers.
    """
    settings = Settings(data=data, runtime=_runtime_name(), network="host", disk_limit="-1")
    prepare_data(settings)
    with ExitStack() as leave:
        store = open_store(settings)
        leave.callback(store.close)
        # Of its own: a server's runtime takes all that it finds in its place for what its predecessor left.
        place = leave.enter_context(_free_place(data / "trials"))
        provider = leave.enter_context(open_images(settings))
        runtime = leave.enter_context(_runtime(Settings(data=place, runtime=settings.runtime, **_ROOM)))
        runtime.clean()  # what a killed predecessor in this place has left running
        yield Trial(runtime, provider, store, PushedFiles(data / "images"))


@contextmanager
def _free_place(places: Path) -> Iterator[Path]:
    """The first directory that no other trial is in; a runtime leaves traces under its name, so there are few names."""
    for number in count():
        place = places / str(number)
        place.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            yield place
            return
        finally:
            os.close(descriptor)


_ROOM: dict[str, Any] = {"network": "host", "disk_limit": "-1"}
"""A trial is its user's own, on their own machine."""


def _runtime_name() -> Any:
    """Raises Unavailable."""
    try:
        require_crun()
    except RuntimeUnavailable as error:
        if answering_socket() is None:
            raise Unavailable(f"{error} Or start Docker, which does as well.") from None
        return "docker"
    return "crun"


@contextmanager
def _runtime(settings: Settings) -> Iterator[Runtime]:
    try:
        if settings.runtime == "docker":
            from abaco.bootstrap.docker import open_docker  # noqa: PLC0415 - loads much that crun does without

            with open_docker(settings, SystemClock()) as (runtime, _):
                yield runtime
        else:
            with closing(open_crun(settings, SystemClock())) as runtime:
                yield runtime
    except RuntimeUnavailable as error:
        raise Unavailable(str(error)) from None
