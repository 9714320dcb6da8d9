"""Projects: what `abaco init` writes, which Containerfiles need no builder, and what becomes of them."""

import io
import json
import tarfile
from contextlib import AbstractContextManager
from gzip import decompress
from pathlib import Path
from typing import Any

import httpx
import pytest

from abaco.cli.containerfile import Copy, Recipe, read_recipe
from abaco.cli.layering import layered
from abaco.cli.main import run
from abaco.cli.project import read_project
from abaco.client import Abaco, LocalImage
from abaco.errors import InvalidInput

from .fake_server import TOKEN, URL
from .test_cli import Capture, one_error_line

BASE: dict[str, dict[str, Any]] = {
    "config": {"Env": ["PATH=/bin", "A=1"], "Cmd": ["sh"], "Labels": {"x": "y"}},
    "rootfs": {"diff_ids": ["sha256:0"]},
}


def recipe_of(tmp_path: Path, text: str) -> Recipe:
    (tmp_path / "Containerfile").write_text(text)
    return read_recipe(tmp_path / "Containerfile")


def test_a_simple_containerfile(tmp_path: Path) -> None:
    recipe = recipe_of(
        tmp_path,
        """# a comment
        FROM busybox:1.36
        ENV A=2 \\
            # a comment within
            B="two words"
        WORKDIR /app
        WORKDIR sub
        copy a.sh b.sh ./
        COPY ["with space", "/there"]
        COPY . .
        LABEL who=me
        USER 1000:1000
        ENTRYPOINT ["/bin/sh", "-c"]
        CMD echo $MSG
        """,
    )
    assert recipe.base == "busybox:1.36"
    assert recipe.copies == [
        Copy(("a.sh", "b.sh"), "/app/sub/"),
        Copy(("with space",), "/there"),
        Copy((".",), "/app/sub/"),
    ]
    assert recipe.configured(BASE["config"]) == {
        "Env": ["PATH=/bin", "A=2", "B=two words"],
        "Labels": {"x": "y", "who": "me"},
        "Entrypoint": ["/bin/sh", "-c"],
        "Cmd": ["/bin/sh", "-c", "echo $MSG"],
        "WorkingDir": "/app/sub",
        "User": "1000:1000",
    }


def test_the_command_of_the_base_is_not_for_another_entry_point() -> None:
    assert "Cmd" not in Recipe("x", entrypoint=["/run"]).configured(BASE["config"])
    assert Recipe("x").configured({})["Env"] == []


@pytest.mark.parametrize(
    "line",
    [
        "RUN true",
        "ADD x /x",
        "ARG X=1",
        "COPY --chmod=755 a /a",
        "COPY a",
        "COPY a b /c",
        "COPY $A /a",
        "ENV A 1",
        "FROM another",
        "EXPOSE 80",
        "HEALTHCHECK NONE",
        'CMD ["unfinished',
        "COPY 'unfinished /a",
        "WORKDIR",
    ],
)
def test_what_takes_a_builder_says_so_with_its_line(tmp_path: Path, line: str) -> None:
    with pytest.raises(InvalidInput, match=r"line 2: .* takes podman, docker or buildah"):
        recipe_of(tmp_path, f"FROM busybox\n{line}\n")


@pytest.mark.parametrize("text", ["", "# nothing", "RUN true", "FROM a AS b", "FROM --platform=x a", "FROM $BASE"])
def test_a_containerfile_begins_with_one_image(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidInput):
        recipe_of(tmp_path, text)


def test_a_containerfile_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "Containerfile").write_bytes(b"FROM busybox\nLABEL a=\xff\n")
    with pytest.raises(InvalidInput, match="Containerfile cannot be read"):
        read_recipe(tmp_path / "Containerfile")


