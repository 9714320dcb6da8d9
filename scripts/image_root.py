"""The root file systems of the sample images: the distribution's Python, made by mmdebstrap once and kept, and busybox.

mmdebstrap only extracts the packages (no maintainer scripts), so that what those scripts would make and Python needs is
made here: compiled modules, the bundle of certificates, users, and busybox's links for a shell.
"""

import hashlib
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from scripts.oci_archive import Layer, layer_of

PACKAGES = ("base-files", "busybox-static", "ca-certificates", "libstdc++6", "python3", "tzdata")  # C++ for wheels
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


def suite() -> str:
    """The release of the machine's distribution, such as ``bookworm`` or ``noble``."""
    return platform.freedesktop_os_release().get("VERSION_CODENAME", "bookworm")


def base_key() -> str:
    return digest_of([Path(__file__).read_bytes(), suite().encode(), platform.machine().encode()])


def has_python(version: tuple[int, int]) -> bool:
    """Whether the distribution's Python, and so that of the images, is of this minor version."""
    return Path("/usr/bin/python3").resolve().name == "python{}.{}".format(*version)


def digest_of(parts: Iterable[bytes]) -> str:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part).digest())
    return whole.hexdigest()


def python_root(cache: Path) -> Path:
    """The distribution's Python as a directory of `cache`, made once for each key."""
    root = cache / f"root-{base_key()[:16]}"
    if not root.exists():
        for stale in cache.glob("root-*"):
            shutil.rmtree(stale)
        fresh = Path(tempfile.mkdtemp(prefix="root-", dir=cache))
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


def system_layer(python: Path) -> Layer:
    return layer_of(python, lambda name: not LEFT_OUT.fullmatch(name))


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


def install(root: Path, files: Mapping[str, Path]) -> tuple[str, ...]:
    """Put modules into the Python root, compiled, in place of those there were; returns their folders."""
    folders = tuple(sorted({f"{DIST_PACKAGES}/{name.split('/')[0]}" for name in files}))
    for folder in folders:
        shutil.rmtree(root / folder, ignore_errors=True)
    for name, source in files.items():
        target = root / DIST_PACKAGES / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
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
