"""Build the sample images: OCI archives build/images/*.tar from Debian or Ubuntu packages, without registry or daemon.

    sudo .venv/bin/python scripts/build_images.py
    .venv/bin/python scripts/build_images.py --check      exit code 0 if there is nothing to build

Three kinds of layer: the distribution's Python (made by mmdebstrap once and kept), the guest library with its drop-ins
for old actors and cloudpickle, and each sample's own program. An archive is written again only if something it is made
of has changed, and appears whole or not at all. Archives are reproducible: the same packages and files give the same
bytes.

mmdebstrap only extracts the packages (no maintainer scripts), so that what those scripts would make and Python needs is
made here: compiled modules, the bundle of certificates, users, and busybox's links for a shell.
"""

import fcntl
import gzip
import hashlib
import io
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cloudpickle

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "build" / "images"
CACHE = TARGET / ".cache"
PACKAGES = ("base-files", "busybox-static", "ca-certificates", "python3", "tzdata")
DIST_PACKAGES = "usr/lib/python3/dist-packages"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
USERS = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"
GROUPS = "root:x:0:\nnogroup:x:65534:\n"
LEFT_OUT = re.compile(
    r"(dev|proc|sys|run)/.+"
    r"|var/(cache|lib|log)/.+"
    r"|usr/share/(bug|ca-certificates|debconf|doc|info|lintian|locale|man|perl5|pixmaps|applications)(/.*)?"
    r"|usr/share/zoneinfo/(posix|right)(/.*)?"
    r"|usr/lib/[^/]+/(gconv|perl-base)(/.*)?"
    r"|usr/lib/python3[^/]*/(config-[^/]+|ensurepip|idlelib|lib2to3|pydoc_data|test|tkinter|turtledemo)(/.*)?",
)
"""What no actor needs of the packages; it would double the image's size."""


@dataclass(frozen=True)
class Image:
    """A sample: its directory under images/, the file that runs, and what it stands on."""

    name: str
    program: str | None
    command: tuple[str, ...]
    has_python: bool = True

    @property
    def archive(self) -> Path:
        return TARGET / f"abacosamples_{self.name}.tar"

    @property
    def source(self) -> Path | None:
        return ROOT / "images" / self.name / self.program if self.program else None


IMAGES = (
    Image("test", "test.sh", ("sh", "/test.sh"), has_python=False),
    Image("py3_base", None, ("python3",)),
    *(
        Image(name, "actor.py", ("python3", "/actor.py"))
        for name in ("wc", "sleep_loop", "py3_func", "py3_cell", "sum_reducer", "warm_echo")
    ),
)


# --- what is up to date ----------------------------------------------------------------------------------------------


def suite() -> str:
    """The release of the machine's distribution, such as ``bookworm`` or ``noble``."""
    return platform.freedesktop_os_release().get("VERSION_CODENAME", "bookworm")


def base_key() -> str:
    return digest_of([Path(__file__).read_bytes(), suite().encode(), platform.machine().encode()])


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


def image_key(image: Image) -> str:
    sources = list(guest_files().values()) if image.has_python else []
    if image.source:
        sources.append(image.source)
    return digest_of([base_key().encode(), repr(image).encode(), *(path.read_bytes() for path in sources)])


def digest_of(parts: Iterable[bytes]) -> str:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part).digest())
    return whole.hexdigest()


def is_current(image: Image) -> bool:
    stamp = key_file(image)
    return image.archive.exists() and stamp.exists() and stamp.read_text() == image_key(image)


def key_file(image: Image) -> Path:
    return CACHE / f"{image.name}.key"


# --- the root file systems -------------------------------------------------------------------------------------------


def python_root() -> Path:
    """The distribution's Python as a directory, made once for each key."""
    root = CACHE / f"root-{base_key()[:16]}"
    if not root.exists():
        for stale in CACHE.glob("root-*"):
            shutil.rmtree(stale)
        fresh = Path(tempfile.mkdtemp(prefix="root-", dir=CACHE))
        bootstrap(fresh)
        finish_root(fresh)
        fresh.rename(root)
    return root


def bootstrap(root: Path) -> None:
    command = ["mmdebstrap", "--quiet", "--mode=root", "--variant=extract", f"--include={','.join(PACKAGES)}"]
    command += [f"--aptopt={line}" for line in apt_transport_options()]
    subprocess.run([*command, suite(), str(root), *apt_sources()], check=True, stdin=subprocess.DEVNULL)
    root.chmod(0o755)


