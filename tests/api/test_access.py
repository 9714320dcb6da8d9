"""Who may do what: two tenants, four roles, every level and strangers, crossed with every endpoint.

`TABLE` has a row for each operation of the OpenAPI document: what it takes of the caller, and a request that succeeds
for whoever may send it. A new operation without a row fails.
"""

from base64 import b64encode
from dataclasses import dataclass, field
from enum import Enum
from itertools import count
from typing import Any

import httpx
import pytest

from abaco.domain.lifecycle import WorkerStatus
from abaco.domain.permission import WORLD, Level
from abaco.domain.worker import Worker

from .test_documents import ROUTES
from .world import World, digest_of

OWNER = "ada"
ROLES = {"user": "bob", "limited": "lim", "privileged": "pri", "admin": "adm"}
"""A user of the owner's tenant for each role."""
FOREIGNERS = {"eve@OTHER": False, "ada@OTHER": True}
"""A user of the other tenant, and an admin there who has the owner's name; whether they are admins."""


class Takes(Enum):
    """What an operation takes of its caller."""

    NOTHING = "no credentials"
    PASSWORD = "a user's name and password"
    SIGN_IN = "to be a user"
    ADMIN = "the role admin"
    READ = Level.READ
    EXECUTE = Level.EXECUTE
    UPDATE = Level.UPDATE


@dataclass(frozen=True)
class Row:
    """One operation: a level is taken on all objects that `on` names. The path and the body name what a Scene has."""

    takes: Takes
    path: str = ""
    json: Any = field(default_factory=dict)
    on: tuple[str, ...] = ("actor",)


