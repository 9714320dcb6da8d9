"""The private writable layer of one container, on top of an image that stays as it is."""

import errno
import secrets
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from abaco.runtime.kernel import MNT_DETACH, MS_NODEV, MS_NOSUID, mount, spread_children, umount

__all__ = ["Layer", "Overlay", "delete_tree"]


@dataclass(frozen=True, slots=True)
class Layer:
    """A container's root directory, and a directory for the files that go with it; both vanish together."""

    root: Path
    bundle: Path


class Overlay:
    """Mounts `lower` with a fresh writable layer at ``directory/rootfs``; one layer at a time."""

    def __init__(self, lower: Path, directory: Path) -> None:
        self._lower = lower
        self._layers = directory / "layers"
        self.root = directory / "rootfs"
        for part in (self._layers, self.root):
            part.mkdir(exist_ok=True)
        # ext4 looks with care at every inode freed in the last seconds before it gives out another, which makes
        # thousands of short-lived layers in one place slow (10 ms each, not 2). So they are spread over the disk.
        spread_children(self._layers)

    def __enter__(self) -> Layer:
        self.discard()
        layer = self._layers / secrets.token_hex(8)
        for name in ("upper", "work"):
            (layer / name).mkdir(parents=True)
        # The mounted root takes its mode from the upper directory, which the umask has had its say in.
        (layer / "upper").chmod(0o755)
        self._mount(layer)
        return Layer(self.root, layer)

    def __exit__(self, *_: object) -> None:
        self.discard()

    def discard(self) -> None:
        """Unmount and delete the writable layer, if there is one."""
        layers = list(self._layers.glob("*"))  # none, if the sandbox is gone
        if layers:
            with suppress(OSError):
                umount(self.root, MNT_DETACH)
        for layer in layers:
            delete_tree(layer)

    def _mount(self, layer: Path) -> None:
        options = ",".join(
            f"{name}={_escaped(path)}"
            for name, path in (
                ("lowerdir", self._lower),
                ("upperdir", layer / "upper"),
                ("workdir", layer / "work"),
            )
        )
        try:
            # Nothing of the layer is worth a sync: without `volatile` each unmount would flush the whole disk.
            mount("overlay", self.root, "overlay", MS_NODEV | MS_NOSUID, options + ",volatile")
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            mount("overlay", self.root, "overlay", MS_NODEV | MS_NOSUID, options)  # Linux before 5.10


def delete_tree(directory: Path) -> None:
    """Delete `directory` and all in it, whatever a container has put there; nothing if it is not there."""
    try:
        shutil.rmtree(directory)
    except FileNotFoundError:
        return
    except (OSError, RecursionError):
        # rmtree recurses and holds a descriptor per level: a tree of ten thousand levels needs rm.
        subprocess.run(["rm", "-rf", "--one-file-system", "--", directory], check=True)


def _escaped(path: Path) -> str:
    """`path` as a value among mount options, where colon, comma and backslash have a meaning."""
    return "".join(f"\\{character}" if character in ":,\\" else character for character in str(path))
