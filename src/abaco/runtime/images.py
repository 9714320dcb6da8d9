"""Images on this machine: fetched by skopeo, unpacked by umoci, addressed by the digest of their manifest.

blobs/sha256/<hex>            layers, configurations and manifests, as fetched
unpacked/<hex>/rootfs         the files of one image
unpacked/<hex>/config.json    its configuration
locks/<hex>                   held while the image is unpacked
work/                         what is being done; nothing in it outlives the doing
"""

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Final

from abaco.domain.image import at_digest, registry
from abaco.ports import ImageError, ImageProvider, ImageRef, PreparedImage
from abaco.runtime.archives import archive_source
from abaco.runtime.kernel import sync_filesystem
from abaco.runtime.layout import digest_hex, image_config, lay_out, manifest_digest, read_json
from abaco.runtime.overlay import delete_tree
from abaco.runtime.skopeo import require_tools, run_tool

__all__ = ["OciImages"]

_LAYOUT: Final = "layout"


class OciImages(ImageProvider):
    """The images below `directory`; several processes may share it."""

    def __init__(
        self,
        directory: Path,
        insecure_registries: Collection[str] = (),
        pull_timeout_seconds: float = 900.0,
        unpack_timeout_seconds: float = 900.0,
    ) -> None:
        self._blobs = directory / "blobs" / "sha256"
        self._unpacked = directory / "unpacked"
        self._locks = directory / "locks"
        self._work = directory / "work"
        self._insecure = frozenset(insecure_registries)
        self._pull_timeout = pull_timeout_seconds
        self._unpack_timeout = unpack_timeout_seconds
        for part in (self._blobs, self._unpacked, self._locks, self._work):
            part.mkdir(parents=True, exist_ok=True)
        require_tools("skopeo", "umoci")
        self._sweep()

    def import_archive(self, archive: Path) -> str:
        try:
            with self._workspace() as workspace:
                return self._take_in(archive, workspace)
        except ImageError as error:
            raise ImageError(f"The image archive cannot be used: {error}") from error

    def prepare(self, ref: ImageRef) -> PreparedImage:
        try:
            digest = ref.digest or self._current_digest(ref.name)
            if not self._place(digest).exists():
                with self._workspace() as workspace:
                    self._fetch(ref.name, digest, workspace)
        except ImageError as error:
            raise ImageError(f"The image {ref.name} cannot be used: {error}") from error
        place = self._place(digest)
        return PreparedImage(ref.name, digest, place / "rootfs", read_json(place / "config.json"))

    def _take_in(self, archive: Path, workspace: Path) -> str:
        source = archive_source(archive, workspace)
        (workspace / _LAYOUT).mkdir()
        self._copy(source, workspace)
        digest = manifest_digest(workspace / _LAYOUT)
        # A broken layer shows only here, and now is the time to say so.
        self._unpack_once(digest, workspace)
        self._keep_blobs(workspace / _LAYOUT)
        return digest

    def _current_digest(self, name: str) -> str:
        """What the registry has under `name` now; one request, no layers."""
        with self._workspace() as workspace:
            insecure = [f"--tls-verify={_flag(not self._is_insecure(name))}"]
            command = ["skopeo", "--insecure-policy", "inspect", "--raw", *insecure, f"docker://{name}"]
            manifest = run_tool(command, workspace, self._pull_timeout)
        return f"sha256:{hashlib.sha256(manifest).hexdigest()}"

    def _fetch(self, name: str, digest: str, workspace: Path) -> None:
        """Unpack an image from the blobs that are here or else from its registry."""
        with self._locked(digest):
            if self._place(digest).exists():
                return
            self._share_blobs(workspace)
            if not lay_out(workspace / _LAYOUT, digest):
                self._copy(f"docker://{at_digest(name, digest)}", workspace, secure=not self._is_insecure(name))
            self._unpack(digest, workspace)

    def _unpack_once(self, digest: str, workspace: Path) -> None:
        with self._locked(digest):
            if not self._place(digest).exists():
                self._unpack(digest, workspace)

    def _unpack(self, digest: str, workspace: Path) -> None:
        """Unpack the layout in `workspace`, and put the whole of it in its place at once."""
        result = workspace / "unpacked"
        result.mkdir()
        rootfs = result / "rootfs"
        (result / "config.json").write_text(json.dumps(image_config(workspace / _LAYOUT)))
        command = ["umoci", "raw", "unpack", "--image", f"{_LAYOUT}:image", str(rootfs)]
        run_tool(command, workspace, self._unpack_timeout)
        rootfs.chmod(0o755)
        # Or a power cut could leave, under the final name, files that are empty.
        sync_filesystem(result)
        result.rename(self._place(digest))

    def _copy(self, source: str, workspace: Path, *, secure: bool = True) -> None:
        command = [
            "skopeo",
            "--insecure-policy",
            f"--tmpdir={workspace}",
            "copy",
            "--quiet",
            f"--src-tls-verify={_flag(secure)}",
        ]
        run_tool([*command, source, f"oci:{_LAYOUT}:image"], workspace, self._pull_timeout)

    def _share_blobs(self, workspace: Path) -> None:
        """Let skopeo find the layers it has fetched before, and leave the new ones there."""
        (workspace / _LAYOUT).mkdir()
        (workspace / _LAYOUT / "blobs").symlink_to(self._blobs.parent.resolve())

    def _keep_blobs(self, layout: Path) -> None:
        for blob in (layout / "blobs" / "sha256").iterdir():
            blob.rename(self._blobs / blob.name)

    def _place(self, digest: str) -> Path:
        return self._unpacked / digest_hex(digest)

    def _is_insecure(self, name: str) -> bool:
        return registry(name) in self._insecure

    @contextmanager
    def _workspace(self) -> Iterator[Path]:
        with _flock(self._work, os.O_DIRECTORY, fcntl.LOCK_SH):
            directory = Path(tempfile.mkdtemp(dir=self._work)).resolve()
            try:
                yield directory
            finally:
                delete_tree(directory)

    def _sweep(self) -> None:
        """Delete what killed processes have left half done, if nobody is at work now."""
        with suppress(BlockingIOError), _flock(self._work, os.O_DIRECTORY, fcntl.LOCK_EX | fcntl.LOCK_NB):
            for leftover in self._work.iterdir():
                delete_tree(leftover)

    def _locked(self, digest: str) -> AbstractContextManager[None]:
        """Alone with `digest`, among threads and processes."""
        return _flock(self._locks / digest_hex(digest), os.O_RDWR | os.O_CREAT, fcntl.LOCK_EX)


@contextmanager
def _flock(path: Path, flags: int, operation: int) -> Iterator[None]:
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, operation)
        yield
    finally:
        os.close(descriptor)


def _flag(value: bool) -> str:
    return "true" if value else "false"