def apt_sources() -> list[str]:
    """The machine's own mirrors of its distribution; without any mmdebstrap knows the public ones."""
    files = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*.sources"))]
    owners = {"sources.list", "debian.sources", "ubuntu.sources"}
    return [str(path) for path in files if path.name in owners and path.exists() and suite() in path.read_text()]


def apt_transport_options() -> list[str]:
    """How this machine reaches its mirrors (proxies, certificates); mmdebstrap does not read its apt.conf."""
    dump = subprocess.run(["apt-config", "dump"], check=True, capture_output=True, text=True).stdout
    return re.findall(r'^Acquire::(?:https?::|Check-)\S+ "[^"]+";$', dump, re.MULTILINE)


def finish_root(root: Path) -> None:
    write_users(root)
    bundle = root / "etc/ssl/certs/ca-certificates.crt"
    bundle.parent.mkdir(parents=True, exist_ok=True)
    certificates = sorted((root / "usr/share/ca-certificates/mozilla").glob("*.crt"))
    bundle.write_text("".join(path.read_text() for path in certificates))
    link_applets(root, busybox_of(root).parent)
    libraries = ["/" + str(path.relative_to(root)) for path in sorted((root / "usr/lib").glob("python3*"))]
    compile_modules(root, libraries)


def write_users(root: Path) -> None:
    (root / "etc").mkdir(exist_ok=True)
    (root / "etc/passwd").write_text(USERS)
    (root / "etc/group").write_text(GROUPS)
    (root / "etc/nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n")


def busybox_of(root: Path) -> Path:
    return next(path for path in (root / "bin/busybox", root / "usr/bin/busybox") if path.exists())


def link_applets(root: Path, folder: Path) -> None:
    """A shell and its usual commands, where the distribution has no program of that name."""
    applets = subprocess.run(["chroot", root, "busybox", "--list"], check=True, capture_output=True, text=True).stdout
    for applet in applets.split():
        if not any(os.path.lexists(root / place / applet) for place in ("bin", "usr/bin", "sbin", "usr/sbin")):
            (folder / applet).symlink_to("busybox")


def compile_modules(root: Path, paths: list[str]) -> None:
    """Compile with the image's own Python. Unchecked: files of an image do not change, so none is looked at twice."""
    compiler = ["python3", "-I", "-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash"]
    skipped = ["-x", r"/(test|lib2to3|idlelib|ensurepip)/"]
    subprocess.run(["chroot", root, *compiler, *skipped, *paths], check=True)


def install_guest_files(root: Path) -> list[str]:
    """Put the guest library into the Python root, compiled; returns its folders."""
    folders = sorted({f"{DIST_PACKAGES}/{name.split('/')[0]}" for name in guest_files()})
    for folder in folders:
        shutil.rmtree(root / folder, ignore_errors=True)
        (root / folder).mkdir(parents=True)
    for name, source in guest_files().items():
        shutil.copyfile(source, root / DIST_PACKAGES / name)
    compile_modules(root, ["/" + folder for folder in folders])
    return folders


def busybox_root(python: Path, folder: Path) -> Path:
    """A root file system of nothing but busybox, laid out as in the public image of that name."""
    for name in ("bin", "dev", "etc", "home", "proc", "root", "sys", "tmp", "usr", "var"):
        (folder / name).mkdir()
    (folder / "tmp").chmod(0o1777)
    write_users(folder)
    shutil.copy(busybox_of(python), folder / "bin/busybox")
    link_applets(folder, folder / "bin")
    return folder


# --- layers and archives ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layer:
    """A compressed tar file: its digest names it, its `diff_id` (digest before compression) is what the image lists."""

    data: bytes
    diff_id: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def layer_of(root: Path, is_wanted: Callable[[str], bool]) -> Layer:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path in sorted(root.rglob("*")):
            name = str(path.relative_to(root))
            if is_wanted(name):
                add_reproducibly(tar, path, name)
    return Layer(gzip.compress(plain.getvalue(), 6, mtime=0), hashlib.sha256(plain.getvalue()).hexdigest())


