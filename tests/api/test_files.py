"""Files of actors: who may give and read them, how large they may be, and when they are gone."""

import hashlib
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from abaco.engine.pruner import Pruner
from abaco.runtime.actor_files import FilesOnDisk

from .asgi import chunked
from .conftest import MakeWorld
from .world import World, digest_of

DATA = b"x" * 3_000_000 + b"y"
HEX = hashlib.sha256(DATA).hexdigest()
DIGEST = f"sha256:{HEX}"


def put(world: World, actor: str, data: bytes = DATA, user: str = "ada") -> str:
    path = f"{actor}/files/{digest_of(data)}"
    assert world.put(path, user, content=data) == {"digest": digest_of(data), "size": len(data)}
    return path


def place(tmp_path: Path, actor: str) -> Path:
    return tmp_path / "files" / actor.rpartition("/")[2]


def names(tmp_path: Path, actor: str) -> list[str]:
    found = place(tmp_path, actor)
    return sorted(entry.name for entry in found.iterdir()) if found.exists() else []


def pruner(world: World, tmp_path: Path) -> Pruner:
    return Pruner(world.store, world.pushed, FilesOnDisk(tmp_path / "files"), world.clock, timedelta(hours=1))


class TestUpAndDown:
    def test_what_was_put_is_read(self, world: World, tmp_path: Path) -> None:
        actor = world.actor()
        path = put(world, actor)
        read = world.send("GET", path)
        assert read.content == DATA
        assert read.headers["content-type"] == "application/octet-stream"
        assert read.headers["content-length"] == str(len(DATA))
        head = world.send("HEAD", path)
        assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(DATA)))
        assert names(tmp_path, actor) == [HEX]
        put(world, actor)
        assert names(tmp_path, actor) == [HEX]

    def test_empty_files_are_files(self, world: World) -> None:
        path = put(world, world.actor(), b"")
        assert world.send("GET", path).content == b""
        assert world.send("HEAD", path).headers["content-length"] == "0"

    def test_a_file_is_its_actors_only(self, world: World) -> None:
        put(world, world.actor())
        other = world.actor()
        for method in ("GET", "HEAD"):
            assert world.send(method, f"{other}/files/{DIGEST}").status_code == 404

    def test_an_alias_will_do(self, world: World, tmp_path: Path) -> None:
        actor = world.actor()
        world.post("/actors/v2/aliases", json={"alias": "sums", "actorId": actor.rpartition("/")[2]})
        put(world, "/actors/v2/sums")
        assert names(tmp_path, actor) == [HEX]

    def test_other_bytes_than_those_of_the_digest_are_not_kept(self, world: World, tmp_path: Path) -> None:
        actor = world.actor()
        world.refuse("PUT", f"{actor}/files/{DIGEST}", content=b"other", saying=digest_of(b"other"))
        assert names(tmp_path, actor) == []
        put(world, actor)
        world.refuse("PUT", f"{actor}/files/{DIGEST}", content=b"other", saying=digest_of(b"other"))
        assert world.send("GET", f"{actor}/files/{DIGEST}").content == DATA

    @pytest.mark.parametrize(
        "digest",
        [HEX, f"md5:{HEX}", f"sha256:{HEX.upper()}", f"{DIGEST}0", "sha256:..", f"{DIGEST}%00", "%252e%252e%252fkey"],
    )
    def test_a_digest_is_a_digest(self, world: World, tmp_path: Path, digest: str) -> None:
        actor = world.actor()
        world.refuse("PUT", f"{actor}/files/{digest}", content=b"", saying="is not a digest")
        world.require_refused(world.send("GET", f"{actor}/files/{digest}"), 400, "is not a digest")
        assert names(tmp_path, actor) == []

    @pytest.mark.parametrize(
        "path", ["files/../state", "files/%2e%2e/%2e%2e", "files/sha256:%2e%2e%2fabaco.db", "files", "files/"]
    )
    def test_no_path_leads_elsewhere(self, world: World, path: str) -> None:
        assert world.send("PUT", f"{world.actor()}/{path}", content=b"x").status_code in {400, 404, 405}

    def test_links_are_not_followed(self, world: World, tmp_path: Path) -> None:
        actor = world.actor()
        put(world, actor, b"small")
        (place(tmp_path, actor) / HEX).symlink_to("/etc/passwd")
        with pytest.raises(OSError, match="symbolic links"):
            FilesOnDisk(tmp_path / "files").open(actor.rpartition("/")[2], DIGEST, world.clock.now())


