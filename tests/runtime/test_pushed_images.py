"""Images of blobs that strangers have pushed: assembled, measured before they are unpacked, and kept in their place."""

import gzip
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from runtime.samples import add_directory, add_file, add_link, busybox_layer

from abaco.domain.manifest import Manifest, parse_manifest
from abaco.ports import ImageError, ImageProvider, ImageRef
from abaco.runtime.docker.images import DockerImages
from abaco.runtime.drafts import entries
from abaco.runtime.image_directory import ImageDirectory
from abaco.runtime.images import OciImages
from abaco.runtime.layers import unpacked_size
from abaco.runtime.pushed import PushedFiles

OWNER = "dev/ada"
TAR = "application/vnd.oci.image.layer.v1.tar"
GIB = 1 << 30
NOW = datetime.now(UTC)


def layer_of(*edits: Callable[[tarfile.TarFile], None], format_: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format_) as tar:
        for edit in edits:
            edit(tar)
    return buffer.getvalue()


class Pushed:
    """What `owner` pushes to the images below `directory`."""

    def __init__(self, directory: Path, owner: str = OWNER) -> None:
        self.blobs = PushedFiles(directory)
        self._owner = owner

    def blob(self, content: bytes, kind: str) -> dict[str, Any]:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        draft = self.blobs.begin(self._owner)
        draft.write(content)
        assert draft.keep(digest) == len(content)
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": digest, "size": len(content)}

    def image(self, *layers: bytes, config: Any = None) -> tuple[str, Manifest]:
        diff_ids = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
        described = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Cmd": ["true"]},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }
        text = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": self.blob(json.dumps(described if config is None else config).encode(), "config.v1+json"),
                "layers": [self.blob(gzip.compress(layer, 1, mtime=0), "layer.v1.tar+gzip") for layer in layers],
            }
        )
        return text, parse_manifest(text)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "images"


@pytest.fixture
def store(directory: Path) -> OciImages:
    return OciImages(directory)


@pytest.fixture
def pushed(directory: Path) -> Pushed:
    return Pushed(directory)


@pytest.fixture
def provider(kind: str, directory: Path, request: pytest.FixtureRequest) -> ImageProvider:
    return (
        OciImages(directory) if kind == "crun" else DockerImages(directory, request.getfixturevalue("dockerd").engine)
    )


def test_blobs_become_an_image(provider: ImageProvider, pushed: Pushed, directory: Path) -> None:
    layer = busybox_layer()
    text, manifest = pushed.image(layer)
    digest, size = provider.assemble(text, manifest, OWNER, GIB)
    assert len(layer) < size < 2 * len(layer)
    assert provider.prepare(ImageRef("dev/ada/wc:latest", digest)).config["Cmd"] == ["true"]
    assert provider.assemble(text, manifest, OWNER, 0) == (digest, 0)
    assert not list((directory / "work").iterdir())
    # Names of one file: what is pushed takes its place once.
    [config, packed] = [directory / "blobs/sha256" / blob.digest.removeprefix("sha256:") for blob in manifest.blobs]
    assert (config.stat().st_nlink, packed.stat().st_nlink) == (2, 2)
    assert pushed.blobs.read(digest) == text


def test_an_image_stands_on_what_is_here_already(store: OciImages, pushed: Pushed, directory: Path) -> None:
    base = busybox_layer()
    store.assemble(*pushed.image(base), OWNER, GIB)
    other = Pushed(directory, "dev/bob")
    text, manifest = other.image(base, layer_of(lambda tar: add_file(tar, "actor.sh", b"echo hello")))
    for blob in manifest.layers[:1]:
        (directory / "pushed/dev/bob" / blob.digest.removeprefix("sha256:")).unlink()
    digest, _ = store.assemble(text, manifest, "dev/bob", GIB)
    rootfs = store.prepare(ImageRef("dev/bob/wc:latest", digest)).rootfs
    assert (rootfs / "actor.sh").read_bytes() == b"echo hello"
    assert (rootfs / "bin/busybox").exists()


def test_a_missing_blob_is_an_error(store: OciImages, pushed: Pushed) -> None:
    with pytest.raises(ImageError, match="lacks a file"):
        store.assemble(*pushed.image(busybox_layer()), "dev/bob", GIB)


def escaping_name(tar: tarfile.TarFile) -> None:
    add_file(tar, "../../../../../../../../../../tmp/abaco-escaped", b"x")


def absolute_name(tar: tarfile.TarFile) -> None:
    add_file(tar, "/tmp/abaco-escaped", b"x")


def through_a_link(tar: tarfile.TarFile) -> None:
    add_link(tar, "out", "/tmp")
    add_file(tar, "out/abaco-escaped", b"x")


def through_a_climbing_link(tar: tarfile.TarFile) -> None:
    add_link(tar, "out", "../../../../../../../../../../tmp")
    add_file(tar, "out/abaco-escaped", b"x")


def through_a_link_for_the_root(tar: tarfile.TarFile) -> None:
    add_link(tar, ".", "/tmp")
    add_file(tar, "abaco-escaped", b"x")


