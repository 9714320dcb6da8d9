"""Images on this machine: fetched by skopeo, unpacked by umoci, addressed by the digest of their manifest.

unpacked/<hex>/rootfs         the files of one image
unpacked/<hex>/config.json    its configuration

beside what `ImageDirectory` has.
"""

import hashlib
import json
from collections.abc import Collection
from pathlib import Path
from shutil import disk_usage
from typing import Final

from abaco.domain.image import at_digest, registry
from abaco.domain.manifest import Manifest, parse_manifest
from abaco.errors import AbacoError
from abaco.ports import ImageError, ImageProvider, ImageRef, PreparedImage, Stop
from abaco.runtime.archives import archive_source
from abaco.runtime.image_directory import ImageDirectory
from abaco.runtime.kernel import sync_filesystem
from abaco.runtime.layers import require_size
from abaco.runtime.layout import digest_hex, image_config, lay_out, manifest_digest, read_json
from abaco.runtime.overlay import delete_tree
from abaco.runtime.pushed import gather, measured
from abaco.runtime.skopeo import require_tools, run_tool

__all__ = ["OciImages"]

_LAYOUT: Final = "layout"
_PLENTY: Final = 1 << 62
_INSPECT_SECONDS: Final = 30.0
"""For a manifest, which is small: a registry that is silent for so long will not send any layers, either."""