TABLE: dict[str, Row] = {
    "list": Row(Takes.SIGN_IN),
    "add": Row(Takes.SIGN_IN, json={"image": "abacosamples/test"}),
    "get": Row(Takes.READ),
    "update": Row(Takes.UPDATE, json={"image": "abacosamples/test"}),
    "delete": Row(Takes.UPDATE),
    "uploadFile": Row(Takes.EXECUTE, path=f"/actors/v2/{{actor_id}}/files/{digest_of(b'')}"),
    "getFile": Row(Takes.READ, path="/actors/v2/{actor_id}/files/{file_digest}"),
    "getState": Row(Takes.READ),
    "updateState": Row(Takes.UPDATE, json={"count": 1}),
    "getMessages": Row(Takes.READ),
    "sendMessage": Row(Takes.EXECUTE, json={"message": "hi"}),
    "sendMessages": Row(Takes.EXECUTE, json=[{"message": "hi"}]),
    "deleteMessages": Row(Takes.UPDATE),
    "listExecutions": Row(Takes.READ),
    "getExecution": Row(Takes.READ),
    "explainExecution": Row(Takes.READ),
    "haltExecution": Row(Takes.UPDATE, path="/actors/v2/{actor_id}/executions/{running_id}"),
    "getExecutionLogs": Row(Takes.READ),
    "getOneExecutionResult": Row(Takes.READ),
    "listResults": Row(Takes.READ),
    "getPermissions": Row(Takes.READ),
    "updatePermissions": Row(Takes.UPDATE, json={"user": "somebody", "level": "READ"}),
    "listNonces": Row(Takes.UPDATE),
    "addNonce": Row(Takes.UPDATE),
    "getNonce": Row(Takes.UPDATE),
    "deleteNonce": Row(Takes.UPDATE),
    "listWorkers": Row(Takes.READ),
    "addWorker": Row(Takes.UPDATE, json={"num": 1}),
    "getWorker": Row(Takes.READ),
    "deleteWorker": Row(Takes.UPDATE),
    "listAliases": Row(Takes.SIGN_IN),
    "addAlias": Row(Takes.UPDATE, json={"alias": "{new}", "actorId": "{actor_id}"}),
    "getAlias": Row(Takes.READ, on=("alias",)),
    "updateAlias": Row(Takes.UPDATE, json={"actorId": "{actor_id}"}, on=("alias", "actor")),
    "deleteAlias": Row(Takes.UPDATE, on=("alias",)),
    "getAliasPermissions": Row(Takes.READ, on=("alias",)),
    "updateAliasPermissions": Row(Takes.UPDATE, json={"user": "somebody", "level": "READ"}, on=("alias",)),
    "listAliasNonces": Row(Takes.UPDATE, on=("alias", "actor")),
    "addAliasNonce": Row(Takes.UPDATE, on=("alias", "actor")),
    "getAliasNonce": Row(Takes.UPDATE, "/actors/v2/aliases/{alias}/nonces/{alias_nonce_id}", on=("alias", "actor")),
    "deleteAliasNonce": Row(Takes.UPDATE, "/actors/v2/aliases/{alias}/nonces/{alias_nonce_id}", on=("alias", "actor")),
    "listConfigs": Row(Takes.SIGN_IN),
    "addConfig": Row(Takes.UPDATE, json={"name": "{new}", "value": "v", "isSecret": False, "actors": "{actor_id}"}),
    "getConfig": Row(Takes.READ, on=("config",)),
    "updateConfig": Row(
        Takes.UPDATE, json={"value": "v", "isSecret": True, "actors": "{actor_id}"}, on=("config", "actor")
    ),
    "deleteConfig": Row(Takes.UPDATE, on=("config",)),
    "getConfigPermissions": Row(Takes.READ, on=("config",)),
    "updateConfigPermissions": Row(Takes.UPDATE, json={"user": "somebody", "level": "READ"}, on=("config",)),
    "getSearch": Row(Takes.SIGN_IN, path="/actors/v2/search/actors"),
    "getUtilization": Row(Takes.SIGN_IN),
    "listImages": Row(Takes.SIGN_IN),
    "getImageManifest": Row(Takes.SIGN_IN, path="/actors/v2/images/manifest?image={image}"),
    "listMissingBlobs": Row(Takes.SIGN_IN, json={"digests": "sha256:" + "0" * 64}),
    "uploadBlob": Row(Takes.SIGN_IN, path=f"/actors/v2/images/blobs/{digest_of(b'')}"),
    "addImage": Row(Takes.SIGN_IN, json={"name": "{new}", "manifest": "{manifest}"}),
    "adminListActors": Row(Takes.ADMIN),
    "adminListWorkers": Row(Takes.ADMIN),
    "adminListExecutions": Row(Takes.ADMIN),
    "listClients": Row(Takes.PASSWORD),
    "createClient": Row(Takes.PASSWORD, json={"clientName": "{new}"}),
    "getClient": Row(Takes.PASSWORD),
    "deleteClient": Row(Takes.PASSWORD),
    "listSubscriptions": Row(Takes.PASSWORD),
    "addSubscription": Row(Takes.PASSWORD),
    "deleteSubscriptions": Row(Takes.PASSWORD),
    "createToken": Row(Takes.PASSWORD),
    "revokeToken": Row(Takes.PASSWORD, json={"token": "x"}),
    "createTapisToken": Row(Takes.NOTHING),
    "revokeTapisToken": Row(Takes.NOTHING),
    "getProfile": Row(Takes.SIGN_IN),
    "getProfileByName": Row(Takes.SIGN_IN),
    "getUserinfo": Row(Takes.SIGN_IN),
    "getTapisProfile": Row(Takes.SIGN_IN),
    "listTenants": Row(Takes.NOTHING),
    "getTenant": Row(Takes.NOTHING),
    "listTapisTenants": Row(Takes.NOTHING),
    "getTapisTenant": Row(Takes.NOTHING),
    "listSites": Row(Takes.NOTHING),
}
OUTLIVES_NONCES = {"addNonce", "listNonces", "getNonce", "deleteNonce", "updatePermissions"}
"""What no nonce opens, whatever its level."""
SENDING = {"sendMessage", "sendMessages", "uploadFile"}
LEVELLED = [operation for operation, row in TABLE.items() if isinstance(row.takes.value, Level)]
ON_ACTORS = [operation for operation in LEVELLED if "{actor_id}" in ROUTES.get(operation, ("", ""))[1]]


_NUMBERS = count()