def hard_link_to_the_host(tar: tarfile.TarFile) -> None:
    add_directory(tar, "etc")
    info = tarfile.TarInfo("etc/abaco-escaped")
    info.type, info.linkname = tarfile.LNKTYPE, "../../../../../../../../../../etc/passwd"
    tar.addfile(info)


def whiteout_of_the_host(tar: tarfile.TarFile) -> None:
    add_file(tar, "../../../../../../../../../../tmp/.wh.abaco-kept", b"")


@pytest.mark.parametrize(
    "edit",
    [
        escaping_name,
        absolute_name,
        through_a_link,
        through_a_climbing_link,
        through_a_link_for_the_root,
        hard_link_to_the_host,
        whiteout_of_the_host,
    ],
)
def test_nothing_escapes_while_it_is_unpacked(
    store: OciImages, pushed: Pushed, edit: Callable[[tarfile.TarFile], None]
) -> None:
    escaped, kept = Path("/tmp/abaco-escaped"), Path("/tmp/abaco-kept")
    kept.touch()
    try:
        digest, _ = store.assemble(*pushed.image(layer_of(edit)), OWNER, GIB)
        rootfs = store.prepare(ImageRef("x:latest", digest)).rootfs
        linked = [path for path in rootfs.rglob("*") if path.is_file() and path.samefile("/etc/passwd")]
        assert not [path for path in linked if not path.is_symlink()]
    except ImageError:
        pass  # refused: as good
    finally:
        assert kept.exists()
        kept.unlink()
        if escaped.exists():
            escaped.unlink()
            pytest.fail("it escaped")


def sparse(tar: tarfile.TarFile) -> None:
    info = tarfile.TarInfo("hole")
    info.type, info.size = tarfile.GNUTYPE_SPARSE, 0
    tar.addfile(info)


def sparse_by_attributes(tar: tarfile.TarFile) -> None:
    info = tarfile.TarInfo("hole")
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(1 << 40)}
    tar.addfile(info)


def another_size_by_attributes(tar: tarfile.TarFile) -> None:
    info = tarfile.TarInfo("long")
    info.pax_headers = {"size": "9000"}
    tar.addfile(info)


def attributes_without_end(tar: tarfile.TarFile) -> None:
    info = tarfile.TarInfo("x")
    info.pax_headers = {"comment": "x" * 2_000_000}
    tar.addfile(info)


def a_link_with_a_size(tar: tarfile.TarFile) -> None:
    info = tarfile.TarInfo("link")
    info.type, info.linkname, info.size = tarfile.SYMTYPE, "x", 512
    tar.addfile(info)
    add_file(tar, "x", b"x")


@pytest.mark.parametrize(
    ("edit", "saying"),
    [
        (sparse, "sparse"),
        (sparse_by_attributes, "sparse"),
        (another_size_by_attributes, "8 GiB"),
        (attributes_without_end, "too long"),
        (a_link_with_a_size, "with a size"),
    ],
)
def test_what_is_larger_than_it_seems_is_refused(
    tmp_path: Path, edit: Callable[[tarfile.TarFile], None], saying: str
) -> None:
    layer = tmp_path / "layer"
    layer.write_bytes(layer_of(edit))
    with pytest.raises(ImageError, match=saying):
        unpacked_size(layer, TAR, GIB)


def test_a_layer_that_is_large_unpacked_is_refused_before_it_is(store: OciImages, pushed: Pushed) -> None:
    bomb = layer_of(lambda tar: add_file(tar, "zeros", bytes(50_000_000)))
    with pytest.raises(ImageError, match="more than the 10000000 bytes"):
        store.assemble(*pushed.image(bomb), OWNER, 10_000_000)
    with pytest.raises(ImageError, match="more than"):
        store.assemble(*pushed.image(busybox_layer(), bomb), OWNER, 51_000_000)


def test_what_follows_the_end_counts_too(tmp_path: Path) -> None:
    layer = tmp_path / "layer"
    layer.write_bytes(gzip.compress(layer_of() + bytes(20_000_000)))
    with pytest.raises(ImageError, match="more than"):
        unpacked_size(layer, f"{TAR}+gzip", 10_000_000)


def test_files_without_content_count(tmp_path: Path) -> None:
    layer = tmp_path / "layer"
    layer.write_bytes(layer_of(*(lambda tar, name=str(number): add_file(tar, name, b"") for number in range(100))))
    assert unpacked_size(layer, TAR, GIB) > 100 * 4096
    with pytest.raises(ImageError, match="more than"):
        unpacked_size(layer, TAR, 100 * 4096)