def add_reproducibly(tar: tarfile.TarFile, path: Path, name: str) -> None:
    entry = tar.gettarinfo(path, name)
    entry.mtime = entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    if entry.isreg():
        with path.open("rb") as file:
            tar.addfile(entry, file)
    else:
        tar.addfile(entry)


def program_layer(source: Path) -> Layer:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, source.name)
        shutil.copyfile(source, copy)
        copy.chmod(0o755)
        return layer_of(Path(folder), lambda _: True)


def write_archive(image: Image, layers: list[Layer]) -> None:
    """An OCI image layout in a tar file (image-spec 1.0: image-layout.md, config.md, manifest.md)."""
    config = blob_of(config_of(image, layers))
    manifest = blob_of(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": descriptor("application/vnd.oci.image.config.v1+json", config),
            "layers": [descriptor("application/vnd.oci.image.layer.v1.tar+gzip", layer.data) for layer in layers],
        },
    )
    entry = descriptor("application/vnd.oci.image.manifest.v1+json", manifest)
    index = {
        "schemaVersion": 2,
        "manifests": [{**entry, "annotations": {"org.opencontainers.image.ref.name": "latest"}}],
    }
    files = {
        "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
        "index.json": blob_of(index),
        **{f"blobs/sha256/{hashlib.sha256(data).hexdigest()}": data for data in (config, manifest)},
        **{f"blobs/sha256/{layer.digest}": layer.data for layer in layers},
    }
    fresh = image.archive.with_suffix(".tmp")
    with tarfile.open(fresh, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, data in files.items():
            header = tarfile.TarInfo(name)
            header.size = len(data)
            tar.addfile(header, io.BytesIO(data))
    fresh.rename(image.archive)


def config_of(image: Image, layers: list[Layer]) -> dict[str, Any]:
    environment = [f"PATH={PATH}", *(["LANG=C.UTF-8", "PYTHONUNBUFFERED=1"] if image.has_python else [])]
    return {
        "created": "1970-01-01T00:00:00Z",
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {"Env": environment, "Cmd": list(image.command), "WorkingDir": "/"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.diff_id}" for layer in layers]},
    }


def blob_of(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def descriptor(media_type: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": f"sha256:{hashlib.sha256(data).hexdigest()}", "size": len(data)}


# --- the whole -------------------------------------------------------------------------------------------------------


def build(images: list[Image]) -> Iterator[Image]:
    """Write the archives of `images`, yielding each when it is there."""
    python = python_root()
    guest_folders = tuple(install_guest_files(python))
    system = system_layer(python, guest_folders)
    guest = layer_of(python, lambda name: name.startswith(guest_folders))
    for image in images:
        layers = [system, guest] if image.has_python else [busybox_layer(python)]
        if image.source:
            layers.append(program_layer(image.source))
        write_archive(image, layers)
        key_file(image).write_text(image_key(image))
        yield image


def system_layer(python: Path, guest_folders: tuple[str, ...]) -> Layer:
    """The layer of the distribution's Python, kept beside the root it was made from: compressing it takes seconds."""
    kept = CACHE / f"layer-{base_key()[:16]}"
    if not kept.exists():
        for stale in CACHE.glob("layer-*"):
            stale.unlink()
        layer = layer_of(python, lambda name: not name.startswith(guest_folders) and not LEFT_OUT.fullmatch(name))
        fresh = CACHE / "layer-fresh"
        fresh.write_bytes(layer.diff_id.encode() + layer.data)
        fresh.rename(kept)
    data = kept.read_bytes()
    return Layer(data[64:], data[:64].decode())  # a SHA-256 has 64 hexadecimal digits


def busybox_layer(python: Path) -> Layer:
    with tempfile.TemporaryDirectory() as folder:
        return layer_of(busybox_root(python, Path(folder)), lambda _: True)


def main() -> None:
    if all(is_current(image) for image in IMAGES):
        return
    if "--check" in sys.argv[1:]:
        sys.exit(1)
    if os.geteuid() != 0:
        sys.exit(f"Building the sample images needs root (chroot): sudo {sys.executable} {' '.join(sys.argv)}")
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        print(f"Sample images: building from packages of {suite()} ...", flush=True)
        for image in build([image for image in IMAGES if not is_current(image)]):
            print(f"  {image.archive.relative_to(ROOT)}  {image.archive.stat().st_size / 1e6:.1f} MB", flush=True)


if __name__ == "__main__":
    main()
