"""The limit of a container's disk, on an engine that can limit it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from dockerd import Dockerd
from runtime.conftest import WallClock
from runtime.lab import Lab
from runtime.samples import busybox_layer, oci_archive

from abaco.ports import ImageRef
from abaco.runtime.docker.images import DockerImages
from abaco.runtime.docker.network import ContainerNetwork
from abaco.runtime.docker.runtime import DockerRuntime
from abaco.runtime.docker.sandbox import Terms

DISK = 32 << 20
FILL = "dd if=/dev/zero of={0}/fill bs=1M count=100 2>/dev/null; sync; stat -c %s {0}/fill"


@pytest.fixture(scope="module")
def limiting() -> Iterator[Dockerd]:
    dockerd = Dockerd("btrfs")
    yield dockerd
    dockerd.stop()


@pytest.fixture
def limited(limiting: Dockerd, tmp_path: Path) -> Iterator[Lab]:
    images, archive = DockerImages(tmp_path, limiting.engine), tmp_path / "image.tar"
    config = {"Entrypoint": ["sh", "-c"], "Cmd": ['eval "$MSG"'], "Env": ["PATH=/bin"]}
    oci_archive(archive, busybox_layer(), config)
    image = images.prepare(ImageRef("test:latest", images.import_archive(archive)))
    terms = Terms(ContainerNetwork("none"), disk=DISK)
    runtime = DockerRuntime(tmp_path / "data", WallClock(), limiting.engine, terms)
    with Lab(runtime.sandbox("worker1", image)) as lab:
        yield lab
    runtime.clean()


@pytest.mark.parametrize("place", ["", "/tmp", "/etc"])
def test_a_container_fills_its_own_disk_only(limited: Lab, place: str) -> None:
    limited.run(FILL.format(place))
    assert 0 < int(limited.seen.text) <= DISK
    limited.seen.log = b""
    limited.run(f"stat -c %s {place}/fill 2>/dev/null; echo x > /x && cat /x")
    assert limited.seen.text == "x\n"
