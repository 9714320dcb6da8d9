import tarfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
from runtime.lab import Lab
from runtime.samples import Edit, add_accounts, add_file, add_perl, busybox_layer, oci_archive

from abaco.ports import ImageRef, PreparedImage
from abaco.runtime.crun import CrunRuntime
from abaco.runtime.images import OciImages
from abaco.runtime.isolation import Isolation
from abaco.runtime.kernel import enter_private_mounts
from abaco.runtime.network import Network, NetworkRules, Uplink
from abaco.runtime.seccomp import compile_profile

MakeImage = Callable[..., PreparedImage]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Before the first test, while this process has one thread; nothing outside it sees what is mounted."""
    if any(item.path.is_relative_to(Path(__file__).parent) for item in session.items):
        enter_private_mounts()


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> OciImages:
    return OciImages(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="session")
def make_image(images: OciImages, tmp_path_factory: pytest.TempPathFactory) -> MakeImage:
    """Build, import and prepare an image from edits to a busybox root file system."""

    def make(*edits: Edit, config: Mapping[str, Any]) -> PreparedImage:
        archive = tmp_path_factory.mktemp("archive") / "image.tar"
        oci_archive(archive, busybox_layer(*edits), dict(config))
        return images.prepare(ImageRef("abacosamples/test:latest", images.import_archive(archive)))

    return make


@pytest.fixture(scope="session")
def shell(make_image: MakeImage) -> PreparedImage:
    """Runs the script in the variable MSG; has Perl."""
    variables = ["PATH=/bin:/usr/bin", "FROM_IMAGE=image", "BOTH=image"]
    config = {"Entrypoint": ["sh", "-c"], "Cmd": ['eval "$MSG"'], "Env": variables}
    return make_image(add_accounts, add_perl, config=config)


@pytest.fixture(scope="session")
def broken_image(make_image: MakeImage) -> MakeImage:
    """As `make_image`, with files that look like programs and are not."""

    def add_impostors(tar: tarfile.TarFile) -> None:
        add_file(tar, "bin/script", b"#!/nonexistent\n", 0o755)
        add_file(tar, "bin/garbage", b"garbage", 0o755)

    return partial(make_image, add_accounts, add_impostors)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data directory of one server; its name would not do unescaped as a mount option."""
    return tmp_path / "da:ta,dir"


def make_isolation() -> Isolation:
    """As a server on its own has it, with little disk."""
    rules = NetworkRules(IPv4Network("10.213.0.0/16"), [IPv4Network("169.254.0.0/16")])
    profile = compile_profile(Path("/usr/share/containers/seccomp.json"))
    return Isolation(profile, Network(Uplink(rules), None), first_user=2_000_000_000, disk=256 << 20)


@pytest.fixture(scope="session")
def isolation() -> Isolation:
    return make_isolation()


@pytest.fixture
def make_runtime(data: Path, isolation: Isolation) -> Callable[..., CrunRuntime]:
    return partial(CrunRuntime, data, WallClock(), isolation=isolation)


@pytest.fixture
def runtime(make_runtime: Callable[..., CrunRuntime]) -> Iterator[CrunRuntime]:
    runtime = make_runtime()
    yield runtime
    runtime.clean()
    for base in runtime._groups._bases:
        base.rmdir()


@pytest.fixture
def runtime_directory(runtime: CrunRuntime) -> Path:
    return runtime._sandboxes


@pytest.fixture
def lab(runtime: CrunRuntime, shell: PreparedImage) -> Iterator[Lab]:
    """A sandbox of the image `shell`, ready to run scripts."""
    with Lab(runtime.sandbox("worker1", shell)) as lab:
        yield lab
