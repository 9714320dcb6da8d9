"""The private writable layer of one container, on top of an image that stays as it is."""

import errno
import os
import secrets
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

from abaco.runtime.kernel import MNT_DETACH, MS_NODEV, MS_NOSUID, mount, spread_children, umount

__all__ = ["Overlay", "delete_tree"]


class Overlay:
    """Mounts `lower` at `root` with a fresh writable layer in `layers`, which `owner` owns; one layer at a time.

    `rootless` is for those who are not the machine's root.
    """

    def __init__(self, lower: Path, layers: Path, root: Path, owner: int, *, rootless: bool = False) -> None:
        self._lower = lower
        self._layers = layers
        self._owner = owner
        # Where the kernel keeps its own notes on files; those of the first kind are for the machine's root.
        self._option = ",userxattr" if rootless else ""
        self.root = root
        for part in (layers, root):
            part.mkdir(exist_ok=True)
            part.chmod(0o711)
        # ext4 looks with care at every inode freed in the last seconds before it gives out another, which makes
        # thousands of short-lived layers in one place slow (10 ms each, not 2). So they are spread over the disk.
        spread_children(self._layers)

    def __enter__(self) -> Path:
        """The layer's directory; files put there go with it."""
        self.discard()
        layer = self._layers / secrets.token_hex(8)
        upper = layer / "upper"
        upper.mkdir(parents=True)
        (layer / "work").mkdir()
        # The mounted root takes its mode from the upper directory, which the umask has had its say in.
        upper.chmod(0o755)
        os.chown(upper, self._owner, self._owner)
        self._mount(layer)
        return layer

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
        options += self._option
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
