"""The OpenAPI document and its page say what the service does."""

import re
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from abaco.api import schemas
from abaco.api.glossary import FIELDS
from abaco.api.schemas.base import Camel

from .world import World

ROUTES = {
    "list": ("GET", "/actors/v2"),
    "add": ("POST", "/actors/v2"),
    "get": ("GET", "/actors/v2/{actor_id}"),
    "update": ("PUT", "/actors/v2/{actor_id}"),
    "delete": ("DELETE", "/actors/v2/{actor_id}"),
    "getState": ("GET", "/actors/v2/{actor_id}/state"),
    "updateState": ("POST", "/actors/v2/{actor_id}/state"),
    "getMessages": ("GET", "/actors/v2/{actor_id}/messages"),
    "sendMessage": ("POST", "/actors/v2/{actor_id}/messages"),
    "sendMessages": ("POST", "/actors/v2/{actor_id}/messages/batch"),
    "deleteMessages": ("DELETE", "/actors/v2/{actor_id}/messages"),
    "listExecutions": ("GET", "/actors/v2/{actor_id}/executions"),
    "getExecution": ("GET", "/actors/v2/{actor_id}/executions/{execution_id}"),
    "explainExecution": ("GET", "/actors/v2/{actor_id}/executions/{execution_id}/explain"),
    "haltExecution": ("DELETE", "/actors/v2/{actor_id}/executions/{execution_id}"),
    "getSearch": ("GET", "/actors/v2/search/{collection}"),
    "getExecutionLogs": ("GET", "/actors/v2/{actor_id}/executions/{execution_id}/logs"),
    "getPermissions": ("GET", "/actors/v2/{actor_id}/permissions"),
    "updatePermissions": ("POST", "/actors/v2/{actor_id}/permissions"),
    "listNonces": ("GET", "/actors/v2/{actor_id}/nonces"),
    "addNonce": ("POST", "/actors/v2/{actor_id}/nonces"),
    "getNonce": ("GET", "/actors/v2/{actor_id}/nonces/{nonce_id}"),
    "deleteNonce": ("DELETE", "/actors/v2/{actor_id}/nonces/{nonce_id}"),
    "listAliases": ("GET", "/actors/v2/aliases"),
    "addAlias": ("POST", "/actors/v2/aliases"),
    "getAlias": ("GET", "/actors/v2/aliases/{alias}"),
    "updateAlias": ("PUT", "/actors/v2/aliases/{alias}"),
    "deleteAlias": ("DELETE", "/actors/v2/aliases/{alias}"),
    "getAliasPermissions": ("GET", "/actors/v2/aliases/{alias}/permissions"),
    "updateAliasPermissions": ("POST", "/actors/v2/aliases/{alias}/permissions"),
    "listAliasNonces": ("GET", "/actors/v2/aliases/{alias}/nonces"),
    "addAliasNonce": ("POST", "/actors/v2/aliases/{alias}/nonces"),
    "getAliasNonce": ("GET", "/actors/v2/aliases/{alias}/nonces/{nonce_id}"),
    "deleteAliasNonce": ("DELETE", "/actors/v2/aliases/{alias}/nonces/{nonce_id}"),
    "listConfigs": ("GET", "/actors/v2/configs"),
    "addConfig": ("POST", "/actors/v2/configs"),
    "getConfig": ("GET", "/actors/v2/configs/{config_name}"),
    "updateConfig": ("PUT", "/actors/v2/configs/{config_name}"),
    "deleteConfig": ("DELETE", "/actors/v2/configs/{config_name}"),
    "getConfigPermissions": ("GET", "/actors/v2/configs/{config_name}/permissions"),
    "updateConfigPermissions": ("POST", "/actors/v2/configs/{config_name}/permissions"),
    "listWorkers": ("GET", "/actors/v2/{actor_id}/workers"),
    "addWorker": ("POST", "/actors/v2/{actor_id}/workers"),
    "getWorker": ("GET", "/actors/v2/{actor_id}/workers/{worker_id}"),
    "deleteWorker": ("DELETE", "/actors/v2/{actor_id}/workers/{worker_id}"),
    "getUtilization": ("GET", "/actors/v2/utilization"),
    "adminListActors": ("GET", "/actors/v2/admin"),
    "adminListWorkers": ("GET", "/actors/v2/admin/workers"),
    "adminListExecutions": ("GET", "/actors/v2/admin/executions"),
    "listImages": ("GET", "/actors/v2/images"),
    "addImage": ("POST", "/actors/v2/images"),
    "getImageManifest": ("GET", "/actors/v2/images/manifest"),
    "listMissingBlobs": ("POST", "/actors/v2/images/missing"),
    "uploadFile": ("PUT", "/actors/v2/{actor_id}/files/{digest}"),
    "getFile": ("GET", "/actors/v2/{actor_id}/files/{digest}"),
    "uploadBlob": ("PUT", "/actors/v2/images/blobs/{digest}"),
    "getOneExecutionResult": ("GET", "/actors/v2/{actor_id}/executions/{execution_id}/results"),
    "listResults": ("GET", "/actors/v2/{actor_id}/results"),
    "listClients": ("GET", "/clients/v2"),
    "createClient": ("POST", "/clients/v2"),
    "getClient": ("GET", "/clients/v2/{client_name}"),
    "deleteClient": ("DELETE", "/clients/v2/{client_name}"),
    "listSubscriptions": ("GET", "/clients/v2/{client_name}/subscriptions"),
    "addSubscription": ("POST", "/clients/v2/{client_name}/subscriptions"),
    "deleteSubscriptions": ("DELETE", "/clients/v2/{client_name}/subscriptions"),
    "createToken": ("POST", "/token"),
    "revokeToken": ("POST", "/revoke"),
    "createTapisToken": ("POST", "/v3/oauth2/tokens"),
    "revokeTapisToken": ("POST", "/v3/oauth2/tokens/revoke"),
    "getProfile": ("GET", "/profiles/v2/me"),
    "getProfileByName": ("GET", "/profiles/v2/{username}"),
    "getUserinfo": ("GET", "/v3/oauth2/userinfo"),
    "getTapisProfile": ("GET", "/v3/oauth2/profiles/{username}"),
    "listTenants": ("GET", "/tenants"),
    "getTenant": ("GET", "/tenants/{tenant_id}"),
    "listTapisTenants": ("GET", "/v3/tenants"),
    "getTapisTenant": ("GET", "/v3/tenants/{tenant_id}"),
    "listSites": ("GET", "/v3/sites"),
}
OPEN = {"listTenants", "getTenant", "listTapisTenants", "getTapisTenant", "listSites"}
"""Need no credentials."""
OTHERWISE = {"createTapisToken", "revokeTapisToken"}
"""Bring their credentials in the body."""


