"""Pushing images: whose names are whose, which blobs are missing for whom, and how much may be pushed."""

import json
from typing import Any

import pytest

from abaco.ports import ImageRecord, ImageRef
from abaco.services.images import Images

from .conftest import MakeWorld
from .world import START, World, digest_of, manifest_of

CONFIG, LAYER = b'{"config": {}}', b"a layer"
IMAGES = "/actors/v2/images"


def missing(world: World, *contents: bytes, user: str = "ada") -> list[bytes]:
    digests = {digest_of(content): content for content in contents}
    found = world.post(f"{IMAGES}/missing", user, json={"digests": [*digests]})["missing"]
    return [digests[each] for each in found]


def upload(world: World, *contents: bytes, user: str = "ada") -> None:
    for content in contents:
        result = world.put(f"{IMAGES}/blobs/{digest_of(content)}", user, content=content)
        assert result == {"digest": digest_of(content), "size": len(content)}


def push(world: World, name: str, *layers: bytes, user: str = "ada") -> Any:
    upload(world, *missing(world, CONFIG, *layers, user=user), user=user)
    return world.post(IMAGES, user, json={"name": name, "manifest": manifest_of(CONFIG, *layers)})


def test_a_push_in_three_steps(world: World) -> None:
    assert missing(world, CONFIG, LAYER) == [CONFIG, LAYER]
    upload(world, CONFIG)
    assert missing(world, CONFIG, LAYER) == [LAYER]
    upload(world, LAYER)
    text = manifest_of(CONFIG, LAYER)
    image = world.post(IMAGES, json={"name": "wc", "manifest": text})
    digest = digest_of(text.encode())
    shown = {"name": "dev/ada/wc:latest", "digest": digest, "source": "push", "createTime": "2026-04-29T21:46:53.007Z"}
    assert image == shown
    assert world.get(IMAGES) == [image]
    assert missing(world, CONFIG, LAYER) == []
    assert world.get(f"{IMAGES}/manifest?image=dev/ada/wc") == {
        "name": "dev/ada/wc:latest",
        "digest": digest,
        "manifest": text,
        "config": CONFIG.decode(),
    }


def test_a_second_push_replaces_the_first(world: World) -> None:
    first, second = push(world, "wc", LAYER), push(world, "dev/ada/wc:latest", LAYER, b"another layer")
    assert first["name"] == second["name"]
    assert world.get(IMAGES) == [second]


@pytest.mark.parametrize(
    ("user", "name"),
    [
        ("bob", "dev/ada/wc"),
        ("bob", "dev/bobby/wc"),
        ("bob", "abacosamples/wc"),
        ("bob", "bob/wc"),
        ("bob", "docker.io/dev/bob/wc:latest/x"),
        ("bob", "registry.lab:5000/dev/bob/wc"),
        ("pri", "dev/ada/wc"),
        ("adm", "abacosamples/wc"),
        ("adm", "dev/wc"),
        ("adm", "other/eve/wc"),
        ("eve@OTHER", "dev/eve/wc"),
        ("ada@OTHER", "dev/ada/wc"),
        ("ada@OTHER", "abacosamples/wc"),
    ],
)
def test_nobody_pushes_to_others_names(world: World, user: str, name: str) -> None:
    text = world.image()
    world.refuse("POST", IMAGES, user, json={"name": name, "manifest": text})


def test_admins_push_to_all_names_of_their_tenant(world: World) -> None:
    push(world, "wc", LAYER)
    replaced = push(world, "dev/ada/wc", LAYER, b"by an admin", user="adm")
    assert world.get(IMAGES) == [replaced]


def test_users_of_two_tenants_with_one_name_have_names_of_their_own(world: World) -> None:
    assert push(world, "wc", LAYER)["name"] == "dev/ada/wc:latest"
    assert push(world, "wc", LAYER, user="ada@OTHER")["name"] == "other/ada/wc:latest"
    assert [image["name"] for image in world.get(IMAGES)] == ["dev/ada/wc:latest"]
    world.refuse("GET", f"{IMAGES}/manifest?image=dev/ada/wc", "ada@OTHER", status=404)


def test_what_others_have_pushed_is_missing_unless_an_image_of_the_tenant_has_it(world: World) -> None:
    """A digest alone gives nobody what it stands for."""
    upload(world, CONFIG, LAYER)
    assert missing(world, LAYER, user="bob") == [LAYER]
    text = manifest_of(CONFIG, LAYER)
    world.refuse("POST", IMAGES, "bob", json={"name": "wc", "manifest": text}, saying="upload them first")
    push(world, "wc", LAYER)
    assert missing(world, LAYER, user="bob") == []
    assert missing(world, LAYER, user="eve@OTHER") == [LAYER]
    world.refuse("POST", IMAGES, "eve@OTHER", json={"name": "wc", "manifest": text}, saying="upload them first")


def test_the_layers_of_imported_images_need_no_upload(world: World) -> None:
    world.image(layer=b"base")
    assert missing(world, CONFIG, b"base", b"mine", user="eve@OTHER") == [CONFIG, b"mine"]


def test_what_came_from_registries_is_not_listed(world: World) -> None:
    world.image("tensorflow/tensorflow:latest", "registry")
    assert world.get(IMAGES) == []
    assert world.get(f"{IMAGES}/manifest?image=tensorflow/tensorflow")["config"] == "{}"
    world.store.images.put(ImageRecord("elsewhere:latest", digest_of(b"x"), "registry", START))
    world.refuse("GET", f"{IMAGES}/manifest?image=elsewhere", status=404, saying="no blobs")


