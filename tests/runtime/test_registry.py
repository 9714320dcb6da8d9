import socket
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from runtime.registry import StallingRegistry, push
from runtime.samples import add_accounts, add_file, busybox_layer, docker_archive, oci_archive

from abaco.domain.image import at_digest
from abaco.pool.stop import StopSignal
from abaco.ports import ImageError, ImageRef, PreparedImage
from abaco.runtime import images as images_module
from abaco.runtime.images import OciImages
from abaco.runtime.skopeo import run_tool

CONFIG = {"Cmd": ["echo", "hello"]}


@pytest.fixture
def store(tmp_path: Path, registry: str) -> OciImages:
    return OciImages(tmp_path / "images", [registry], pull_timeout_seconds=30)


def test_an_image_is_pulled_and_known_by_the_registrys_digest(store: OciImages, registry: str, tmp_path: Path) -> None:
    archive = tmp_path / "image.tar"
    oci_archive(archive, busybox_layer(), CONFIG)
    digest = push(f"oci-archive:{archive}", f"{registry}/team/actor:1")
    image = store.prepare(ImageRef(f"{registry}/team/actor:1", None))
    assert (image.digest, image.config) == (digest, CONFIG)
    assert store.prepare(ImageRef(f"{registry}/team/actor:1", digest)) == image


def test_a_docker_image_keeps_its_digest_wherever_it_is_pulled(store: OciImages, registry: str, tmp_path: Path) -> None:
    """skopeo makes it an OCI image on the way, whose own digest is another one."""
    archive = tmp_path / "image.tar"
    docker_archive(archive, [(busybox_layer(add_accounts), CONFIG, None)])
    digest = push(f"docker-archive:{archive}", f"{registry}/team/docker:1")
    assert store.prepare(ImageRef(f"{registry}/team/docker:1", None)).digest == digest
    elsewhere = OciImages(tmp_path / "elsewhere", [registry])
    image = elsewhere.prepare(ImageRef(at_digest(f"{registry}/team/docker:1", digest), digest))
    assert (image.digest, image.config["Cmd"]) == (digest, CONFIG["Cmd"])


def test_a_moved_tag_is_pulled_anew_and_shares_what_it_can(store: OciImages, registry: str, tmp_path: Path) -> None:
    archive, name = tmp_path / "image.tar", f"{registry}/team/moving:latest"
    digests = []
    for word in ("one", "two"):
        oci_archive(archive, busybox_layer(), {"Cmd": [word]})
        push(f"oci-archive:{archive}", name)
        image = store.prepare(ImageRef(name, None))
        assert image.config == {"Cmd": [word]}
        digests.append(image.digest)
    assert len(set(digests)) == 2
    assert len(list((tmp_path / "images/blobs/sha256").iterdir())) == 5  # two manifests and configs, one layer


def test_an_image_that_is_not_there(store: OciImages, registry: str) -> None:
    with pytest.raises(ImageError, match=r"^The image .* cannot be used: it is not in its registry"):
        store.prepare(ImageRef(f"{registry}/nobody/nothing:1", None))


def test_a_registry_without_https_must_be_listed(tmp_path: Path, registry: str) -> None:
    # skopeo itself makes no exception for 127.0.0.1.
    with pytest.raises(ImageError, match="does not speak https"):
        OciImages(tmp_path / "images").prepare(ImageRef(f"{registry}/team/actor:1", None))


@pytest.mark.parametrize("address", ["127.0.0.1:1", "registry.invalid"])
def test_a_registry_that_cannot_be_reached(store: OciImages, address: str, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="its registry cannot be reached"):
        store.prepare(ImageRef(f"{address}/x/y:1", None))
    assert not list((tmp_path / "images/work").iterdir())