@pytest.fixture
def document(world: World) -> dict[str, Any]:
    response = world.http.send("GET", "/openapi.json")
    assert response.headers["content-type"] == "application/json"
    body: dict[str, Any] = response.json()
    return body


def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()


def test_the_document_has_every_route(document: dict[str, Any]) -> None:
    operations = {
        operation["operationId"]: (method.upper(), path)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }
    assert operations == ROUTES


def test_every_documented_route_answers(world: World) -> None:
    """None is 404 or 405 as a path: without credentials all are 401, but for those that need none."""
    for name, (method, path) in ROUTES.items():
        if name not in OTHERWISE:
            assert world.http.send(method, path.replace("{tenant_id}", "DEV")).status_code == (
                200 if name in OPEN else 401
            )


def test_answers_hold_what_is_documented(world: World) -> None:
    """Decoded as documented and encoded again, each result is as before: no field is missing or too much."""
    world.image()
    actor = world.actor("pri", stateless=False, name="n", mem_limit="1g", max_cpus=10_000_000, log_ex=5, token=True)
    bare = world.actor("pri")
    execution = world.message(actor, user="pri")
    waiting = world.message(actor, user="pri")
    results = {
        actor: schemas.Actor,
        bare: schemas.Actor,
        "/actors/v2": list[schemas.Actor],
        f"{actor}/state": schemas.State,
        f"{actor}/messages": schemas.Messages,
        f"{actor}/executions": schemas.Summary,
        execution: schemas.Execution,
        waiting: schemas.Execution,
        f"{execution}/explain": schemas.Explanation,
        "/actors/v2/images": list[schemas.Image],
        "/actors/v2/images/manifest?image=abacosamples/base": schemas.ImageManifest,
        f"{waiting}/explain": schemas.Explanation,
        f"{execution}/logs": schemas.Logs,
    }
    for _ in range(2):  # before and after one execution
        for path, kind in results.items():
            require_documented(world.get(path, "pri"), kind)
        if world.get(execution, "pri")["status"] == "SUBMITTED":
            world.close(world.claim(actor), "log", cpu=1, io=2)
    require_documented(world.post(f"{actor}/messages", "pri", json=[1]), schemas.Posted)
    require_documented(world.post(f"{actor}/state", "pri", json=0), schemas.Actor)
    require_documented(world.post(f"{actor}/nonces", "pri", json={}), schemas.Nonce)
    require_documented(
        world.post(f"{actor}/permissions", "pri", json={"user": "x", "level": "READ"}), schemas.Permissions
    )
    alias = {"alias": "named", "actorId": actor.rpartition("/")[2]}
    require_documented(world.post("/actors/v2/aliases", "pri", json=alias), schemas.Alias)
    require_documented(world.post("/actors/v2/aliases/named/nonces", "pri", json={}), schemas.Nonce)
    config = {"name": "c", "value": "v", "isSecret": True, "actors": "named"}
    require_documented(world.post("/actors/v2/configs", "pri", json=config), schemas.Config)
    require_documented(world.send("DELETE", f"{actor}/messages", "pri").json()["result"], schemas.Purged)


