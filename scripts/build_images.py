"""Build the sample images: OCI archives build/images/*.tar from Debian or Ubuntu packages, without registry or daemon.

    sudo .venv/bin/python -m scripts.build_images
    .venv/bin/python -m scripts.build_images --check      exit code 0 if there is nothing to build

Four kinds of layer: the distribution's Python, the guest library with its drop-ins for old actors and cloudpickle, the
numpy of this project's lock file, and each sample's own program. An archive is written again only if something it is
made of has changed, and appears whole or not at all. Archives are reproducible: the same packages and files give the
same bytes.
"""

import fcntl
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import cloudpickle
from scripts import image_root, oci_archive
from scripts.image_root import base_key, digest_of
from scripts.oci_archive import Layer, layer_of

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "build" / "images"
CACHE = TARGET / ".cache"
NUMPY_WANTED = re.compile(r"numpy(?!/(.+/)?(tests|include|__pycache__)/|.+\.(pyi|pxd|h|a)$).+")
"""All but what no function calls: tests, and what other extensions are compiled with."""


@dataclass(frozen=True)
class Image:
    """A sample: its name, the file under images/ that runs, and what it stands on."""

    name: str
    program: str | None
    command: tuple[str, ...] = ("python3", "/actor.py")
    has_python: bool = True
    has_numpy: bool = False

    @property
    def archive(self) -> Path:
        return TARGET / f"abacosamples_{self.name}.tar"

    @property
    def source(self) -> Path | None:
        return ROOT / "images" / self.program if self.program else None


PROGRAMS = (
    "binary_message_classifier",
    "docker_ps",
    "fast_lookup",
    "logger",
    "mem_limit",
    "nonce",
    "py3_cell",
    "py3_func",
    "py_test",
    "sleep_loop",
    "sum_reducer",
    "tapis_token_test",
    "warm_echo",
    "wc",
    "webhook",
)
"""Samples that are one Python program."""
IMAGES = (
    Image("test", "test/test.sh", ("sh", "/test.sh"), has_python=False),
    Image("py3_base", None, ("python3",)),
    *(Image(name, f"{name}/actor.py") for name in PROGRAMS),
    Image("py3_sci_base_func", "py3_func/actor.py", has_numpy=True),
    Image("numpy_mult", "numpy_mult/actor.py", has_numpy=True),
)


# --- what is up to date ----------------------------------------------------------------------------------------------


def images() -> list[Image]:
    """Those that can be built here: numpy's machine code is for the Python that runs this, not for any other."""
    fits = image_root.has_python(sys.version_info[:2])
    return [image for image in IMAGES if fits or not image.has_numpy]


def guest_files() -> dict[str, Path]:
    """The files of the guest layer: the guest library, its drop-ins, and the cloudpickle that our client uses."""
    pickle_folder = Path(cloudpickle.__file__).parent
    dropins = ROOT / "images" / "dropins"
    return {
        "abaco/__init__.py": ROOT / "src/abaco/__init__.py",
        "abaco/actors.py": ROOT / "src/abaco/actors.py",
        **{str(path.relative_to(dropins)): path for path in sorted(dropins.glob("*/*.py"))},
        **{f"cloudpickle/{path.name}": path for path in sorted(pickle_folder.glob("*.py"))},
    }


def numpy_files() -> dict[str, Path]:
    files = metadata.files("numpy") or []
    return {str(file): Path(str(file.locate())) for file in files if NUMPY_WANTED.fullmatch(str(file))}


def numpy_key() -> str:
    # The version is part of the names.
    return digest_of([base_key().encode(), *(name.encode() for name in numpy_files())])


def image_key(image: Image) -> str:
    sources = [Path(__file__), Path(oci_archive.__file__), *(guest_files().values() if image.has_python else [])]
    if image.source:
        sources.append(image.source)
    below = numpy_key() if image.has_numpy else base_key()
    return digest_of([below.encode(), *(path.read_bytes() for path in sources)])


def is_current(image: Image) -> bool:
    stamp = key_file(image)
    return image.archive.exists() and stamp.exists() and stamp.read_text() == image_key(image)


def key_file(image: Image) -> Path:
    return CACHE / f"{image.name}.key"


# --- the whole -------------------------------------------------------------------------------------------------------


def build(wanted: list[Image]) -> Iterator[Image]:
    """Write the archives of `wanted`, yielding each when it is there."""
    python = image_root.python_root(CACHE)
    system = kept_layer("layer", base_key(), lambda: image_root.system_layer(python))
    guest = installed_layer(python, guest_files())
    for image in wanted:
        layers = [system, guest] if image.has_python else [busybox_layer(python)]
        if image.has_numpy:
            layers.append(kept_layer("numpy", numpy_key(), lambda: installed_layer(python, numpy_files())))
        if image.source:
            layers.append(program_layer(image.source))
        environment = [f"PATH={image_root.PATH}", *(["LANG=C.UTF-8", "PYTHONUNBUFFERED=1"] if image.has_python else [])]
        oci_archive.write_archive(image.archive, layers, image.command, environment)
        key_file(image).write_text(image_key(image))
        yield image


def kept_layer(kind: str, key: str, make: Callable[[], Layer]) -> Layer:
    """What `make` makes, kept for as long as its key is the same: compressing it takes seconds."""
    kept = CACHE / f"{kind}-{key[:16]}"
    if not kept.exists():
        for stale in CACHE.glob(f"{kind}-*"):
            stale.unlink()
        layer = make()
        fresh = CACHE / f"{kind}-fresh"
        fresh.write_bytes(layer.diff_id.encode() + layer.data)
        fresh.rename(kept)
    data = kept.read_bytes()
    return Layer(data[64:], data[:64].decode())  # a SHA-256 has 64 hexadecimal digits


def installed_layer(python: Path, files: dict[str, Path]) -> Layer:
    """A layer of modules, compiled by the image's own Python, which does not keep them."""
    folders = image_root.install(python, files)
    layer = layer_of(python, lambda name: name.startswith(folders))
    for folder in folders:
        shutil.rmtree(python / folder)
    return layer


def program_layer(source: Path) -> Layer:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, source.name)
        shutil.copyfile(source, copy)
        copy.chmod(0o755)
        return layer_of(Path(folder), lambda _: True)


def busybox_layer(python: Path) -> Layer:
    with tempfile.TemporaryDirectory() as folder:
        return layer_of(image_root.busybox_root(python, Path(folder)), lambda _: True)


def main() -> None:
    stale = [image for image in images() if not is_current(image)]
    if not stale:
        return
    if "--check" in sys.argv[1:]:
        sys.exit(1)
    if os.geteuid() != 0:
        sys.exit(f"Building the sample images needs root (chroot): sudo {sys.executable} -m scripts.build_images")
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        print(f"Sample images: building from packages of {image_root.suite()} ...", flush=True)
        # Another one may have built them while this one waited for the lock.
        for image in build([image for image in stale if not is_current(image)]):
            print(f"  {image.archive.relative_to(ROOT)}  {image.archive.stat().st_size / 1e6:.1f} MB", flush=True)
    for left_out in set(IMAGES) - set(images()):
        print(f"  {left_out.name} is left out: numpy here is for Python {sys.version_info[0]}.{sys.version_info[1]}")


if __name__ == "__main__":
    main()
