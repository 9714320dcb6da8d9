import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
from dockerd import Dockerd
from runtime.lab import Lab
from runtime.registry import running_registry
from runtime.samples import Edit, add_accounts, add_file, add_perl, busybox_layer, oci_archive
from runtime.world import Connect, Connected

from abaco.ports import ImageProvider, ImageRef, PreparedImage, Runtime
from abaco.runtime.crun import CrunRuntime
from abaco.runtime.docker.images import DockerImages
from abaco.runtime.docker.network import HOST_NETWORK, Bridge, ContainerNetwork
from abaco.runtime.docker.runtime import DockerRuntime
from abaco.runtime.docker.sandbox import Terms
from abaco.runtime.forwarder import Forwarder
from abaco.runtime.images import OciImages
from abaco.runtime.isolation import Isolation
from abaco.runtime.kernel import enter_private_mounts
from abaco.runtime.namespaces import UserRanges
from abaco.runtime.network import Network, NetworkRules, Uplink
from abaco.runtime.seccomp import compile_profile

MakeImage = Callable[..., PreparedImage]
MakeRuntime = Callable[..., Runtime]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "crun(reason): what Docker does not have, and why (docs/operations.md)")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Whatever runs containers does so on each runtime, unless it says why not."""
    if "kind" in metafunc.fixturenames:
        kinds = ["crun"] if metafunc.definition.get_closest_marker("crun") else ["crun", "docker"]
        metafunc.parametrize("kind", kinds, indirect=True, scope="session")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Before the first test, while this process has one thread; nothing outside it sees what is mounted."""
    if any(item.path.is_relative_to(Path(__file__).parent) for item in session.items):
        enter_private_mounts()


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@pytest.fixture(scope="session")
def kind(request: pytest.FixtureRequest) -> str:
    """Which runtime."""
    return str(request.param)


@pytest.fixture(scope="session")
def images(
    kind: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> OciImages | DockerImages:
    directory = tmp_path_factory.mktemp("images")
    if kind == "crun":
        return OciImages(directory)
    return DockerImages(directory, request.getfixturevalue("dockerd").engine)


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


@pytest.fixture(scope="session")
def make_image(images: ImageProvider, tmp_path_factory: pytest.TempPathFactory) -> MakeImage:
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


_RULES = NetworkRules("crun", IPv4Network("10.213.0.0/16"), [IPv4Network("169.254.0.0/16")])


def make_isolation() -> Isolation:
    """As a server on its own has it, with little disk."""
    profile = compile_profile(Path("/usr/share/containers/seccomp.json"))
    return Isolation(profile, Network(Uplink(_RULES), lambda: None), UserRanges(2_000_000_000), disk=256 << 20)


@pytest.fixture(scope="session")
def isolation() -> Isolation:
    return make_isolation()


@pytest.fixture
def make_crun_runtime(data: Path, isolation: Isolation) -> Callable[..., CrunRuntime]:
    return partial(CrunRuntime, data, WallClock(), isolation=isolation)


@pytest.fixture
def crun_runtime(make_crun_runtime: Callable[..., CrunRuntime]) -> Iterator[CrunRuntime]:
    runtime = make_crun_runtime()
    yield runtime
    runtime.clean()
    for base in runtime._groups._bases:
        base.rmdir()


@pytest.fixture
def make_docker_runtime(data: Path, dockerd: Dockerd) -> Callable[..., DockerRuntime]:
    """Without a network, which takes the engine half of a container's time."""
    terms = Terms(ContainerNetwork("none"), disk=256 << 20)
    return partial(DockerRuntime, data, WallClock(), dockerd.engine, terms=terms)


@pytest.fixture
def docker_runtime(make_docker_runtime: Callable[..., DockerRuntime], dockerd: Dockerd) -> Iterator[DockerRuntime]:
    runtime = make_docker_runtime()
    yield runtime
    runtime.clean()
    assert dockerd.containers() == []


@pytest.fixture
def connect_crun(make_crun_runtime: Callable[..., CrunRuntime], isolation: Isolation) -> Connect:
    @contextmanager
    def connect(network: str, api_port: int) -> Iterator[Connected]:
        if network == "host":
            yield Connected(make_crun_runtime(isolation=replace(isolation, network=None)), None)
            return
        uplink = Uplink(_RULES) if network == "private" else None
        made = Network(uplink, lambda: ("127.0.0.1", api_port))
        gateway = str(uplink.gateway) if uplink else None
        try:
            yield Connected(make_crun_runtime(isolation=replace(isolation, network=made)), gateway)
        finally:
            made.close()

    return connect


@pytest.fixture
def connect_docker(make_docker_runtime: Callable[..., DockerRuntime], dockerd: Dockerd) -> Connect:
    @contextmanager
    def connect(network: str, api_port: int) -> Iterator[Connected]:
        if network == "host":
            yield Connected(make_docker_runtime(terms=Terms(HOST_NETWORK, disk=None)), None)
            return
        bridge = Bridge(dockerd.engine, "test", internal=network == "none")
        bridge.protect([str(one) for one in _RULES.blocked], api_port)
        made = bridge.network("localhost")
        with ExitStack() as leave:
            forwarder = Forwarder()
            leave.callback(forwarder.close)
            leave.callback(bridge.forward(forwarder, ("127.0.0.1", api_port)).close)
            yield Connected(make_docker_runtime(terms=Terms(made, disk=None)), made.gateway)

    return connect


@pytest.fixture
def connect(kind: str, runtime: Runtime, request: pytest.FixtureRequest) -> Connect:
    """As `bootstrap` does it: a server whose setting of the network is one of private, none and host."""
    made: Connect = request.getfixturevalue(f"connect_{kind}")
    return made


@pytest.fixture
def make_runtime(kind: str, request: pytest.FixtureRequest) -> MakeRuntime:
    """Another process's, as it were, on the same data."""
    made: MakeRuntime = request.getfixturevalue(f"make_{kind}_runtime")
    return made


@pytest.fixture
def runtime(kind: str, request: pytest.FixtureRequest) -> Runtime:
    made: Runtime = request.getfixturevalue(f"{kind}_runtime")
    return made


@pytest.fixture
def lab(runtime: Runtime, shell: PreparedImage) -> Iterator[Lab]:
    """A sandbox of the image `shell`, ready to run scripts."""
    with Lab(runtime.sandbox("worker1", shell)) as lab:
        yield lab