class TestWhoMay:
    def test_levels_are_those_of_messages_and_results(self, world: World) -> None:
        actor = world.actor()
        path = f"{actor}/files/{DIGEST}"
        for level, may_put, may_get in ((None, False, False), ("READ", False, True), ("EXECUTE", True, True)):
            if level:
                world.post(f"{actor}/permissions", json={"user": "bob", "level": level})
            put(world, actor)
            assert world.send("GET", path, "bob").is_success == may_get
            assert world.send("PUT", path, "bob", content=DATA).is_success == may_put
        for user in ("eve@OTHER", "ada@OTHER"):
            world.refuse("PUT", path, user, status=404, content=DATA)
            assert world.send("GET", path, user).status_code == 404
        assert world.http.send("GET", path).status_code == 401
        assert world.http.send("PUT", path, content=DATA).status_code == 401

    def test_an_execution_reaches_its_own_actors_files_only(self, world: World) -> None:
        actor, other = world.actor(), world.actor()
        world.message(actor)
        claim = world.claim(actor)
        token = world.execution_token(claim)
        path = f"{actor}/files/{DIGEST}"
        assert world.http.send("PUT", path, token=token, content=DATA).is_success
        assert world.http.send("GET", path, token=token).content == DATA
        put(world, other)
        for method in ("PUT", "GET"):
            refused = world.http.send(method, f"{other}/files/{DIGEST}", token=token, content=DATA)
            world.require_refused(refused, 400, "limited to the state and the files of its own actor")
        owners = world.execution_token(claim, owner_token=True)
        assert world.http.send("GET", f"{other}/files/{DIGEST}", token=owners).content == DATA
        world.close(claim)
        assert world.http.send("PUT", path, token=token, content=DATA).status_code == 401

    def test_a_server_that_asks_nobody(self, make_world: MakeWorld) -> None:
        world = make_world(access_control="none")
        host = [("Host", "localhost:8000")]
        registered = world.http.send("POST", "/actors/v2", headers=host, json={"image": "abacosamples/test"})
        path = f"/actors/v2/{registered.json()['result']['id']}/files/{DIGEST}"
        assert world.http.send("PUT", path, headers=host, content=DATA).is_success
        assert world.http.send("GET", path, headers=host).content == DATA

    @pytest.mark.parametrize(("level", "may_put"), [("READ", False), ("EXECUTE", True)])
    def test_nonces_open_what_their_level_does(self, world: World, level: str, may_put: bool) -> None:
        actor = world.actor()
        path = put(world, actor)
        nonce = world.post(f"{actor}/nonces", json={"level": level})["id"]
        assert world.http.send("PUT", f"{path}?x-nonce={nonce}", content=DATA).is_success == may_put
        assert world.http.send("GET", f"{path}?x-nonce={nonce}").content == DATA


class TestHowMuch:
    def refused(self, world: World, actor: str, tmp_path: Path, saying: str, data: bytes = DATA) -> None:
        path = f"{actor}/files/{digest_of(data)}"
        world.require_refused(world.send("GET", f"{path}?size={len(data)}"), 400, saying)
        assert world.send("HEAD", f"{path}?size={len(data)}").status_code == 400
        refused = world.refuse("PUT", path, content=data, saying=saying)
        assert refused.headers["x-abaco-error-code"] == "too_large"
        assert digest_of(data).partition(":")[2] not in names(tmp_path, actor)

    def test_a_file_has_a_size(self, make_world: MakeWorld, tmp_path: Path) -> None:
        world = make_world(max_file_size="6m")
        saying = f"it may have {6 << 20} here (setting max_file_size)"
        self.refused(world, world.actor(), tmp_path, saying, DATA * 3)

    def test_all_files_of_an_owner_have_one(self, make_world: MakeWorld, tmp_path: Path) -> None:
        world = make_world(max_files_size="6m")
        first, second = world.actor(), world.actor()
        put(world, first)
        self.refused(world, second, tmp_path, "max_files_size", DATA + DATA)
        put(world, second, b"small")
        bobs = world.actor("bob")
        put(world, bobs, user="bob")
        world.send("DELETE", first)
        put(world, second)

    def test_one_may_ask_before(self, world: World) -> None:
        actor = world.actor()
        path = f"{actor}/files/{DIGEST}?size={len(DATA)}"
        assert world.send("HEAD", path).status_code == 404
        world.post(f"{actor}/permissions", json={"user": "bob", "level": "READ"})
        assert world.send("GET", path, "bob").status_code == 400
        put(world, actor)
        assert world.send("GET", path).content == DATA
        world.require_refused(world.send("GET", f"{actor}/files/{DIGEST}?size=x"), 400, "number of bytes")

    def test_what_is_on_its_way_counts(self, make_world: MakeWorld, tmp_path: Path) -> None:
        world = make_world(max_files_size="6m")
        actor = world.actor()
        draft = FilesOnDisk(tmp_path / "files").begin(actor.rpartition("/")[2], 4 << 20)
        self.refused(world, actor, tmp_path, "max_files_size")
        draft.abandon()
        put(world, actor)

    def test_many_small_files_count_for_more_than_they_hold(self, make_world: MakeWorld, tmp_path: Path) -> None:
        world = make_world(max_files_size="6m")
        actor = world.actor()
        for number in range(96):
            put(world, actor, bytes([number]))
        self.refused(world, actor, tmp_path, "max_files_size", b"one more")

    def test_a_full_disk_takes_no_more(self, make_world: MakeWorld, tmp_path: Path) -> None:
        world = make_world(min_free_space="8000000g")
        self.refused(world, world.actor(), tmp_path, "no room")

    def test_the_length_has_to_be_said(self, world: World, tmp_path: Path) -> None:
        actor = world.actor()
        path = f"{actor}/files/{DIGEST}"
        request: dict[str, Any] = {"content": chunked([DATA])}
        world.refuse("PUT", path, saying="Content-Length", **request)
        for length in ("-1", "x", "9" * 19):
            headers = [("Content-Length", length)]
            response = world.send("PUT", path, headers=headers, content=chunked([DATA]))
            world.require_refused(response, 400, "Content-Length")
        more = world.send("PUT", path, headers=[("Content-Length", "5")], content=chunked([DATA]))
        world.require_refused(more, 400, "More than the 5 bytes")
        less = world.send("PUT", path, headers=[("Content-Length", str(len(DATA)))], content=chunked([DATA[:-1]]))
        world.require_refused(less, 400, "This is not")
        assert names(tmp_path, actor) == []


