import gzip
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from runtime.samples import add_accounts, add_file, busybox_layer, docker_archive, oci_archive

from abaco.ports import ImageError, ImageRef, PreparedImage
from abaco.runtime import images as images_module
from abaco.runtime.images import OciImages
from abaco.runtime.skopeo import run_tool

CONFIG = {"Cmd": ["echo", "hello"], "Env": ["A=1"]}


@pytest.fixture
def store(tmp_path: Path) -> OciImages:
    return OciImages(tmp_path / "images")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "arch:ive"  # a colon has a meaning to skopeo


def imported(store: OciImages, archive: Path) -> PreparedImage:
    return store.prepare(ImageRef("test:latest", store.import_archive(archive)))


def left(tmp_path: Path) -> list[str]:
    """What there is of images, finished or not."""
    return sorted(
        path.name for part in ("work", "unpacked", "blobs/sha256") for path in (tmp_path / "images" / part).iterdir()
    )


def test_an_oci_archive_is_known_by_its_manifests_digest(store: OciImages, archive: Path, tmp_path: Path) -> None:
    digest = oci_archive(archive, busybox_layer(add_accounts), CONFIG)
    image = imported(store, archive)
    assert (image.digest, image.config, image.name) == (digest, CONFIG, "test:latest")
    assert (image.rootfs / "bin/sh").is_symlink()
    assert image.rootfs.stat().st_mode & 0o777 == 0o755
    assert not list((tmp_path / "images" / "work").iterdir())
    assert store.import_archive(archive) == digest


def test_a_compressed_oci_archive(store: OciImages, archive: Path) -> None:
    digest = oci_archive(archive, busybox_layer(), CONFIG)
    archive.write_bytes(gzip.compress(archive.read_bytes(), 1))
    assert imported(store, archive).digest == digest


def test_of_several_named_images_the_first_is_meant(store: OciImages, archive: Path) -> None:
    digest = oci_archive(archive, busybox_layer(), CONFIG, names=["one:1", "two:2"])
    assert imported(store, archive).digest == digest


@pytest.mark.parametrize("tags", [["x/y:1"], None, []])
@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_docker_archive_with_or_without_tags(
    store: OciImages, archive: Path, tags: list[str] | None, mode: Any
) -> None:
    docker_archive(archive, [(busybox_layer(), CONFIG, tags)], mode)
    assert imported(store, archive).config["Cmd"] == CONFIG["Cmd"]


def test_of_several_docker_images_the_first_is_meant(store: OciImages, archive: Path) -> None:
    second = {"Cmd": ["second"]}
    docker_archive(archive, [(busybox_layer(), CONFIG, ["a:1"]), (busybox_layer(add_accounts), second, ["b:1"])])
    assert imported(store, archive).config["Cmd"] == CONFIG["Cmd"]


def not_a_tar(path: Path) -> None:
    path.write_bytes(b"neither tar nor anything" * 1000)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def no_image(path: Path) -> None:
    with tarfile.open(path, "w") as tar:
        add_file(tar, "readme", b"hello")


def truncated(path: Path) -> None:
    oci_archive(path, busybox_layer(), CONFIG)
    path.write_bytes(path.read_bytes()[:500_000])


def truncated_gzip(path: Path) -> None:
    oci_archive(path, busybox_layer(), CONFIG)
    content = gzip.compress(path.read_bytes(), 1)
    path.write_bytes(content[: len(content) // 2])


def layer_is_no_tar(path: Path) -> None:
    oci_archive(path, b"no tar at all" * 1000, CONFIG)


def index_is_no_json(path: Path) -> None:
    with tarfile.open(path, "w") as tar:
        add_file(tar, "index.json", b"{")


def blob_is_missing(path: Path) -> None:
    with tarfile.open(path, "w") as tar:
        add_file(tar, "oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
        manifest = b'{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":2,"digest":"sha256:' + b"0" * 64
        add_file(tar, "index.json", b'{"schemaVersion":2,"manifests":[' + manifest + b'"}]}')


def manifest_is_strange(path: Path) -> None:
    with tarfile.open(path, "w") as tar:
        add_file(tar, "manifest.json", b'[{"Config": "../../../../etc/passwd", "Layers": ["/etc/passwd"]}]')


BROKEN = [
    not_a_tar,
    empty,
    no_image,
    truncated,
    truncated_gzip,
    layer_is_no_tar,
    index_is_no_json,
    blob_is_missing,
    manifest_is_strange,
]


@pytest.mark.parametrize("write", BROKEN)
def test_a_broken_archive_is_refused_in_few_words_and_leaves_nothing(
    store: OciImages,
    archive: Path,
    tmp_path: Path,
    write: Callable[[Path], None],
) -> None:
    write(archive)
    with pytest.raises(ImageError) as raised:
        store.import_archive(archive)
    message = str(raised.value)
    assert 10 < len(message) < 400
    assert "\n" not in message
    assert str(tmp_path) not in message
    assert left(tmp_path) == []


def test_hostile_paths_stay_inside(store: OciImages, archive: Path, tmp_path: Path) -> None:
    def escape(tar: tarfile.TarFile) -> None:
        add_file(tar, "../../../../escaped", b"x")
        add_file(tar, "/escaped-too", b"x")
        info = tarfile.TarInfo("way-out")
        info.type, info.linkname = tarfile.SYMTYPE, str(tmp_path)
        tar.addfile(info)
        add_file(tar, "way-out/escaped", b"x")

    oci_archive(archive, busybox_layer(escape), CONFIG)
    try:
        rootfs = imported(store, archive).rootfs
    except ImageError:
        assert left(tmp_path) == []
    else:
        assert (rootfs / "escaped").read_bytes() == b"x"
    assert not [path for path in tmp_path.rglob("escaped*") if "rootfs" not in path.parts]
    assert not list(Path("/").glob("escaped*"))


def test_one_preparation_serves_all_who_want_it(
    store: OciImages,
    archive: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    digest = oci_archive(archive, busybox_layer(), CONFIG)
    store.import_archive(archive)
    (tmp_path / "images/unpacked" / digest[7:]).rename(tmp_path / "gone")
    commands: list[Any] = []

    def counted(*arguments: Any) -> bytes:
        commands.append(arguments[0][0])
        return run_tool(*arguments)

    monkeypatch.setattr(images_module, "run_tool", counted)
    prepared: list[PreparedImage] = []
    stores = [store, OciImages(tmp_path / "images"), store, store]
    ref = ImageRef("test:latest", digest)
    threads = [threading.Thread(target=lambda s=each: prepared.append(s.prepare(ref))) for each in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert commands == ["umoci"]
    assert len({image.rootfs for image in prepared}) == 1
    assert len(prepared) == 4


def test_what_a_killed_process_left_half_done_is_swept(tmp_path: Path) -> None:
    OciImages(tmp_path / "images")
    (tmp_path / "images/work/half").mkdir()
    OciImages(tmp_path / "images")
    assert left(tmp_path) == []


@pytest.mark.parametrize("digest", ["sha256:../../x", "md5:0", "", "sha256:" + "0" * 63])
def test_a_digest_is_a_digest(store: OciImages, digest: str) -> None:
    with pytest.raises(ImageError):
        store.prepare(ImageRef("localhost:1/test:latest", digest))