class OciImages(ImageProvider):
    """The images below `directory`; several processes may share it.

    What is fetched may take `most` bytes, packed and unpacked, and leaves `least_free` on the disk; None is no limit.
    With `rootless` all files are unpacked as this process's own, whoever the image says they belong to.
    """

    def __init__(
        self,
        directory: Path,
        insecure_registries: Collection[str] = (),
        pull_timeout_seconds: float = 900.0,
        unpack_timeout_seconds: float = 900.0,
        *,
        rootless: bool = False,
        most: int | None = None,
        least_free: int | None = None,
    ) -> None:
        self._directory = ImageDirectory(directory)
        self._unpacked = directory / "unpacked"
        self._insecure = frozenset(insecure_registries)
        self._pull_timeout = pull_timeout_seconds
        self._unpack_timeout = unpack_timeout_seconds
        self._most = most
        self._least_free = least_free
        self._unpack_options = ["--rootless"] if rootless else []
        self._unpacked.mkdir(exist_ok=True)
        require_tools("skopeo", "umoci")

    def import_archive(self, archive: Path) -> str:
        try:
            with self._directory.workspace() as workspace:
                return self._take_in(archive, workspace)
        except ImageError as error:
            raise ImageError(f"The image archive cannot be used: {error}") from error

    def prepare(self, ref: ImageRef, stop: Stop | None = None) -> PreparedImage:
        try:
            digest = ref.digest or self._current_digest(ref.name, stop)
            if not self._place(digest).exists():
                with self._directory.workspace() as workspace:
                    self._fetch(ref.name, digest, workspace, stop)
        except ImageError as error:
            raise ImageError(f"The image {ref.name} cannot be used: {error}") from error
        place = self._place(digest)
        return PreparedImage(ref.name, digest, place / "rootfs", read_json(place / "config.json"))

    def assemble(self, text: str, manifest: Manifest, owner: str, most: int) -> tuple[str, int]:
        try:
            with self._directory.workspace() as workspace:
                blobs = workspace / _LAYOUT / "blobs" / "sha256"
                blobs.mkdir(parents=True)
                digest = gather(self._directory.root, owner, text, manifest, blobs)
                size = 0 if self._place(digest).exists() else measured(blobs, manifest, most)
                lay_out(workspace / _LAYOUT, digest)
                self._unpack_once(digest, workspace)
                self._directory.keep(blobs)
        except ImageError as error:
            raise ImageError(f"The image cannot be used: {error}") from error
        return digest, size

    def prune(self, keep: Collection[str]) -> int:
        with self._directory.alone():
            kept = {digest_hex(digest) for digest in keep}
            gone = [place for place in self._unpacked.iterdir() if place.name not in kept]
            for place in gone:
                delete_tree(place)
            self._directory.forget(keep)
        return len(gone)

    def _take_in(self, archive: Path, workspace: Path) -> str:
        source = archive_source(archive, workspace)
        (workspace / _LAYOUT).mkdir()
        self._copy(source, workspace)
        digest = manifest_digest(workspace / _LAYOUT)
        # A broken layer shows only here, and now is the time to say so.
        self._unpack_once(digest, workspace)
        self._directory.keep(workspace / _LAYOUT / "blobs" / "sha256")
        return digest

    def _current_digest(self, name: str, stop: Stop | None) -> str:
        """What the registry has under `name` now; one request, no layers."""
        with self._directory.workspace() as workspace:
            manifest = self._inspect(name, workspace, stop, "--raw")
        return f"sha256:{hashlib.sha256(manifest).hexdigest()}"

    def _inspect(self, name: str, workspace: Path, stop: Stop | None, *options: str) -> bytes:
        secure = f"--tls-verify={_flag(not self._is_insecure(name))}"
        command = ["skopeo", "--insecure-policy", "inspect", "--no-tags", *options, secure, f"docker://{name}"]
        return run_tool(command, workspace, min(_INSPECT_SECONDS, self._pull_timeout), stop)

    def _fetch(self, name: str, digest: str, workspace: Path, stop: Stop | None) -> None:
        """Unpack an image from the blobs that are here or else from its registry."""
        reference = at_digest(name, digest)
        with self._directory.fetching(reference, stop):
            if self._place(digest).exists():
                return
            self._share_blobs(workspace)
            if not lay_out(workspace / _LAYOUT, digest):
                self._require_room_for_packed(reference, workspace, stop)
                self._copy(f"docker://{reference}", workspace, stop, secure=not self._is_insecure(name))
            self._require_room_for_unpacked(workspace / _LAYOUT)
            self._unpack_once(digest, workspace, stop)

    def _require_room_for_packed(self, name: str, workspace: Path, stop: Stop | None) -> None:
        """Raise ImageError if the image is too large as its registry has it, before anything of it is fetched."""
        if self._most is not None or self._least_free is not None:
            layers = json.loads(self._inspect(name, workspace, stop)).get("LayersData") or ()
            self._require_room(sum(int(layer["Size"]) for layer in layers))

    def _require_room_for_unpacked(self, layout: Path) -> None:
        if self._most is not None or self._least_free is not None:
            blobs = layout / "blobs" / "sha256"
            text = (blobs / digest_hex(manifest_digest(layout))).read_text()
            most = _PLENTY if self._most is None else self._most
            try:
                self._require_room(measured(blobs, parse_manifest(text), most))
            except AbacoError as error:
                raise ImageError(str(error)) from None

    def _require_room(self, size: int) -> None:
        """Raise ImageError if so many bytes are more than there may be, or than there is room for."""
        require_size(size, self._most)
        if self._least_free is not None and disk_usage(self._unpacked).free - size < self._least_free:
            raise ImageError("there is not enough room on the disk for it")

    def _unpack_once(self, digest: str, workspace: Path, stop: Stop | None = None) -> None:
        with self._directory.locked(digest, stop):
            if not self._place(digest).exists():
                self._unpack(digest, workspace, stop)

    def _unpack(self, digest: str, workspace: Path, stop: Stop | None) -> None:
        """Unpack the layout in `workspace`, and put the whole of it in its place at once."""
        result = workspace / "unpacked"
        result.mkdir()
        rootfs = result / "rootfs"
        (result / "config.json").write_text(json.dumps(image_config(workspace / _LAYOUT)))
        command = ["umoci", "raw", "unpack", *self._unpack_options, "--image", f"{_LAYOUT}:image", str(rootfs)]
        run_tool(command, workspace, self._unpack_timeout, stop)
        rootfs.chmod(0o755)
        # Or a power cut could leave, under the final name, files that are empty.
        sync_filesystem(result)
        result.rename(self._place(digest))

    def _copy(self, source: str, workspace: Path, stop: Stop | None = None, *, secure: bool = True) -> None:
        command = [
            "skopeo",
            "--insecure-policy",
            f"--tmpdir={workspace}",
            "copy",
            "--quiet",
            f"--src-tls-verify={_flag(secure)}",
        ]
        run_tool([*command, source, f"oci:{_LAYOUT}:image"], workspace, self._pull_timeout, stop)

    def _share_blobs(self, workspace: Path) -> None:
        """Let skopeo find the layers it has fetched before, and leave the new ones there."""
        (workspace / _LAYOUT).mkdir()
        (workspace / _LAYOUT / "blobs").symlink_to(self._directory.blobs.parent.resolve())

    def _place(self, digest: str) -> Path:
        return self._unpacked / digest_hex(digest)

    def _is_insecure(self, name: str) -> bool:
        return registry(name) in self._insecure


def _flag(value: bool) -> str:
    return "true" if value else "false"