class TestHowLong:
    def test_files_go_with_their_actor(self, world: World, tmp_path: Path) -> None:
        actor = world.actor()
        path = put(world, actor)
        world.send("DELETE", actor)
        assert not place(tmp_path, actor).exists()
        assert world.send("GET", path).status_code == 404
        assert world.send("PUT", path, content=DATA).status_code == 404

    def test_what_is_uploaded_while_its_actor_is_deleted_is_not_kept(self, world: World, tmp_path: Path) -> None:
        actor = world.actor()

        async def body() -> Any:
            yield DATA[:-1]
            world.store.actors.begin_delete("DEV", actor.rpartition("/")[2], world.clock.now())
            FilesOnDisk(tmp_path / "files").remove(actor.rpartition("/")[2])
            yield DATA[-1:]

        sized = [("Content-Length", str(len(DATA)))]
        response: httpx.Response = world.send("PUT", f"{actor}/files/{DIGEST}", headers=sized, content=body())
        world.require_refused(response, 404, "was deleted")
        assert not place(tmp_path, actor).exists()

    def test_what_a_crash_left_of_a_deleted_actor_is_removed(self, world: World, tmp_path: Path) -> None:
        actor = world.actor()
        put(world, actor)
        world.store.actors.begin_delete("DEV", actor.rpartition("/")[2], world.clock.now())
        pruner(world, tmp_path).run_once()
        assert not place(tmp_path, actor).exists()

    @pytest.mark.parametrize("method", ["PUT", "GET", "HEAD"])
    def test_files_stay_while_somebody_uses_them(self, world: World, tmp_path: Path, method: str) -> None:
        actor = world.actor()
        path = put(world, actor)
        for _ in range(3):
            world.clock.advance(minutes=59)
            assert pruner(world, tmp_path).run_once().files == 0
            assert world.send(method, path, content=DATA if method == "PUT" else None).is_success
        world.clock.advance(minutes=61)
        assert pruner(world, tmp_path).run_once().files == 1
        assert names(tmp_path, actor) == []

    def test_messages_that_wait_for_long_find_their_files(self, world: World, tmp_path: Path) -> None:
        actor = world.actor()
        put(world, actor)
        world.clock.advance(minutes=30)
        world.message(actor)
        world.clock.advance(hours=50)
        claim = world.claim(actor)
        assert pruner(world, tmp_path).run_once().files == 0
        world.close(claim)
        assert pruner(world, tmp_path).run_once().files == 1

    def test_drafts_of_crashed_uploads_are_removed_after_a_day(self, world: World, tmp_path: Path) -> None:
        actor = world.actor()
        draft, moment = place(tmp_path, actor) / "draft-killed", world.clock.now().timestamp()
        draft.parent.mkdir(parents=True)
        draft.touch()
        os.utime(draft, (moment, moment))
        world.clock.advance(hours=23)
        assert pruner(world, tmp_path).run_once().files == 0
        world.clock.advance(hours=2)
        assert pruner(world, tmp_path).run_once().files == 1
        assert names(tmp_path, actor) == []
