"""Images in the Docker engine: imported, lost, pulled."""

import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from dockerd import Dockerd
from runtime.registry import StallingRegistry, push
from runtime.samples import add_file, busybox_layer, docker_archive, oci_archive

from abaco.pool.stop import StopSignal
from abaco.ports import ImageError, ImageRef, PreparedImage
from abaco.runtime.docker.engine import EngineError
from abaco.runtime.docker.images import DockerImages, local_name
from abaco.runtime.images import OciImages

CONFIG = {"Cmd": ["echo", "hello"]}


@pytest.fixture
def store(tmp_path: Path, dockerd: Dockerd) -> DockerImages:
    return DockerImages(tmp_path / "images", dockerd.engine, pull_timeout_seconds=30)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "arch:ive"


def imported(store: DockerImages, archive: Path) -> PreparedImage:
    return store.prepare(ImageRef("test:latest", store.import_archive(archive)))


def layer_with(word: str) -> bytes:
    """A layer that no other test has."""
    return busybox_layer(lambda tar: add_file(tar, "etc/word", word.encode()))


def test_an_oci_archive_is_known_by_its_manifests_digest(store: DockerImages, archive: Path) -> None:
    digest = oci_archive(archive, layer_with("oci"), CONFIG)
    image = imported(store, archive)
    assert (image.digest, image.config["Cmd"], image.unpacked) == (digest, CONFIG["Cmd"], None)


def test_a_docker_archive_always_gets_the_same_digest(store: DockerImages, archive: Path) -> None:
    docker_archive(archive, [(layer_with("docker"), CONFIG, ["one:1"]), (busybox_layer(), CONFIG, ["two:2"])], "w:gz")
    image = imported(store, archive)
    assert image.config["Cmd"] == CONFIG["Cmd"]
    assert store.import_archive(archive) == image.digest


def test_an_import_leaves_the_engines_own_names_alone(store: DockerImages, archive: Path, dockerd: Dockerd) -> None:
    docker_archive(archive, [(layer_with("names"), CONFIG, ["python:3"])])
    imported(store, archive)
    with pytest.raises(EngineError) as raised:
        dockerd.engine.call(lambda client: client.images.inspect("python:3"))
    assert raised.value.is_not_found


def test_what_the_engine_has_lost_is_loaded_again(store: DockerImages, archive: Path, dockerd: Dockerd) -> None:
    oci_archive(archive, layer_with("lost"), CONFIG)
    image = imported(store, archive)
    dockerd.engine.call(lambda client: client.images.delete(local_name(image.digest)))
    assert store.prepare(ImageRef("test:latest", image.digest)) == image


def test_either_runtime_finds_what_was_imported_for_the_other(
    store: DockerImages, archive: Path, tmp_path: Path
) -> None:
    docker_archive(archive, [(layer_with("both"), CONFIG, None)])
    by_docker, crun = store.import_archive(archive), OciImages(tmp_path / "images")
    assert (crun.prepare(ImageRef("test:latest", by_docker)).rootfs / "etc/word").read_text() == "both"
    by_crun = crun.import_archive(archive)
    assert store.prepare(ImageRef("test:latest", by_crun)).config["Cmd"] == CONFIG["Cmd"]


def without_layers(archive: Path) -> None:
    """Take what is no JSON out of the archive."""
    with tarfile.open(archive) as source:
        kept = [(member.name, source.extractfile(member).read()) for member in source if member.size < 10_000]  # type: ignore[union-attr]
    with tarfile.open(archive, "w") as target:
        for name, content in kept:
            add_file(target, name, content)


@pytest.mark.parametrize("what", ["oci", "docker", "text", "nothing"])
def test_a_broken_archive_is_refused(store: DockerImages, archive: Path, tmp_path: Path, what: str) -> None:
    if what == "oci":
        oci_archive(archive, busybox_layer(), CONFIG)
        without_layers(archive)
    elif what == "docker":
        docker_archive(archive, [(busybox_layer(), CONFIG, None)])
        without_layers(archive)
    elif what == "text":
        archive.write_text("no archive")
    else:
        tarfile.open(archive, "w").close()
    with pytest.raises(ImageError, match=r"^The image archive cannot be used: it"):
        store.import_archive(archive)
    assert not list((tmp_path / "images" / "work").iterdir())


def test_a_layer_that_is_not_what_it_should_be_is_refused(store: DockerImages, archive: Path) -> None:
    docker_archive(archive, [(layer_with("right"), CONFIG, None)])
    data = archive.read_bytes()
    archive.write_bytes(data.replace(b"right", b"wrong"))
    with pytest.raises(ImageError, match="one of its layers is broken"):
        store.import_archive(archive)


def test_an_image_is_pulled_and_known_by_the_registrys_digest(
    store: DockerImages, registry: str, archive: Path, dockerd: Dockerd
) -> None:
    name = f"{registry}/team/actor:1"
    archive = archive.with_name("image.tar")
    oci_archive(archive, layer_with("pulled"), CONFIG)
    digest = push(f"oci-archive:{archive}", name)
    image = store.prepare(ImageRef(name, None))
    assert (image.digest, image.config["Cmd"]) == (digest, CONFIG["Cmd"])
    dockerd.engine.call(lambda client: client.images.delete(local_name(digest), force=True))
    assert store.prepare(ImageRef(name, digest)) == image


def test_what_is_not_wanted_any_more_is_not_waited_for(store: DockerImages, registry: str, archive: Path) -> None:
    archive, stop = archive.with_name("image.tar"), StopSignal()
    oci_archive(archive, layer_with("slow"), CONFIG)
    push(f"oci-archive:{archive}", f"{registry}/team/slow:1")
    with StallingRegistry(registry) as silent, ThreadPoolExecutor() as threads:
        pull = threads.submit(store.prepare, ImageRef(f"{silent.address}/team/slow:1", None), stop)
        assert silent.asked.wait(10)
        stop.set()
        with pytest.raises(ImageError, match="not wanted any more"):
            pull.result(5)


def test_an_image_that_is_not_there(store: DockerImages, registry: str) -> None:
    with pytest.raises(ImageError, match=r"^The image .* cannot be used: it is not in its registry"):
        store.prepare(ImageRef(f"{registry}/nobody/nothing:1", None))


def test_a_registry_that_cannot_be_reached(store: DockerImages) -> None:
    with pytest.raises(ImageError, match="its registry cannot be reached"):
        store.prepare(ImageRef("127.0.0.1:1/x/y:1", None))
