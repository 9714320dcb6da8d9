"""Pushing from directories and archives of both kinds: what is sent, and what is not sent again."""

import gzip
import hashlib
import json
import platform
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from runtime.samples import add_file, add_link, docker_archive, oci_archive

from abaco.cli.main import run
from abaco.client import Abaco
from abaco.errors import InvalidInput

from .fake_server import TOKEN, URL
from .test_cli import Capture, one_error_line

LAYER = b"a layer" * 1000
CONFIG = {"Cmd": ["true"]}


class ImageServer:
    """Takes blobs and manifests as the server does; `uploads` are the digests that were sent."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.uploads: list[str] = []
        self.images: dict[str, str] = {}

    def answer(self, request: httpx.Request) -> httpx.Response:
        where = request.url.path.removeprefix("/actors/v2/images").strip("/")
        content = request.read()
        if request.method == "GET":
            result: Any = [self._shown(name) for name in self.images]
        elif where == "missing":
            result = {"missing": [each for each in json.loads(content)["digests"] if each not in self.blobs]}
        elif where.startswith("blobs/"):
            digest = where.removeprefix("blobs/")
            assert digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
            assert request.headers["Content-Length"] == str(len(content))
            self.blobs[digest] = content
            self.uploads.append(digest)
            result = {"digest": digest, "size": len(content)}
        else:
            image = json.loads(content)
            self.images[f"dev/ada/{image['name']}"] = image["manifest"]
            result = self._shown(f"dev/ada/{image['name']}")
        return httpx.Response(200, json={"message": "", "status": "success", "version": "1", "result": result})

    def _shown(self, name: str) -> dict[str, Any]:
        digest = hashlib.sha256(self.images[name].encode()).hexdigest()
        return {"name": name, "digest": f"sha256:{digest}", "source": "push", "createTime": "2026-01-02T03:04:05.678Z"}

    def unpacked(self, name: str) -> list[bytes]:
        """The layers of an image."""
        layers = json.loads(self.images[name])["layers"]
        contents = [(self.blobs[layer["digest"]], layer["mediaType"]) for layer in layers]
        return [gzip.decompress(blob) if kind.endswith("gzip") else blob for blob, kind in contents]


@pytest.fixture
def images() -> ImageServer:
    return ImageServer()


@pytest.fixture
def ab(images: ImageServer) -> Abaco:
    return Abaco(URL, TOKEN, transport=httpx.MockTransport(images.answer))


def oci(path: Path) -> None:
    oci_archive(path, LAYER, CONFIG)


def oci_directory(path: Path) -> None:
    archive = path.with_suffix(".archive")
    oci(archive)
    with tarfile.open(archive) as tar:
        tar.extractall(path)


def oci_gzipped(path: Path) -> None:
    oci(path)
    path.write_bytes(gzip.compress(path.read_bytes()))


def docker(path: Path) -> None:
    docker_archive(path, [(LAYER, CONFIG, ["lab/wc:1"])])


def docker_gzipped(path: Path) -> None:
    docker_archive(path, [(LAYER, CONFIG, None)], "w:gz")


def docker_with_compressed_layers(path: Path) -> None:
    docker_archive(path, [(gzip.compress(LAYER, mtime=0), CONFIG, None)])
    # As its writer has it: the configuration names what the layer unpacks to.


def docker_with_links(path: Path) -> None:
    """As old ones wrote a layer that occurs twice."""
    diff_id = f"sha256:{hashlib.sha256(LAYER).hexdigest()}"
    config = json.dumps({"config": CONFIG, "rootfs": {"diff_ids": [diff_id, diff_id]}}).encode()
    with tarfile.open(path, "w") as tar:
        add_file(tar, "config.json", config)
        add_file(tar, "one/layer.tar", LAYER)
        add_link(tar, "two/layer.tar", "../one/layer.tar")
        entry = {"Config": "config.json", "Layers": ["one/layer.tar", "two/layer.tar"]}
        add_file(tar, "manifest.json", json.dumps([entry]).encode())


def oci_of_dockers_types(path: Path) -> None:
    oci_directory(path)
    index = json.loads((path / "index.json").read_text())
    old = path / "blobs/sha256" / index["manifests"][0]["digest"].removeprefix("sha256:")
    text = old.read_text().replace(
        "application/vnd.oci.image.layer.v1.tar+gzip", "application/vnd.docker.image.rootfs.diff.tar.gzip"
    )
    digest = hashlib.sha256(text.encode()).hexdigest()
    (path / "blobs/sha256" / digest).write_text(text)
    index["manifests"][0]["digest"] = f"sha256:{digest}"
    (path / "index.json").write_text(json.dumps(index))


SOURCES = [
    oci,
    oci_directory,
    oci_gzipped,
    docker,
    docker_gzipped,
    docker_with_compressed_layers,
    docker_with_links,
    oci_of_dockers_types,
]


@pytest.mark.parametrize("make", SOURCES)
def test_all_kinds_arrive_and_are_not_sent_again(
    ab: Abaco, images: ImageServer, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "wc.tar")
    told: list[tuple[int, int]] = []
    first = ab.images.push(tmp_path / "wc.tar", "wc:1", lambda *progress: told.append(progress))
    assert first.name == "dev/ada/wc:1"
    assert set(images.unpacked("dev/ada/wc:1")) == {LAYER}
    assert first.blobs_sent == len(images.uploads) == 2
    assert told[-1] == (first.bytes_sent, first.bytes_sent)
    second = ab.images.push(tmp_path / "wc.tar", "wc:2")
    assert (second.blobs_sent, second.bytes_sent) == (0, 0)
    assert second.digest == first.digest
    assert len(images.uploads) == 2
    assert [image.name for image in ab.images.list()] == ["dev/ada/wc:1", "dev/ada/wc:2"]


def test_only_the_layer_that_is_new_is_sent(ab: Abaco, images: ImageServer, tmp_path: Path) -> None:
    for number, layers in enumerate(([LAYER], [LAYER, b"mine"])):
        diff_ids = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
        with tarfile.open(tmp_path / f"{number}.tar", "w") as tar:
            add_file(tar, "config.json", json.dumps({"config": CONFIG, "rootfs": {"diff_ids": diff_ids}}).encode())
            for place, layer in enumerate(layers):
                add_file(tar, f"{place}.tar", layer)
            entry = {"Config": "config.json", "Layers": [f"{place}.tar" for place in range(len(layers))]}
            add_file(tar, "manifest.json", json.dumps([entry]).encode())
    ab.images.push(tmp_path / "0.tar", "wc")
    assert ab.images.push(tmp_path / "1.tar", "wc").blobs_sent == 2
    assert images.blobs[images.uploads[-1]] == b"mine"


@pytest.mark.parametrize(
    "content",
    [b"no tar" * 1000, b"", b"\x1f\x8bno gzip", {"x": b""}, {"index.json": b"{"}, {"index.json": b'{"manifests": []}'}],
)
def test_what_is_no_image_is_one_line(images: ImageServer, tmp_path: Path, capsys: Capture, content: Any) -> None:
    if isinstance(content, bytes):
        (tmp_path / "x.tar").write_bytes(content)
    else:
        with tarfile.open(tmp_path / "x.tar", "w") as tar:
            for name, data in content.items():
                add_file(tar, name, data)
    assert push(images, str(tmp_path / "x.tar")) == 2
    one_error_line(capsys)
    assert images.images == {}


def push(images: ImageServer, *arguments: str) -> int:
    options = ("--server", URL, "--token", TOKEN, "image")
    verb = ("push",) if arguments[0] != "list" else ()
    return run((*options, *verb, *arguments), transport=httpx.MockTransport(images.answer))


def test_the_command_line(images: ImageServer, tmp_path: Path, capsys: Capture) -> None:
    oci(tmp_path / "Word-Count.tar")
    assert push(images, str(tmp_path / "Word-Count.tar")) == 0
    said = capsys.readouterr()
    assert said.out == "dev/ada/word-count\n"
    assert "2 blobs sent" in said.err
    assert push(images, str(tmp_path / "Word-Count.tar"), "wc:3", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out)["name"] == "dev/ada/wc:3"
    assert push(images, "list") == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        "NAME",
        "dev/ada/word-count",
        "dev/ada/wc:3",
    ]


@pytest.mark.parametrize(
    ("source", "saying"),
    [
        ("nowhere", "there is no nowhere: give an OCI directory"),
        ("podman:wc", "neither podman nor skopeo is installed"),
        ("docker:wc", "docker does not give its image wc: no such image"),
    ],
)
def test_what_is_not_there(
    images: ImageServer, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, source: str, saying: str
) -> None:
    (tmp_path / "docker").write_text("#!/bin/sh\necho no such image >&2; exit 1\n")
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/nowhere")
    assert push(images, source) == 2
    assert saying in one_error_line(capsys)


def test_an_engine_saves_its_image(
    ab: Abaco, images: ImageServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker(tmp_path / "wc.tar")
    (tmp_path / "docker").write_text(
        f'#!/bin/sh\n[ "$1 $2 $4" = "save -o lab/wc:1.0" ] && exec /bin/cp {tmp_path}/wc.tar "$3"\n'
    )
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/nowhere")
    assert ab.images.push("docker:lab/wc:1.0").name == "dev/ada/wc:1.0"
    assert images.unpacked("dev/ada/wc:1.0") == [LAYER]


def test_an_image_for_other_machines_only(ab: Abaco, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    oci_directory(tmp_path / "image")
    index = json.loads((tmp_path / "image/index.json").read_text())
    index["manifests"][0]["platform"] = {"architecture": "sparc", "os": "linux"}
    (tmp_path / "image/index.json").write_text(json.dumps(index))
    with pytest.raises(InvalidInput, match="no image for this kind of machine"):
        ab.images.push(tmp_path / "image", "wc")
    monkeypatch.setattr(platform, "machine", lambda: "sparc")
    assert ab.images.push(tmp_path / "image", "wc").blobs_sent == 2


def test_a_source_whose_name_is_none_needs_another(ab: Abaco, tmp_path: Path) -> None:
    oci(tmp_path / "what a name!.tar")
    with pytest.raises(InvalidInput, match="give a name"):
        ab.images.push(tmp_path / "what a name!.tar")