class Bases:
    """A server that has some images."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def answer(self, request: httpx.Request) -> httpx.Response:
        name = request.url.params["image"]
        if name not in self.names:
            return httpx.Response(404, json={"message": "none", "status": "error", "version": "1", "result": None})
        layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": "sha256:base", "size": 7}
        manifest = json.dumps({"schemaVersion": 2, "layers": [layer]})
        result = {"name": f"{name}:latest", "digest": "sha256:x", "manifest": manifest, "config": json.dumps(BASE)}
        return httpx.Response(200, json={"message": "", "status": "success", "version": "1", "result": result})

    def layered(
        self, recipe: Recipe, bases: list[str], project: Path
    ) -> AbstractContextManager[tuple[LocalImage, str]]:
        ab = Abaco(URL, TOKEN, transport=httpx.MockTransport(self.answer))
        return layered(ab.images.manifest, recipe, bases, project)


def layer_of(image: LocalImage) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(decompress(image.blobs[-1].read()))) as tar:
        return {member.name: member for member in tar}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    (project / "lib/deep").mkdir(parents=True)
    (project / "lib/__pycache__").mkdir()
    for name in ("main", "lib/one.py", "lib/deep/two.py", "lib/__pycache__/x.pyc"):
        (project / name).write_text(name)
    (project / "main").chmod(0o700)
    (project / "lib/link").symlink_to("one.py")
    return project


def test_files_go_where_they_are_copied_to(project: Path) -> None:
    recipe = Recipe("busybox", [Copy(("main",), "/bin/"), Copy(("main",), "/run"), Copy(("lib",), "/opt/lib")])
    with Bases("busybox").layered(recipe, [], project) as (image, base):
        assert base == "busybox:latest"
        found = layer_of(image)
        manifest = json.loads(image.manifest)
        config = json.loads(image.blobs[0].read())
    assert sorted(found) == ["bin/main", "opt/lib/deep/two.py", "opt/lib/link", "opt/lib/one.py", "run"]
    assert (found["run"].mode, found["opt/lib/one.py"].mode) == (0o755, 0o644)
    assert found["opt/lib/link"].linkname == "one.py"
    assert [each["digest"] for each in manifest["layers"]] == [blob.digest for blob in image.blobs[1:]]
    assert image.blobs[1].open is None
    assert len(config["rootfs"]["diff_ids"]) == 2


def test_the_same_project_makes_the_same_image(project: Path) -> None:
    def made() -> str:
        with Bases("busybox").layered(Recipe("busybox", [Copy((".",), "/app")]), [], project) as (image, _):
            return image.manifest

    first = made()
    (project / "main").write_text("main")  # at another time
    assert made() == first
    (project / "main").write_text("changed")
    assert made() != first


def test_the_first_base_that_the_server_has_is_taken(project: Path) -> None:
    with Bases("b", "c").layered(Recipe("a"), ["b", "c"], project) as (_, base):
        assert base == "b:latest"


def test_without_a_base_it_says_what_to_do(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with (
        pytest.raises(InvalidInput, match=r"none of the images a, b.*push one"),
        Bases().layered(Recipe("a"), ["b"], project),
    ):
        pass


@pytest.mark.parametrize("source", ["../secret", "lib/out", "nowhere"])
def test_nothing_outside_the_project_is_copied(project: Path, source: str) -> None:
    (project.parent / "secret").write_text("secret")
    (project / "lib/out").symlink_to("../../secret")
    with (
        pytest.raises(InvalidInput, match="COPY"),
        Bases("a").layered(Recipe("a", [Copy((source,), "/x")]), [], project),
    ):
        pass


# --- abaco init ---


@pytest.mark.parametrize("language", ["python", "shell", "other"])
def test_init_writes_a_project_that_needs_no_builder(tmp_path: Path, capsys: Capture, language: str) -> None:
    directory = tmp_path / "Word-Count"
    assert run(["init", str(directory), "--language", language]) == 0
    assert "next: abaco deploy" in capsys.readouterr().err
    project = read_project(directory)
    assert (project.name, project.image_name) == ("word-count", "word-count")
    assert project.actor["stateless"] is True
    recipe = read_recipe(directory / "Containerfile")
    with Bases(project.build.bases[0]).layered(recipe, [*project.build.bases], directory) as (image, _):
        assert layer_of(image)
    assert "{" not in (directory / "README.md").read_text()
    assert run(["init", str(directory), "--language", language]) == 6
    assert "already" in one_error_line(capsys)


@pytest.mark.parametrize("arguments", [["--language", "cobol"], ["--name", "Not A Name"]])
def test_init_refuses(tmp_path: Path, capsys: Capture, arguments: list[str]) -> None:
    assert run(["init", str(tmp_path / "x"), *arguments]) == 2
    one_error_line(capsys)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("text", "saying"),
    [
        ("name = ", "Invalid"),
        ("nome = 'x'", "nome"),
        ("name = 1", "name"),
        ("name = 'x'\n[actor]\nstatless = true", "statless"),
        ("name = 'x'\n[actor]\nname = 'y'", "name"),
        ("name = 'x'\n[build]\nbases = 'y'", "bases"),
    ],
)
def test_what_is_wrong_with_a_project_is_one_line(tmp_path: Path, capsys: Capture, text: str, saying: str) -> None:
    (tmp_path / "actor.toml").write_text(text)
    assert run(["deploy", str(tmp_path)]) == 2
    line = one_error_line(capsys)
    assert "actor.toml" in line
    assert saying in line


def test_a_builder_that_does_not_work_is_not_taken(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(["init", str(tmp_path / "x")])
    (tmp_path / "docker").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/nowhere")
    capsys.readouterr()
    for name in ("docker", "podman", "make"):
        assert run(["--server", URL, "--token", TOKEN, "deploy", str(tmp_path / "x"), "--builder", name]) == 2
        assert "--builder: " in one_error_line(capsys)
