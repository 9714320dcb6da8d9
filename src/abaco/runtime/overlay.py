"""The private writable layer of one container, on top of an image that stays as it is."""

import errno
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

from abaco.runtime.kernel import MNT_DETACH, MS_NODEV, MS_NOSUID, mount, umount

__all__ = ["Overlay", "delete_tree"]


class Overlay:
    """Mounts `lower` with a fresh writable layer at ``directory/rootfs``; one layer at a time."""

    def __init__(self, lower: Path, directory: Path) -> None:
        self._lower = lower
        self._layer = directory / "layer"
        self._discarded = directory / "discarded"
        self.root = directory / "rootfs"
        self.root.mkdir(exist_ok=True)

    def __enter__(self) -> Path:
        """Mount; the directory to use as a container's root."""
        self._discard_layer()
        for name in ("upper", "work"):
            (self._layer / name).mkdir(parents=True)
        # The mounted root takes its mode from the upper directory, which the umask has had its say in.
        (self._layer / "upper").chmod(0o755)
        self._mount()
        return self.root

    def __exit__(self, *_: object) -> None:
        self.discard()

    def discard(self) -> None:
        """Unmount and delete the writable layer, if there is one."""
        with suppress(OSError):
            umount(self.root, MNT_DETACH)
        self._discard_layer()

    def _mount(self) -> None:
        options = ",".join(
            f"{name}={_escaped(path)}"
            for name, path in (
                ("lowerdir", self._lower),
                ("upperdir", self._layer / "upper"),
                ("workdir", self._layer / "work"),
            )
        )
        try:
            # Nothing of the layer is worth a sync: without `volatile` each unmount would flush the whole disk.
            mount("overlay", self.root, "overlay", MS_NODEV | MS_NOSUID, options + ",volatile")
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            mount("overlay", self.root, "overlay", MS_NODEV | MS_NOSUID, options)  # Linux before 5.10

    def _discard_layer(self) -> None:
        delete_tree(self._discarded)
        with suppress(FileNotFoundError):
            self._layer.rename(self._discarded)
            delete_tree(self._discarded)


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