def require_documented(result: Any, kind: Any) -> None:
    assert msgspec.to_builtins(msgspec.convert(result, kind)) == result


@pytest.mark.parametrize(("kind", "path"), [(schemas.Actor, ""), (schemas.Execution, "/executions/EID")])
def test_v3_shows_every_documented_field(world: World, kind: type[Camel], path: str) -> None:
    actor = world.actor()
    execution_id = world.message(actor).rpartition("/")[2]
    shown = world.get(actor.replace("/actors/v2", "/v3/actors") + path.replace("EID", execution_id))
    assert set(shown) == {"_links" if name == "links" else name for name in kind.__struct_fields__}


def test_every_failure_is_as_documented(world: World, document: dict[str, Any]) -> None:
    failure = document["components"]["schemas"]["Failure"]
    body = world.http.send("GET", "/actors").json()
    unknown = world.http.send("GET", "/actors", token="nobody's").json()
    assert set(failure["required"]) == set(body)
    assert set(failure["properties"]) == set(unknown)


def test_every_field_is_explained_with_an_example(document: dict[str, Any]) -> None:
    unexplained = [
        f"{name}.{field}"
        for name, schema in document["components"]["schemas"].items()
        for field, shape in schema["properties"].items()
        if not shape.get("description") or "examples" not in shape
    ]
    assert unexplained == []


def test_every_parameter_is_explained_with_an_example(document: dict[str, Any]) -> None:
    unexplained = [
        (operation["operationId"], parameter["name"])
        for item in document["paths"].values()
        for operation in item.values()
        for parameter in operation.get("parameters", [])
        if not parameter.get("description") or "example" not in parameter
    ]
    assert unexplained == []


def test_every_error_is_explained_with_an_example(document: dict[str, Any]) -> None:
    for item in document["paths"].values():
        for operation in item.values():
            failures = {code: answer for code, answer in operation["responses"].items() if code >= "400"}
            assert failures.keys() >= {"400", "401"}, operation["operationId"]
            assert all(answer["description"] for answer in failures.values())
            assert operation["summary"]
            assert operation["tags"]


def test_the_glossary_explains_nothing_that_is_not_there(document: dict[str, Any]) -> None:
    schemas_ = document["components"]["schemas"].items()
    fields = {
        name for schema, body in schemas_ for field in body["properties"] for name in (field, f"{schema}.{field}")
    }
    assert set(FIELDS) - fields == set()


class References(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in {"href", "src"} and value]


def test_the_page_needs_no_other_host(world: World) -> None:
    page = world.http.send("GET", "/docs/")
    assert page.headers["content-type"].startswith("text/html")
    references = References(page.text).found
    assert len(references) == 3
    assert "://" not in page.text
    for path in (*references, "/openapi.json"):
        asset = world.http.send("GET", path)
        assert asset.status_code == 200
        assert len(asset.content) > 500
    style = world.http.send("GET", "/docs/swagger-ui.css").text
    assert not re.search(r"@import|url\(['\"]?(https?:)?//", style)


@pytest.mark.parametrize("name", ["nowhere", "%2e%2e%2findex.html", "%00", "swagger-ui.css%00"])
def test_the_page_has_no_other_assets(world: World, name: str) -> None:
    world.require_refused(world.http.send("GET", f"/docs/{name}"), 404)