class Scene(dict[str, str]):
    """What requests name, made when it is asked for. All of it belongs to `OWNER`."""

    def __init__(self, world: World) -> None:
        super().__init__(username="bob", tenant_id="DEV", client_name="laptop")
        self.world = world
        self.number = next(_NUMBERS)

    def __missing__(self, name: str) -> str:
        self[name] = str(getattr(self, f"_{name}")())
        return self[name]

    @property
    def actor(self) -> str:
        return f"/actors/v2/{self['actor_id']}"

    def _actor_id(self) -> str:
        return self.world.actor(OWNER, stateless=False).rpartition("/")[2]

    def _execution_id(self) -> str:
        return self.world.message(self.actor, user=OWNER).rpartition("/")[2]

    def _running_id(self) -> str:
        execution_id = self["execution_id"]
        self.world.claim(self.actor)
        return execution_id

    def _worker_id(self) -> str:
        now = self.world.clock.now()
        worker = Worker(
            f"worker{self.number}", "DEV", self["actor_id"], "engine1", WorkerStatus.READY, 1, "abacosamples/test", now
        )
        self.world.store.workers.add(worker)
        return worker.id

    def _nonce_id(self) -> str:
        nonce: str = self.world.post(f"{self.actor}/nonces", OWNER)["id"]
        return nonce

    def _alias(self) -> str:
        self.world.post("/actors/v2/aliases", OWNER, json={"alias": f"name-{self.number}", "actorId": self["actor_id"]})
        return f"name-{self.number}"

    def _alias_nonce_id(self) -> str:
        nonce: str = self.world.post(f"/actors/v2/aliases/{self['alias']}/nonces", OWNER)["id"]
        return nonce

    def _config_name(self) -> str:
        config = {"name": f"config-{self.number}", "value": "v", "isSecret": True, "actors": self["actor_id"]}
        self.world.post("/actors/v2/configs", OWNER, json=config)
        return f"config-{self.number}"

    def _file_digest(self) -> str:
        digest = digest_of(b"a file")
        self.world.put(f"{self.actor}/files/{digest}", OWNER, content=b"a file")
        return digest

    def _image(self) -> str:
        self.world.image()
        return "abacosamples/base"

    def _manifest(self) -> str:
        return self.world.image()

    def _new(self) -> str:
        return f"another-{self.number}"

    def object_id(self, kind: str) -> str:
        """The internal id that permission entries of an object belong to."""
        store = self.world.store
        if kind == "actor":
            return self["actor_id"]
        found: Any = (
            store.aliases.find("DEV", self["alias"], OWNER)
            if kind == "alias"
            else store.configs.find("DEV", self["config_name"], OWNER)
        )
        object_id: str = found.alias.id if kind == "alias" else found.config.id
        return object_id


@pytest.fixture
def scene(world: World) -> Scene:
    return Scene(world)


def request_of(operation: str, scene: Scene) -> tuple[str, str, dict[str, Any]]:
    """Method, path and body of an operation's request; everything it names has been made."""
    row = TABLE[operation]
    method, path = ROUTES[operation]
    json = row.json
    if isinstance(json, dict):
        json = {key: value.format_map(scene) if isinstance(value, str) else value for key, value in json.items()}
    return method, (row.path or path).format_map(scene), {"json": json} if json else {}


def send(operation: str, scene: Scene, user: str) -> httpx.Response:
    method, path, body = request_of(operation, scene)
    return scene.world.send(method, path, user, **body)


def outcome(response: httpx.Response) -> int | str:
    """The status of a success, the code of an error."""
    return response.headers.get("x-abaco-error-code") or response.status_code


def test_every_operation_has_a_row_and_no_other() -> None:
    assert set(TABLE) == set(ROUTES)


@pytest.mark.parametrize("operation", [name for name, row in TABLE.items() if row.takes is not Takes.NOTHING])
def test_strangers(scene: Scene, operation: str) -> None:
    method, path, body = request_of(operation, scene)
    before = scene.world.everything()
    http = scene.world.http
    assert http.send(method, path, **body).status_code == 401
    assert http.send(method, path, token="nobody's", **body).status_code == 401
    basic = b64encode(b"ada:wrong").decode()
    assert http.send(method, path, headers=[("Authorization", f"Basic {basic}")], **body).status_code == 401
    assert scene.world.everything() == before