@pytest.mark.parametrize("format_", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_ordinary_layers_of_all_kinds_are_measured(tmp_path: Path, format_: int) -> None:
    long = "directory-" * 8 + "/" + "file" * 20
    layer = tmp_path / "layer"
    content = layer_of(lambda tar: add_file(tar, long, b"x" * 1000), add_accounts_link, format_=format_)
    layer.write_bytes(content)
    assert unpacked_size(layer, TAR, GIB) == len(content) + 2 * 4096


def add_accounts_link(tar: tarfile.TarFile) -> None:
    add_link(tar, "link", "target")


@pytest.mark.parametrize("content", [b"no tar" * 1000, busybox_layer()[:100_000]])
def test_broken_layers(tmp_path: Path, content: bytes) -> None:
    layer = tmp_path / "layer"
    layer.write_bytes(content)
    with pytest.raises(ImageError, match="broken"):
        unpacked_size(layer, TAR, GIB)
    with pytest.raises(ImageError, match="broken"):
        unpacked_size(layer, f"{TAR}+gzip", GIB)


@pytest.mark.parametrize(
    "config", [[], {"config": []}, {"rootfs": 1}, {"rootfs": {"type": "layers", "diff_ids": []}}, 7]
)
def test_a_strange_configuration_is_an_error_and_leaves_nothing(
    store: OciImages, pushed: Pushed, directory: Path, config: Any
) -> None:
    with pytest.raises(ImageError):
        store.assemble(*pushed.image(busybox_layer(), config=config), OWNER, GIB)
    assert [*(directory / "unpacked").iterdir(), *(directory / "work").iterdir()] == []
    assert [*(directory / "blobs/sha256").iterdir()] == []


def test_what_never_became_an_image_is_removed_after_a_while(store: OciImages, pushed: Pushed, directory: Path) -> None:
    store.assemble(*pushed.image(busybox_layer()), OWNER, GIB)
    pushed.blobs.charge(OWNER, "sha256:" + "1" * 64, 1000)
    orphan = pushed.blob(b"never used", "config.v1+json")["digest"]
    (directory / "pushed/dev/ada/draft-killed").write_bytes(b"half")
    before = len(pushed.blobs.sizes(OWNER))
    for path in (directory / "pushed/dev/ada").iterdir():
        os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    assert pushed.blobs.prune(NOW - timedelta(days=1)) == 0
    assert pushed.blobs.prune(NOW + timedelta(seconds=1)) == 2
    assert orphan not in pushed.blobs.sizes(OWNER)
    assert len(pushed.blobs.sizes(OWNER)) == before - 1
    assert len([*(directory / "pushed/dev/ada").iterdir()]) == before - 1 + 1  # what the image is charged


def test_what_goes_while_somebody_looks_at_it_is_gone(
    pushed: Pushed, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drafts get their names, or are given up, all the time."""

    def vanishing(place: Path) -> list[os.DirEntry[str]]:
        found = list(entries(place))
        for entry in found:
            Path(entry.path).unlink()
        return found

    pushed.blob(b"never used", "config.v1+json")
    (directory / "pushed/dev/ada/draft-killed").write_bytes(b"half")
    monkeypatch.setattr("abaco.runtime.pushed.entries", vanishing)
    assert pushed.blobs.prune(NOW + timedelta(days=9)) == 0
    monkeypatch.undo()
    pushed.blob(b"never used", "config.v1+json")
    monkeypatch.setattr("abaco.runtime.pushed.entries", vanishing)
    assert pushed.blobs.sizes(OWNER) == {}


def test_images_that_nobody_names_are_removed_with_all_that_is_theirs_alone(
    provider: ImageProvider, pushed: Pushed, directory: Path
) -> None:
    base = busybox_layer()
    made = {}
    for name in ("kept", "replaced"):
        text, manifest = pushed.image(base, layer_of(lambda tar, name=name: add_file(tar, name, b"x")))  # type: ignore[misc]
        digest, size = provider.assemble(text, manifest, OWNER, GIB)
        pushed.blobs.charge(OWNER, digest, size)
        made[name] = (digest, manifest)
    used = pushed.blobs.used(OWNER)
    kept, manifest = made["kept"]
    assert provider.prune({kept}) == 1
    assert provider.prune({kept}) == 0
    left = {f"sha256:{path.name}" for path in (directory / "blobs/sha256").iterdir()}
    assert left == {kept, *(blob.digest for blob in manifest.blobs)}
    assert pushed.blobs.sizes(OWNER).keys() == left - {kept}
    assert pushed.blobs.used(OWNER) < used
    assert provider.prepare(ImageRef("x:latest", kept)).config["Cmd"] == ["true"]
    text, manifest = pushed.image(base, layer_of(lambda tar: add_file(tar, "replaced", b"x")))
    assert provider.assemble(text, manifest, OWNER, GIB)[0] == made["replaced"][0]


def test_nothing_is_removed_while_somebody_works_on_images(store: OciImages, directory: Path) -> None:
    with ImageDirectory(directory).workspace(), pytest.raises(ImageError, match="works on images now"):
        store.prune(set())


@pytest.mark.parametrize("owner", ["dev", "dev/", "/ada", "dev/..", "../ada", "dev/ada/x"])
def test_an_owner_is_an_owner(pushed: Pushed, owner: str) -> None:
    with pytest.raises(ValueError, match=owner):
        pushed.blobs.begin(owner)