def test_actors_of_another_tenant_do_not_run_what_was_pushed(world: World) -> None:
    digest = push(world, "wc", LAYER)["digest"]
    images = Images(world.store, world.images, world.clock)
    assert images.reference("dev/ada/wc", "DEV", pull=True) == ImageRef("dev/ada/wc:latest", digest)
    assert images.reference("dev/ada/wc", "OTHER", pull=False) == ImageRef("dev/ada/wc:latest", None)
    images.pulled("dev/ada/wc:latest", digest_of(b"another"))
    assert images.reference("dev/ada/wc", "DEV", pull=False).digest == digest


def test_other_bytes_than_those_of_the_digest_are_not_kept(world: World) -> None:
    path = f"{IMAGES}/blobs/{digest_of(LAYER)}"
    world.refuse("PUT", path, content=b"something else", saying=digest_of(b"something else"))
    assert missing(world, LAYER) == [LAYER]
    assert world.pushed.used("dev/ada") == 0


@pytest.mark.parametrize("digest", ["x", "sha256:" + "A" * 64, "md5:" + "0" * 32, "sha256:..", "sha256:" + "0" * 63])
def test_a_digest_is_a_digest(world: World, digest: str) -> None:
    world.refuse("PUT", f"{IMAGES}/blobs/{digest}", content=b"", saying="is not a digest")
    world.refuse("POST", f"{IMAGES}/missing", json={"digests": [digest]}, saying="is not a digest")


@pytest.mark.parametrize("setting", ["max_image_size", "max_pushed_size"])
def test_too_large_a_blob_leaves_nothing(make_world: MakeWorld, setting: str) -> None:
    world = make_world(**{setting: "6m"})
    large = b"x" * 9_000_000
    refused = world.refuse("PUT", f"{IMAGES}/blobs/{digest_of(large)}", content=large, saying=str(6 << 20))
    assert refused.headers["x-abaco-error-code"] == "too_large"
    assert world.pushed.used("dev/ada") == 0


def test_a_full_disk_takes_no_more(make_world: MakeWorld) -> None:
    world = make_world(min_free_space="8000000g")
    world.refuse("PUT", f"{IMAGES}/blobs/{digest_of(LAYER)}", content=LAYER, saying="no room")


def test_a_user_may_fill_their_own_share_only(make_world: MakeWorld) -> None:
    world = make_world(max_pushed_size="6m")
    layer = b"x" * 4_000_000
    text = manifest_of(CONFIG, layer)
    upload(world, CONFIG, layer)
    # Unpacked it would take as much again.
    world.refuse("POST", IMAGES, json={"name": "wc", "manifest": text}, saying="more than")
    upload(world, b"y" * 2_200_000)
    world.refuse("PUT", f"{IMAGES}/blobs/{digest_of(LAYER)}", content=LAYER, saying="Your images may take")
    push(world, "wc", LAYER, user="bob")


def test_many_small_blobs_count_for_more_than_they_hold(world: World) -> None:
    upload(world, *(bytes([number]) for number in range(10)))
    assert world.pushed.used("dev/ada") == 10 * 65_536


def test_an_image_is_charged_once(world: World) -> None:
    push(world, "wc", b"x" * 100_000)
    used = world.pushed.used("dev/ada")
    push(world, "wc:2", b"x" * 100_000)
    assert world.pushed.used("dev/ada") == used


GOOD = json.loads(manifest_of(CONFIG, LAYER))
BLOB = GOOD["config"]


@pytest.mark.parametrize(
    "manifest",
    [
        "",
        "no JSON",
        "[" * 100_000,
        "[]",
        json.dumps({**GOOD, "schemaVersion": 1}),
        json.dumps({**GOOD, "mediaType": "application/vnd.oci.image.index.v1+json"}),
        json.dumps({**GOOD, "layers": []}),
        json.dumps({**GOOD, "layers": {}}),
        json.dumps({**GOOD, "layers": [None]}),
        json.dumps({**GOOD, "layers": [BLOB]}),
        json.dumps({**GOOD, "layers": GOOD["layers"] * 501}),
        json.dumps({**GOOD, "layers": [{**GOOD["layers"][0], "mediaType": "application/octet-stream"}]}),
        json.dumps({**GOOD, "layers": [{**GOOD["layers"][0], "size": 1}]}),
        json.dumps({**GOOD, "config": {**BLOB, "digest": "sha256:../../../etc/passwd"}}),
        json.dumps({**GOOD, "config": {**BLOB, "digest": None}}),
        json.dumps({**GOOD, "config": {**BLOB, "size": -1}}),
        json.dumps({**GOOD, "config": {**BLOB, "size": 5 << 20}}),
        json.dumps({**GOOD, "config": {**BLOB, "mediaType": ["x"]}}),
    ],
)
def test_a_manifest_is_that_of_an_image(world: World, manifest: str) -> None:
    upload(world, CONFIG, LAYER)
    world.refuse("POST", IMAGES, json={"name": "wc", "manifest": manifest})


@pytest.mark.parametrize("name", [None, "", "WC", "a b", "wc@sha256:" + "0" * 64, "../x", "x" * 600])
def test_a_name_is_a_name(world: World, name: str | None) -> None:
    world.refuse("POST", IMAGES, json={"name": name, "manifest": world.image()})


def test_an_execution_that_has_its_state_only_pushes_nothing(world: World) -> None:
    actor = world.actor(stateless=False)
    world.message(actor)
    token = world.execution_token(world.claim(actor))
    for method, path in (("GET", IMAGES), ("POST", f"{IMAGES}/missing"), ("POST", IMAGES)):
        response = world.http.send(method, path, token=token, json={"name": "x", "manifest": world.image()})
        assert response.headers["x-abaco-error-code"] == "not_permitted"