@pytest.mark.parametrize("operation", LEVELLED)
def test_another_tenant_does_not_see_what_there_is(scene: Scene, operation: str) -> None:
    request_of(operation, scene)
    before = scene.world.everything()
    assert {user: outcome(send(operation, scene, user)) for user in FOREIGNERS} == dict.fromkeys(
        FOREIGNERS, "not_found"
    )
    assert scene.world.everything() == before


Entries = dict[str, Level]
"""By "own" and "world"."""
NOBODYS: list[Entries] = [{}, *({"own": level} for level in Level)]
WORLDS: list[Entries] = [*({"world": level} for level in Level), {"own": Level.NONE, "world": Level.UPDATE}]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("operation", LEVELLED)
def test_levels(world: World, operation: str, role: str) -> None:
    """Exactly those with the level, and admins."""
    row = TABLE[operation]
    needed = row.takes.value
    user = ROLES[role]
    for entries in [*NOBODYS, *(WORLDS if role == "user" else [])]:
        scene = Scene(world)
        request_of(operation, scene)
        for kind in row.on:
            for whose, level in entries.items():
                name = user if whose == "own" else WORLD
                scene.world.store.permissions.grant(scene.object_id(kind), name, level)
        held = max(entries.values(), default=Level.NONE)
        if entries.get("own") is Level.NONE:
            held = Level.NONE
        before = world.everything()
        seen = outcome(send(operation, scene, user))
        allowed = role == "admin" or held >= needed
        assert seen == (200 if allowed else "not_permitted"), (entries, role)
        if not allowed:
            assert world.everything() == before


@pytest.mark.parametrize("operation", [name for name in LEVELLED if len(TABLE[name].on) > 1])
@pytest.mark.parametrize("lacking", [0, 1])
def test_a_level_on_one_of_two_objects_does_not_do(scene: Scene, operation: str, lacking: int) -> None:
    request_of(operation, scene)
    kinds = TABLE[operation].on
    scene.world.store.permissions.grant(scene.object_id(kinds[1 - lacking]), "bob", Level.UPDATE)
    assert outcome(send(operation, scene, "bob")) == "not_permitted"


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize("operation", ON_ACTORS)
def test_nonces(scene: Scene, operation: str, level: Level) -> None:
    """A nonce of the owner opens what its level does, on its own actor, and nothing that would outlive it."""
    method, path, body = request_of(operation, scene)
    nonce = scene.world.post(f"{scene.actor}/nonces", OWNER, json={"level": level.name})["id"]
    needed = Level.READ if method == "GET" else Level.EXECUTE if operation in SENDING else Level.UPDATE
    seen = outcome(scene.world.http.send(method, f"{path}?x-nonce={nonce}", **body))
    allowed = level >= needed and operation not in OUTLIVES_NONCES
    assert seen == (200 if allowed else "not_permitted")
    other = scene.world.actor("bob")
    elsewhere = path.replace(scene.actor, other)
    refused = scene.world.http.send(method, f"{elsewhere}?x-nonce={nonce}", **body)
    assert outcome(refused) == "not_permitted"


@pytest.mark.parametrize("operation", [name for name, row in TABLE.items() if row.takes is Takes.SIGN_IN])
def test_any_user_may(scene: Scene, operation: str) -> None:
    for user in (*ROLES.values(), OWNER):
        assert outcome(send(operation, scene, user)) == 200, user


@pytest.mark.parametrize("operation", [name for name, row in TABLE.items() if row.takes is Takes.ADMIN])
def test_only_admins_may(scene: Scene, operation: str) -> None:
    users = {user: role == "admin" for role, user in ROLES.items()} | FOREIGNERS
    for user, is_admin in users.items():
        assert outcome(send(operation, scene, user)) == (200 if is_admin else "not_permitted"), user


@pytest.mark.parametrize("operation", [name for name, row in TABLE.items() if row.takes is Takes.NOTHING])
def test_nothing_is_asked_of_anybody(scene: Scene, operation: str) -> None:
    method, path, body = request_of(operation, scene)
    assert scene.world.http.send(method, path, **body).headers.get("x-abaco-error-code") != "not_authenticated"