def test_an_image_that_is_too_large_is_not_unpacked(registry: str, tmp_path: Path) -> None:
    def add_much(tar: tarfile.TarFile) -> None:
        add_file(tar, "zeros", bytes(64 << 20), 0o644)

    archive, name, images = tmp_path / "image.tar", f"{registry}/team/large:1", tmp_path / "images"
    oci_archive(archive, busybox_layer(add_much), CONFIG)
    push(f"oci-archive:{archive}", name)
    for most in (32 << 20, 1 << 10):  # more than it has packed, and less
        with pytest.raises(ImageError, match=f"more than the {most} bytes"):
            OciImages(images, [registry], most=most).prepare(ImageRef(name, None))
    with pytest.raises(ImageError, match="not enough room on the disk"):
        OciImages(images, [registry], least_free=1 << 60).prepare(ImageRef(name, None))
    assert not [*(images / "unpacked").iterdir(), *(images / "work").iterdir()]
    assert OciImages(images, [registry], most=256 << 20, least_free=1).prepare(ImageRef(name, None)).config == CONFIG


def test_patience_with_a_registry_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long layers may take: before them there is a manifest, which is small."""
    monkeypatch.setattr(images_module, "_INSPECT_SECONDS", 1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        store = OciImages(tmp_path / "images", [address], pull_timeout_seconds=20)
        with pytest.raises(ImageError, match="longer than 1 seconds"):
            store.prepare(ImageRef(f"{address}/x/y:1", None))


def test_nobody_waits_for_a_registry_that_has_the_same_manifest_and_stalls(registry: str, tmp_path: Path) -> None:
    archive, images = tmp_path / "image.tar", tmp_path / "images"
    oci_archive(archive, busybox_layer(), CONFIG)
    digest = push(f"oci-archive:{archive}", f"{registry}/team/python:3")
    with StallingRegistry(registry) as evil:
        store = OciImages(images, [registry, evil.address], pull_timeout_seconds=10)
        prepared: list[PreparedImage] = []
        ref = ImageRef(f"{evil.address}/team/python:3", None)
        slow = threading.Thread(target=lambda: prepared.append(store.prepare(ref)))
        slow.start()
        assert evil.asked.wait(10)
        honest = store.prepare(ImageRef(f"{registry}/team/python:3", None))
        assert slow.is_alive()
        evil.gate.set()
        slow.join()
    # What came second is the same, and thrown away.
    assert [(image.digest, image.rootfs) for image in prepared] == [(digest, honest.rootfs)]
    assert [place.name for place in (images / "unpacked").iterdir()] == [digest[7:]]
    assert not list((images / "work").iterdir())


@pytest.mark.parametrize("given", [False, True], ids=["tag", "digest"])
def test_what_is_not_wanted_any_more_is_broken_off(registry: str, tmp_path: Path, given: bool) -> None:
    """The one that fetches at once, and those that wait for it."""
    archive, images = tmp_path / "image.tar", tmp_path / "images"
    oci_archive(archive, busybox_layer(), CONFIG)
    digest = push(f"oci-archive:{archive}", f"{registry}/team/slow:1")
    stops = [StopSignal() for _ in range(3)]
    with StallingRegistry(registry) as silent, ThreadPoolExecutor() as threads:
        ref = ImageRef(f"{silent.address}/team/slow:1", digest if given else None)
        store = OciImages(images, [silent.address], pull_timeout_seconds=20)
        fetching = threads.submit(store.prepare, ref, stops[0])
        assert silent.asked.wait(10)
        waiting = [threads.submit(store.prepare, ref, stop) for stop in stops[1:]]
        for stop, future in zip(reversed(stops), [*reversed(waiting), fetching], strict=True):
            stop.set()
            with pytest.raises(ImageError, match="not wanted any more"):
                future.result(5)
    assert not [*(images / "work").iterdir(), *(images / "unpacked").iterdir()]


def test_what_several_want_under_one_name_is_fetched_once(
    store: OciImages, registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "image.tar"
    docker_archive(archive, [(busybox_layer(), CONFIG, None)])
    push(f"docker-archive:{archive}", f"{registry}/team/many:1")
    commands: list[str] = []

    def counted(command: list[str], *arguments: Any) -> bytes:
        commands.extend(word for word in command if word in {"copy", "unpack"})
        return run_tool(command, *arguments)

    monkeypatch.setattr(images_module, "run_tool", counted)
    ref = ImageRef(f"{registry}/team/many:1", None)
    threads = [threading.Thread(target=store.prepare, args=(ref,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert commands == ["copy", "unpack"]
