"""Images pushed by users to a real server, and run there."""

import io
import json
import tarfile
from collections.abc import Iterator

import pytest
from bench.live import SAMPLES, LiveServer

from abaco.client import Abaco, ActorHandle, Blob, LocalImage, described
from abaco.errors import NotPermitted

ARCHIVE = SAMPLES / "abacosamples_wc.tar"


def user(server: LiveServer, name: str) -> Abaco:
    server.admin("user", "add", name, "--password", "correct horse")
    return Abaco(server.url, server.admin("token", name))


@pytest.fixture
def ada(server: LiveServer) -> Iterator[Abaco]:
    with user(server, "ada") as client:
        yield client


def logged(actor: ActorHandle, message: str) -> str:
    run = actor.send(message)
    run.wait(60)
    return run.log()


def with_program(ab: Abaco, program: bytes) -> LocalImage:
    """The sample, with another program on top of it."""
    base = ab.images.manifest("abacosamples/wc")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo("actor.py")
        entry.size = len(program)
        tar.addfile(entry, io.BytesIO(program))
    layer = buffer.getvalue()
    described_layer = described(layer, "layer.v1.tar")
    config = json.loads(base.config)
    config["rootfs"]["diff_ids"].append(described_layer["digest"])
    content = json.dumps(config).encode()
    manifest = json.loads(base.manifest)
    layers = [*manifest["layers"], described_layer]
    text = json.dumps({**manifest, "config": described(content, "config.v1+json"), "layers": layers})
    own = [(described(content, "config.v1+json"), content), (described_layer, layer)]
    below = [Blob(each["digest"], each["size"]) for each in manifest["layers"]]
    return LocalImage(text, [*below, *(Blob(d["digest"], d["size"], lambda c=c: io.BytesIO(c)) for d, c in own)])  # type: ignore[misc]


def test_a_user_pushes_an_image_and_runs_it(server: LiveServer, ada: Abaco) -> None:
    pushed = ada.images.push(ARCHIVE, "pushed-wc:1")
    assert pushed.name == "dev/ada/pushed-wc:1"
    # The server has all of it by its imported samples.
    assert pushed.bytes_sent == 0
    with ada.temporary_actor(pushed.name, timeout=60) as actor:
        assert "Number of words is: 3" in logged(actor, "one two three")
    again = ada.images.push(ARCHIVE, "pushed-wc:1")
    assert again.blobs_sent == 0


def test_a_new_program_is_all_that_is_sent_and_runs_after_a_forced_update(server: LiveServer, ada: Abaco) -> None:
    first = ada.images.push(with_program(ada, b"print('the first')"), "program")
    assert first.blobs_sent == 2
    assert first.bytes_sent < 20_000
    with ada.temporary_actor(first.name, timeout=60) as actor:
        assert logged(actor, "x") == "the first\n"
        second = ada.images.push(with_program(ada, b"print('the second')"), "program")
        assert second.name == first.name
        ada.actors.update(actor.info().id, second.name, force=True)
        actor.wait(60)
        assert logged(actor, "x") == "the second\n"


def test_nobody_replaces_anothers_image(server: LiveServer, ada: Abaco) -> None:
    ada.images.push(with_program(ada, b"print('mine')"), "mine")
    with user(server, "mallory") as mallory:
        for name in ("dev/ada/mine", "abacosamples/wc"):
            with pytest.raises(NotPermitted, match="your images are those below dev/mallory/"):
                mallory.images.push(ARCHIVE, name)
